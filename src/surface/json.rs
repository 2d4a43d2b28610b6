//! What can be called, for programs.

use opsh_operation::{Effect, Operation, Shape};
use serde_json::{Value, json};

use super::callable::{Callable, Kind, Parameter, values};
use super::{Module, describe, fields};

/// A module with the names in it.
#[must_use]
pub fn module(module: &Module) -> Value {
    let callables = module.callables.iter().map(|callable| {
        json!({
            "name": callable.full_name(),
            "signature": callable.signature(),
            "summary": callable.doc.summary,
        })
    });
    json!({
        "module": module.name,
        "summary": module.doc.summary,
        "details": module.doc.details,
        "callables": callables.collect::<Vec<_>>(),
    })
}

/// Everything about one thing that can be called.
#[must_use]
pub fn callable(callable: &Callable) -> Value {
    let parameters: Vec<Value> = callable.parameters().iter().map(parameter).collect();
    let mut found = json!({
        "name": callable.full_name(),
        "kind": match callable.kind {
            Kind::Operation { .. } => "operation",
            Kind::Builtin(_) => "builtin",
            Kind::Library(_) => "library",
            Kind::Language { .. } => "language",
        },
        "signature": callable.signature(),
        "summary": callable.doc.summary,
        "details": callable.doc.details,
        "parameters": parameters,
        "example": callable.doc.playbook(),
    });
    if let (Some(operation), Some(map)) = (callable.declared(), found.as_object_mut()) {
        map.insert("result".into(), shape(&operation.output, &mut Vec::new()));
        if let Kind::Operation { .. } = callable.kind {
            map.insert("effect".into(), effect(operation).into());
            map.insert("action".into(), operation.action.into());
        }
        if let Some(write) = operation.write() {
            let makes: Vec<&str> = write.makes.iter().map(|makes| makes.kind).collect();
            let removes: Vec<&str> = write.removes.iter().map(|removes| removes.kind).collect();
            map.insert("makes".into(), makes.into());
            map.insert("removes".into(), removes.into());
            map.insert("undone".into(), describe::inverse(write).into());
            map.insert("interrupted".into(), describe::settle(write.settle).into());
        }
        let raises = operation.raises.iter().map(|raised| {
            json!({ "kind": super::raised(raised).word(), "code": raised.code, "doc": raised.doc })
        });
        map.insert("errors".into(), raises.collect());
    }
    found
}

/// The word for what an operation does to the world.
#[must_use]
pub fn effect(operation: &Operation) -> &'static str {
    match operation.effect {
        Effect::Pure => "none",
        Effect::Read => "read",
        Effect::Write(_) => "write",
    }
}

fn parameter(parameter: &Parameter<'_>) -> Value {
    let mut found = json!({
        "name": parameter.name,
        "required": parameter.required,
        "positional": parameter.positional,
        "secret": parameter.sensitive,
        "default": parameter.default(),
        "doc": parameter.doc,
    });
    if let (Some(map), Some(of)) = (found.as_object_mut(), parameter.shape) {
        map.insert("takes".into(), shape(of, &mut Vec::new()));
    } else if let Some(map) = found.as_object_mut() {
        map.insert("takes".into(), json!({ "type": parameter.takes() }));
    }
    found
}

/// A shape with what is in it; a structure in its like is named only.
fn shape(of: &Shape, within: &mut Vec<&'static str>) -> Value {
    let mut found = json!({ "type": of.describe() });
    let known = values(of);
    let Some(map) = found.as_object_mut() else {
        return found;
    };
    if !known.is_empty() {
        map.insert("values".into(), known.into());
    }
    let inner = fields::structure(of).filter(|inner| !within.contains(&inner.name));
    if let Some(inner) = inner {
        within.push(inner.name);
        let inside: Vec<Value> = inner
            .fields
            .iter()
            .map(|field| {
                json!({
                    "name": field.name,
                    "required": field.required,
                    "secret": field.sensitive,
                    "doc": field.doc,
                    "takes": shape(&field.shape, within),
                })
            })
            .collect();
        map.insert("fields".into(), inside.into());
        within.pop();
    }
    found
}
