//! Whether what a line declares points at something.

mod looks;

use crate::find;
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
    if let Some(search) = &line.before {
        looks::before(services, service, operation, search)?;
    }
    if let Some(fails) = &line.fails
        && !find::leads(service, operation, fails.within.trim_end_matches("[]"))
    {
        return Err(Error(format!("the path '{}' leads nowhere", fails.within)));
    }
    if let Some(search) = &line.found {
        looks::found(services, service, line, search)?;
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

/// Checks that `call` names parameters that its operation has.
fn parameters(services: &[Service<'_>], call: &Call) -> Result<()> {
    let Some(target) = target(services, call) else {
        return Ok(());
    };
    for (argument, _) in &call.arguments {
        let first = argument.split('.').next().unwrap_or_default();
        parameter(target, first).map_err(|error| Error(format!("{}: {error}", call.operation)))?;
    }
    Ok(())
}

/// The operation that `call` names; waiters and hand-written extras are not in the
/// lists, a test of opsh-aws checks those.
fn target<'a, 'b>(services: &'a [Service<'b>], call: &Call) -> Option<&'a Resolved<'b>> {
    let (module, name) = call.operation.split_once("::")?;
    services
        .iter()
        .find(|service| service.list.module == module)?
        .operations
        .iter()
        .find(|operation| operation.line.name == name)
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
    if !call.operation.contains("::") {
        return Err(Error(format!("'{}' is no operation", call.operation)));
    }
    parameters(services, call)?;
    call.arguments
        .iter()
        .try_for_each(|(_, path)| source(service, operation, path))
}

/// Checks a path, a literal or a template.
fn source(service: &Service<'_>, operation: &Resolved<'_>, text: &str) -> Result<()> {
    if text.starts_with('=') {
        return Ok(());
    }
    let text = text.strip_prefix("each ").unwrap_or(text);
    parts(text).try_for_each(|part| path(service, operation, part))
}

/// The paths in a template, or the path that `text` is.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let template = text.contains('{');
    text.split('{')
        .skip(usize::from(template))
        .filter_map(|part| part.split('}').next())
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
