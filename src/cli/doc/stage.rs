//! Where examples run: a freshly furnished embedded cloud and folders that are thrown away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opsh_cloud::faults::Rule;
use opsh_cloud::furnish::Options;
use opsh_operation::{Fault, FaultKind, Value};
use tempfile::TempDir;

use crate::fleet::records::Records;
use crate::gate::Gate;
use crate::gate::event::Observer;
use crate::gate::journal::{Journal, Place};
use crate::lambda::hosted;
use crate::modules::{Files, Terminal};
use crate::script::engine::Runtime;
use crate::script::error::ScriptError;
use crate::script::run::Playbook;
use crate::script::source::Sources;
use crate::service::{Service, Timing};
use crate::world::Cancel;
use crate::world::local::{Fixtures, Local};

/// The stack that every example makes its things in.
pub const STACK: &str = "example";

/// A cloud of its own, a working folder, and a folder that the playbook is in.
pub struct Stage {
    /// What the examples' functions act through.
    pub runtime: Arc<Runtime>,
    /// Texts for excerpts.
    pub sources: Arc<Sources>,
    work: TempDir,
    beside: TempDir,
}

impl Stage {
    /// A stage on which `faults` happen and nothing lasts longer than `patience`.
    ///
    /// # Errors
    /// The cloud cannot be furnished, or no folder be made.
    pub fn new(
        observer: Arc<dyn Observer>,
        terminal: Arc<dyn Terminal>,
        patience: Duration,
        faults: Vec<Rule>,
    ) -> Result<Self, Fault> {
        let no_folder = |error: std::io::Error| {
            Fault::new(FaultKind::Failed, format!("no folder can be made: {error}"))
        };
        let work = tempfile::tempdir().map_err(no_folder)?;
        let beside = tempfile::tempdir().map_err(no_folder)?;
        // What the examples of assets read.
        std::fs::write(beside.path().join("motd.txt"), "Welcome.").map_err(no_folder)?;
        let world = Local::furnished(&Options::default(), Fixtures::default())?;
        let cancel = Cancel::new(Instant::now().checked_add(patience));
        hosted::employ(&world, Records::Passing, &cancel);
        for fault in faults {
            world.cloud().inject(fault);
        }
        let sources = Arc::new(Sources::default());
        let gate = Gate {
            observers: vec![observer],
            ..Gate::new(
                Arc::new(world),
                Files::new(work.path()).map_err(no_folder)?,
                terminal,
                cancel,
                Journal::new(Place::Memory(None), STACK, "example"),
            )
        };
        let service = Service::new(Timing::Rehearsed(None, Vec::new()));
        let runtime = Arc::new(Runtime::new(gate, Arc::clone(&sources), service));
        Ok(Self {
            runtime,
            sources,
            work,
            beside,
        })
    }

    /// Runs `text` as a playbook; its parameters have their defaults, or what is `given`.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn run(&self, text: &str, given: BTreeMap<String, Value>) -> Result<Value, ScriptError> {
        let playbook = Playbook::parse("example", text, self.beside.path(), &self.sources)?;
        let mut values = given;
        for parameter in &playbook.parameters {
            if let Some(default) = &parameter.default {
                let known = values.entry(parameter.name.clone());
                known.or_insert_with(|| default.clone());
            }
        }
        playbook.run(&self.runtime, values)
    }

    /// Whether a real file was written.
    #[must_use]
    pub fn is_soiled(&self) -> bool {
        std::fs::read_dir(self.work.path()).is_ok_and(|mut entries| entries.next().is_some())
    }
}
