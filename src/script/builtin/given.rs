//! `param`, `secret` and `sleep`: what the run gives a playbook.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, TryFromFloatSecsError};

use opsh_operation::{Secret, Shape};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::{Builtin, Scene, builtin};
use crate::modules::declare::{optional, required};
use crate::script::bind;
use crate::script::engine::Runtime;
use crate::script::values;
use crate::world::Kind;

pub(super) const PARAM: Builtin = builtin! {
    "param" param, ("name", "options") [
        required("name", Shape::Text, "Its name on the command line, a literal: opsh run P name=value."),
        optional("options", Shape::Any, "A map of literals: default (without one it must be given), type (text, int, float, bool, duration, path, secret, list; default: that of the default value), doc, min, max, choices."),
    ] -> Shape::Any,
    "Declares a parameter of the playbook, at its top level; gives its value.",
    r#"let count = param("count", #{ default: 2, min: 1, max: 20, doc: "How many to launch." });
assert_eq(count, 2);"#,
};

pub(super) const SECRET: Builtin = builtin! {
    "secret" secret, ("name") [
        required("name", Shape::Text, "The environment variable's name."),
    ] -> Shape::Text,
    "The value of an environment variable, never shown or stored in plain; a dry run has one of its own.",
    r#"let token = secret("API_TOKEN");
assert_eq(`${token}`, "[secret]");"#,
};

pub(super) const SLEEP: Builtin = builtin! {
    "sleep" sleep, ("seconds") [
        required("seconds", Shape::Float, "For how long, in seconds."),
    ] -> Shape::Nothing,
    "Waits; on the embedded cloud that costs no time.",
    r#"let begun = time::now();
sleep(90);
assert_eq(time::now() - begun, 90.0);"#,
};

fn param(engine: &mut Engine, name: &'static str, scene: &Scene<'_>) {
    let get = Arc::clone(scene.runtime);
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
    engine.register_fn(name, move |name: ImmutableString| lookup(&name));
    engine.register_fn(name, move |name: ImmutableString, _options: rhai::Map| {
        with_options(&name)
    });
}

fn secret(engine: &mut Engine, name: &'static str, scene: &Scene<'_>) {
    let runtime = Arc::clone(scene.runtime);
    engine.register_fn(name, move |name: ImmutableString| variable(&runtime, &name));
}

/// The environment variable `name` as a secret.
///
/// A dry run reads no environment, so that its plan is the same everywhere.
fn variable(runtime: &Runtime, name: &str) -> Result<Secret, Box<EvalAltResult>> {
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

fn sleep(engine: &mut Engine, name: &'static str, scene: &Scene<'_>) {
    let sleeper = Arc::clone(scene.runtime);
    engine.register_fn(name, move |seconds: i64| {
        #[allow(clippy::cast_precision_loss)] // exact for longer than anything sleeps
        let seconds = seconds as f64;
        rest(&sleeper, Duration::try_from_secs_f64(seconds))
    });
    let sleeper = Arc::clone(scene.runtime);
    engine.register_fn(name, move |seconds: f64| {
        rest(&sleeper, Duration::try_from_secs_f64(seconds))
    });
}

fn rest(
    runtime: &Runtime,
    duration: Result<Duration, TryFromFloatSecsError>,
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
