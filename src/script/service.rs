//! `every`, `run_forever`, `exclusively` and their like: what a playbook that stays calls.
//!
//! They need the playbook's functions, so the engine binds them itself; the registry has
//! them as operations of the module `service`, and they are called by their own names.

use std::sync::Arc;
use std::time::Duration;

use opsh_operation::duration::{self, LONGEST};
use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Fault, FaultKind, Field, Map, Value};
use rhai::{
    Dynamic, EvalAltResult, FnPtr, FuncRegistration, ImmutableString, Module, NativeCallContext,
    RhaiNativeFunc,
};

use super::bind::thrown;
use super::engine::Runtime;
use super::error::site;
use super::values::{to_dynamic, to_value};
use crate::ledger::Keep;
use crate::modules::service::{self, MODULE};
use crate::service::forever::{self, GRACE, KEEP, Options};
use crate::service::timer::{SHORTEST, Timer};
use crate::service::{Bounds, Handler, Source};

/// What a function of a script gives.
pub type Given = Result<Dynamic, Box<EvalAltResult>>;

/// Adds the functions to the module of services.
pub fn extend(name: &str, module: &mut Module, runtime: &Arc<Runtime>) {
    if name != MODULE {
        return;
    }
    let own = Arc::clone(runtime);
    set(
        module,
        "every",
        move |context: NativeCallContext, period: Dynamic, function: FnPtr| {
            every(&own, &context, &period, &function, rhai::Map::new())
        },
    );
    let own = Arc::clone(runtime);
    set(
        module,
        "every",
        move |context: NativeCallContext, period: Dynamic, function: FnPtr, options: rhai::Map| {
            every(&own, &context, &period, &function, options)
        },
    );
    let own = Arc::clone(runtime);
    set(module, "run_forever", move |context: NativeCallContext| {
        run_forever(&own, &context, rhai::Map::new())
    });
    let own = Arc::clone(runtime);
    set(
        module,
        "run_forever",
        move |context: NativeCallContext, options: rhai::Map| run_forever(&own, &context, options),
    );
    let own = Arc::clone(runtime);
    set(
        module,
        "exclusively",
        move |context: NativeCallContext, name: ImmutableString, function: FnPtr| {
            exclusively(&own, &context, &name, &function)
        },
    );
    let own = Arc::clone(runtime);
    set(
        module,
        "serve",
        move |context: NativeCallContext, given: rhai::Map| {
            super::serve::serve(&own, &context, given)
        },
    );
    super::alarm::extend(module, runtime);
}

/// Adds a function to `module`, also for calls without the module's name.
pub fn set<A: 'static, const N: usize, const X: bool, R, const F: bool>(
    module: &mut Module,
    name: &str,
    function: impl RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
) where
    R: rhai::Variant + Clone,
{
    FuncRegistration::new(name)
        .in_internal_namespace()
        .with_volatility(true)
        .set_into_module(module, function);
}

/// Registers `source` for the call at `context`.
///
/// # Errors
/// Where there are no services.
pub fn registered(
    runtime: &Runtime,
    context: &NativeCallContext,
    source: Arc<dyn Source>,
) -> Given {
    let done = runtime.service.register(source);
    done.map(|()| Dynamic::UNIT)
        .map_err(|fault| refused(runtime, context, &fault))
}

/// A fault of the call at `context`, with its place.
#[allow(clippy::unnecessary_box_returns)] // Rhai's errors are boxed
#[must_use]
pub fn refused(
    runtime: &Runtime,
    context: &NativeCallContext,
    fault: &Fault,
) -> Box<EvalAltResult> {
    let source = context.call_source().unwrap_or_default();
    let position = context.call_position();
    thrown(runtime, fault, site(source, position).as_ref(), position)
}

/// The options of a call, of which only those in `known` are any.
///
/// # Errors
/// `invalid` with what was likely meant.
pub fn options(name: &str, options: rhai::Map, known: &[Field]) -> Result<Map, Fault> {
    let invalid = |message| Fault::new(FaultKind::Invalid, format!("{name}: {message}"));
    let Value::Map(map) = to_value(&Dynamic::from_map(options)).map_err(invalid)? else {
        return Ok(Map::new());
    };
    for key in map.keys() {
        if !known.iter().any(|field| field.name == key) {
            let near = did_you_mean(key, known.iter().map(|field| field.name));
            return Err(invalid(format!("unknown parameter '{key}'{near}")));
        }
    }
    Ok(map)
}

/// The duration `key` of a call's options.
///
/// # Errors
/// `invalid` if it is none, or shorter than `least`.
pub fn duration(
    name: &str,
    map: &Map,
    key: &str,
    least: Duration,
) -> Result<Option<Duration>, Fault> {
    map.get(key)
        .map(|value| one_duration(value, least))
        .transpose()
        .map_err(|why| Fault::new(FaultKind::Invalid, format!("{name}: '{key}': {why}")))
}

fn one_duration(value: &Value, least: Duration) -> Result<Duration, String> {
    let read = match value {
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds)
            .ok()
            .map(|read| read.min(LONGEST)),
        value => duration::of(value),
    };
    match read {
        None => Err("write a duration such as \"60s\" or \"5m\", or seconds".to_owned()),
        Some(read) if read < least => Err(format!(
            "it must be at least {}",
            humantime::format_duration(least)
        )),
        Some(read) => Ok(read),
    }
}

fn every(
    runtime: &Arc<Runtime>,
    context: &NativeCallContext,
    period: &Dynamic,
    function: &FnPtr,
    given: rhai::Map,
) -> Given {
    let made = || -> Result<Timer, Fault> {
        let invalid = |why: String| Fault::new(FaultKind::Invalid, format!("every: {why}"));
        let period = to_value(period)
            .and_then(|period| one_duration(&period, SHORTEST))
            .map_err(invalid)?;
        let map = options("every", given, service::EVERY.fields)?;
        let text = |key: &str| map.get(key).and_then(Value::as_text).map(str::to_owned);
        let name =
            text("name").unwrap_or_else(|| format!("every {}", humantime::format_duration(period)));
        runtime.service.possible(&name)?;
        let bounds = Bounds {
            limit: duration("every", &map, "timeout", Duration::from_millis(1))?,
            exclusive: text("exclusive"),
        };
        let handler = Handler::new(context, function).within(bounds);
        Ok(Timer {
            handler: runtime.service.handler(&name, &handler),
            at_once: map.get("at_once").and_then(Value::as_bool).unwrap_or(false),
            period,
            name,
        })
    };
    match made() {
        Ok(timer) => registered(runtime, context, Arc::new(timer)),
        Err(fault) => Err(refused(runtime, context, &fault)),
    }
}

fn run_forever(runtime: &Arc<Runtime>, context: &NativeCallContext, given: rhai::Map) -> Given {
    let run = || -> Result<Value, Fault> {
        let map = options("run_forever", given, service::RUN_FOREVER.fields)?;
        let grace = duration("run_forever", &map, "grace", Duration::ZERO)?;
        let keep = Keep {
            events: number(&map, "keep", "events")?.unwrap_or(KEEP.events),
            bytes: number(&map, "keep_bytes", "bytes")?.unwrap_or(KEEP.bytes),
        };
        let grace = grace.unwrap_or(GRACE);
        forever::run(runtime, Options { grace, keep })
    };
    run()
        .map(|summary| to_dynamic(&summary))
        .map_err(|fault| refused(runtime, context, &fault))
}

/// How many of `what` the option `key` of a service says.
fn number<N: TryFrom<i64>>(map: &Map, key: &str, what: &str) -> Result<Option<N>, Fault> {
    let Some(value) = map.get(key) else {
        return Ok(None);
    };
    let number = value.as_int().and_then(|number| N::try_from(number).ok());
    let wrong = || {
        let words = format!("run_forever: '{key}' must be a number of {what}");
        Fault::new(FaultKind::Invalid, words)
    };
    number.map(Some).ok_or_else(wrong)
}

fn exclusively(
    runtime: &Arc<Runtime>,
    context: &NativeCallContext,
    name: &str,
    function: &FnPtr,
) -> Given {
    let gate = &runtime.gate;
    let held = runtime
        .service
        .locks()
        .take(name, gate.world.as_ref(), &gate.cancel)
        .map_err(|fault| refused(runtime, context, &fault))?;
    let result = function.call_within_context(context, ());
    drop(held);
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Instant;

    #[test]
    fn clocks_have_room_for_every_duration() {
        for long in [
            Value::Int(i64::MAX),
            Value::Float(1e19),
            "2562047788015h".into(),
        ] {
            let read = one_duration(&long, Duration::ZERO).unwrap();
            assert!(Instant::now().checked_add(read).is_some(), "{read:?}");
        }
        let half = one_duration(&Value::Float(0.5), Duration::ZERO);
        assert_eq!(half, Ok(Duration::from_millis(500)));
    }
}
