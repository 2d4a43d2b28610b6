//! What a shell remembers from one input to the next.

mod evaluate;
mod place;
mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use opsh_operation::Value;
use rhai::{AST, Engine, Module, Shared};

use super::complete::Listed;
use super::complete::ids::Ids;
use super::loaded::Loaded;
use super::marks::Marks;
use super::{commands, help, memory};
use crate::cli::console::Console;
use crate::cli::settings::Settings;
use crate::cli::start::{self, Started};
use crate::gate::Gate;
use crate::gate::event::Observer;
use crate::script::engine;
use crate::script::error::ScriptError;
use crate::script::source::Sources;
use crate::script::values::to_value;
use crate::world::Kind;
pub use place::where_it_works;
use written::Written;

/// What the shell is called in places and, unless asked otherwise, as a stack.
pub const NAME: &str = "repl";

/// What came of an input.
pub enum Told {
    /// A value, maybe nothing.
    Value(Value),
    /// The shell's own words.
    Text(String),
    /// The shell is to end.
    End,
}

/// An input that was run well.
#[derive(Debug, Clone)]
pub struct Input {
    /// As it was typed.
    pub text: String,
    /// Whether it wrote something.
    pub wrote: bool,
    /// Whether something came of it, so that it was `_` afterwards.
    pub gave: bool,
    /// What came of it, if it wrote something.
    pub result: Value,
}

/// A shell's memory.
pub struct Session {
    /// Whether it is said how long an input takes.
    pub times: bool,
    settings: Settings,
    started: Started,
    engine: Engine,
    memory: memory::Shared,
    functions: AST,
    modules: BTreeMap<String, Shared<Module>>,
    /// The functions of the playbook at hand.
    library: Option<Shared<Module>>,
    marks: Marks,
    listed: Listed,
    written: Arc<Written>,
    /// All inputs one below the other, as places name them.
    text: String,
    inputs: Vec<Input>,
    loaded: Option<Loaded>,
}

impl Session {
    /// A shell as `settings` say; with a playbook at hand, in its folder and on its stack.
    ///
    /// # Errors
    /// The world cannot be opened; the playbook's declarations cannot be run.
    pub fn start(
        settings: &Settings,
        sources: Arc<Sources>,
        loaded: Option<Loaded>,
    ) -> Result<Self, ScriptError> {
        let stack = match (&settings.stack, &loaded) {
            (Some(stack), _) => stack.clone(),
            (None, Some(loaded)) => loaded.playbook.stack(),
            (None, None) => NAME.to_owned(),
        };
        let listed = Listed::default();
        let written = Arc::new(Written::new(&listed));
        let watching = vec![Arc::clone(&written) as Arc<dyn Observer>];
        let started = start::start_shell(settings, &stack, NAME, sources, watching)?;
        let mut session = Self {
            times: false,
            settings: settings.clone(),
            engine: Engine::new_raw(),
            started,
            memory: memory::Shared::default(),
            functions: AST::empty(),
            modules: BTreeMap::new(),
            library: None,
            marks: Marks::default(),
            listed,
            written,
            text: String::new(),
            inputs: Vec::new(),
            loaded,
        };
        session.settle_in();
        session.load()?;
        Ok(session)
    }

    /// Gives the engine of this session's world what the session knows.
    fn settle_in(&mut self) {
        let runtime = &self.started.runtime;
        let folder = self
            .loaded
            .as_ref()
            .map(|loaded| loaded.folder().to_path_buf());
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        let mut engine = engine::engine(runtime, Some(&folder));
        self.marks.teach(&mut engine);
        help::register(&mut engine, &self.memory, &self.started.console);
        if let Some(library) = &self.library {
            engine.register_global_module(Shared::clone(library));
        }
        for (name, module) in &self.modules {
            engine.register_static_module(name, Shared::clone(module));
        }
        runtime.service.set_folder(&folder);
        if let Some(loaded) = &self.loaded {
            loaded.give_parameters(runtime);
        }
        self.engine = engine;
        let ledger = (!self.settings.dry_run || self.settings.embedded())
            .then(|| self.settings.ledger_path());
        self.list(Some(Ids::beside(&runtime.gate, ledger)));
    }

    fn list(&self, ids: Option<Ids>) {
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = ids;
    }

    /// Lists ids anew: something has changed.
    pub fn forget_ids(&self) {
        self.written.forget();
    }

    /// Where output goes.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.started.console
    }

    /// The door that everything passes.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.started.runtime.gate
    }

    /// Texts for excerpts.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.started.runtime.sources
    }

    /// As it was started, or moved since.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it remembers, as it grows.
    #[must_use]
    pub fn memory(&self) -> memory::Shared {
        Arc::clone(&self.memory)
    }

    /// What is there, as it is listed.
    #[must_use]
    pub fn listed(&self) -> Listed {
        Arc::clone(&self.listed)
    }

    /// What was run well so far.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The playbook at hand.
    #[must_use]
    pub fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }

    /// What the variable `name` holds now.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value> {
        let memory = memory::lock(&self.memory);
        to_value(memory.scope.get(name)?).ok()
    }

    /// Whether things land on the real AWS.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.kind() == Kind::Live
    }

    /// In which kind of world things land.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.gate().world.kind()
    }

    /// Does `rest`, which Ctrl-C does not end.
    pub fn at_rest<T>(&self, rest: impl FnOnce() -> T) -> T {
        self.started.interrupts.idle(rest)
    }

    /// Does `work` as the run's own branch, as what Ctrl-C stops.
    pub fn at_work<T>(&self, work: impl FnOnce() -> T) -> T {
        let gate = self.gate();
        gate.cancel.renew();
        let result = {
            // Not while somebody types: listings have their turn then.
            let _branch = gate.world.enter(&[]);
            work()
        };
        gate.cancel.renew();
        self.started.console.progress.clear();
        result
    }

    /// Runs one complete input.
    ///
    /// # Errors
    /// Whatever ended it; the shell goes on.
    pub fn tell(&mut self, input: &str) -> Result<Told, ScriptError> {
        // A variable of that name is what is meant, if there is one.
        let is_word = commands::is_word(input) && self.value(input.trim()).is_none();
        if is_word || commands::typed(input).is_some() {
            return commands::act(self, input);
        }
        if let Some(name) = input.trim_start().strip_prefix('?') {
            return help::answer(self, name.trim()).map(Told::Text);
        }
        if input.trim().is_empty() {
            return Ok(Told::Value(Value::Null));
        }
        let begun = (Instant::now(), self.gate().world.now());
        let written = self.written.count();
        let result = self.evaluate(input);
        if self.times {
            self.say_time(begun.0.elapsed(), begun.1);
        }
        let result = result?;
        self.note(input, written, &result);
        // As in other shells, a `;` at the end is to say nothing; the result is `_` all the same.
        let quiet = input.trim_end().ends_with(';');
        Ok(Told::Value(if quiet { Value::Null } else { result }))
    }

    fn say_time(&self, real: Duration, since: jiff::Timestamp) {
        let inside = self.gate().world.now().duration_since(since);
        let inside = if self.is_live() || inside.as_secs() < 1 {
            String::new()
        } else {
            format!(" ({inside:#} on the embedded cloud)")
        };
        let console = self.console();
        console.err(&format!("{:.1} ms{inside}", real.as_secs_f64() * 1000.0));
    }

    /// Keeps an input that was run well; `written` were the writes before it.
    fn note(&mut self, text: &str, written: usize, result: &Value) {
        let wrote = self.written.count() > written;
        self.inputs.push(Input {
            text: text.trim_end().to_owned(),
            wrote,
            gave: !result.is_null(),
            result: if wrote { result.clone() } else { Value::Null },
        });
    }
}
