//! Every operation of the registry as a Rhai function of its module.
//!
//! `module::name(positional…, #{ parameters }, #{ controls })`: the parameters
//! that the operation lets be given by position come first, the others in a map,
//! controls in a second map.

use std::any::TypeId;
use std::sync::Arc;

use opsh_operation::shape::Shape;
use opsh_operation::{Fault, FaultKind, Map, Operation, Problem, Report, Value, validate};
use rhai::{
    Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext, Position,
    RhaiFunc, Scope,
};

use super::engine::Runtime;
use super::error::{site, site_value};
use super::reach::Reach;
use super::values::{to_dynamic, to_value};
use super::{check, limits::Stop};
use crate::gate::{Call, Failure};
use crate::modules::registry::registry;
use crate::modules::{Entry, Handler};
use crate::world::Reason;

/// Gives `engine` the operations that are reached.
pub fn register(engine: &mut Engine, runtime: &Arc<Runtime>, reach: &Reach) {
    for (name, entries) in registry().modules() {
        // Functions of services are called without their module's name, too.
        let global = name == crate::modules::service::MODULE;
        if !global && !reach.touches(name) {
            continue;
        }
        let mut module = Module::new();
        module.set_id(name);
        for entry in entries
            .values()
            .filter(|entry| !matches!(entry.handler, Handler::Script { .. }))
            .filter(|entry| global || reach.has(name, entry.operation.name))
        {
            bind(&mut module, entry, runtime);
        }
        super::parallel::extend(name, &mut module, runtime);
        super::discord::extend(name, &mut module, runtime);
        super::service::extend(name, &mut module, runtime);
        module.build_index();
        let module: rhai::Shared<Module> = module.into();
        if global {
            engine.register_global_module(module.clone());
        }
        engine.register_static_module(name, module);
    }
}

fn bind(module: &mut Module, entry: &'static Entry, runtime: &Arc<Runtime>) {
    let positional = entry.operation.positional.len();
    for count in 0..=positional + 2 {
        let runtime = Arc::clone(runtime);
        let function = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
            let Some(context) = context else {
                return Ok(Dynamic::UNIT);
            };
            call(&runtime, entry, &context, arguments)
        };
        FuncRegistration::new(entry.operation.name)
            .in_internal_namespace()
            .set_into_module_raw(
                module,
                vec![TypeId::of::<Dynamic>(); count],
                RhaiFunc::Pure {
                    func: Arc::new(function),
                    has_context: true,
                    is_pure: false,
                    is_volatile: true,
                },
            );
    }
}

fn call(
    runtime: &Runtime,
    entry: &'static Entry,
    context: &NativeCallContext,
    arguments: &[&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    let source = context.call_source().unwrap_or_default();
    let position = runtime.sources.start(source, context.call_position());
    let place = site(source, position).unwrap_or_default();
    let (input, controls) = arguments_of(entry.operation, arguments).map_err(|message| {
        invalid(
            runtime,
            entry.operation,
            source,
            position,
            &[Problem {
                path: Vec::new(),
                message,
                wrong: validate::Wrong::Mistyped,
            }],
        )
    })?;
    if let Handler::Library { module, function } = entry.handler {
        let report = validate::input(entry.operation.input, &input);
        if !report.errors.is_empty() {
            return Err(invalid(
                runtime,
                entry.operation,
                source,
                position,
                &report.errors,
            ));
        }
        return library(context, entry.operation, [module, function], input);
    }
    let made = Call {
        entry,
        input,
        controls,
        site: place,
        undoes: None,
    };
    match runtime.gate.call(made) {
        Ok(value) => Ok(to_dynamic(&value)),
        Err(Failure::Fault(fault)) => Err(thrown(
            runtime,
            &fault,
            site(source, position).as_ref(),
            position,
        )),
        Err(Failure::Invalid(Report { errors, .. })) => {
            Err(invalid(runtime, entry.operation, source, position, &errors))
        }
    }
}

/// Calls a function of the standard library with the parameters as one map.
fn library(
    context: &NativeCallContext,
    operation: &Operation,
    [module, function]: [&str; 2],
    input: Map,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let engine = context.engine();
    let mut scope = Scope::new();
    scope.push_dynamic("parameters", to_dynamic(&Value::Map(input)));
    let call = format!("import {module:?} as it; it::{function}(parameters)");
    let ast = engine.compile_with_scope(&scope, call)?;
    engine
        .eval_ast_with_scope(&mut scope, &ast)
        .map_err(|error| match *error {
            // The call above is nobody's: what is seen is the playbook's own.
            EvalAltResult::ErrorInFunctionCall(_, source, inner, _) => {
                EvalAltResult::ErrorInFunctionCall(
                    operation.full_name(),
                    source,
                    inner,
                    context.call_position(),
                )
                .into()
            }
            other => other.into(),
        })
}

/// Sorts a call's arguments into parameters and controls.
fn arguments_of(operation: &Operation, arguments: &[&mut Dynamic]) -> Result<(Map, Map), String> {
    let mut values = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        values.push(
            to_value(argument).map_err(|problem| format!("argument {}: {problem}", index + 1))?,
        );
    }
    let mut input = Map::new();
    let mut values = values.into_iter().enumerate().peekable();
    for name in operation.positional {
        let Some((_, value)) = values.peek() else {
            break;
        };
        if matches!(value, Value::Map(_)) && !takes_maps(operation, name) {
            break;
        }
        if let Some((_, value)) = values.next() {
            input.insert((*name).to_owned(), value);
        }
    }
    let mut map_of = |what: &str| match values.next() {
        None => Ok(Map::new()),
        Some((_, Value::Map(map))) => Ok(map),
        Some((index, other)) => Err(format!(
            "argument {} must be the map of {what}, not {}",
            index + 1,
            other.type_name()
        )),
    };
    let parameters = map_of("parameters")?;
    let controls = map_of("controls")?;
    for (name, value) in parameters {
        if input.insert(name.clone(), value).is_some() {
            return Err(format!("parameter '{name}' is given twice"));
        }
    }
    Ok((input, controls))
}

/// Whether a map in the place of the parameter `name` is that parameter, and not the map
/// of the others.
#[must_use]
pub fn takes_maps(operation: &Operation, name: &str) -> bool {
    operation.input.field(name).is_some_and(|field| {
        field.required
            || !matches!(
                field.shape,
                Shape::Text
                    | Shape::Path
                    | Shape::Output
                    | Shape::Int { .. }
                    | Shape::Duration
                    | Shape::Bool
            )
    })
}

/// A fault as what a playbook can catch; a cancellation as what ends it (see `limits`).
#[allow(clippy::unnecessary_box_returns)] // Rhai's errors are boxed
#[must_use]
pub fn thrown(
    runtime: &Runtime,
    fault: &Fault,
    at: Option<&crate::gate::event::Site>,
    position: Position,
) -> Box<EvalAltResult> {
    let stop = match fault.kind {
        FaultKind::Deadline => Some(Reason::Deadline),
        FaultKind::Interrupted => Some(Reason::Interrupted),
        _ => None,
    };
    if let Some(reason) = stop {
        runtime.gate.cancel.raise(reason);
        return EvalAltResult::ErrorRuntime(Dynamic::from(Stop::Cancelled(reason)), position)
            .into();
    }
    let mut value = fault.to_value();
    if let (Value::Map(map), Some(at)) = (&mut value, at) {
        map.insert("at".into(), site_value(at));
    }
    if crate::gate::is_fatal(fault) {
        return EvalAltResult::ErrorTerminated(to_dynamic(&value), position).into();
    }
    EvalAltResult::ErrorRuntime(to_dynamic(&value), position).into()
}

/// All problems of a call, each with its place in the playbook.
#[allow(clippy::unnecessary_box_returns)] // Rhai's errors are boxed
fn invalid(
    runtime: &Runtime,
    operation: &Operation,
    source: &str,
    position: Position,
    problems: &[Problem],
) -> Box<EvalAltResult> {
    let ast = runtime.sources.get(source).and_then(|source| source.ast);
    let located: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let place = ast
                .as_ref()
                .and_then(|ast| check::place(ast, position, problem))
                .unwrap_or(position);
            let mut map =
                Map::from([("message".to_owned(), Value::from(problem.message.as_str()))]);
            if let Some(place) = site(source, place) {
                map.insert("at".to_owned(), site_value(&place));
            }
            Value::Map(map)
        })
        .collect();
    let message = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    let mut fault = Fault::new(FaultKind::Invalid, message);
    fault.operation = operation.full_name();
    operation.module.clone_into(&mut fault.service);
    fault
        .details
        .insert("problems".into(), Value::List(located));
    thrown(runtime, &fault, site(source, position).as_ref(), position)
}
