//! Who handles requests: so many at once, so many waiting, and no more.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use opsh_operation::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::lock::lock;
use crate::script::error::ScriptError;
use crate::service::{Event, Hub};

type Outcome = Result<Value, ScriptError>;

/// A request on its way to a worker.
struct Job {
    event: Event,
    answer: oneshot::Sender<Outcome>,
    /// Given up when it has been handled.
    place: OwnedSemaphorePermit,
}

/// What workers take their jobs from.
pub struct Queue {
    jobs: Sender<Job>,
    /// Places of those that are handled and of those that wait: a job that a worker is about
    /// to take is none that waits.
    places: Arc<Semaphore>,
}

/// How requests get to be handled.
pub enum Work {
    /// By workers, on threads of their own.
    Queue(Queue),
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
        let places = Arc::clone(&queue.places);
        let place = places.try_acquire_owned().map_err(|_| Busy::Full)?;
        let (answer, answered) = oneshot::channel();
        let job = Job {
            event,
            answer,
            place,
        };
        queue.jobs.send(job).map_err(|_| Busy::Stopping)?;
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
    let (jobs, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let workers = (0..count)
        .map(|_| {
            let (own, receiver) = (Arc::clone(hub), Arc::clone(&receiver));
            hub.worker(name, move || {
                while let Some(job) = next(&receiver) {
                    let outcome = own.handle(&job.event);
                    drop(job.place);
                    // Who has gone away needs no answer.
                    let _ = job.answer.send(outcome);
                }
            })
        })
        .collect::<std::io::Result<_>>()?;
    let places = Arc::new(Semaphore::new(count + waiting));
    Ok((Work::Queue(Queue { jobs, places }), workers))
}

fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
    lock(receiver).recv().ok()
}
