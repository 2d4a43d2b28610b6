//! What went wrong with an exchange, in words for people.

use std::io::{Error as IoError, ErrorKind};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};
use url::Url;

/// A URL as messages show it: what is likely to be secret in it left out.
pub(super) fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.to_owned();
    };
    let secretive = parsed.query().is_some() || !parsed.username().is_empty();
    if !secretive {
        return parsed.to_string();
    }
    if parsed.query().is_some() {
        parsed.set_query(Some("…"));
    }
    // Cannot fail for http and https; other URLs are not secretive.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.to_string().replace("?%E2%80%A6", "?…")
}

pub(super) fn timeout(url: &str, limit: Duration) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Timeout,
        format!(
            "{}: no complete answer within {}",
            shown(url),
            humantime::format_duration(limit)
        ),
    )
    .hint("check that the address is right and reachable from here, or raise 'timeout'");
    fault.retryable = true;
    fault.open()
}

pub(super) fn too_large(url: &str, limit: u64) -> Fault {
    Fault::new(
        FaultKind::Limit,
        format!(
            "{}: the body is larger than the limit of {limit} bytes",
            shown(url)
        ),
    )
    .hint("raise 'limit' if a body of that size is expected")
}

fn unreachable(url: &str, reason: &str, hint: &str) -> Fault {
    let mut fault =
        Fault::new(FaultKind::Unreachable, format!("{}: {reason}", shown(url))).hint(hint);
    fault.retryable = true;
    fault
}

pub(super) fn from_ureq(error: ureq::Error, url: &str, limit: Duration) -> Fault {
    use ureq::Error as E;
    match error {
        E::Timeout(_) => timeout(url, limit),
        E::HostNotFound => no_such_host(url),
        E::Io(error) => from_io(error, url, limit),
        E::Rustls(error) => untrusted(url, &error),
        E::Tls(reason) => unreachable(url, &format!("TLS failed: {reason}"), TLS_HINT),
        E::BadUri(reason) => Fault::new(
            FaultKind::Invalid,
            format!("'{}' is not a usable URL: {reason}", shown(url)),
        ),
        E::Http(error) => Fault::new(FaultKind::Invalid, format!("{}: {error}", shown(url))),
        E::ConnectionFailed => unreachable(url, "the connection failed", CONNECT_HINT),
        E::LargeResponseHeader(size, most) => Fault::new(
            FaultKind::Limit,
            format!("{}: {size} bytes of headers, more than {most}", shown(url)),
        ),
        E::Protocol(error) => unreachable(
            url,
            &format!("what answers does not speak HTTP: {error}"),
            "check the port and whether it is http or https",
        ),
        E::Decompress(name, error) => Fault::new(
            FaultKind::Failed,
            format!("{}: the {name} body is damaged: {error}", shown(url)),
        ),
        other => Fault::new(FaultKind::Failed, format!("{}: {other}", shown(url))),
    }
}

const CONNECT_HINT: &str =
    "check the address and port, that the server is started, and what the firewall lets through";
const TLS_HINT: &str = "check the host name and the server's certificate";

fn from_io(error: IoError, url: &str, limit: Duration) -> Fault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(tls) = tls {
        return untrusted(url, tls);
    }
    if error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<ureq::Error>)
    {
        return match error
            .into_inner()
            .map(<dyn std::error::Error + Send + Sync>::downcast)
        {
            Some(Ok(inner)) => from_ureq(*inner, url, limit),
            _ => unreachable(url, "the connection failed", CONNECT_HINT),
        };
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => unreachable(
            url,
            "the connection was refused: nothing listens there",
            CONNECT_HINT,
        ),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => timeout(url, limit),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            unreachable(url, "the connection was reset", CONNECT_HINT).open()
        }
        ErrorKind::UnexpectedEof => unreachable(
            url,
            "the connection was closed in the middle of the answer",
            CONNECT_HINT,
        )
        .open(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            unreachable(url, "there is no route to it", CONNECT_HINT)
        }
        _ if error.to_string().contains("lookup") => no_such_host(url),
        _ => unreachable(url, &error.to_string(), CONNECT_HINT),
    }
}

fn no_such_host(url: &str) -> Fault {
    unreachable(
        url,
        "there is no such host",
        "check the spelling of the host name, and the network's name service",
    )
}

fn untrusted(url: &str, error: &rustls::Error) -> Fault {
    unreachable(url, &format!("TLS failed: {error}"), TLS_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_shown() {
        assert_eq!(
            shown("https://user:pass@example.com/a?X-Amz-Signature=s"),
            "https://example.com/a?…"
        );
        assert_eq!(shown("http://example.com/a#b"), "http://example.com/a#b");
        assert_eq!(shown("not a url"), "not a url");
    }
}
