//! An answer in the protocol of its request.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use quick_xml::escape::escape;

use super::{Document, cbor};
use crate::api::{ApiRequest, ApiResponse};

/// Whether `request` is Smithy RPC v2 CBOR.
#[must_use]
pub fn is_cbor(request: &ApiRequest) -> bool {
    request
        .http
        .headers()
        .get("smithy-protocol")
        .is_some_and(|value| value.as_bytes() == b"rpc-v2-cbor")
}

/// Answers `request` with `result`; `namespace` is the XML namespace of the service.
#[must_use]
pub fn answer(
    request: &ApiRequest,
    namespace: &str,
    request_id: &str,
    result: &Document,
) -> ApiResponse {
    let mut response = ApiResponse::default();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if is_cbor(request) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
        headers.insert(
            HeaderName::from_static("smithy-protocol"),
            HeaderValue::from_static("rpc-v2-cbor"),
        );
        *response.body_mut() = cbor::bytes(result);
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        *response.body_mut() = xml(&request.action, namespace, request_id, result);
    }
    response
}

fn xml(action: &str, namespace: &str, request_id: &str, result: &Document) -> Bytes {
    let mut out = format!("<{action}Response xmlns=\"{namespace}\"><{action}Result>");
    inner(&mut out, result);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    );
    out.into()
}

fn element(out: &mut String, name: &str, document: &Document) {
    let _ = write!(out, "<{name}>");
    inner(out, document);
    let _ = write!(out, "</{name}>");
}

fn inner(out: &mut String, document: &Document) {
    let _ = match document {
        Document::Text(text) => {
            out.push_str(&escape(text));
            Ok(())
        }
        Document::Integer(number) => write!(out, "{number}"),
        Document::Number(number) => write!(out, "{number}"),
        Document::Bool(yes) => write!(out, "{yes}"),
        Document::Time(at) => write!(out, "{at}"),
        Document::List(items) => {
            for item in items {
                element(out, "member", item);
            }
            Ok(())
        }
        Document::Fields(fields) => {
            for (name, value) in fields {
                element(out, name, value);
            }
            Ok(())
        }
        Document::Entries(entries) => {
            for (name, value) in entries {
                out.push_str("<entry>");
                element(out, "key", &Document::Text(name.clone()));
                element(out, "value", value);
                out.push_str("</entry>");
            }
            Ok(())
        }
    };
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request of the query protocol.
    pub(crate) fn request(service: &str, action: &str, pairs: &[(&str, &str)]) -> ApiRequest {
        ApiRequest {
            service: service.to_owned(),
            action: action.to_owned(),
            region: "us-east-1".to_owned(),
            params: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            http: http::Request::default(),
        }
    }

    #[test]
    fn structures_lists_and_maps_are_elements() {
        let result = Document::fields([
            ("Names", Some(Document::list(["a<b", "c"]))),
            ("Missing", None),
            ("Attributes", Some(Document::entries([("k", "v")]))),
            ("Size", Some(Document::Integer(3))),
        ]);
        let response = answer(&request("x", "GetIt", &[]), "urn:x", "r-1", &result);
        assert_eq!(
            response.body(),
            "<GetItResponse xmlns=\"urn:x\"><GetItResult>\
             <Names><member>a&lt;b</member><member>c</member></Names>\
             <Attributes><entry><key>k</key><value>v</value></entry></Attributes>\
             <Size>3</Size></GetItResult>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetItResponse>"
        );
    }
}
