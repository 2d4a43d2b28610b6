//! Ids of what is there: fetched in the background through a gate of their own, so that
//! typing never waits for them and the session's records do not tell of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind, Field, Map, Value};

use super::listing::{self, Found};
use crate::gate::event::Site;
use crate::gate::journal::{Journal, Place};
use crate::gate::{Call, Gate};
use crate::ledger::Ledger;
use crate::lock::lock;
use crate::modules::Terminal;
use crate::modules::registry::registry;
use crate::world::Cancel;

/// How long one listing may take.
const LIMIT: Duration = Duration::from_secs(3);
/// At most this many of a kind are listed.
const MOST: i64 = 200;
/// How long what was listed is taken as still so.
const FRESH: Duration = Duration::from_secs(15);

/// The stack of the thread that lists: the embedded cloud answers on it.
const STACK: usize = 8 * 1024 * 1024;

/// The branch that the listings are made on, beside the session's own.
const BRANCH: u32 = u32::MAX;

/// The id of something, with what a person calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// The id.
    pub id: String,
    /// Its name, if it has another one.
    pub name: Option<String>,
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// What an operation of this module takes as this parameter.
    Parameter(&'static str, &'static str),
    Stacks,
}

/// What has been listed so far, and who lists the rest.
pub struct Ids {
    shelf: Arc<Shelf>,
    orders: Option<Sender<(Kind, Option<Found>)>>,
    cancel: Cancel,
    clerk: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shelf {
    kinds: Mutex<BTreeMap<Kind, Stock>>,
    arrived: Condvar,
}

#[derive(Default)]
struct Stock {
    ids: Vec<Id>,
    /// When they were listed last.
    since: Option<Instant>,
    ordered: bool,
}

impl Ids {
    /// Lists what `gate` can see; stacks are in the ledger at `ledger`, if it has one.
    #[must_use]
    pub fn beside(gate: &Gate, ledger: Option<PathBuf>) -> Self {
        let shelf = Arc::new(Shelf::default());
        let (orders, incoming) = channel::<(Kind, Option<Found>)>();
        let cancel = Cancel::new(None);
        let journal = Journal::new(Place::Memory(None), &gate.journal.stack(), "completion");
        let clerk = Clerk {
            gate: Gate {
                observers: Vec::new(),
                terminal: Arc::new(Nobody),
                ..gate.beside(cancel.clone(), journal)
            },
            cancel: cancel.clone(),
            ledger,
        };
        let filled = Arc::clone(&shelf);
        let clerk = std::thread::Builder::new()
            .name("completion".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let mut clerk = clerk;
                for (kind, found) in incoming {
                    let ids = clerk.list(&kind, found.as_ref());
                    filled.fill(kind, ids);
                }
            })
            .ok();
        Self {
            shelf,
            orders: Some(orders),
            cancel,
            clerk,
        }
    }

    /// What an operation of `module` could take as `field`, as far as it is known now;
    /// orders what is not. Waits for `patience` at most if nothing is known yet.
    #[must_use]
    pub fn of(&self, module: &'static str, field: &'static Field, patience: Duration) -> Vec<Id> {
        let Some(found) = listing::of(module, field) else {
            return Vec::new();
        };
        self.get(&Kind::Parameter(module, field.name), Some(found), patience)
    }

    /// The stacks of the ledger.
    #[must_use]
    pub fn stacks(&self, patience: Duration) -> Vec<Id> {
        self.get(&Kind::Stacks, None, patience)
    }

    /// Lists again when somebody asks next: something has changed.
    pub fn forget(&self) {
        for stock in lock(&self.shelf.kinds).values_mut() {
            stock.since = None;
        }
    }

    fn get(&self, kind: &Kind, found: Option<Found>, patience: Duration) -> Vec<Id> {
        let mut kinds = lock(&self.shelf.kinds);
        let stock = kinds.entry(kind.clone()).or_default();
        let fresh = stock.since.is_some_and(|since| since.elapsed() < FRESH);
        if !fresh && !stock.ordered {
            stock.ordered = self
                .orders
                .as_ref()
                .is_some_and(|orders| orders.send((kind.clone(), found)).is_ok());
        }
        let end = Instant::now() + patience;
        loop {
            let stock = kinds.entry(kind.clone()).or_default();
            let left = end.saturating_duration_since(Instant::now());
            if stock.since.is_some() || !stock.ordered || left.is_zero() {
                return stock.ids.clone();
            }
            kinds = self
                .shelf
                .arrived
                .wait_timeout(kinds, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        self.orders = None;
        self.cancel.interrupt();
        if let Some(clerk) = self.clerk.take() {
            // It holds the world, which is to be gone when this is.
            let _ = clerk.join();
        }
    }
}

impl Shelf {
    /// Takes what was listed; what could not be listed stays as it was known.
    fn fill(&self, kind: Kind, ids: Option<Vec<Id>>) {
        let mut kinds = lock(&self.kinds);
        let stock = kinds.entry(kind).or_default();
        stock.ordered = false;
        stock.since = Some(Instant::now());
        if let Some(ids) = ids {
            stock.ids = ids;
        }
        self.arrived.notify_all();
    }
}

/// Who lists.
struct Clerk {
    gate: Gate,
    cancel: Cancel,
    ledger: Option<PathBuf>,
}

impl Clerk {
    fn list(&mut self, kind: &Kind, found: Option<&Found>) -> Option<Vec<Id>> {
        match (kind, found) {
            (Kind::Stacks, _) => {
                let mut ledger = Ledger::open_existing(self.ledger.as_ref()?).ok()??;
                let stacks = ledger.stacks().ok()?;
                let named = |name| Id {
                    id: name,
                    name: None,
                };
                Some(stacks.into_iter().map(|stack| named(stack.name)).collect())
            }
            (Kind::Parameter(..), Some(found)) => self.read(found),
            (Kind::Parameter(..), None) => None,
        }
    }

    fn read(&mut self, found: &Found) -> Option<Vec<Id>> {
        self.gate.cancel = self.cancel.within(LIMIT);
        let _branch = self.gate.world.enter(&[BRANCH]);
        let call = Call {
            entry: registry().get(&found.operation)?,
            input: Map::new(),
            controls: Map::from([("limit".to_owned(), Value::Int(MOST))]),
            site: Site::default(),
            undoes: None,
        };
        let result = self.gate.call(call).ok()?;
        Some(ids_in(&result, found))
    }
}

fn ids_in(result: &Value, found: &Found) -> Vec<Id> {
    let places = found.places.iter();
    let mut ids: Vec<Id> = places.flat_map(|place| ids_at(result, place)).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn ids_at(result: &Value, place: &listing::Place) -> Vec<Id> {
    let mut items = vec![result];
    for step in &place.path {
        items = items
            .into_iter()
            .filter_map(|item| item.get(step)?.as_list())
            .flatten()
            .collect();
    }
    let id = |item: &Value| {
        let id = match place.id {
            Some(field) => item.get(field)?,
            None => item,
        };
        let id = id.as_text()?.to_owned();
        let tag = item.get("tags").and_then(|tags| tags.get("Name"));
        let name = tag.or_else(|| item.get("name")).and_then(Value::as_text);
        let name = name.filter(|name| *name != id).map(str::to_owned);
        Some(Id { id, name })
    };
    items.into_iter().filter_map(id).collect()
}

/// Nobody sits where listings are made.
struct Nobody;

impl Terminal for Nobody {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        false
    }

    fn ask(&self, question: &str, _: bool, _: &Cancel) -> Result<String, Fault> {
        Err(Fault::new(
            FaultKind::Failed,
            format!("nobody can be asked: {question}"),
        ))
    }

    fn print(&self, _: &str) {}

    fn log(&self, _: tracing::Level, _: &str) {}

    fn width(&self) -> u16 {
        80
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_off_a_listing() {
        let result = Value::from_json(&serde_json::json!({"reservations": [
            {"instances": [{"instance_id": "i-2", "tags": {"Name": "web"}}]},
            {"instances": [{"instance_id": "i-1"}, {"instance_id": "i-2", "tags": {"Name": "web"}}]},
        ]}));
        let found = Found {
            operation: "ec2::describe_instances".to_owned(),
            places: vec![listing::Place {
                path: vec!["reservations", "instances"],
                id: Some("instance_id"),
            }],
        };
        let ids = ids_in(&result, &found);
        let one = |id: &str, name: Option<&str>| Id {
            id: id.to_owned(),
            name: name.map(str::to_owned),
        };
        assert_eq!(ids, [one("i-1", None), one("i-2", Some("web"))]);
    }
}
