//! Objects of S3 piece by piece, for those who need not have them whole.

use std::future::Future;

use bytes::Bytes;
use opsh_operation::{Fault, FaultKind};

use crate::Session;
use crate::glue::{Patience, fault, s3_client};

/// Reads an object; `sink` gets each piece, and ends the reading by saying false.
///
/// # Errors
/// The object cannot be read, or the connection breaks; the message names the object.
pub async fn read_object<F, W>(
    session: Session,
    bucket: String,
    key: String,
    mut sink: F,
) -> Result<(), Fault>
where
    F: FnMut(Bytes) -> W,
    W: Future<Output = bool>,
{
    let named = |mut fault: Fault| {
        fault.message = format!("s3://{bucket}/{key}: {}", fault.message);
        fault
    };
    let client = session.client(Patience::Transfer, s3_client);
    let request = client.get_object().bucket(&bucket).key(&key);
    let mut body = request
        .send()
        .await
        .map_err(|error| named(fault(error)))?
        .body;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            let mut fault = Fault::new(
                FaultKind::Unreachable,
                format!("the connection broke while the object was read: {error}"),
            );
            fault.retryable = true;
            named(fault)
        })?;
        if !sink(piece).await {
            break;
        }
    }
    Ok(())
}
