//! The ledgers of services on simulated hosts: each host has one, as on its disk.
//!
//! It outlives its service's restarts, its host's, and, where the cloud persists, the
//! command: what a service keeps and which messages it has taken is there when it begins
//! again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::gate::journal::Shared;
use crate::ledger::{Error, Ledger};

/// Where the ledgers of a cloud's hosts are.
#[derive(Debug, Clone)]
pub enum Records {
    /// Beside the cloud, which persists in this folder.
    Beside(PathBuf),
    /// In memory, copied from beside the cloud in this folder.
    CopiedFrom(PathBuf),
    /// In memory: the cloud is thrown away.
    Passing,
}

/// The ledgers that services have used.
#[derive(Debug)]
pub(super) struct Ledgers {
    records: Records,
    open: Mutex<BTreeMap<String, Shared>>,
}

impl Ledgers {
    pub fn new(records: Records) -> Self {
        Self {
            records,
            open: Mutex::default(),
        }
    }

    /// The ledger of the host of `instance`.
    pub fn of(&self, instance: &str) -> Result<Shared, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = open.get(instance) {
            return Ok(Arc::clone(ledger));
        }
        let within = |folder: &PathBuf| folder.join("hosts").join(format!("{instance}.db"));
        let ledger = match &self.records {
            Records::Beside(folder) => Ledger::open(&within(folder))?,
            Records::CopiedFrom(folder) => Ledger::copy_of(&within(folder))?,
            Records::Passing => Ledger::in_memory()?,
        };
        let ledger = Arc::new(Mutex::new(ledger));
        open.insert(instance.to_owned(), Arc::clone(&ledger));
        Ok(ledger)
    }
}
