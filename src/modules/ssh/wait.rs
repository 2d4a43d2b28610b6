//! `ssh::wait`: until a host lets one in.

use std::time::Duration;

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Map, Operation, Value};

use super::target::{self, HOST, RESULT_HOST, login_fields};
use super::with_machine;
use crate::modules::Context;
use crate::modules::declare::{optional, required};
use crate::modules::{answer, given};

const TIMEOUT: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_secs(2);
/// A booting host may swallow packets: one attempt must not eat the whole time.
const ATTEMPT: Duration = Duration::from_secs(10);

static INPUT: Structure = Structure {
    name: "ssh::wait",
    fields: login_fields![
        required("host", Shape::Any, HOST),
        optional(
            "timeout",
            Shape::Duration,
            "How long to wait; 3 m by default."
        ),
    ],
};

static OUTPUT: Structure = Structure {
    name: "ssh::wait",
    fields: &[
        RESULT_HOST,
        optional(
            "host_key",
            Shape::Text,
            "The key that the host showed, as known_hosts has it.",
        ),
        optional("attempts", Shape::INT64, "How many logins were tried."),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

/// Waits for a host.
pub static WAIT: Operation = Operation {
    module: "ssh",
    name: "wait",
    action: "ssh:Wait",
    summary: "Waits until a login on a host works, as after its launch or reboot.",
    input: &INPUT,
    positional: &["host"],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Read,
    raises: super::LOGIN,
    example: with_machine!("assert(ssh::wait(host).attempts >= 1);\n"),
};

/// Tries until it works, fails for good, or the time is over.
///
/// A refused login is tried again too: a host answers before its first boot
/// has written the user's keys. A host key that does not match is never.
pub fn wait(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut target = target::of_input(input)?;
    let timeout = given::duration(input, "timeout").unwrap_or(TIMEOUT);
    if !input.contains_key("connect_timeout") {
        target.connect_timeout = ATTEMPT;
    }
    let start = context.world.now();
    let mut attempts = 0_i64;
    loop {
        attempts += 1;
        let fault = match target::connect(context, &target) {
            Ok(session) => {
                return Ok(Map::from([
                    ("host".to_owned(), target.host.as_str().into()),
                    ("host_key".to_owned(), session.host_key().into()),
                    ("attempts".to_owned(), attempts.into()),
                    (
                        "seconds".to_owned(),
                        answer::seconds(start, context.world.now()),
                    ),
                ])
                .into());
            }
            Err(fault) => fault,
        };
        let may_change = matches!(
            fault.kind,
            FaultKind::Unreachable | FaultKind::Timeout | FaultKind::Denied
        );
        if !may_change {
            return Err(fault);
        }
        let waited = context.world.now().duration_since(start);
        let waited = Duration::try_from(waited).unwrap_or_default();
        if waited + PAUSE > timeout {
            return Err(too_late(&target.host, timeout, attempts, &fault));
        }
        context.world.sleep(PAUSE, context.cancel)?;
    }
}

fn too_late(host: &str, timeout: Duration, attempts: i64, last: &Fault) -> Fault {
    let limit = humantime::format_duration(timeout);
    let mut fault = Fault::new(
        FaultKind::Timeout,
        format!(
            "{host}: no login within {limit} ({attempts} attempts); the last one: {}",
            last.message
        ),
    );
    fault.hint.clone_from(&last.hint);
    fault.retryable = true;
    fault.details.insert("last_error".into(), last.to_value());
    fault
}
