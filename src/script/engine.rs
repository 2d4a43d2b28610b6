//! The Rhai engine of one run: sandboxed, with every operation of the registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use opsh_operation::{Secret, Value};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, OptimizationLevel, Token};

use super::reach::Reach;
use super::resolver::Resolver;
use super::source::Sources;
use super::{bind, limits, values};
use crate::gate::Gate;
use crate::modules::Files as WorkingFolder;
use crate::service::Service;
use crate::world::Kind;

/// What the functions of one run share.
pub struct Runtime {
    /// The one door.
    pub gate: Gate,
    /// Texts for excerpts.
    pub sources: Arc<Sources>,
    /// The values of the declared parameters.
    pub parameters: RwLock<BTreeMap<String, Value>>,
    /// Where events come from, of a playbook that stays.
    pub service: Service,
    /// The operations that an engine is given.
    pub reach: RwLock<Arc<Reach>>,
}

/// An engine whose functions act through `runtime`; file imports come from `imports`.
#[must_use]
pub fn engine(runtime: &Arc<Runtime>, imports: Option<&Path>) -> Engine {
    seed();
    let mut engine = Engine::new();
    syntax(&mut engine);
    // Real time has no place in a replay. The word stays: it names fields of AWS.
    engine.register_fn("timestamp", || -> Result<Dynamic, Box<EvalAltResult>> {
        Err("there is no real time here; write time::now()".into())
    });
    limits::apply(&mut engine, runtime.gate.cancel.clone());
    values::register_types(&mut engine);
    engine.set_module_resolver(Resolver::new(imports, Arc::clone(&runtime.sources)));
    output(&mut engine, runtime);
    if let Some(folder) = imports {
        assets(&mut engine, folder);
    }
    parameters(&mut engine, runtime);
    assertions(&mut engine);
    let reach = Arc::clone(&runtime.reach.read().unwrap_or_else(PoisonError::into_inner));
    bind::register(&mut engine, runtime, &reach);
    engine
}

/// Words that Rhai reserves for itself and that name things of AWS or of ours.
const UNRESERVED: [&str; 9] = [
    "debug", "default", "match", "module", "package", "print", "public", "shared", "static",
];

/// Names of closures and functions are hashed: with the same seed on every run.
/// It must be set before the first engine is made, whose packages hash, too.
fn seed() {
    // Already set by an earlier engine of this process: the same seed.
    let _ = rhai::config::hashing::set_hashing_seed(Some([1, 2, 3, 4]));
}

/// An engine that parses playbooks and runs nothing.
#[must_use]
pub fn bare() -> Engine {
    seed();
    let mut engine = Engine::new_raw();
    syntax(&mut engine);
    engine
}

/// What parsing needs.
fn syntax(engine: &mut Engine) {
    engine.set_max_expr_depths(128, 64);
    // Code that is made up at run time can be neither checked nor reached for before it runs.
    engine.disable_symbol("eval");
    // Constant folding loses the places of map keys and may move calls.
    engine.set_optimization_level(OptimizationLevel::None);
    #[allow(deprecated)] // volatile API of Rhai, pinned: `#{ default: … }` is no syntax error here
    engine.on_parse_token(|token, _, _| unreserved(token));
}

/// The token that is read instead of `token`: a name where Rhai has reserved a word.
#[must_use]
pub fn unreserved(token: Token) -> Token {
    match token {
        Token::Reserved(word) if UNRESERVED.contains(&word.as_str()) => Token::Identifier(word),
        other => other,
    }
}

/// `asset(path)`: the bytes of a file beside the playbook, wherever opsh is started;
/// `assets(path)`: the names of all files in a folder there and below it, in order.
///
/// Assets are part of the program, like imports, and as confined.
fn assets(engine: &mut Engine, folder: &Path) {
    let listed = folder.to_path_buf();
    engine.register_fn(
        "assets",
        move |path: ImmutableString| -> Result<rhai::Array, Box<EvalAltResult>> {
            let mut names = Vec::new();
            WorkingFolder::new(&listed)
                .map_err(|error| error.to_string())
                .and_then(|root| root.confined(&path).map_err(|fault| fault.message))
                .and_then(|top| {
                    below(&top, "", &mut names).map_err(|error| super::run::plain_io(&error))
                })
                .map_err(|why| format!("assets {path:?} cannot be listed: {why}"))?;
            names.sort();
            Ok(names.into_iter().map(Dynamic::from).collect())
        },
    );
    let folder = folder.to_path_buf();
    engine.register_fn(
        "asset",
        move |path: ImmutableString| -> Result<rhai::Blob, Box<EvalAltResult>> {
            let file = WorkingFolder::new(&folder)
                .map_err(|error| error.to_string())
                .and_then(|root| root.confined(&path).map_err(|fault| fault.message))
                .and_then(|file| std::fs::read(file).map_err(|error| super::run::plain_io(&error)));
            file.map_err(|why| format!("asset {path:?} cannot be read: {why}").into())
        },
    );
}

/// Adds the files in `folder` and below it, each with `prefix` before its name.
///
/// Symbolic links are left out: they may lead anywhere.
fn below(folder: &Path, prefix: &str, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below(&entry.path(), &format!("{name}/"), names)?;
        } else if kind.is_file() {
            names.push(name);
        }
    }
    Ok(())
}

fn output(engine: &mut Engine, runtime: &Arc<Runtime>) {
    let print = Arc::clone(runtime);
    engine.on_print(move |text| {
        print.gate.terminal.print(&print.gate.redactor.scrub(text));
    });
    let debug = Arc::clone(runtime);
    engine.on_debug(move |text, source, position| {
        let line = format!("{}:{position:?}: {text}", source.unwrap_or_default());
        debug
            .gate
            .terminal
            .log(tracing::Level::DEBUG, &debug.gate.redactor.scrub(&line));
    });
}

fn parameters(engine: &mut Engine, runtime: &Arc<Runtime>) {
    let get = Arc::clone(runtime);
    let lookup = move |name: &str| -> Result<Dynamic, Box<EvalAltResult>> {
        let parameters = get
            .parameters
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        parameters.get(name).map(values::to_dynamic).ok_or_else(|| {
            format!("parameter '{name}' must be declared at the top level: let x = param({name:?}, #{{ … }});")
                .into()
        })
    };
    let with_options = lookup.clone();
    engine.register_fn("param", move |name: ImmutableString| lookup(&name));
    engine.register_fn(
        "param",
        move |name: ImmutableString, _options: rhai::Map| with_options(&name),
    );
    let environment = Arc::clone(runtime);
    engine.register_fn("secret", move |name: ImmutableString| {
        secret(&environment, &name)
    });
    let sleeper = Arc::clone(runtime);
    engine.register_fn("sleep", move |seconds: i64| {
        #[allow(clippy::cast_precision_loss)] // exact for longer than anything sleeps
        let seconds = seconds as f64;
        rest(&sleeper, std::time::Duration::try_from_secs_f64(seconds))
    });
    let sleeper = Arc::clone(runtime);
    engine.register_fn("sleep", move |seconds: f64| {
        rest(&sleeper, std::time::Duration::try_from_secs_f64(seconds))
    });
}

/// `assert(condition)`, `assert(condition, message)`, `assert_eq(left, right)`.
fn assertions(engine: &mut Engine) {
    type Checked = Result<(), Box<EvalAltResult>>;
    let check = |holds: bool, message: &str| -> Checked {
        if holds { Ok(()) } else { Err(message.into()) }
    };
    engine.register_fn("assert", move |holds: bool| {
        check(holds, "the assertion does not hold")
    });
    engine.register_fn("assert", move |holds: bool, message: ImmutableString| {
        check(holds, &message)
    });
    engine.register_fn(
        "assert_eq",
        move |left: Dynamic, right: Dynamic| -> Checked {
            let (left, right) = (values::to_value(&left)?, values::to_value(&right)?);
            let shown = |value: &Value| value.to_json().to_string();
            let message = format!(
                "not equal:\n  left:  {}\n  right: {}",
                shown(&left),
                shown(&right)
            );
            check(left == right, &message)
        },
    );
}

/// The environment variable `name` as a secret.
///
/// A dry run reads no environment, so that its plan is the same everywhere.
fn secret(runtime: &Runtime, name: &str) -> Result<Secret, Box<EvalAltResult>> {
    let text = if runtime.gate.world.kind() == Kind::DryRun {
        format!("the secret {name} of a dry run")
    } else {
        runtime.gate.world.variable(name).ok_or_else(|| {
            format!("the environment variable {name} is not set; secret({name:?}) reads it")
        })?
    };
    let secret = Secret::new(text);
    runtime.gate.redactor.add(&secret);
    Ok(secret)
}

fn rest(
    runtime: &Runtime,
    duration: Result<std::time::Duration, std::time::TryFromFloatSecsError>,
) -> Result<(), Box<EvalAltResult>> {
    let duration = duration.map_err(|error| format!("sleep: {error}"))?;
    if runtime.gate.journal.replays() {
        // It was slept through by the process that came this far first.
        return Ok(());
    }
    runtime
        .gate
        .world
        .sleep(duration, &runtime.gate.cancel)
        .map_err(|fault| bind::thrown(runtime, &fault, None, rhai::Position::NONE))
}
