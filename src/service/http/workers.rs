//! Who handles requests: so many at once, so many waiting, and no more.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use opsh_operation::Value;
use tokio::sync::oneshot;

use crate::script::error::ScriptError;
use crate::service::{Event, Hub};

type Outcome = Result<Value, ScriptError>;

/// A request on its way to a worker.
pub struct Job {
    event: Event,
    answer: oneshot::Sender<Outcome>,
}

/// How requests get to be handled.
pub enum Work {
    /// By workers, on threads of their own.
    Queue(SyncSender<Job>),
    /// At once, on the thread that asks, which is a branch of the virtual clock.
    Here,
}

/// Why a request is not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// As many as may wait do so already.
    Full,
    /// There are no workers any more.
    Stopping,
}

impl Work {
    /// Gives `event` to whoever handles it, and waits for what comes of it.
    pub(super) async fn give(&self, hub: &Hub, event: Event) -> Result<Outcome, Busy> {
        let queue = match self {
            Self::Here => return Ok(hub.handle(&event)),
            Self::Queue(queue) => queue,
        };
        let (answer, answered) = oneshot::channel();
        queue
            .try_send(Job { event, answer })
            .map_err(|error| match error {
                TrySendError::Full(_) => Busy::Full,
                TrySendError::Disconnected(_) => Busy::Stopping,
            })?;
        answered.await.map_err(|_| Busy::Stopping)
    }
}

/// Starts `count` workers before a queue for `waiting` requests; they end when nobody can
/// give them anything any more.
///
/// # Errors
/// No thread can be started.
pub fn start(
    hub: &Arc<Hub>,
    name: &str,
    count: usize,
    waiting: usize,
) -> std::io::Result<(Work, Vec<JoinHandle<()>>)> {
    let (sender, receiver) = sync_channel(waiting);
    let receiver = Arc::new(Mutex::new(receiver));
    let workers = (0..count)
        .map(|_| {
            let (own, receiver) = (Arc::clone(hub), Arc::clone(&receiver));
            hub.worker(name, move || {
                while let Some(Job { event, answer }) = next(&receiver) {
                    // Who has gone away needs no answer.
                    let _ = answer.send(own.handle(&event));
                }
            })
        })
        .collect::<std::io::Result<_>>()?;
    Ok((Work::Queue(sender), workers))
}

fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
    let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
    receiver.recv().ok()
}
