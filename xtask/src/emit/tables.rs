//! Shapes of inputs, results and what they hold, as static tables.

use std::fmt::Write as _;

use super::{literal, table_name};
use crate::model::{Definition, Member, Type};
use crate::resolve::{Resolved, Service};

/// `tables.rs` of `service`.
pub fn all(service: &Service<'_>) -> String {
    let mut out = format!(
        "//! Shapes of inputs, results and what they hold.\n\n\
         use {}::types as t;\nuse opsh_operation::{{Field, Shape, Structure}};\n\n\
         use crate::glue::f;\n",
        service.krate
    );
    for operation in &service.operations {
        let name = table_name(&operation.line.name);
        input(&mut out, service, operation, &format!("{name}_INPUT"));
        if has_output(operation) {
            output(&mut out, service, operation, &format!("{name}_OUTPUT"));
        }
    }
    let mut tables: Vec<(String, String)> = Vec::new();
    for (name, definition) in &service.types {
        let (Definition::Structure(structure) | Definition::Union(structure)) = definition else {
            continue;
        };
        let table = table_name(&service.stems[name]);
        let sent = service.decoded.contains(name) && !service.encoded.contains(name);
        let mut text = String::new();
        begin(&mut text, &table, name);
        for member in &structure.members {
            let shape = match member.ty {
                Type::Blob if sent => "Shape::Body".to_owned(),
                _ => shape(service, &member.ty),
            };
            field(&mut text, member, &shape);
        }
        text.push_str("] };\n");
        tables.push((table, text));
    }
    // Tags and filters are maps: mostly nothing refers to the tables of their items.
    let used = |out: &str, tables: &[(String, String)], table: &str| {
        let reference = format!("(&{table})");
        out.contains(&reference) || tables.iter().any(|(_, text)| text.contains(&reference))
    };
    for (table, text) in &tables {
        if used(&out, &tables, table) {
            out.push_str(text);
        }
    }
    if !out.contains("t::") {
        out = out.replace(&format!("use {}::types as t;\n", service.krate), "");
    }
    out
}

/// Whether the operation returns anything.
pub fn has_output(operation: &Resolved<'_>) -> bool {
    !operation.results.is_empty()
}

fn input(out: &mut String, service: &Service<'_>, operation: &Resolved<'_>, table: &str) {
    begin(out, table, &operation.sdk.input.name);
    for member in &operation.parameters {
        let shape = if matches!(member.ty, Type::Stream | Type::Blob) {
            "Shape::Body".to_owned()
        } else if operation.line.keep.contains(&member.name) {
            plain(service, &member.ty)
        } else {
            shape(service, &member.ty)
        };
        field(out, member, &shape);
    }
    for (name, shape, doc) in synthetic(operation) {
        line(out, name, shape, false, false, &doc);
    }
    out.push_str("] };\n");
}

/// Parameters that are ours: name, shape and documentation.
pub fn synthetic(operation: &Resolved<'_>) -> Vec<(&'static str, &'static str, String)> {
    let mut found = Vec::new();
    if operation.specifies_tags {
        let doc = format!(
            "Tags for what is made ({}): a map of names and values.",
            operation.line.tags.join(", ")
        );
        found.push(("tags", "Shape::Tags", doc));
    }
    if operation.response_body().is_some() {
        let doc = "Writes the body to this file instead of returning it.".to_owned();
        found.push(("to_file", "Shape::Path", doc));
    }
    found
}

fn output(out: &mut String, service: &Service<'_>, operation: &Resolved<'_>, table: &str) {
    begin(out, table, &operation.sdk.output.name);
    for member in &operation.results {
        let shape = if member.ty == Type::Stream {
            "Shape::Bytes".to_owned()
        } else {
            shape(service, &member.ty)
        };
        field(out, member, &shape);
    }
    if operation.response_body().is_some() {
        line(
            out,
            "file",
            "Shape::Path",
            false,
            false,
            "The file that the body was written to, if `to_file` was given.",
        );
    }
    out.push_str("] };\n");
}

fn begin(out: &mut String, table: &str, name: &str) {
    let _ = writeln!(
        out,
        "\npub static {table}: Structure = Structure {{ name: {}, fields: &[",
        literal(name)
    );
}

fn field(out: &mut String, member: &Member, shape: &str) {
    line(
        out,
        &member.name,
        shape,
        member.required,
        member.sensitive,
        &member.doc,
    );
}

fn line(out: &mut String, name: &str, shape: &str, required: bool, sensitive: bool, doc: &str) {
    let _ = writeln!(
        out,
        "    f!({}, {shape}, {required}, {sensitive}, {}),",
        literal(name),
        literal(doc)
    );
}

/// The shape of `ty` as Rust writes it.
fn shape(service: &Service<'_>, ty: &Type) -> String {
    if service.is_tags(ty) {
        return "Shape::Tags".into();
    }
    if service.is_filters(ty) {
        return "Shape::Filters".into();
    }
    plain(service, ty)
}

fn plain(service: &Service<'_>, ty: &Type) -> String {
    match ty {
        Type::Bool => "Shape::Bool".into(),
        Type::Int("i32") => "Shape::INT32".into(),
        Type::Int(_) => "Shape::INT64".into(),
        Type::Float => "Shape::Float".into(),
        Type::Text => "Shape::Text".into(),
        Type::Time => "Shape::Time".into(),
        Type::Blob | Type::Stream => "Shape::Bytes".into(),
        Type::List(item) => format!("Shape::List(&{})", shape(service, item)),
        Type::Map(item) => format!("Shape::MapOf(&{})", shape(service, item)),
        Type::Named(name) => match &service.types[name] {
            Definition::Enumeration(_) => format!("Shape::Enum(t::{name}::values())"),
            Definition::Structure(_) => {
                format!("Shape::Struct(&{})", table_name(&service.stems[name]))
            }
            Definition::Union(_) => format!("Shape::Union(&{})", table_name(&service.stems[name])),
        },
    }
}
