//! Whether what a line looks for (`before`, `found`) can be there.

use super::{arguments, parameter, parameters, parts};
use crate::find;
use crate::list::Line;
use crate::look::{Before, Found, Look, Tagged};
use crate::model::Member;
use crate::resolve::{Resolved, Service};
use crate::{Error, Result};

/// Checks what `before`, `among` and `restore` name.
pub fn before(
    services: &[Service<'_>],
    service: &Service<'_>,
    operation: &Resolved<'_>,
    before: &Before,
) -> Result<()> {
    if let Some(name) = &before.only_if {
        parameter(operation, name)?;
    }
    let Look { call, within } = &before.look;
    arguments(services, service, operation, call)?;
    let item = find::members_at(service, &call.operation, within)?;
    let roots = [("input", &operation.parameters), ("found", &item)];
    for (left, right) in &before.same {
        leads(service, &roots, left)?;
        leads(service, &roots, right)?;
    }
    let kept = match before.every.as_deref() {
        None | Some("found") => item.clone(),
        Some(kept) => {
            leads(service, &roots, kept)?;
            Vec::new()
        }
    };
    let roots = [("input", &operation.parameters), ("found", &kept)];
    for call in &before.restore {
        parameters(services, call)?;
        for (_, source) in &call.arguments {
            let source = match source
                .strip_prefix("sent ")
                .map(|sent| sent.split_once(' '))
            {
                Some(Some((names, source))) => {
                    names
                        .split('|')
                        .try_for_each(|name| parameter(operation, name))?;
                    source
                }
                Some(None) => source.trim_start_matches("sent "),
                None => source,
            };
            match (before.every.is_some(), each(source)) {
                (true, Some("")) => {}
                (true, Some(field)) => leads(service, &roots, &format!("found.{field}"))?,
                _ => leads(service, &roots, source)?,
            }
        }
    }
    Ok(())
}

/// What of the items that `among` has kept `source` means: all of each, or a field.
fn each(source: &str) -> Option<&str> {
    let rest = source.strip_prefix("found.each[")?;
    let (_, field) = rest.split_once(']')?;
    Some(field.trim_start_matches('.'))
}

/// Checks what `found` and the clauses behind it name.
pub fn found(
    services: &[Service<'_>],
    service: &Service<'_>,
    line: &Line,
    found: &Found,
) -> Result<()> {
    if line.makes.len() != 1 {
        return Err(Error(
            "what is found must be the one kind that it makes".into(),
        ));
    }
    let Look { call, within } = &found.look;
    parameters(services, call)?;
    let item = find::members_at(service, &call.operation, within)?;
    let of_parent = match &found.tagged {
        Tagged::Of(kind, _) => Some(parent(services, kind)?),
        _ => None,
    };
    // Of the stack its name is known, of what it belongs to all that listed it.
    let known = |source: &str| match source.strip_prefix("input.") {
        Some("stack") => Ok(()),
        Some(name) => match &of_parent {
            Some(members) if members.iter().any(|member| member.name == name) => Ok(()),
            _ => Err(Error(format!("the path '{source}' leads nowhere"))),
        },
        None => leads(service, &[("result", &item)], source),
    };
    for (_, source) in &call.arguments {
        known(source)?;
    }
    let id = line.found_id(found);
    for path in parts(&id) {
        known(path)?;
    }
    for (path, _) in &found.unless {
        known(path)?;
    }
    found.owner.as_deref().map_or(Ok(()), known)?;
    match &found.tagged {
        Tagged::Filtered
            if call
                .arguments
                .iter()
                .any(|(_, source)| source == "input.stack") =>
        {
            Ok(())
        }
        Tagged::Filtered => Err(Error(
            "say where the stack's tag is: `tagged …`, `of KIND`, or a filter with input.stack"
                .into(),
        )),
        Tagged::At(path) => known(path),
        Tagged::Asked(Look { call, within }) => {
            parameters(services, call)?;
            for (_, source) in &call.arguments {
                known(source)?;
            }
            find::members_at(service, &call.operation, within).map(drop)
        }
        Tagged::Of(_, same) => same.iter().try_for_each(|(left, right)| {
            known(left)?;
            known(right)
        }),
    }
}

/// What is known of the items of `kind`, which others belong to.
fn parent(services: &[Service<'_>], kind: &str) -> Result<Vec<Member>> {
    let makers = services.iter().flat_map(|service| {
        let lines = service.operations.iter().map(|operation| operation.line);
        lines.map(move |line| (service, line))
    });
    for (service, line) in makers {
        if let Some(found) = &line.found
            && line.makes.iter().any(|(made, _)| made == kind)
        {
            let Look { call, within } = &found.look;
            return find::members_at(service, &call.operation, within);
        }
    }
    Err(Error(format!("nothing says how {kind} is found")))
}

/// Checks a path below one of `roots`, a literal, or a template.
fn leads(service: &Service<'_>, roots: &[(&str, &Vec<Member>)], text: &str) -> Result<()> {
    if text.starts_with('=') {
        return Ok(());
    }
    if text.contains('{') {
        return parts(text).try_for_each(|part| leads(service, roots, part));
    }
    let (root, rest) = text.split_once('.').unwrap_or((text, ""));
    let known = roots.iter().any(|(name, members)| {
        *name == root && (rest.is_empty() || find::descend(service, members, rest).is_some())
    });
    if known {
        Ok(())
    } else {
        Err(Error(format!("the path '{text}' leads nowhere")))
    }
}
