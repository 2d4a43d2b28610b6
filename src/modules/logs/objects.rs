//! Logs in S3, as streams: a piece is fetched when the one before it is read.

use std::io::Read;
use std::num::NonZero;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use opsh_accesslog::Source;
use opsh_aws::stream::read_object;
use opsh_operation::{Fault, Map, Value};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::modules::{Context, given};

/// Pieces of an object that wait to be read; the network's own are some kilobytes each.
const AHEAD: usize = 16;

/// An object.
pub(super) struct Object {
    bucket: String,
    key: String,
}

impl Object {
    /// As a playbook says it.
    pub(super) fn of(map: &Map) -> Self {
        Self {
            bucket: given::text(map, "bucket").to_owned(),
            key: given::text(map, "key").to_owned(),
        }
    }
}

/// What fetches all objects, as many at a time as are read.
pub(super) type Fetch = BoxFuture<'static, Result<Value, Fault>>;

/// What is read, and what fetches it; nothing to fetch if there are no objects.
///
/// # Errors
/// There are no credentials.
pub(super) fn streams(
    context: &Context<'_>,
    objects: Vec<Object>,
    at_once: NonZero<usize>,
) -> Result<(Vec<Source>, Option<Fetch>), Fault> {
    if objects.is_empty() {
        return Ok((Vec::new(), None));
    }
    let session = context.world.aws(context.scope, context.cancel)?;
    let (sources, senders): (Vec<Source>, Vec<(Object, Sender<Bytes>)>) = objects
        .into_iter()
        .map(|object| {
            let (sender, receiver) = channel(AHEAD);
            (source(&object, receiver), (object, sender))
        })
        .unzip();
    let fetch = async move {
        futures_util::stream::iter(senders)
            .map(|(object, sender)| {
                let Object { bucket, key } = object;
                read_object(session.clone(), bucket, key, move |piece| {
                    let sender = sender.clone();
                    // Whoever reads may have given up.
                    async move { sender.send(piece).await.is_ok() }
                })
            })
            .buffer_unordered(at_once.get())
            .try_collect::<()>()
            .await?;
        Ok(Value::Null)
    };
    Ok((sources, Some(Box::pin(fetch))))
}

fn source(object: &Object, pieces: Receiver<Bytes>) -> Source {
    Source {
        name: format!("s3://{}/{}", object.bucket, object.key),
        open: Box::new(move || {
            Ok(Box::new(Pieces {
                pieces,
                piece: Bytes::new(),
            }))
        }),
    }
}

/// What arrives, as a reader on a thread of its own.
struct Pieces {
    pieces: Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
