//! The Rhai engine of one run: sandboxed, with every operation of the registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use opsh_operation::Value;
use rhai::packages::{Package as _, StandardPackage};
use rhai::{Dynamic, Engine, EvalAltResult, Module, OptimizationLevel, Shared, Token};

use super::builtin::{self, Scene};
use super::reach::Reach;
use super::reached::Reached;
use super::resolver::Resolver;
use super::source::Sources;
use super::{bind, limits, values};
use crate::gate::Gate;
use crate::service::Service;

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
    /// Where it is noted which lines are reached, if somebody asks.
    pub reached: Option<Arc<Reached>>,
}

impl Runtime {
    /// What a program needs that acts through `gate` and has no parameters yet.
    #[must_use]
    pub fn new(gate: Gate, sources: Arc<Sources>, service: Service) -> Self {
        Self {
            gate,
            sources,
            parameters: RwLock::default(),
            service,
            reach: RwLock::default(),
            reached: None,
        }
    }
}

/// An engine whose functions act through `runtime`; file imports come from `imports`.
#[must_use]
pub fn engine(runtime: &Arc<Runtime>, imports: Option<&Path>) -> Engine {
    let mut engine = common();
    syntax(&mut engine);
    // Real time has no place in a replay. The word stays: it names fields of AWS.
    engine.register_fn("timestamp", || -> Result<Dynamic, Box<EvalAltResult>> {
        Err(NO_REAL_TIME.into())
    });
    limits::apply(&mut engine, runtime.gate.cancel.clone());
    values::register_types(&mut engine);
    engine.set_module_resolver(Resolver::new(imports, Arc::clone(&runtime.sources)));
    let scene = Scene {
        runtime,
        folder: imports,
    };
    builtin::register(&mut engine, &scene);
    let reach = Arc::clone(&runtime.reach.read().unwrap_or_else(PoisonError::into_inner));
    bind::register(&mut engine, runtime, &reach);
    if let Some(reached) = &runtime.reached {
        Arc::clone(reached).watch(&mut engine);
    }
    engine
}

/// What `timestamp()` says instead of the time.
pub const NO_REAL_TIME: &str = "there is no real time here; write time::now()";

/// Functions of Rhai's own that playbooks cannot use: disabled, or refusing.
pub const NOT_TO_BE_USED: [&str; 3] = ["back_trace", "eval", "timestamp"];

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

/// An engine with Rhai's own functions, which are declared once in a process: that takes
/// longer than all the rest of an engine.
#[must_use]
pub fn common() -> Engine {
    static OWN: OnceLock<Shared<Module>> = OnceLock::new();
    seed();
    let mut engine = Engine::new_raw();
    engine.set_max_strings_interned(STRINGS_INTERNED);
    let own = OWN.get_or_init(|| StandardPackage::new().as_shared_module());
    engine.register_global_module(Shared::clone(own));
    engine
}

/// How many strings an engine keeps one copy of: as many as Rhai's own.
const STRINGS_INTERNED: usize = 256;

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
    // It gives something else where lines are counted.
    engine.disable_symbol("back_trace");
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
