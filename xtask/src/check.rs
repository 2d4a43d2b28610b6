//! Whether what a line declares points at something.

use crate::list::{Call, Inverse, Settle};
use crate::model::{Definition, Member, Type};
use crate::resolve::{Resolved, Service};
use crate::{Error, Result};

/// Checks every path, parameter and operation that the lists name.
pub fn all(services: &[Service<'_>]) -> Result<()> {
    for service in services {
        for operation in &service.operations {
            one(services, service, operation).map_err(|error| {
                Error(format!(
                    "{}::{}: {error}",
                    service.list.module, operation.line.name
                ))
            })?;
        }
    }
    Ok(())
}

fn one(services: &[Service<'_>], service: &Service<'_>, operation: &Resolved<'_>) -> Result<()> {
    let line = operation.line;
    for (_, path) in line.makes.iter().chain(&line.removes) {
        source(service, operation, path)?;
    }
    let filled = line.always.iter().chain(&line.absent).map(|(name, _)| name);
    for name in line.keep.iter().chain(filled).chain(&line.untagged_if) {
        parameter(operation, name)?;
    }
    if let Some(Inverse::Calls(calls)) = &line.inverse {
        for call in calls {
            arguments(services, service, operation, call)?;
        }
    }
    match &line.settle {
        Some(Settle::Token(name) | Settle::RepeatIf(name)) => parameter(operation, name),
        Some(Settle::Find(find)) => {
            arguments(services, service, operation, &find.call)?;
            find.completed(service, operation).map(drop)
        }
        _ => Ok(()),
    }
}

fn parameter(operation: &Resolved<'_>, name: &str) -> Result<()> {
    let synthetic = (name == "tags" && operation.specifies_tags)
        || (name == "to_file" && operation.response_body().is_some());
    let known = operation
        .parameters
        .iter()
        .any(|member| member.name == name);
    if known || synthetic {
        Ok(())
    } else {
        Err(Error(format!("no parameter '{name}'")))
    }
}

fn arguments(
    services: &[Service<'_>],
    service: &Service<'_>,
    operation: &Resolved<'_>,
    call: &Call,
) -> Result<()> {
    let (module, name) = call
        .operation
        .split_once("::")
        .ok_or_else(|| Error(format!("'{}' is no operation", call.operation)))?;
    // Waiters and hand-written extras are not in the lists; a test of opsh-aws checks those.
    let target = services
        .iter()
        .find(|service| service.list.module == module)
        .and_then(|service| {
            service
                .operations
                .iter()
                .find(|operation| operation.line.name == name)
        });
    for (argument, path) in &call.arguments {
        if let Some(target) = target {
            let first = argument.split('.').next().unwrap_or_default();
            parameter(target, first)
                .map_err(|error| Error(format!("{}: {error}", call.operation)))?;
        }
        source(service, operation, path)?;
    }
    Ok(())
}

/// Checks a path, a literal or a template.
fn source(service: &Service<'_>, operation: &Resolved<'_>, text: &str) -> Result<()> {
    if text.starts_with('=') {
        return Ok(());
    }
    let text = text.strip_prefix("each ").unwrap_or(text);
    if text.contains('{') {
        return text
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
            .try_for_each(|part| path(service, operation, part));
    }
    path(service, operation, text)
}

fn path(service: &Service<'_>, operation: &Resolved<'_>, text: &str) -> Result<()> {
    let wrong = || Error(format!("the path '{text}' leads nowhere"));
    let (root, rest) = text.split_once('.').ok_or_else(wrong)?;
    let mut members: Vec<Member> = match root {
        "input" => operation.parameters.clone(),
        "result" => operation.results.clone(),
        _ => return Err(wrong()),
    };
    for segment in rest.split('.') {
        let name = segment.split('[').next().unwrap_or_default();
        let member = members
            .iter()
            .find(|member| member.name == name)
            .ok_or_else(wrong)?;
        members = match member.ty.named().and_then(|name| service.types.get(name)) {
            Some(Definition::Structure(structure) | Definition::Union(structure)) => {
                structure.members.clone()
            }
            _ if matches!(member.ty, Type::Map(_)) => return Ok(()),
            _ => Vec::new(),
        };
    }
    Ok(())
}
