//! `run_forever`: all sources alive together, and how they end.
//!
//! The first signal ends the taking in of events; those that are being handled come to
//! their end, for at most the grace. What is cut off then is left open in the ledger: the
//! next process of the service goes on with it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind, Value};
use tracing::Level;

use super::hub::Work;
use super::rehearsal::{self, no_thread};
use super::{Event, Hub, Source, Timing};
use crate::gate::branch;
use crate::ledger::{EventRun, Keep};
use crate::script::engine::Runtime;
use crate::world::{Kind, Reason};

/// How long events that are being handled hold up a service that is to stop.
pub const GRACE: Duration = Duration::from_secs(30);

/// What of recorded events a service keeps in the ledger.
pub const KEEP: Keep = Keep {
    events: 1000,
    bytes: 64 << 20,
};

/// How a service is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long events that are being handled hold up a service that is to stop.
    pub grace: Duration,
    /// What of recorded events it keeps in the ledger, beside those whose resources are
    /// still there.
    pub keep: Keep,
}

/// How long handlers that have been told to stop may take to do so.
const LAST: Duration = Duration::from_secs(5);

/// How long what may wait in memory does so.
const FLUSH: Duration = Duration::from_secs(1);

/// How often it is looked whether the service is to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Runs the service that `runtime`'s playbook has registered until it is to stop, and says
/// what it did.
///
/// # Errors
/// Nothing is registered; a source cannot be opened or fails; the run's deadline.
pub fn run(runtime: &Arc<Runtime>, options: Options) -> Result<Value, Fault> {
    let service = &runtime.service;
    service.possible("run_forever")?;
    let sources = service.sources();
    if sources.is_empty() {
        return Err(Fault::new(
            FaultKind::Invalid,
            "run_forever: there is nothing to wait for",
        )
        .hint("register a source first: serve(#{ … }), every(\"60s\", || …)"));
    }
    let world = &runtime.gate.world;
    if matches!(service.timing(), Timing::Real(_)) && world.kind() != Kind::Live {
        world.follow_real_time();
    }
    let hub = Arc::new(Hub::new(runtime, branch::next_step().0, options)?);
    hub.ends_at(end(service.timing()));
    let open = under_way(&hub)?;
    service.alive().store(true, Ordering::SeqCst);
    let begun = settled(&hub, open).and_then(|()| react(&hub, &sources));
    service.alive().store(false, Ordering::SeqCst);
    begun?;
    ended(&hub, runtime)?;
    Ok(hub.summary(&sources))
}

/// Lets all sources bring their events until they are to stop.
fn react(hub: &Arc<Hub>, sources: &[Arc<dyn Source>]) -> Result<(), Fault> {
    if hub.stop().reason().is_some() {
        return Ok(());
    }
    for source in sources {
        source.open(hub).map_err(|mut fault| {
            fault.message = format!("{}: {}", source.label(), fault.message);
            fault
        })?;
    }
    let mut works: Vec<(String, Work)> = Vec::new();
    if let Timing::Rehearsed(_, events) = hub.runtime().service.timing() {
        works.extend(rehearsal::player(sources, events)?);
    }
    for source in sources {
        let own = Arc::clone(source);
        works.push((source.label(), Box::new(move |hub| hub.runs(&own))));
    }
    let begun = hub.threads(works).map_err(|error| no_thread(&error));
    if begun.is_ok() {
        wait(hub);
    }
    for source in sources {
        source.close();
    }
    begun
}

/// When the virtual time of a rehearsal is up.
fn end(timing: &Timing) -> Option<Duration> {
    match timing {
        Timing::Rehearsed(Some(length), _) => Some(*length),
        Timing::Rehearsed(None, events) => events.last().map(|event| event.at),
        _ => None,
    }
}

/// What an earlier process of the service was about when it ended.
fn under_way(hub: &Hub) -> Result<Vec<EventRun>, Fault> {
    let journal = &hub.gate().journal;
    let stack = journal.stack();
    journal.with_ledger(|ledger, _| ledger.open_events(&stack))
}

/// Goes on with these events before anything new may come, and is to be stopped meanwhile
/// as the service itself is.
fn settled(hub: &Arc<Hub>, open: Vec<EventRun>) -> Result<(), Fault> {
    if open.is_empty() {
        return Ok(());
    }
    let work: Work = Box::new(|hub| settle(hub, open));
    let begun = hub.threads(vec![("settling".to_owned(), work)]);
    begun.map_err(|error| no_thread(&error))?;
    wait(hub);
    Ok(())
}

fn settle(hub: &Hub, open: Vec<EventRun>) {
    for recorded in open {
        if hub.stop().reason().is_some() {
            // The next process goes on with it.
            break;
        }
        let EventRun { run, event } = &recorded;
        let Some(handler) = hub.runtime().service.find(&event.handler) else {
            hub.say(
                Level::WARN,
                &format!(
                    "the event {} ({}) was under way when its process ended, and nothing here \
                     handles it any more; `opsh undo {}{}` undoes what it did",
                    run.id,
                    event.label,
                    run.id,
                    hub.gate().flags()
                ),
            );
            continue;
        };
        hub.say(
            Level::INFO,
            &format!(
                "going on with the event {} ({}), which was under way when its process ended",
                run.id, event.label
            ),
        );
        let again = Event::new(&handler, &event.label, event.input.clone());
        // What goes wrong has been logged; the service begins all the same.
        let _ = hub.go_on(&again, &recorded);
    }
}

/// Waits until all sources have ended.
fn wait(hub: &Hub) {
    let grace = hub.grace();
    let mut told: Option<Instant> = None;
    let mut cut_off = false;
    let mut flushed = Instant::now();
    while !hub.joined(LOOK) {
        if flushed.elapsed() >= FLUSH {
            hub.flush();
            flushed = Instant::now();
        }
        if hub.stop().reason().is_none() {
            continue;
        }
        let since = *told.get_or_insert_with(|| {
            let under_way = hub.tally().under_way;
            if under_way > 0 && !hub.is_virtual() {
                hub.say(Level::INFO, &waiting(under_way, grace));
            }
            Instant::now()
        });
        let hard = hub.gate().cancel.reason() == Some(Reason::Deadline);
        if !cut_off && (hard || since.elapsed() >= grace) {
            hub.cut_off();
            cut_off = true;
        }
        if since.elapsed() >= grace + LAST {
            hub.say(
                Level::WARN,
                "some handlers do not stop; the next process of the service goes on with them",
            );
            return;
        }
    }
}

fn waiting(events: u64, grace: Duration) -> String {
    let events = match events {
        1 => "an event that is".to_owned(),
        events => format!("{events} events that are"),
    };
    format!(
        "stopping: waiting for {events} being handled, for at most {}; again stops at once",
        humantime::format_duration(grace)
    )
}

/// Why the service ended, if not because it was told to.
fn ended(hub: &Hub, runtime: &Runtime) -> Result<(), Fault> {
    if let Some(fault) = hub.broken() {
        return Err(fault);
    }
    let cancel = &runtime.gate.cancel;
    match cancel.reason() {
        Some(Reason::Deadline | Reason::Crashed) => cancel.check(),
        Some(Reason::Interrupted) => {
            // That was meant for the service; the playbook goes on behind it.
            cancel.renew();
            Ok(())
        }
        None => Ok(()),
    }
}
