//! How one input is run, and what of it later ones know.

use std::sync::Arc;

use opsh_operation::Value;
use rhai::{AST, Dynamic, EvalAltResult, Module, Shared, Stmt};

use super::{NAME, Session};
use crate::repl::memory::{self, LAST};
use crate::script::check;
use crate::script::error::ScriptError;
use crate::script::source::Source;
use crate::script::values::to_value;

impl Session {
    pub(super) fn evaluate(&mut self, input: &str) -> Result<Value, ScriptError> {
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
                let imported = self.modules.keys().cloned().collect();
                check::calls(NAME, &ast, &imported)?;
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
    pub(super) fn load(&mut self) -> Result<(), ScriptError> {
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
        let written = self.written.count();
        let result = self.run_ast(&name, &ast)?;
        self.note(&text, written, &result);
        Ok(result)
    }

    fn run_ast(&mut self, name: &str, ast: &AST) -> Result<Value, ScriptError> {
        let mut scope = std::mem::take(&mut memory::lock(&self.memory).scope);
        let value = self.at_work(|| self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, ast));
        memory::lock(&self.memory).scope = scope;
        let value = ended(name, value)?;
        self.remember(ast)?;
        Ok(self.keep(&value))
    }
}

/// What an evaluation came to; `exit(value)` is an end as good as another.
fn ended(source: &str, value: Result<Dynamic, Box<EvalAltResult>>) -> Result<Dynamic, ScriptError> {
    value.or_else(|error| match *error {
        EvalAltResult::Exit(value, _) => Ok(value),
        other => Err(ScriptError::runtime(source, other)),
    })
}
