//! `s3::object_url`: where a browser finds an object.

use aws_types::SdkConfig;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use opsh_operation::{Effect, Fault, Map, Operation, Shape, Structure, Value};

use super::{BUCKET, KEY};
use crate::glue::{Reply, s3_endpoint, take};
use crate::{Binding, Controls, Fills, Session};

static INPUT: Structure = Structure {
    name: "ObjectUrlInput",
    fields: &[BUCKET, KEY],
};

static OPERATION: Operation = Operation {
    module: "s3",
    name: "object_url",
    action: "s3:ObjectUrl",
    summary: "Tells the URL of an object at the S3 endpoint in use; whether it may be read there is another matter.",
    input: &INPUT,
    positional: &[],
    output: Shape::Text,
    effect: Effect::Read,
    raises: &[],
    example: r#"s3::object_url(#{ bucket: "opsh-example", key: "an image.jpg" })"#,
};

pub const BINDING: Binding = Binding {
    operation: &OPERATION,
    call,
    fills: Fills::NONE,
};

fn call(session: &Session, mut input: Map, _: Controls) -> Reply {
    ready(url(session.config(), &mut input).map(Value::Text)).boxed()
}

fn url(config: &SdkConfig, input: &mut Map) -> Result<String, Fault> {
    let bucket: String = take(input, "bucket")?.unwrap_or_default();
    let key: String = take(input, "key")?.unwrap_or_default();
    let region = config
        .region()
        .map_or("us-east-1", aws_types::region::Region::as_ref);
    let endpoint = s3_endpoint(config);
    Ok(object_url(endpoint.as_deref(), region, &bucket, &key))
}

/// The URL of an object: with the bucket as host name at AWS, as path elsewhere.
///
/// A bucket with a dot in its name is a path at AWS too, because the certificate
/// does not cover it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>).
fn object_url(endpoint: Option<&str>, region: &str, bucket: &str, key: &str) -> String {
    let key = encoded(key);
    if let Some(endpoint) = endpoint {
        return format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/'));
    }
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    if bucket.contains('.') {
        format!("https://s3.{region}.{domain}/{bucket}/{key}")
    } else {
        format!("https://{bucket}.s3.{region}.{domain}/{key}")
    }
}

/// `key` with all but RFC 3986's unreserved characters and `/` percent-encoded.
fn encoded(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                text.push(byte.into());
            }
            _ => {
                text.push('%');
                for half in [byte >> 4, byte & 15] {
                    text.extend(char::from_digit(half.into(), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::object_url;

    #[test]
    fn urls_follow_endpoint_region_and_bucket() {
        let cases = [
            (
                (None, "us-east-1", "pics", "a b/ü.jpg"),
                "https://pics.s3.us-east-1.amazonaws.com/a%20b/%C3%BC.jpg",
            ),
            (
                (None, "eu-west-1", "my.pics", "a"),
                "https://s3.eu-west-1.amazonaws.com/my.pics/a",
            ),
            (
                (None, "cn-north-1", "pics", "a"),
                "https://pics.s3.cn-north-1.amazonaws.com.cn/a",
            ),
            (
                (Some("http://127.0.0.1:5000/"), "us-east-1", "pics", "a+b"),
                "http://127.0.0.1:5000/pics/a%2Bb",
            ),
        ];
        for ((endpoint, region, bucket, key), url) in cases {
            assert_eq!(object_url(endpoint, region, bucket, key), url);
        }
    }
}
