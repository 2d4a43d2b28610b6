//! `ssh::run_all`: one command on many hosts, a bounded number at a time.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, Inverse, Map, Operation, Settle, Value};

use super::run::{self, OUTPUT};
use super::target::{self, login_fields};
use super::with_machine;
use crate::modules::Context;
use crate::modules::declare::{optional, plain_write, required};
use crate::modules::given;
use crate::world::Kind;

static INPUT: Structure = Structure {
    name: "ssh::run_all",
    fields: login_fields![
        required(
            "hosts",
            Shape::List(&Shape::Any),
            "Hosts, each as ssh::run takes it.",
        ),
        required(
            "command",
            Shape::Text,
            "The command line, for the remote users' shells."
        ),
        optional(
            "concurrency",
            Shape::Int { min: 1, max: 256 },
            "How many hosts at the same time; 8 by default.",
        ),
        optional(
            "timeout",
            Shape::Duration,
            "For each command; 5 m by default."
        ),
        optional("stdin", Shape::Body, "What each command reads."),
        optional("sudo", Shape::Bool, "Run it as root by 'sudo -n'."),
        optional(
            "check",
            Shape::Bool,
            "Whether an exit code other than 0 is an error of that host; true by default.",
        ),
        optional(
            "limit",
            Shape::Int {
                min: 1,
                max: 1 << 30
            },
            "Refuse output of a host beyond this many bytes; 16 MiB by default.",
        ),
    ],
};

/// Runs a command on many hosts.
pub static RUN_ALL: Operation = Operation {
    module: "ssh",
    name: "run_all",
    action: "ssh:RunAll",
    summary: "Runs a command on many hosts at once; the results come in the hosts' order, a host's failure as #{ host, error }.",
    input: &INPUT,
    positional: &["hosts", "command"],
    output: Shape::List(&Shape::Struct(&OUTPUT)),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what a command changed on its hosts is not known"),
        Settle::Ask,
    )),
    raises: super::LOGIN,
    example: with_machine!(
        r#"let results = ssh::run_all([host, host], "hostname");
assert(results.len() == 2);
assert(results[0].exit_code == 0);
"#
    ),
};

/// Does it: live on threads; in Local, where time is virtual, one after the other.
pub fn run_all(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let hosts = input
        .get("hosts")
        .and_then(Value::as_list)
        .unwrap_or_default();
    let targets = hosts
        .iter()
        .map(|host| target::of(host, input))
        .collect::<Result<Vec<_>, _>>()?;
    let asked = usize::try_from(given::count(input, "concurrency", 8)).unwrap_or(1);
    let threads = match context.world.kind() {
        Kind::Live => asked.clamp(1, targets.len().max(1)),
        Kind::Local | Kind::DryRun => 1,
    };
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![Value::Null; targets.len()]);
    let work = || {
        while let Some((index, target)) = {
            let index = next.fetch_add(1, Ordering::SeqCst);
            targets.get(index).map(|target| (index, target))
        } {
            let result = run::on(context, target, input).unwrap_or_else(|fault| {
                Value::Map(Map::from([
                    ("host".to_owned(), target.host.as_str().into()),
                    ("error".to_owned(), fault.to_value()),
                ]))
            });
            results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
        }
    };
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    // A cancelled run must end as one, not as many failed hosts.
    context.cancel.check()?;
    Ok(Value::List(
        results.into_inner().unwrap_or_else(PoisonError::into_inner),
    ))
}
