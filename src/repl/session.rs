//! What a shell remembers between inputs, and how one input is run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use opsh_operation::{Effect, Value};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Shared, Stmt};

use super::complete::Listed;
use super::complete::ids::Ids;
use super::loaded::Loaded;
use super::marks::Marks;
use super::memory::{self, LAST};
use super::{commands, help};
use crate::cli::console::Console;
use crate::cli::settings::Settings;
use crate::cli::start::{self, Started};
use crate::gate::event::{Event, Observer};
use crate::gate::journal::{Journal, Place};
use crate::gate::{Failure, Gate};
use crate::ledger::RunOutcome;
use crate::script::error::{Class, ScriptError};
use crate::script::source::{Source, Sources};
use crate::script::values::to_value;
use crate::script::{check, engine};
use crate::world::Kind;

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

/// Counts writes; after each, what is there is listed anew.
struct Written {
    count: AtomicUsize,
    listed: Listed,
}

impl Observer for Written {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Finished(step) = event
            && matches!(step.operation.effect, Effect::Write(_))
        {
            self.count.fetch_add(1, Ordering::SeqCst);
            forget(&self.listed);
        }
    }
}

fn forget(listed: &Listed) {
    let listed = listed.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(ids) = &*listed {
        ids.forget();
    }
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
        let written = Arc::new(Written {
            count: AtomicUsize::new(0),
            listed: Arc::clone(&listed),
        });
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
        forget(&self.listed);
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
        let written = self.written.count.load(Ordering::SeqCst);
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

    fn evaluate(&mut self, input: &str) -> Result<Value, ScriptError> {
        // One text for all inputs: a function's place is still its own when it is called later.
        let first = self.text.matches('\n').count() + 1;
        let above = "\n".repeat(first - 1);
        self.text.push_str(input.trim_end());
        self.text.push('\n');
        let sources = Arc::clone(&self.started.runtime.sources);
        sources.insert(NAME, Source::new(&self.text, None));
        let mut scope = std::mem::take(&mut memory::lock(&self.memory).scope);
        let parsed = self.marks.within(input, first, || {
            self.engine
                .compile_with_scope(&scope, format!("{above}{input}"))
        });
        let outcome = parsed
            .map_err(|error| ScriptError::parse(NAME, &error))
            .and_then(|mut ast| {
                ast.set_source(NAME);
                self.check(NAME, &ast)?;
                let mut whole = self.functions.merge(&ast);
                whole.set_source(NAME);
                sources.insert(NAME, Source::new(&self.text, Some(Arc::new(whole.clone()))));
                let value = self.at_work(|| {
                    self.engine
                        .eval_ast_with_scope::<Dynamic>(&mut scope, &whole)
                });
                Ok((ast, ended(NAME, value)?))
            });
        memory::lock(&self.memory).scope = scope;
        let (ast, value) = outcome?;
        self.functions = self.functions.merge(&ast.clone_functions_only());
        self.remember(&ast)?;
        Ok(self.keep(&value))
    }

    /// What can be known to be wrong before anything is run.
    fn check(&self, source: &str, ast: &AST) -> Result<(), ScriptError> {
        let known = self.modules.keys().cloned().collect();
        let unknown = check::unknown_calls(source, ast, &known);
        if unknown.is_empty() {
            return Ok(());
        }
        let mut error = ScriptError::plain(Class::Start, "");
        error.findings = unknown;
        Err(error)
    }

    /// Keeps a result as the last one.
    fn keep(&self, value: &Dynamic) -> Value {
        if !value.is_unit() {
            let mut memory = memory::lock(&self.memory);
            memory.scope.set_value(LAST, value.flatten_clone());
        }
        to_value(value).unwrap_or_else(|_| Value::Text(value.to_string()))
    }

    /// Keeps functions and imports of what was run for the inputs to come.
    fn remember(&mut self, ast: &AST) -> Result<(), ScriptError> {
        for statement in ast.statements() {
            let Stmt::Import(import, _) = statement else {
                continue;
            };
            let path = import
                .0
                .get_literal_value(None)
                .and_then(|path| path.into_string().ok());
            if let (Some(path), false) = (path, import.1.name.is_empty()) {
                let name = import.1.name.to_string();
                let module = self.module(&path)?;
                self.engine
                    .register_static_module(&name, Shared::clone(&module));
                let functions = memory::functions_in(&module);
                memory::lock(&self.memory)
                    .imports
                    .insert(name.clone(), functions);
                self.modules.insert(name, module);
            }
        }
        let new = memory::functions_of(ast);
        let mut memory = memory::lock(&self.memory);
        let functions = &mut memory.functions;
        functions.retain(|old| new.iter().all(|new| new.name != old.name));
        functions.extend(new);
        functions.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }

    fn module(&self, path: &str) -> Result<Shared<Module>, ScriptError> {
        self.engine
            .module_resolver()
            .resolve(&self.engine, None, path, rhai::Position::NONE)
            .map_err(|error| ScriptError::runtime(NAME, *error))
    }

    /// Makes what the playbook declares known, without running anything else of it.
    fn load(&mut self) -> Result<(), ScriptError> {
        let Some(loaded) = &self.loaded else {
            return Ok(());
        };
        let name = loaded.playbook.name.clone();
        let declarations = loaded.declarations();
        let mut ast = self
            .engine
            .compile(declarations)
            .map_err(|error| ScriptError::parse(&name, &error))?;
        ast.set_source(name.as_str());
        self.run_ast(&name, &ast)?;
        let functions = ast.clone_functions_only();
        let module = Module::eval_ast_as_new(rhai::Scope::new(), &functions, &self.engine)
            .map_err(|error| ScriptError::runtime(&name, *error))?;
        let module = Shared::new(module);
        self.engine.register_global_module(Shared::clone(&module));
        self.library = Some(module);
        Ok(())
    }

    /// Runs the whole of the playbook at hand.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn run_loaded(&mut self) -> Result<Value, ScriptError> {
        let Some(loaded) = &self.loaded else {
            return Ok(Value::Null);
        };
        let name = loaded.playbook.name.clone();
        let ast = loaded.playbook.shared_ast();
        let text = loaded.body();
        let written = self.written.count.load(Ordering::SeqCst);
        let result = self.run_ast(&name, &ast)?;
        self.note(&text, written, &result);
        Ok(result)
    }

    /// Keeps an input that was run well; `written` were the writes before it.
    fn note(&mut self, text: &str, written: usize, result: &Value) {
        let wrote = self.written.count.load(Ordering::SeqCst) > written;
        self.inputs.push(Input {
            text: text.trim_end().to_owned(),
            wrote,
            gave: !result.is_null(),
            result: if wrote { result.clone() } else { Value::Null },
        });
    }

    fn run_ast(&mut self, name: &str, ast: &AST) -> Result<Value, ScriptError> {
        let mut scope = std::mem::take(&mut memory::lock(&self.memory).scope);
        let value = self.at_work(|| self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, ast));
        memory::lock(&self.memory).scope = scope;
        let value = ended(name, value)?;
        self.remember(ast)?;
        Ok(self.keep(&value))
    }

    /// A gate in the same world, for a run of its own under this run's lock.
    ///
    /// # Errors
    /// The session's run has not begun.
    pub fn apart(&self, name: &str) -> Result<Gate, ScriptError> {
        let gate = self.gate();
        let (ledger, _) = gate
            .journal
            .shared()
            .map_err(|fault| start::stopped(&fault, Class::Failed))?;
        let journal = Journal::new(Place::Within(ledger), &gate.journal.stack(), name);
        Ok(gate.beside(gate.cancel.clone(), journal))
    }

    /// Records the end of such a run.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn conclude(gate: &Gate, failed: bool) -> Result<(), Failure> {
        let outcome = if failed {
            RunOutcome::Failed("something is left".to_owned())
        } else {
            RunOutcome::Done
        };
        Ok(gate.journal.end(&outcome, gate.world.now())?)
    }

    /// Goes on with what is remembered in the world that `settings` say.
    ///
    /// # Errors
    /// It cannot be opened; the session stays where it was.
    pub fn move_to(&mut self, settings: Settings) -> Result<(), ScriptError> {
        let before = self.settings.clone();
        let stack = self.gate().journal.stack();
        self.end(false);
        // The world that is left is to be gone before another is opened: of the embedded
        // cloud on disk there is one at a time.
        let nowhere = Settings {
            local: false,
            local_at: None,
            dry_run: true,
            profile: None,
            endpoint_url: None,
            log_file: None,
            ..before.clone()
        };
        self.enter(nowhere, &stack)?;
        if let Err(error) = self.enter(settings, &stack) {
            self.enter(before, &stack)?;
            return Err(error);
        }
        Ok(())
    }

    fn enter(&mut self, settings: Settings, stack: &str) -> Result<(), ScriptError> {
        self.list(None);
        self.engine = Engine::new_raw();
        let watching = vec![Arc::clone(&self.written) as Arc<dyn Observer>];
        let sources = Arc::clone(&self.started.runtime.sources);
        self.started = start::start_shell(&settings, stack, NAME, sources, watching)?;
        self.settings = settings;
        self.settle_in();
        Ok(())
    }

    /// Works on another stack from now on, in a run of its own.
    pub fn work_on(&mut self, stack: &str) {
        self.end(false);
        self.settings.stack = Some(stack.to_owned());
        self.gate().journal.turn_to_stack(stack);
    }

    /// Records the end of the shell's run.
    pub fn end(&mut self, failed: bool) {
        let gate = self.gate();
        let outcome = if failed {
            RunOutcome::Failed("an input failed".to_owned())
        } else {
            RunOutcome::Done
        };
        if let Err(fault) = gate.journal.end(&outcome, gate.world.now()) {
            self.started.console.err(&format!("error: {fault}"));
        }
    }
}

/// What an evaluation came to; `exit(value)` is an end as good as another.
fn ended(source: &str, value: Result<Dynamic, Box<EvalAltResult>>) -> Result<Dynamic, ScriptError> {
    value.or_else(|error| match *error {
        EvalAltResult::Exit(value, _) => Ok(value),
        other => Err(ScriptError::runtime(source, other)),
    })
}

/// The mode, the region and the stack of a session, in words.
#[must_use]
pub fn where_it_works(session: &Session) -> String {
    let settings = session.settings();
    let region = match &settings.region {
        Some(region) => format!(", region {region}"),
        None => String::new(),
    };
    let profile = match &settings.profile {
        Some(profile) => format!(", profile {profile}"),
        None => String::new(),
    };
    format!(
        "{}{region}{profile}, stack '{}'",
        session.kind().word(),
        session.gate().journal.stack()
    )
}
