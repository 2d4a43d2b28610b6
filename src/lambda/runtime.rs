//! opsh as a Lambda function's custom runtime: the `bootstrap` of `provided.al2023`.
//!
//! The script is read and checked once. Each event is a run of its own: with the
//! invocation's deadline, with a ledger below `/tmp` that is begun anew, and with
//! step identities that begin at 0.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use opsh_operation::{Secret, Value};
use serde_json::{Value as Json, json};
use tracing::Level;

use super::context::{Facts, Invocation};
use super::failure::Failure;
use super::function::{Function, HandlerName};
use super::log::{Lines, Style};
use crate::gate::Gate;
use crate::gate::journal::{Journal, Place};
use crate::gate::redact::Redactor;
use crate::modules::Files;
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::limits::stack_size;
use crate::script::run::{conclude, plain_io};
use crate::script::source::Sources;
use crate::service::Service;
use crate::world::live::{self, Live};
use crate::world::{Cancel, World};

/// Where Lambda's runtime API is; only Lambda sets it.
const API: &str = "AWS_LAMBDA_RUNTIME_API";

/// The stack that what a function makes belongs to, if it is not named after the function.
pub const STACK: &str = "OPSH_STACK";

/// The script stops so long before Lambda would kill it, so that it can say why.
const MARGIN: Duration = Duration::from_millis(300);

/// To report that the function could not start.
const REPORT: Duration = Duration::from_secs(5);

/// Whether this process was started as a function's runtime.
#[must_use]
pub fn wanted() -> bool {
    std::env::var_os(API).is_some() && std::env::args_os().len() <= 1
}

/// Serves the function until Lambda ends the process.
#[must_use]
pub fn main() -> ExitCode {
    let style = Style::read(
        variable("AWS_LAMBDA_LOG_FORMAT").as_deref(),
        variable("AWS_LAMBDA_LOG_LEVEL").as_deref(),
    );
    let world = Arc::new(Live::new(live::Settings::default()));
    let lines = Lines::new(
        style,
        "",
        Arc::new(redactor()),
        Arc::clone(&world) as _,
        Box::new(say),
    );
    let sources = Arc::new(Sources::default());
    let served = Host::start(style, &sources, world)
        .map_err(|error| {
            lines.write(Level::ERROR, &error.render(&sources));
            if let Err(why) = report(&Failure::of(&error)) {
                lines.write(Level::ERROR, &format!("Lambda could not be told: {why}"));
            }
        })
        .and_then(|host| {
            host.serve().map_err(|why| {
                lines.write(Level::ERROR, &format!("error: {why}"));
            })
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(()) => ExitCode::FAILURE,
    }
}

/// Writes a line on standard output; a reader that went away is no error of ours.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The role's credentials are never shown, whatever a script does with the environment.
fn redactor() -> Redactor {
    let redactor = Redactor::default();
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        if let Some(value) = variable(name) {
            redactor.add(&Secret::new(value));
        }
    }
    redactor
}

/// What all invocations in this environment share.
struct Host {
    function: Function,
    facts: Arc<Facts>,
    style: Style,
    stack: String,
    sources: Arc<Sources>,
    world: Arc<Live>,
    /// The one folder that can be written.
    scratch: PathBuf,
}

impl Host {
    /// Reads and checks the script.
    fn start(style: Style, sources: &Arc<Sources>, world: Arc<Live>) -> Result<Self, ScriptError> {
        let needed = |name: &str| {
            variable(name).ok_or_else(|| {
                ScriptError::plain(
                    Class::Start,
                    format!("{name} is not set, which Lambda sets"),
                )
            })
        };
        let facts = Facts {
            name: needed("AWS_LAMBDA_FUNCTION_NAME")?,
            version: needed("AWS_LAMBDA_FUNCTION_VERSION")?,
            memory: needed("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?
                .parse()
                .map_err(|_| {
                    ScriptError::plain(
                        Class::Start,
                        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE is no whole number",
                    )
                })?,
            log_group: variable("AWS_LAMBDA_LOG_GROUP_NAME").unwrap_or_default(),
            log_stream: variable("AWS_LAMBDA_LOG_STREAM_NAME").unwrap_or_default(),
        };
        let root = needed("LAMBDA_TASK_ROOT")?;
        let handler = HandlerName::read(&needed("_HANDLER")?);
        let function = Function::load(root.as_ref(), &handler, sources, &variable)?;
        Ok(Self {
            function,
            style,
            stack: variable(STACK).unwrap_or_else(|| facts.name.clone()),
            facts: Arc::new(facts),
            sources: Arc::clone(sources),
            world,
            scratch: std::env::temp_dir(),
        })
    }

    /// Asks for events and answers them, one at a time.
    fn serve(self) -> Result<(), String> {
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("opsh")
            .thread_stack_size(stack_size())
            .build()
            .map_err(|error| format!("no executor: {error}"))?;
        let host = Arc::new(self);
        let service = service_fn(move |event: LambdaEvent<Json>| {
            let host = Arc::clone(&host);
            async move {
                // The script blocks, and needs a deep stack.
                tokio::task::spawn_blocking(move || host.answer(&event))
                    .await
                    .unwrap_or_else(|error| {
                        Err(Failure {
                            kind: "panic".to_owned(),
                            message: format!("opsh itself failed: {error}"),
                        }
                        .into())
                    })
            }
        });
        executor
            .block_on(lambda_runtime::Runtime::new(service).run())
            .map_err(|error| error.to_string())
    }

    fn answer(&self, event: &LambdaEvent<Json>) -> Result<Json, Diagnostic> {
        let redactor = Arc::new(redactor());
        let lines = Arc::new(Lines::new(
            self.style,
            &event.context.request_id,
            Arc::clone(&redactor),
            Arc::clone(&self.world) as _,
            Box::new(say),
        ));
        let outcome = self
            .runtime(&event.context, &lines, &redactor)
            .and_then(|runtime| {
                let context = self.invocation(&event.context).to_value();
                let payload = Value::from_json(&event.payload);
                let outcome = self.function.invoke(&runtime, payload, context);
                conclude(&runtime.gate, outcome)
            });
        match outcome {
            Ok(value) => Ok(redactor.mark(value).to_json()),
            Err(error) => {
                lines.write(Level::ERROR, &error.render(&self.sources));
                let mut failure = Failure::of(&error);
                failure.message = redactor.scrub(&failure.message);
                Err(failure.into())
            }
        }
    }

    fn invocation(&self, context: &Context) -> Invocation {
        let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        Invocation {
            facts: Arc::clone(&self.facts),
            request_id: context.request_id.clone(),
            function_arn: context.invoked_function_arn.clone(),
            deadline: Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX),
            trace_id: context.xray_trace_id.clone(),
        }
    }

    /// The gate of one invocation.
    fn runtime(
        &self,
        context: &Context,
        lines: &Arc<Lines>,
        redactor: &Arc<Redactor>,
    ) -> Result<Arc<Runtime>, ScriptError> {
        let files = Files::new(&self.scratch).map_err(|error| {
            ScriptError::plain(
                Class::Failed,
                format!("{}: {}", self.scratch.display(), plain_io(&error)),
            )
        })?;
        let left = context
            .deadline()
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        let cancel = Cancel::new(Instant::now().checked_add(left.saturating_sub(MARGIN)));
        let ledger = self.scratch.join("opsh").join("ledger.db");
        let journal = Journal::new(Place::Fresh(ledger), &self.stack, self.function.name());
        let world = Arc::clone(&self.world) as Arc<dyn World>;
        let gate = Gate {
            observers: vec![Arc::clone(lines) as _],
            redactor: Arc::clone(redactor),
            ..Gate::new(world, files, Arc::clone(lines) as _, cancel, journal)
        };
        let sources = Arc::clone(&self.sources);
        Ok(Arc::new(Runtime::new(gate, sources, Service::default())))
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.kind,
            error_message: failure.message,
        }
    }
}

/// Tells Lambda that the function could not start.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
fn report(failure: &Failure) -> Result<(), String> {
    let api = variable(API).unwrap_or_default();
    let body = json!({"errorType": failure.kind, "errorMessage": failure.message});
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .timeout_global(Some(REPORT))
            .proxy(None)
            .build(),
    );
    agent
        .post(format!("http://{api}/2018-06-01/runtime/init/error"))
        .header("Content-Type", "application/json")
        .header(
            "Lambda-Runtime-Function-Error-Type",
            format!("opsh.{}", failure.kind),
        )
        .send(body.to_string())
        .map(|_| ())
        .map_err(|error| error.to_string())
}
