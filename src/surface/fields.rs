//! The fields of parameters and results, as deep as is asked for.

use opsh_operation::{Field, Shape, Structure};

use super::callable::{Parameter, values};
use super::page::Line;
use super::prose;

/// So many known values are shown where there are other things to see.
const FEW: usize = 8;

/// The structure that a shape is made of, through lists and maps.
#[must_use]
pub fn structure(shape: &Shape) -> Option<&'static Structure> {
    match shape {
        Shape::Struct(structure) | Shape::Union(structure) => Some(structure),
        Shape::List(item) | Shape::MapOf(item) => structure(item),
        _ => None,
    }
}

/// Parameters, and what is in them down to `depth`.
#[must_use]
pub fn of_parameters(parameters: &[Parameter<'_>], depth: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for parameter in parameters {
        let mut notes = Vec::new();
        if parameter.positional && parameter.shape.is_some() {
            notes.push("by position".to_owned());
        }
        if parameter.shape.is_some() {
            notes.extend(marks(parameter.required, parameter.sensitive));
        }
        if let Some(default) = parameter.default() {
            notes.push(format!("default {default}"));
        }
        lines.push(Line {
            depth: 0,
            name: parameter.name.to_owned(),
            takes: parameter.takes(),
            notes,
            doc: parameter.doc.to_owned(),
            values: few(parameter.values(), FEW),
        });
        if let Some(inner) = parameter.shape.and_then(structure) {
            inside(&mut lines, inner, 1, depth, &mut vec![inner.name]);
        }
    }
    lines
}

/// The fields of a shape down to `depth`; none of what has no fields.
#[must_use]
pub fn of_shape(shape: &Shape, depth: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(inner) = structure(shape) {
        inside(&mut lines, inner, 0, depth, &mut vec![inner.name]);
    }
    lines
}

/// All that is known of one field, with all of its values.
#[must_use]
pub fn whole(field: &Field) -> Line {
    line(field, 0, usize::MAX)
}

fn inside(
    lines: &mut Vec<Line>,
    structure: &Structure,
    at: usize,
    depth: usize,
    within: &mut Vec<&'static str>,
) {
    if at > depth {
        return;
    }
    for field in structure.fields {
        lines.push(line(field, at, FEW));
        let inner = self::structure(&field.shape);
        // Some structures hold their like.
        if let Some(inner) = inner.filter(|inner| !within.contains(&inner.name)) {
            within.push(inner.name);
            inside(lines, inner, at + 1, depth, within);
            within.pop();
        }
    }
}

fn line(field: &Field, depth: usize, most: usize) -> Line {
    let mut notes: Vec<String> = marks(field.required, field.sensitive).collect();
    if let Some(default) = prose::default_of(field.doc) {
        notes.push(format!("default {default}"));
    }
    Line {
        depth,
        name: field.name.to_owned(),
        takes: field.shape.describe(),
        notes,
        doc: field.doc.to_owned(),
        values: few(values(&field.shape), most),
    }
}

fn marks(required: bool, sensitive: bool) -> impl Iterator<Item = String> {
    let required = required.then(|| "required".to_owned());
    required
        .into_iter()
        .chain(sensitive.then(|| "secret".to_owned()))
}

fn few(values: &[&str], most: usize) -> (Vec<String>, usize) {
    let shown = values.iter().take(most).map(|value| (*value).to_owned());
    (shown.collect(), values.len().saturating_sub(most))
}
