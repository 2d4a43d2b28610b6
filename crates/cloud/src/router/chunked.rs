//! The `aws-chunked` coding of streamed uploads.
//!
//! Source: Amazon S3 user guide, "Signature calculations: transferring payload
//! in multiple chunks" and "…with trailing headers".

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue};

use crate::api::ApiError;

/// Replaces the body by its plain content and adds the trailers to the headers.
pub(super) fn unpack(http: &mut http::Request<Bytes>) -> Result<(), ApiError> {
    let mut rest = http.body().clone();
    let mut plain = BytesMut::new();
    loop {
        let line = line(&mut rest)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed("a chunk's size"))?;
        if size == 0 {
            break;
        }
        if rest.len() < size + 2 || &rest[size..size + 2] != b"\r\n" {
            return Err(malformed("a chunk's end"));
        }
        plain.extend_from_slice(&rest.split_to(size));
        let _ = rest.split_to(2);
    }
    while !rest.is_empty() {
        let line = line(&mut rest)?;
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) = (
                name.trim().parse::<HeaderName>(),
                value.trim().parse::<HeaderValue>(),
            )
        {
            http.headers_mut().insert(name, value);
        }
    }
    *http.body_mut() = plain.freeze();
    Ok(())
}

fn line(rest: &mut Bytes) -> Result<String, ApiError> {
    let end = rest
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .ok_or_else(|| malformed("a line's end"))?;
    let line = rest.split_to(end);
    let _ = rest.split_to(2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn malformed(what: &str) -> ApiError {
    ApiError::new(
        "IncompleteBody",
        format!("The chunked body is malformed: {what} is missing"),
    )
}
