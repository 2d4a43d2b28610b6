//! Bodies sent and received, also from and to files.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use aws_smithy_types::byte_stream::ByteStream;
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::encode::put;

/// The largest body that is returned as bytes.
pub const LARGEST: usize = 64 * 1024 * 1024;

/// What a [`opsh_operation::Shape::Body`] says to send; files are streamed.
///
/// # Errors
/// The file cannot be read.
pub async fn request_body(value: Option<Value>) -> Result<Option<ByteStream>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bytes(bytes)) => Ok(Some(ByteStream::from(bytes))),
        Some(Value::Map(map)) => {
            let path = map.get("file").and_then(Value::as_text).unwrap_or_default();
            ByteStream::from_path(path)
                .await
                .map(Some)
                .map_err(|error| {
                    let reason = std::error::Error::source(&error)
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    unusable("read", path, &reason)
                })
        }
        Some(other) => match other.as_text() {
            Some(text) => Ok(Some(ByteStream::from(text.as_bytes().to_vec()))),
            None => Err(Fault::new(
                FaultKind::Invalid,
                format!(
                    "a body must be text, bytes or #{{ file: \"path\" }}, not {}",
                    other.type_name()
                ),
            )),
        },
    }
}

/// The content of a `#{ file: "path" }` where the API takes no stream.
///
/// # Errors
/// The file cannot be read.
pub fn content(map: &Map) -> Result<Vec<u8>, Fault> {
    let path = map.get("file").and_then(Value::as_text).unwrap_or_default();
    std::fs::read(path).map_err(|error| unusable("read", path, &error.to_string()))
}

fn unusable(verb: &str, path: &str, reason: &str) -> Fault {
    Fault::new(
        FaultKind::Failed,
        format!("cannot {verb} the file '{path}': {reason}"),
    )
}

/// `result` with its body: as bytes at `name`, or in the file `to_file`.
///
/// # Errors
/// The connection breaks, the file cannot be written, or the body is too large for a value.
pub async fn with_body(
    result: Value,
    name: &str,
    body: ByteStream,
    to_file: Option<Value>,
) -> Result<Value, Fault> {
    let Value::Map(mut map) = result else {
        return Ok(result);
    };
    match to_file.as_ref().and_then(Value::as_text) {
        Some(path) => {
            save(body, path).await?;
            put(&mut map, "file", path.into());
        }
        None => put(&mut map, name, Value::Bytes(collect(body).await?)),
    }
    Ok(Value::Map(map))
}

async fn collect(mut body: ByteStream) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(broken)?);
        if bytes.len() > LARGEST {
            return Err(Fault::new(
                FaultKind::Limit,
                format!("the body is larger than {} MiB", LARGEST / 1024 / 1024),
            )
            .hint("give the parameter `to_file` to write it to a file"));
        }
    }
    Ok(bytes)
}

/// Writes beside the file and renames, so that no half of a body is ever there.
async fn save(mut body: ByteStream, path: &str) -> Result<(), Fault> {
    let failed = |error: std::io::Error| unusable("write", path, &error.to_string());
    let partial = format!("{path}.part");
    let outcome = async {
        let mut file = File::create(&partial).map_err(failed)?;
        while let Some(chunk) = body.next().await {
            file.write_all(&chunk.map_err(broken)?).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        std::fs::rename(&partial, path).map_err(failed)
    }
    .await;
    if outcome.is_err() && Path::new(&partial).exists() {
        std::fs::remove_file(&partial).map_err(failed)?;
    }
    outcome
}

#[allow(clippy::needless_pass_by_value)] // a function for `map_err`
fn broken(error: aws_smithy_types::byte_stream::error::Error) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Unreachable,
        format!("the connection broke while the body was read: {error}"),
    );
    fault.retryable = true;
    fault
}
