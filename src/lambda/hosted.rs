//! Functions of the embedded cloud: their scripts run in this process.
//!
//! The cloud says when one runs and gives it a thread and a branch of its clock
//! ([`opsh_cloud::functions`]); here its script gets a gate whose world is that same
//! cloud, with the function's environment. Its steps are its own run's, not the
//! playbook's that set it off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use opsh_cloud::Cloud;
use opsh_cloud::functions::{FunctionError, Invocation, Invoker};
use opsh_operation::{Fault, Value};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tracing::Level;

use super::context;
use super::failure::Failure;
use super::function::{Function, HandlerName};
use super::log::{Lines, Style};
use super::runtime::STACK;
use crate::fleet::records::Records;
use crate::fleet::unpacked::unpack;
use crate::gate::journal::{Journal, Place};
use crate::gate::redact::Redactor;
use crate::gate::{Gate, branch};
use crate::lock::lock;
use crate::modules::Files;
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::run::{conclude, plain_io};
use crate::script::source::Sources;
use crate::service::Service;
use crate::world::local::{Local, Outside};
use crate::world::{Cancel, Kind, World};

/// Lets the functions of `local`'s cloud and its hosts' services run in this process, until
/// `cancel` says no more; these keep `records`.
pub fn employ(local: &Local, records: Records, cancel: &Cancel) {
    let outside = local.outside();
    employ_on(local.cloud(), local.kind(), outside, records, cancel);
}

/// The same for a cloud that is no playbook's world, but served to other processes.
pub fn employ_on(cloud: &Cloud, kind: Kind, outside: Outside, records: Records, cancel: &Cancel) {
    crate::fleet::hosted::lease_on(cloud, kind, outside.clone(), records, cancel);
    cloud.employ(Arc::new(Hosted {
        kind,
        outside,
        cancel: cancel.clone(),
        unpacked: Mutex::default(),
    }));
}

struct Hosted {
    kind: Kind,
    outside: Outside,
    cancel: Cancel,
    /// The folders of packages by their SHA-256.
    unpacked: Mutex<BTreeMap<Vec<u8>, Arc<TempDir>>>,
}

impl Invoker for Hosted {
    fn invoke(&self, invocation: &Invocation) -> Result<String, FunctionError> {
        let said = Arc::new(Mutex::new(Vec::new()));
        let ended = Run::begin(self, invocation, &said).and_then(|run| run.finish(invocation));
        for line in lock(&said).drain(..) {
            invocation.log(line);
        }
        ended.map_err(|failure| FunctionError::new(failure.kind, failure.message))
    }
}

impl Hosted {
    /// The folder with the files of a function; the program among them is this one.
    fn unpack(&self, invocation: &Invocation) -> Result<Arc<TempDir>, Failure> {
        let package = &invocation.package;
        let names: Vec<String> = package
            .files()
            .into_iter()
            .filter(|name| name != "bootstrap")
            .collect();
        let mut hash = Sha256::new();
        let mut files = Vec::new();
        for name in names {
            let content = package.read(&name).unwrap_or_default();
            hash.update(name.as_bytes());
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(&content);
            files.push((name, content));
        }
        let key = hash.finalize().to_vec();
        let mut unpacked = lock(&self.unpacked);
        if let Some(folder) = unpacked.get(&key) {
            return Ok(Arc::clone(folder));
        }
        let files = files
            .iter()
            .map(|(name, content)| (name.as_str(), &content[..]));
        let folder = unpack("opsh-function-", files).map_err(|error| scratch(&error))?;
        Ok(Arc::clone(
            unpacked.entry(key).or_insert_with(|| Arc::new(folder)),
        ))
    }
}

/// One run of a function.
struct Run {
    function: Function,
    runtime: Arc<Runtime>,
    lines: Arc<Lines>,
    /// The function's `/tmp`.
    _scratch: TempDir,
    _code: Arc<TempDir>,
}

impl Run {
    fn begin(
        host: &Hosted,
        invocation: &Invocation,
        said: &Arc<Mutex<Vec<String>>>,
    ) -> Result<Self, Failure> {
        let environment = &invocation.environment;
        let variable = |name: &str| environment.get(name).cloned();
        let code = host.unpack(invocation)?;
        let handler = HandlerName::read(&variable("_HANDLER").unwrap_or_default());
        if !code.path().join(handler.file()).is_file() {
            return Err(Failure {
                kind: "not_modelled".to_owned(),
                message: format!(
                    "not modelled by the embedded cloud: a function that is no playbook (its package has no {})",
                    handler.file()
                ),
            });
        }
        let world: Arc<dyn World> = Arc::new(
            Local::of_function(invocation, host.kind, host.outside.clone())
                .map_err(|fault| told(&fault))?,
        );
        let style = Style::read(
            variable("AWS_LAMBDA_LOG_FORMAT").as_deref(),
            variable("AWS_LAMBDA_LOG_LEVEL").as_deref(),
        );
        let redactor = Arc::new(Redactor::default());
        let sink = Arc::clone(said);
        let lines = Arc::new(Lines::new(
            style,
            &invocation.request_id,
            Arc::clone(&redactor),
            Arc::clone(&world),
            Box::new(move |line| lock(&sink).push(line.to_owned())),
        ));
        let sources = Arc::new(Sources::default());
        let function = Function::load(code.path(), &handler, &sources, &variable)
            .map_err(|error| failed(&lines, &redactor, &sources, &error))?;
        let folder = tempfile::Builder::new()
            .prefix("opsh-function-tmp-")
            .tempdir()
            .map_err(|error| scratch(&error))?;
        let files = Files::new(folder.path()).map_err(|error| scratch(&error))?;
        // A script that computes without end is stopped in real time; one that waits by
        // the cloud's clock.
        let limit = invocation
            .deadline
            .duration_since(world.now())
            .unsigned_abs();
        let stack = variable(STACK).unwrap_or_else(|| invocation.function.clone());
        let gate = Gate {
            observers: vec![Arc::clone(&lines) as _],
            redactor,
            ..Gate::new(
                world,
                files.of_program_in(code.path()),
                Arc::clone(&lines) as _,
                host.cancel.apart(limit),
                Journal::new(Place::Memory(None), &stack, function.name()),
            )
        };
        let runtime = Arc::new(Runtime::new(gate, sources, Service::default()));
        Ok(Self {
            function,
            runtime,
            lines,
            _scratch: folder,
            _code: code,
        })
    }

    fn finish(self, invocation: &Invocation) -> Result<String, Failure> {
        let gate = &self.runtime.gate;
        let event = serde_json::from_str(&invocation.event)
            .map(|json| Value::from_json(&json))
            .map_err(|error| Failure {
                kind: "invalid".to_owned(),
                message: format!("the event is no JSON: {error}"),
            })?;
        let context = context_of(invocation);
        let outcome = branch::within(Vec::new(), || {
            self.function.invoke(&self.runtime, event, context)
        });
        match conclude(gate, outcome) {
            Ok(value) => Ok(gate.redactor.mark(value).to_json().to_string()),
            Err(error) => Err(failed(
                &self.lines,
                &gate.redactor,
                &self.runtime.sources,
                &error,
            )),
        }
    }
}

/// What the function is told of its invocation.
fn context_of(invocation: &Invocation) -> Value {
    let variable = |name: &str| {
        let value = invocation.environment.get(name);
        value.cloned().unwrap_or_default()
    };
    context::Invocation {
        facts: Arc::new(context::Facts {
            name: invocation.function.clone(),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION"),
            memory: i64::from(invocation.memory),
            log_group: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
            log_stream: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
        }),
        request_id: invocation.request_id.clone(),
        function_arn: invocation.arn.clone(),
        deadline: invocation.deadline,
        trace_id: None,
    }
    .to_value()
}

/// Says in the log what went wrong, and gives it as Lambda reports it.
fn failed(lines: &Lines, redactor: &Redactor, sources: &Sources, error: &ScriptError) -> Failure {
    lines.write(Level::ERROR, &error.render(sources));
    let mut failure = Failure::of(error);
    failure.message = redactor.scrub(&failure.message);
    failure
}

fn told(fault: &Fault) -> Failure {
    Failure::of(&ScriptError::plain(Class::Failed, fault.message.clone()))
}

fn scratch(error: &std::io::Error) -> Failure {
    Failure::of(&ScriptError::plain(
        Class::Failed,
        format!("there is no folder for the function: {}", plain_io(error)),
    ))
}
