//! `settle find CALL in PATH [where PROOF, …] [as (FIELD: SOURCE, …)]`: read,
//! completed with what follows from the types, and checked.

use crate::list::Call;
use crate::model::{Definition, Member, Type};
use crate::resolve::{Resolved, Service};
use crate::{Error, Result};

/// How what an interrupted call made is found again, as the list says it.
#[derive(Debug)]
pub struct Find {
    pub call: Call,
    /// Where in the read's result the candidates are.
    pub within: String,
    pub proof: Vec<Proof>,
    /// Fields of the write's result and where their values come from.
    pub fields: Vec<(String, String)>,
}

/// A condition on a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    Tags(String),
    Since(String),
    Same(String, String),
    Named(String, String),
}

/// What a search declares, with what follows from the types.
#[derive(Debug, Default)]
pub struct Completed {
    pub proof: Vec<Proof>,
    pub fields: Vec<(String, String)>,
}

/// Reads what stands behind `settle find`; `call` reads its first part.
pub fn parse(text: &str, call: impl Fn(&str) -> Result<Call>) -> Result<Find> {
    let (search, rest) = text
        .split_once(" in ")
        .ok_or_else(|| Error(format!("'{text}' does not say where: find CALL in PATH")))?;
    let (rest, fields) = match rest.split_once(" as (") {
        Some((rest, fields)) => (rest, pairs(fields)?),
        None => (rest, Vec::new()),
    };
    let (within, conditions) = rest.split_once(" where ").unwrap_or((rest, ""));
    Ok(Find {
        call: call(search)?,
        within: within.trim().to_owned(),
        proof: conditions
            .split(", ")
            .filter(|condition| !condition.is_empty())
            .map(proof)
            .collect::<Result<_>>()?,
        fields,
    })
}

fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    text.trim_end_matches(')')
        .split(", ")
        .map(|pair| {
            pair.split_once(": ")
                .map(|(name, source)| (name.to_owned(), source.to_owned()))
                .ok_or_else(|| Error(format!("'{pair}' must be FIELD: SOURCE")))
        })
        .collect()
}

fn proof(text: &str) -> Result<Proof> {
    if let Some(path) = text.strip_prefix("since ") {
        return Ok(Proof::Since(path.to_owned()));
    }
    if let Some((left, right)) = text.split_once(" ~ ") {
        return Ok(Proof::Named(left.to_owned(), right.to_owned()));
    }
    text.split_once(" = ")
        .map(|(left, right)| Proof::Same(left.to_owned(), right.to_owned()))
        .ok_or_else(|| {
            Error(format!(
                "'{text}' must be `since PATH`, `PATH = PATH` or `PATH ~ PATH`"
            ))
        })
}

impl Find {
    /// The same with what need not be said: the proof by tags where candidates
    /// carry them, and every field of the result that a candidate, or a structure in
    /// it, has too, or that the candidate is.
    pub fn completed(&self, service: &Service<'_>, operation: &Resolved<'_>) -> Result<Completed> {
        let Candidate {
            ty: candidate,
            members,
            document,
        } = candidate(service, &self.call.operation, &self.within)?;
        let tagged = members
            .iter()
            .any(|member| member.name == "tags" && service.holds_tags(&member.ty));
        let mut proof = Vec::new();
        if tagged && operation.tags_parameter(service).is_some() {
            proof.push(Proof::Tags("found.tags".into()));
        }
        proof.extend(self.proof.iter().cloned());
        if proof.is_empty() {
            return Err(Error(
                "what is found carries no tags: say with `where` what proves it".into(),
            ));
        }
        let mut fields = self.fields.clone();
        for (name, _) in &fields {
            if !operation.results.iter().any(|member| member.name == *name) {
                return Err(Error(format!("the result has no field '{name}'")));
            }
        }
        for field in &operation.results {
            if fields.iter().any(|(name, _)| *name == field.name) {
                continue;
            }
            if has(&members, field) {
                fields.push((field.name.clone(), format!("found.{}", field.name)));
            } else if candidate.as_ref() == Some(&field.ty) {
                fields.push((field.name.clone(), "found".into()));
            } else if let Some(part) = members
                .iter()
                .find(|part| has(&own_members(service, &part.ty), field))
            {
                let path = format!("found.{}.{}", part.name, field.name);
                fields.push((field.name.clone(), path));
            }
        }
        for path in proof.iter().flat_map(|proof| match proof {
            Proof::Tags(path) | Proof::Since(path) => vec![path],
            Proof::Same(left, right) | Proof::Named(left, right) => vec![left, right],
        }) {
            if !(document && path.starts_with("found.")) {
                exists(service, operation, &members, path)?;
            }
        }
        for (_, source) in &fields {
            if !["found", "every"].contains(&source.as_str()) && !source.contains('{') {
                exists(service, operation, &members, source)?;
            }
        }
        Ok(Completed { proof, fields })
    }
}

/// What is said by its type of a candidate at `within` of what `read` gives.
fn candidate(service: &Service<'_>, read: &str, within: &str) -> Result<Candidate> {
    let operation = service
        .operations
        .iter()
        .find(|operation| read == format!("{}::{}", service.list.module, operation.line.name))
        .ok_or_else(|| Error(format!("'{read}' is not in this list")))?;
    let Some((_, path)) = within.split_once("result.") else {
        return Ok(Candidate {
            members: operation.results.clone(),
            ..Candidate::default()
        });
    };
    // The types know nothing of what stands in a text that is a JSON document.
    let above = path.rsplit_once('.').map_or("", |(above, _)| above);
    if let Some((Type::Text, _)) = descend(service, &operation.results, above) {
        return Ok(Candidate {
            document: true,
            ..Candidate::default()
        });
    }
    let (ty, members) = descend(service, &operation.results, path)
        .ok_or_else(|| Error(format!("the path '{within}' leads nowhere")))?;
    Ok(Candidate {
        ty: Some(ty),
        members,
        document: false,
    })
}

/// The members of what is at `within` of what `read` gives, none of anything but a structure.
pub fn members_at(service: &Service<'_>, read: &str, within: &str) -> Result<Vec<Member>> {
    candidate(service, read, within).map(|candidate| candidate.members)
}

/// What is known of a candidate.
#[derive(Default)]
struct Candidate {
    /// Its type, if that has a name.
    ty: Option<Type>,
    members: Vec<Member>,
    /// Whether it is part of a JSON document.
    document: bool,
}

/// Whether `path`, below the result of `operation`, leads to something.
pub fn leads(service: &Service<'_>, operation: &Resolved<'_>, path: &str) -> bool {
    path.strip_prefix("result.")
        .is_some_and(|path| descend(service, &operation.results, path).is_some())
}

/// The type at `path` below `members`, and its own members.
pub fn descend(
    service: &Service<'_>,
    members: &[Member],
    path: &str,
) -> Option<(Type, Vec<Member>)> {
    let mut members = members.to_vec();
    let mut found = None;
    for segment in path.split('.') {
        if let Some((ty, _)) = &found
            && service.holds_tags(ty)
        {
            // The name of a tag.
            return Some((Type::Text, Vec::new()));
        }
        let name = segment.split('[').next().unwrap_or_default();
        let member = members.iter().find(|member| member.name == name)?;
        let ty = match (&member.ty, segment.ends_with(']')) {
            (Type::List(item), true) => item.as_ref().clone(),
            (ty, _) => ty.clone(),
        };
        members = own_members(service, &ty);
        found = Some((ty, members.clone()));
    }
    found
}

fn has(members: &[Member], field: &Member) -> bool {
    members
        .iter()
        .any(|member| member.name == field.name && member.ty == field.ty)
}

/// The members of a structure, none of anything else.
fn own_members(service: &Service<'_>, ty: &Type) -> Vec<Member> {
    let Type::Named(name) = ty else {
        return Vec::new();
    };
    match service.types.get(name) {
        Some(Definition::Structure(structure) | Definition::Union(structure)) => {
            structure.members.clone()
        }
        _ => Vec::new(),
    }
}

fn exists(
    service: &Service<'_>,
    operation: &Resolved<'_>,
    candidate: &[Member],
    path: &str,
) -> Result<()> {
    let known = match path.split_once('.') {
        Some(("found", rest)) => descend(service, candidate, rest).is_some(),
        Some(("input", rest)) => descend(service, &operation.parameters, rest).is_some(),
        _ => path.starts_with('='),
    };
    if known {
        Ok(())
    } else {
        Err(Error(format!("the path '{path}' leads nowhere")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn search(text: &str) -> Result<Call> {
        Ok(Call {
            operation: text.to_owned(),
            arguments: Vec::new(),
        })
    }

    #[test]
    fn the_parts_are_told_apart() {
        let find = parse(
            "look(a: input.a) in result.items[] where since found.made, found.key = input.key, found.arn ~ input.name as (id: found.id, all: every)",
            search,
        )
        .unwrap();
        assert_eq!(find.call.operation, "look(a: input.a)");
        assert_eq!(find.within, "result.items[]");
        assert_eq!(
            find.proof,
            [
                Proof::Since("found.made".into()),
                Proof::Same("found.key".into(), "input.key".into()),
                Proof::Named("found.arn".into(), "input.name".into())
            ]
        );
        assert_eq!(
            find.fields,
            [
                ("id".into(), "found.id".into()),
                ("all".to_owned(), "every".to_owned())
            ]
        );
    }

    #[test]
    fn a_search_says_where_it_looks() {
        let error = parse("look()", search).unwrap_err();
        assert_eq!(
            error.to_string(),
            "'look()' does not say where: find CALL in PATH"
        );
    }
}
