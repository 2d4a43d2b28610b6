//! `print` and `debug`: Rhai's own, led to the run's terminal.

use std::sync::Arc;

use opsh_operation::Shape;
use rhai::Engine;

use super::{Builtin, Scene, builtin};
use crate::modules::declare::optional;

pub(super) const PRINT: Builtin = builtin! {
    "print" print, ("value") [
        optional("value", Shape::Any, "What to print. Default: an empty line."),
    ] -> Shape::Nothing,
    "Prints a result on standard output.",
    r#"let vpcs = ec2::describe_vpcs(#{}).vpcs;
print(`there are ${vpcs.len()} VPCs`);"#,
};

pub(super) const DEBUG: Builtin = builtin! {
    "debug" debug, ("value") [
        optional("value", Shape::Any, "What to show. Default: nothing but the place."),
    ] -> Shape::Nothing,
    "Shows a value and the place in the playbook on standard error, with -vv.",
    r#"debug(ec2::describe_vpcs(#{}).vpcs[0]);"#,
};

fn print(engine: &mut Engine, _: &'static str, scene: &Scene<'_>) {
    let runtime = Arc::clone(scene.runtime);
    engine.on_print(move |text| {
        runtime
            .gate
            .terminal
            .print(&runtime.gate.redactor.scrub(text));
    });
}

fn debug(engine: &mut Engine, _: &'static str, scene: &Scene<'_>) {
    let runtime = Arc::clone(scene.runtime);
    engine.on_debug(move |text, source, position| {
        let line = format!("{}:{position:?}: {text}", source.unwrap_or_default());
        runtime
            .gate
            .terminal
            .log(tracing::Level::DEBUG, &runtime.gate.redactor.scrub(&line));
    });
}
