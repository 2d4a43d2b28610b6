//! Lines, names, indentation.

use opsh_operation::{Fault, Map, Value};

use super::invalid;
use crate::modules::{Context, given};

pub(super) fn lines(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let lines: Vec<&str> = given::text(input, "text").lines().collect();
    let last = usize::try_from(given::int(input, "last", i64::MAX)).unwrap_or(usize::MAX);
    let from = lines.len().saturating_sub(last);
    Ok(Value::List(
        lines[from..]
            .iter()
            .map(|line| given::derived(input, *line))
            .collect(),
    ))
}

pub(super) fn slug(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text = given::text(input, "text");
    let most = usize::try_from(given::int(input, "max", 63)).unwrap_or(63);
    let mut slug = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(most);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        return Err(invalid(format!(
            "no name can be made of {text:?}: it has no letter from a to z and no digit"
        )));
    }
    Ok(given::derived(input, slug))
}

pub(super) fn trim_indent(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text = given::text(input, "text");
    let mut lines: Vec<&str> = text.split('\n').collect();
    let blank = |line: &&str| line.trim().is_empty();
    if lines.len() > 1 && lines.first().is_some_and(blank) {
        lines.remove(0);
    }
    if lines.len() > 1 && lines.last().is_some_and(blank) {
        lines.pop();
    }
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines
        .iter()
        .filter(|line| !blank(line))
        .map(|line| indent(line))
        .min()
        .unwrap_or(0);
    let trimmed: Vec<&str> = lines
        .iter()
        .map(|line| line.get(common.min(indent(line))..).unwrap_or_default())
        .collect();
    Ok(given::derived(input, trimmed.join("\n")))
}
