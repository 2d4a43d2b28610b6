//! A gate around the cloud of a case, and functions of the case's file called there.

use std::path::Path;
use std::sync::{Arc, RwLock};

use opsh_operation::Value;
use rhai::EvalAltResult;

use super::terminal::Heard;
use crate::gate::crash::Crash;
use crate::gate::event::Observer;
use crate::gate::journal::Journal;
use crate::gate::redact::Redactor;
use crate::gate::{Gate, branch};
use crate::modules::Files;
use crate::script::engine::{self, Runtime};
use crate::script::error::ScriptError;
use crate::script::reach::Reach;
use crate::script::reached::Reached;
use crate::script::source::Sources;
use crate::script::values::to_value;
use crate::service::{Handler, Service, Timing};
use crate::world::Cancel;
use crate::world::local::Local;

/// What differs from one gate to the next.
pub(super) struct Setting {
    pub world: Arc<Local>,
    pub cancel: Cancel,
    pub journal: Journal,
    pub observers: Vec<Arc<dyn Observer>>,
    pub crashes: Vec<Crash>,
    pub redactor: Arc<Redactor>,
    pub heard: Arc<Heard>,
    pub files: Files,
    pub sources: Arc<Sources>,
    pub timing: Timing,
    /// What functions of the case's file can call; a playbook says it of itself.
    pub reach: Arc<Reach>,
    /// Where it is noted which lines are reached, if somebody asks.
    pub reached: Option<Arc<Reached>>,
}

/// What a program is run with.
pub(super) fn runtime(setting: Setting) -> Arc<Runtime> {
    let gate = Gate {
        observers: setting.observers,
        redactor: setting.redactor,
        crashes: setting.crashes,
        ..Gate::new(
            setting.world,
            setting.files,
            setting.heard,
            setting.cancel,
            setting.journal,
        )
    };
    Arc::new(Runtime {
        reach: RwLock::new(setting.reach),
        reached: setting.reached,
        ..Runtime::new(gate, setting.sources, Service::new(setting.timing))
    })
}

/// Does `work` on the world's first branch, with steps counted from 0.
pub(super) fn on_branch<T>(runtime: &Runtime, work: impl FnOnce() -> T) -> T {
    let _root = runtime.gate.world.enter(&[]);
    branch::within(Vec::new(), work)
}

/// Calls a function of the file `name` in `folder`.
///
/// # Errors
/// What it says.
pub(super) fn call(
    runtime: &Arc<Runtime>,
    (name, folder): (&str, &Path),
    function: &Handler,
    input: &[Value],
) -> Result<Value, ScriptError> {
    let engine = engine::engine(runtime, Some(folder));
    match on_branch(runtime, || function.call(&engine, input)) {
        Ok(value) => Ok(to_value(&value).unwrap_or_default()),
        Err(error) => match *error {
            EvalAltResult::Exit(value, _) => Ok(to_value(&value).unwrap_or_default()),
            other => Err(ScriptError::runtime(name, other)),
        },
    }
}
