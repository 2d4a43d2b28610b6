//! Which bucket and key a URL means, virtual-hosted or path style.

use bytes::Bytes;
use percent_encoding::percent_decode_str;

use crate::router::host;

/// What a URL points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The bucket, if any.
    pub bucket: Option<String>,
    /// The key, if any, decoded.
    pub key: Option<String>,
}

/// The bucket in a host name of S3: `Some(None)` for S3 itself (path style),
/// `None` for other hosts.
///
/// Source: Amazon S3 user guide, "Virtual hosting of general purpose buckets".
#[must_use]
pub fn bucket_of_host(host: &str) -> Option<Option<String>> {
    let rest = host.strip_suffix(".amazonaws.com")?;
    let labels: Vec<&str> = rest.split('.').collect();
    let at = labels.iter().rposition(|label| {
        *label == "s3" || label.starts_with("s3-") && !label.starts_with("s3-website")
    })?;
    if labels.len() - at > 3 {
        return None;
    }
    Some((at > 0).then(|| labels[..at].join(".")))
}

impl Place {
    pub fn of(http: &http::Request<Bytes>) -> Self {
        let path = http.uri().path().trim_start_matches('/');
        let some = |text: &str| {
            (!text.is_empty()).then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
        };
        if let Some(Some(bucket)) = bucket_of_host(&host(http)) {
            return Self {
                bucket: Some(bucket),
                key: some(path),
            };
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Self {
            bucket: some(bucket),
            key: some(key),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::Place;

    #[test]
    fn both_styles_name_the_same_place() {
        for (url, bucket, key) in [
            (
                "https://b.s3.us-east-1.amazonaws.com/a%20b/c",
                Some("b"),
                Some("a b/c"),
            ),
            ("https://b.c.s3.amazonaws.com/k", Some("b.c"), Some("k")),
            (
                "https://s3.us-east-1.amazonaws.com/b/k/l",
                Some("b"),
                Some("k/l"),
            ),
            ("https://s3.us-east-1.amazonaws.com/b/", Some("b"), None),
            ("https://s3.amazonaws.com/", None, None),
            ("http://localhost:4566/b/k", Some("b"), Some("k")),
        ] {
            let http = http::Request::builder()
                .uri(url)
                .body(Bytes::new())
                .unwrap();
            let place = Place::of(&http);
            assert_eq!(place.bucket.as_deref(), bucket, "{url}");
            assert_eq!(place.key.as_deref(), key, "{url}");
        }
    }
}
