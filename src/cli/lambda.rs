//! `opsh lambda`: functions written as playbooks, for people.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use opsh_operation::Value;

use super::console::Output;
use super::settings::Settings;
use super::start;
use super::{given, json, run, say};
use crate::lambda::context::{Facts, Invocation};
use crate::lambda::function::{Function, HANDLER};
use crate::lambda::package::binary::Architecture;
use crate::lambda::package::{Bootstrap, Wanted, package};
use crate::script::error::{Class, ScriptError};
use crate::script::run::{Playbook, conclude, plain_io};
use crate::script::source::Sources;

/// Lambda functions written as playbooks: package one, try one.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Package(Package),
    Invoke(Box<Invoke>),
}

/// Write the archive of a function: this program, the script and what it imports.
///
/// The archive is for the runtime `provided.al2023` and depends on nothing but its
/// content. A program that would not run there is refused, with the way to build
/// one that does.
#[derive(Args)]
struct Package {
    /// The script, which has a function handler(event, context)
    script: PathBuf,
    /// The archive to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The function's processor [default: this machine's]
    #[arg(long, value_enum)]
    arch: Option<Architecture>,
    /// The opsh to package [default: this one]
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// A file or folder beside the script that it names at run time only
    #[arg(long, value_name = "PATH")]
    include: Vec<String>,
}

/// Run a function once, here: its handler(event, context) with an event from a file.
///
/// Without --local or --dry-run what it does is done. Its result is printed as JSON, behind
/// the plan of a dry run (-q: without it).
/// Exit codes as of opsh run.
#[derive(Args)]
struct Invoke {
    /// The script, which has a function handler(event, context)
    script: PathBuf,
    /// Parameters of the script, each as key=value
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// The event as a JSON file, - for standard input [default: {}]
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// The memory in MiB that the context says it has
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    memory: i64,
    #[command(flatten)]
    settings: Settings,
}

/// The longest that Lambda lets a function run, which the context says without --deadline.
const LONGEST: Duration = Duration::from_mins(15);

/// Does what the subcommand says.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let sources = Arc::new(Sources::default());
    let (done, output) = match &arguments.command {
        Command::Package(arguments) => (write(arguments, &sources), Output::Human),
        Command::Invoke(arguments) => (invoke(arguments, &sources), arguments.settings.output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say::error(&error, output, &sources),
    }
}

fn write(arguments: &Package, sources: &Sources) -> Result<(), ScriptError> {
    let refused = |message: String| ScriptError::plain(Class::Start, message);
    let architecture = arguments.arch.or_else(Architecture::own).ok_or_else(|| {
        refused("Lambda does not have this machine's processor".to_owned())
            .hint("say which function and program are meant with --arch and --binary")
    })?;
    let program = match &arguments.binary {
        Some(path) => path.clone(),
        None => std::env::current_exe()
            .map_err(|error| refused(format!("this program cannot be found: {error}")))?,
    };
    let package = package(
        &Wanted {
            script: &arguments.script,
            include: &arguments.include,
            bootstrap: Bootstrap::Program(program, architecture),
        },
        sources,
    )?;
    std::fs::write(&arguments.output, &package.zip).map_err(|error| {
        refused(format!(
            "cannot write '{}': {}",
            arguments.output.display(),
            plain_io(&error)
        ))
    })?;
    say::out(format_args!(
        "{}: {} bytes, for {architecture}, handler {}\nsha256 {}\nfiles {}\nactions {}",
        arguments.output.display(),
        package.zip.len(),
        package.handler,
        package.sha256,
        package.files.join(" "),
        if package.actions.is_empty() {
            "(none)".to_owned()
        } else {
            package.actions.join(" ")
        }
    ));
    Ok(())
}

fn invoke(arguments: &Invoke, sources: &Arc<Sources>) -> Result<(), ScriptError> {
    let event = event(arguments.event.as_deref())?;
    let playbook = Playbook::load(&arguments.script, sources)?;
    let name = playbook.stack();
    let given = given::parameters(&arguments.parameters, None)?;
    let function = Function::of(playbook, HANDLER, &given)?;
    let settings = &arguments.settings;
    let stack = settings.stack.as_ref().unwrap_or(&name);
    let started = start::start(settings, stack, function.name(), Arc::clone(sources))?;
    let context = context(&name, arguments, &started);
    let outcome = function.invoke(&started.runtime, event, context);
    let outcome = conclude(&started.runtime.gate, outcome);
    started.console.progress.clear();
    let planned = started.dry && !settings.quiet && settings.output == Output::Human;
    if planned {
        run::show_plan(&started, settings, None, outcome.is_ok());
    }
    let value = outcome.inspect_err(|error| {
        started
            .console
            .note(tracing::Level::ERROR, &error.render(sources));
    })?;
    started.console.out(&match settings.output {
        Output::Human if planned => format!("\n{}", value.to_json()),
        Output::Human => value.to_json().to_string(),
        Output::Json => json::result(&value),
    });
    Ok(())
}

fn event(path: Option<&Path>) -> Result<Value, ScriptError> {
    let Some(path) = path else {
        return Ok(Value::Map(BTreeMap::new()));
    };
    let failed = |why: String| {
        ScriptError::plain(
            Class::Start,
            format!("cannot read --event '{}': {why}", path.display()),
        )
    };
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    }
    .map_err(|error| failed(plain_io(&error)))?;
    serde_json::from_str(&text)
        .map(|json| Value::from_json(&json))
        .map_err(|error| failed(error.to_string()))
}

/// What the handler is told: made up where only Lambda would know.
fn context(name: &str, arguments: &Invoke, started: &start::Started) -> Value {
    let world = started.runtime.gate.world.as_ref();
    let mut id = [0; 16];
    world.random(&mut id);
    let id = hex::encode(id);
    let region = arguments.settings.region.as_deref().unwrap_or("us-east-1");
    let now = world.now();
    let limit = arguments.settings.deadline.unwrap_or(LONGEST);
    Invocation {
        facts: Arc::new(Facts {
            name: name.to_owned(),
            version: "$LATEST".to_owned(),
            memory: arguments.memory,
            log_group: format!("/aws/lambda/{name}"),
            log_stream: "here".to_owned(),
        }),
        request_id: format!(
            "{}-{}-{}-{}-{}",
            &id[..8],
            &id[8..12],
            &id[12..16],
            &id[16..20],
            &id[20..]
        ),
        function_arn: format!("arn:aws:lambda:{region}:000000000000:function:{name}"),
        deadline: now.checked_add(limit).unwrap_or(now),
        trace_id: None,
    }
    .to_value()
}
