//! An answer in the protocol of its request.

use serde_json::{Map, Value};

use super::Document;
use crate::api::xml::Xml;
use crate::api::{ApiRequest, ApiResponse, Protocol, cbor};

impl ApiRequest {
    /// A successful answer that says `result`.
    #[must_use]
    pub fn says(&self, result: &Document) -> ApiResponse {
        match self.protocol {
            Protocol::Json | Protocol::Cbor | Protocol::RestJson => self.value(&json(result)),
            Protocol::Ec2 | Protocol::Query | Protocol::Rest => {
                self.xml(inside(Xml::new(), result))
            }
        }
    }
}

fn json(document: &Document) -> Value {
    match document {
        Document::Text(text) => Value::String(text.clone()),
        Document::Integer(number) => Value::from(*number),
        Document::Number(number) => Value::from(*number),
        Document::Bool(yes) => Value::Bool(*yes),
        Document::Time(at) => cbor::time(*at),
        Document::List(items) => items.iter().map(json).collect(),
        Document::Fields(fields) | Document::Entries(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), json(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}

fn element(xml: Xml, name: &str, document: &Document) -> Xml {
    match document {
        Document::Text(text) => xml.text(name, text),
        Document::Integer(number) => xml.text(name, number),
        Document::Number(number) => xml.text(name, number),
        Document::Bool(yes) => xml.text(name, yes),
        Document::Time(at) => xml.text(name, at),
        Document::List(_) | Document::Fields(_) | Document::Entries(_) => {
            xml.node(name, |xml| inside(xml, document))
        }
    }
}

fn inside(xml: Xml, document: &Document) -> Xml {
    match document {
        Document::List(items) => items
            .iter()
            .fold(xml, |xml, item| element(xml, "member", item)),
        Document::Fields(fields) => fields
            .iter()
            .fold(xml, |xml, (name, value)| element(xml, name, value)),
        Document::Entries(entries) => entries.iter().fold(xml, |xml, (name, value)| {
            xml.node("entry", |xml| {
                element(xml.text("key", name), "value", value)
            })
        }),
        // A result is a structure: a scalar has no name to stand under.
        _ => xml,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result() -> Document {
        Document::fields([
            ("Names", Some(Document::list(["a<b", "c"]))),
            ("Missing", None),
            ("Attributes", Some(Document::entries([("k", "v")]))),
            ("Size", Some(Document::Integer(3))),
            ("At", Some(Document::Time(jiff::Timestamp::UNIX_EPOCH))),
        ])
    }

    #[test]
    fn in_xml_structures_lists_and_maps_are_elements() {
        let response = ApiRequest::query("sns", "GetIt", &[]).says(&result());
        let body = String::from_utf8_lossy(response.body());
        assert!(
            body.contains(
                "<GetItResult><Names><member>a&lt;b</member><member>c</member></Names>\
                 <Attributes><entry><key>k</key><value>v</value></entry></Attributes>\
                 <Size>3</Size><At>1970-01-01T00:00:00Z</At></GetItResult>"
            ),
            "{body}"
        );
    }

    #[test]
    fn in_cbor_they_are_maps_and_arrays() {
        let response =
            ApiRequest::cbor("cloudwatch", "GetIt", serde_json::Value::Null).says(&result());
        assert_eq!(
            cbor::decode(response.body()).ok(),
            Some(json!({"Names": ["a<b", "c"], "Attributes": {"k": "v"}, "Size": 3, "At": 0.0}))
        );
    }
}
