//! What a request is for: a service of AWS, a host in the cloud, or this server.
//!
//! Tools name the service in their signature and send everything to one address, so the
//! host says little: `127.0.0.1:4566/bucket/key`, `bucket.localhost:4566/key`. Who
//! visits a simulated host names it in `Host`, or uses the server as a proxy. Either
//! way the request goes on under the name that the thing has in the cloud.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use opsh_cloud::router::{header, pairs};

/// Where the server's own pages are.
const OWN: &str = "/_opsh/";

/// Where a request goes.
#[derive(Debug)]
pub(super) enum Door {
    /// To a service, signed.
    Api(http::Request<Bytes>),
    /// To whoever has the name in its URL.
    Visit(http::Request<Bytes>),
    /// To this server itself.
    Own(http::Request<Bytes>),
    /// Nowhere: it is no request of this kind of server, or a web page sent it.
    Refused(&'static str),
}

/// Finds the door for a request that came to `port`; the cloud is in `region`.
pub(super) fn find(mut request: http::Request<Bytes>, port: u16, region: &str) -> Door {
    let Some(asked) = asked(&request) else {
        return Door::Refused("the request names no host");
    };
    let own = is_own(asked.host());
    let signed = header(&request, AUTHORIZATION.as_str()).starts_with("AWS")
        || !header(&request, "x-amz-target").is_empty();
    let query = pairs(request.uri().query().unwrap_or_default());
    // A presigned URL of S3 is for visitors; of another service it is a call.
    let presigned = query
        .get("X-Amz-Credential")
        .is_some_and(|credential| !credential.contains("/s3/"));
    let foreign = header(&request, "sec-fetch-site") == "cross-site";
    if own && is_ours(&request, signed) {
        if foreign {
            return Door::Refused("a web page of another site may not ask this");
        }
        return Door::Own(request);
    }
    if signed || presigned {
        if foreign {
            return Door::Refused("a web page of another site may not call AWS here");
        }
        let host = endpoint(asked.host(), region).unwrap_or_else(|| asked.to_string());
        return match moved(&mut request, &host) {
            Some(()) => Door::Api(request),
            None => Door::Refused("the request names no host"),
        };
    }
    // The links in messages of SNS.
    if own && query.contains_key("Action") {
        let moved = moved(&mut request, &format!("sns.{region}.amazonaws.com"));
        return moved.map_or(Door::Refused("the request names no host"), |()| {
            Door::Visit(request)
        });
    }
    let (host, renamed) = visited(&asked, port, region);
    if renamed && let Ok(value) = HeaderValue::from_str(&host) {
        request.headers_mut().insert(HOST, value);
    }
    match moved(&mut request, &host) {
        Some(()) => Door::Visit(request),
        None => Door::Refused("the request names no host"),
    }
}

/// The host and port that were asked for: of a proxied request those of its URL.
fn asked(request: &http::Request<Bytes>) -> Option<Authority> {
    match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => header(request, HOST.as_str()).parse().ok(),
    }
}

fn is_own(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether this server itself is meant: by a run of opsh, or by somebody who looks what
/// is here.
fn is_ours(request: &http::Request<Bytes>, signed: bool) -> bool {
    let looks = request.method() == http::Method::GET && request.uri().query().is_none();
    match request.uri().path() {
        "/" => looks && !signed,
        path => path.starts_with(OWN),
    }
}

/// The name of S3, or of a bucket there, that a loopback name stands for.
fn endpoint(host: &str, region: &str) -> Option<String> {
    if is_own(host) {
        return Some(format!("s3.{region}.amazonaws.com"));
    }
    let name = host.strip_suffix(".localhost")?;
    if name == "s3" || name.starts_with("s3.") {
        return Some(format!("s3.{region}.amazonaws.com"));
    }
    let bucket = match name.rfind(".s3") {
        Some(at) if matches!(&name[at + 3..], rest if rest.is_empty() || rest.starts_with('.')) => {
            &name[..at]
        }
        _ => name,
    };
    Some(format!("{bucket}.s3.{region}.amazonaws.com"))
}

/// Who is visited, and whether that is another name than the visitor knows.
fn visited(asked: &Authority, port: u16, region: &str) -> (String, bool) {
    let host = asked.host();
    // `203.0.113.10.localhost`: any browser can visit that.
    if let Some(name) = host.strip_suffix(".localhost")
        && (name.parse::<std::net::Ipv4Addr>().is_ok() || name.ends_with(".amazonaws.com"))
    {
        return (name.to_owned(), true);
    }
    if let Some(host) = endpoint(host, region) {
        return (host, false);
    }
    // The port is this server's own where a name was made to lead here.
    match asked.port_u16() {
        Some(own) if own == port => (host.to_owned(), true),
        _ => (asked.to_string(), false),
    }
}

/// Makes the request's URL absolute, at `host`.
fn moved(request: &mut http::Request<Bytes>, host: &str) -> Option<()> {
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(host.parse().ok()?);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some("/".parse().ok()?);
    }
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::{Door, find};

    const PORT: u16 = 4566;
    const SIGNED: (&str, &str) = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request, Signature=0",
    );

    /// The door's name and the URL behind it.
    fn door(uri: &str, host: &str, header: Option<(&str, &str)>) -> (&'static str, String) {
        let mut request = http::Request::builder().uri(uri);
        if !host.is_empty() {
            request = request.header("host", host);
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        match find(request.body(Bytes::new()).unwrap(), PORT, "us-east-1") {
            Door::Api(request) => ("api", request.uri().to_string()),
            Door::Visit(request) => ("visit", request.uri().to_string()),
            Door::Own(request) => ("own", request.uri().to_string()),
            Door::Refused(_) => ("refused", String::new()),
        }
    }

    #[test]
    fn buckets_are_found_by_path_and_by_name() {
        for (host, path, url) in [
            (
                "127.0.0.1:4566",
                "/b/k",
                "http://s3.us-east-1.amazonaws.com/b/k",
            ),
            (
                "b.localhost:4566",
                "/k",
                "http://b.s3.us-east-1.amazonaws.com/k",
            ),
            (
                "b.s3.localhost:4566",
                "/k",
                "http://b.s3.us-east-1.amazonaws.com/k",
            ),
            (
                "a.b.s3.eu-west-1.localhost",
                "/k",
                "http://a.b.s3.us-east-1.amazonaws.com/k",
            ),
            (
                "s3.localhost:4566",
                "/b/k",
                "http://s3.us-east-1.amazonaws.com/b/k",
            ),
            (
                "b.s3.us-east-1.amazonaws.com",
                "/k",
                "http://b.s3.us-east-1.amazonaws.com/k",
            ),
        ] {
            assert_eq!(
                door(path, host, Some(SIGNED)),
                ("api", url.to_owned()),
                "{host}"
            );
            assert_eq!(door(path, host, None), ("visit", url.to_owned()), "{host}");
        }
    }

    #[test]
    fn hosts_are_visited_by_header_by_proxy_and_by_name() {
        for (uri, host, url) in [
            ("/x", "203.0.113.10", "http://203.0.113.10/x"),
            ("/x", "203.0.113.10:8080", "http://203.0.113.10:8080/x"),
            ("/x", "203.0.113.10:4566", "http://203.0.113.10/x"),
            ("/", "203.0.113.10.localhost:4566", "http://203.0.113.10/"),
            (
                "http://203.0.113.10/x",
                "203.0.113.10",
                "http://203.0.113.10/x",
            ),
            (
                "/",
                "web-1.us-east-1.elb.amazonaws.com.localhost:4566",
                "http://web-1.us-east-1.elb.amazonaws.com/",
            ),
        ] {
            assert_eq!(door(uri, host, None), ("visit", url.to_owned()), "{host}");
        }
    }

    #[test]
    fn signatures_in_the_query_and_links_of_messages_find_their_service() {
        let sts =
            "/?Action=GetCallerIdentity&X-Amz-Credential=AK%2F1%2Fus-east-1%2Fsts%2Faws4_request";
        assert_eq!(door(sts, "127.0.0.1:4566", None).0, "api");
        let s3 = "/b/k?X-Amz-Credential=AK%2F1%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(door(s3, "127.0.0.1:4566", None).0, "visit");
        let link = "/?Action=ConfirmSubscription&Token=1";
        assert_eq!(
            door(link, "127.0.0.1:4566", None).1,
            "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"
        );
    }

    #[test]
    fn only_loopback_names_reach_the_server_itself() {
        let path = "/_opsh/v1/hello";
        assert_eq!(door(path, "127.0.0.1:4566", None).0, "own");
        assert_eq!(door("/", "localhost:4566", None).0, "own");
        assert_eq!(door(path, "evil.example:4566", None).0, "visit");
        assert_eq!(door(path, "b.localhost:4566", None).0, "visit");
        let page = Some(("sec-fetch-site", "cross-site"));
        assert_eq!(door(path, "127.0.0.1:4566", page).0, "refused");
        assert_eq!(door(path, "", None).0, "refused");
    }
}
