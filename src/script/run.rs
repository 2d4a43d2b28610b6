//! From a playbook's text to its result.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use opsh_operation::Value;
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Scope};

use super::check;
use super::engine::{self, Runtime};
use super::error::{Class, ScriptError};
use super::param::{self, Parameter};
use super::reach::Reach;
use super::source::{self, Source, Sources};
use super::values::{to_dynamic, to_value};
use crate::gate::Gate;
use crate::ledger::RunOutcome;

/// Largest playbook, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A parsed playbook with its declared parameters.
pub struct Playbook {
    /// As the user named it.
    pub name: String,
    /// The folder that its imports come from.
    pub folder: PathBuf,
    /// Its parameters in order of declaration.
    pub parameters: Vec<Parameter>,
    ast: Arc<AST>,
}

impl Playbook {
    /// Reads and parses the file at `path`.
    ///
    /// # Errors
    /// Not readable, too large, not UTF-8, a syntax error, a wrong declaration.
    pub fn load(path: &Path, sources: &Sources) -> Result<Self, ScriptError> {
        Self::load_as(&path.display().to_string(), path, sources)
    }

    /// The same with `name` for its places.
    ///
    /// # Errors
    /// As [`Playbook::load`].
    pub fn load_as(name: &str, path: &Path, sources: &Sources) -> Result<Self, ScriptError> {
        Self::parse(name, &read(name, path)?, folder(path), sources)
    }

    /// Parses `text`.
    ///
    /// # Errors
    /// A syntax error, a wrong declaration.
    pub fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        sources: &Sources,
    ) -> Result<Self, ScriptError> {
        // Kept before parsing, so that a syntax error has its excerpt.
        sources.insert(name, Source::new(text, None));
        let mut ast = engine::bare()
            .compile(text)
            .map_err(|error| ScriptError::parse(name, &error))?;
        ast.set_source(name);
        check::calls(name, &ast, &BTreeSet::new())?;
        let ast = Arc::new(ast);
        sources.insert(name, Source::new(text, Some(Arc::clone(&ast))));
        Self::parsed(name, folder, ast)
    }

    /// The playbook that was parsed to `ast`.
    ///
    /// # Errors
    /// A wrong declaration.
    pub fn parsed(name: &str, folder: &Path, ast: Arc<AST>) -> Result<Self, ScriptError> {
        let parameters = param::declared(name, &ast)?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_path_buf(),
            parameters,
            ast,
        })
    }

    /// The name of the stack that it makes, unless another is asked for.
    #[must_use]
    pub fn stack(&self) -> String {
        Path::new(&self.name).file_stem().map_or_else(
            || "playbook".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// Runs it; the value of its last expression is the result.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn run(
        &self,
        runtime: &Arc<Runtime>,
        parameters: BTreeMap<String, Value>,
    ) -> Result<Value, ScriptError> {
        self.evaluate(runtime, parameters, |engine, ast| {
            engine.eval_ast_with_scope::<Dynamic>(&mut Scope::new(), ast)
        })
    }

    /// Runs it to its end, and then its function `name` with `arguments`, whose
    /// value is the result.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn call(
        &self,
        runtime: &Arc<Runtime>,
        parameters: BTreeMap<String, Value>,
        name: &str,
        arguments: &[Value],
    ) -> Result<Value, ScriptError> {
        let arguments: Vec<Dynamic> = arguments.iter().map(to_dynamic).collect();
        self.evaluate(runtime, parameters, |engine, ast| {
            let options = CallFnOptions::new().eval_ast(true);
            engine.call_fn_with_options(options, &mut Scope::new(), ast, name, arguments)
        })
    }

    /// Whether it has a function `name` with so many parameters.
    #[must_use]
    pub fn has_function(&self, name: &str, parameters: usize) -> bool {
        self.ast
            .iter_functions()
            .any(|function| function.name == name && function.params.len() == parameters)
    }

    /// What it was parsed to.
    #[must_use]
    pub fn shared_ast(&self) -> Arc<AST> {
        Arc::clone(&self.ast)
    }

    fn evaluate(
        &self,
        runtime: &Arc<Runtime>,
        parameters: BTreeMap<String, Value>,
        work: impl FnOnce(&Engine, &AST) -> Result<Dynamic, Box<EvalAltResult>>,
    ) -> Result<Value, ScriptError> {
        for value in parameters.values() {
            value.for_each_secret(&mut |secret| runtime.gate.redactor.add(secret));
        }
        runtime.gate.journal.set_parameters(parameters.clone());
        *runtime
            .parameters
            .write()
            .unwrap_or_else(PoisonError::into_inner) = parameters;
        runtime.service.set_folder(&self.folder);
        *runtime
            .reach
            .write()
            .unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Reach::of(&self.ast, &self.folder, &runtime.sources));
        let engine = engine::engine(runtime, Some(&self.folder));
        let result = {
            let _root = runtime.gate.world.enter(&[]);
            work(&engine, &self.ast)
        };
        match result {
            Ok(value) => Ok(to_value(&value).unwrap_or_else(|_| Value::Text(value.to_string()))),
            Err(error) => match *error {
                EvalAltResult::Exit(value, _) => Ok(to_value(&value).unwrap_or_default()),
                other => Err(ScriptError::runtime(&self.name, other)),
            },
        }
    }
}

/// The text of the playbook at `path`, which people call `name`.
///
/// # Errors
/// Not readable, too large, not UTF-8.
pub fn read(name: &str, path: &Path) -> Result<String, ScriptError> {
    let failed = |why: String| {
        ScriptError::plain(
            Class::Start,
            format!("cannot read the playbook '{name}': {why}"),
        )
    };
    let size = std::fs::metadata(path)
        .map_err(|error| failed(plain_io(&error)))?
        .len();
    if size > LARGEST {
        return Err(failed(format!("it has {size} bytes, more than {LARGEST}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(plain_io(&error)))?;
    Ok(source::without_mark(text))
}

/// The folder that imports of the playbook at `path` come from.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Records how a run ended; a result that cannot be recorded is a failure.
///
/// # Errors
/// The run's own; the ledger's.
pub fn conclude<T>(gate: &Gate, outcome: Result<T, ScriptError>) -> Result<T, ScriptError> {
    let outcome = match (outcome, gate.journal.missed()) {
        (Ok(_), Some(step)) => return Err(ended_early(&step)),
        (outcome, _) => outcome,
    };
    if matches!(&outcome, Err(error) if error.is_of_a_changed_playbook()) {
        // Nothing was done: the run stays as it was.
        return outcome;
    }
    let end = match &outcome {
        Ok(_) => RunOutcome::Done,
        Err(error) => {
            let text = gate.redactor.scrub(&error.summary());
            match error.class {
                Class::Policy => RunOutcome::Refused(text),
                Class::Deadline => RunOutcome::Deadline,
                Class::Interrupted => RunOutcome::Interrupted,
                Class::Failed | Class::Start => RunOutcome::Failed(text),
            }
        }
    };
    let ended = gate.journal.end(&end, gate.world.now());
    match (outcome, ended) {
        (Ok(_), Err(fault)) => Err(ScriptError::plain(Class::Failed, fault.message)),
        (outcome, _) => outcome,
    }
}

fn ended_early(step: &str) -> ScriptError {
    ScriptError::plain(
        Class::Start,
        format!(
            "the playbook changed in the part that already ran: {step}; now it ends without that"
        ),
    )
    .hint("undo the change and resume again")
}

/// An I/O error without the number that means nothing to people.
#[must_use]
pub fn plain_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
