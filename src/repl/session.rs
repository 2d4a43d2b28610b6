//! What a shell remembers between inputs, and how one input is run.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use opsh_operation::Value;
use rhai::{AST, Dynamic, Engine, Module, Scope, Stmt};

use super::complete::Names;
use crate::cli::console::Console;
use crate::cli::start::Started;
use crate::script::check;
use crate::script::engine;
use crate::script::error::{Class, ScriptError};
use crate::script::source::{Source, Sources};
use crate::script::values::to_value;
use crate::world::BranchGuard;

const HELP: &str = "\
:help   this list
:quit   end the shell (Ctrl-D)
Everything else is Rhai: ec2::describe_vpcs(#{}), let x = 5, fn f(n) { n + 1 }";

/// What came of an input.
pub enum Told {
    /// A value, maybe nothing.
    Value(Value),
    /// The shell's own words.
    Text(String),
    /// The shell is to end.
    End,
}

/// A shell's memory.
pub struct Session {
    started: Started,
    engine: Engine,
    scope: Scope<'static>,
    functions: AST,
    imports: BTreeSet<String>,
    names: Names,
    inputs: usize,
    /// The shell is the run's only branch.
    _branch: Box<dyn BranchGuard>,
}

impl Session {
    /// A shell in the world of `started`.
    #[must_use]
    pub fn new(started: Started) -> Self {
        let engine = engine::engine(&started.runtime, Some(Path::new(".")));
        let branch = started.runtime.gate.world.enter(&[]);
        Self {
            engine,
            scope: Scope::new(),
            functions: AST::empty(),
            imports: BTreeSet::new(),
            names: Names::default(),
            inputs: 0,
            _branch: branch,
            started,
        }
    }

    /// Where output goes.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.started.console
    }

    /// Texts for excerpts.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.started.runtime.sources
    }

    /// The names given so far, as they grow.
    #[must_use]
    pub fn names(&self) -> Names {
        Arc::clone(&self.names)
    }

    /// Runs one complete input.
    ///
    /// # Errors
    /// Whatever ended it; the shell goes on.
    pub fn tell(&mut self, input: &str) -> Result<Told, ScriptError> {
        match input.trim() {
            "" => return Ok(Told::Value(Value::Null)),
            ":help" => return Ok(Told::Text(HELP.to_owned())),
            ":quit" | ":q" | ":exit" => return Ok(Told::End),
            other if other.starts_with(':') => {
                let message = format!("there is no command {other}");
                return Err(
                    ScriptError::plain(Class::Start, message).hint(":help lists the commands")
                );
            }
            _ => {}
        }
        self.started.runtime.gate.cancel.renew();
        let result = self.evaluate(input);
        self.started.console.progress.clear();
        result.map(Told::Value)
    }

    fn evaluate(&mut self, input: &str) -> Result<Value, ScriptError> {
        self.inputs += 1;
        let name = format!("repl[{}]", self.inputs);
        let sources = &self.started.runtime.sources;
        sources.insert(&name, Source::new(input, None));
        let mut ast = self
            .engine
            .compile_with_scope(&self.scope, input)
            .map_err(|error| ScriptError::parse(&name, &error))?;
        ast.set_source(name.as_str());
        sources.insert(&name, Source::new(input, Some(Arc::new(ast.clone()))));
        let unknown = check::unknown_calls(&name, &ast, &self.imports);
        if !unknown.is_empty() {
            let mut error = ScriptError::plain(Class::Start, "");
            error.findings = unknown;
            return Err(error);
        }
        let whole = self.functions.merge(&ast);
        let mut whole = whole;
        whole.set_source(name.as_str());
        let value = self
            .engine
            .eval_ast_with_scope::<Dynamic>(&mut self.scope, &whole)
            .map_err(|error| ScriptError::runtime(&name, *error))?;
        self.remember(&ast)?;
        Ok(to_value(&value).unwrap_or_else(|_| Value::Text(value.to_string())))
    }

    /// Keeps functions and imports for the inputs to come.
    fn remember(&mut self, ast: &AST) -> Result<(), ScriptError> {
        self.functions = self.functions.merge(&ast.clone_functions_only());
        for statement in ast.statements() {
            let Stmt::Import(import, _) = statement else {
                continue;
            };
            let path = import
                .0
                .get_literal_value(None)
                .and_then(|path| path.into_string().ok());
            if let (Some(path), false) = (path, import.1.name.is_empty()) {
                let module = self.module(&path)?;
                self.engine
                    .register_static_module(import.1.name.as_str(), module);
                self.imports.insert(import.1.name.to_string());
            }
        }
        let mut names: Vec<String> = self
            .scope
            .iter()
            .map(|(name, ..)| name.to_owned())
            .collect();
        names.extend(
            self.functions
                .iter_functions()
                .map(|function| format!("{}(", function.name)),
        );
        names.extend(self.imports.iter().map(|name| format!("{name}::")));
        names.sort();
        names.dedup();
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok(())
    }

    fn module(&self, path: &str) -> Result<rhai::Shared<Module>, ScriptError> {
        self.engine
            .module_resolver()
            .resolve(&self.engine, None, path, rhai::Position::NONE)
            .map_err(|error| ScriptError::runtime("repl", *error))
    }

    /// Records the end of the shell's run.
    pub fn end(&mut self, failed: bool) {
        let gate = &self.started.runtime.gate;
        let outcome = if failed {
            crate::ledger::RunOutcome::Failed("an input failed".to_owned())
        } else {
            crate::ledger::RunOutcome::Done
        };
        if let Err(fault) = gate.journal.end(&outcome, gate.world.now()) {
            self.started.console.err(&format!("error: {fault}"));
        }
    }
}
