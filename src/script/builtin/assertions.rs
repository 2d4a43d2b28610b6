//! `assert` and `assert_eq`: what must be so.

use opsh_operation::{Shape, Value};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::{Builtin, Scene, builtin};
use crate::modules::declare::{optional, required};
use crate::script::difference;
use crate::script::values::to_value;

pub(super) const ASSERT: Builtin = builtin! {
    "assert" assert, ("condition", "message") [
        required("condition", Shape::Bool, "What must be true."),
        optional("message", Shape::Text, "What is thrown if it is not. Default: \"the assertion does not hold\"."),
    ] -> Shape::Nothing,
    "Ends the playbook with an error if a condition is not true.",
    r#"let zones = ec2::describe_availability_zones(#{}).availability_zones;
assert(zones.len() >= 2, "a balancer wants two zones");"#,
};

pub(super) const ASSERT_EQ: Builtin = builtin! {
    "assert_eq" assert_eq, ("left", "right") [
        required("left", Shape::Any, "A value."),
        required("right", Shape::Any, "What it must be equal to."),
    ] -> Shape::Nothing,
    "Ends the playbook with an error that shows both values if they differ.",
    r#"assert_eq(text::slug("Hello, World!"), "hello-world");"#,
};

type Checked = Result<(), Box<EvalAltResult>>;

fn check(holds: bool, message: &str) -> Checked {
    if holds { Ok(()) } else { Err(message.into()) }
}

fn assert(engine: &mut Engine, name: &'static str, _: &Scene<'_>) {
    engine.register_fn(name, |holds: bool| {
        check(holds, "the assertion does not hold")
    });
    engine.register_fn(name, |holds: bool, message: ImmutableString| {
        check(holds, &message)
    });
}

fn assert_eq(engine: &mut Engine, name: &'static str, _: &Scene<'_>) {
    engine.register_fn(name, |left: Dynamic, right: Dynamic| -> Checked {
        let (left, right) = (to_value(&left)?, to_value(&right)?);
        if left == right {
            return Ok(());
        }
        Err(unequal(&left, &right).into())
    });
}

/// Values up to this length are shown on a line each.
const LINE: usize = 72;

/// Two values that were to be equal; of long ones what differs.
fn unequal(left: &Value, right: &Value) -> String {
    let (left, right) = (left.to_json(), right.to_json());
    let line = |value: &serde_json::Value| value.to_string();
    if line(&left).len().max(line(&right).len()) <= LINE {
        return format!(
            "not equal:\n  left:  {}\n  right: {}",
            line(&left),
            line(&right)
        );
    }
    let lines = |value: &serde_json::Value| format!("{value:#}\n");
    let changes = difference::of(&lines(&left), &lines(&right));
    format!("not equal; left (-), right (+):\n{changes}")
}
