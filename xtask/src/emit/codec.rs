//! Conversions between values and the SDK's types.

use std::fmt::Write as _;

use super::literal;
use crate::list::{Rule, TagType};
use crate::model::{Definition, Member, Structure, Type};
use crate::resolve::{Resolved, Service, rule};

/// `codec.rs` of `service`.
pub fn all(service: &Service<'_>) -> String {
    let mut out = format!(
        "//! Conversions between values and the SDK's types.\n\n\
         #[allow(clippy::wildcard_imports)] // every helper may be used, or not, by a service\n\
         use crate::glue::*;\n\
         use {0}::{{operation as o, types as t}};\n\
         #[allow(unused_imports)] // a service may take nothing but plain values\n\
         use opsh_operation::{{Fault, Map, Value}};\n",
        service.krate
    );
    for operation in &service.operations {
        if !operation.results.is_empty() {
            output(&mut out, service, operation);
        }
    }
    for (name, definition) in &service.types {
        let decoded = service.decoded.contains(name);
        let encoded = service.encoded.contains(name);
        match definition {
            Definition::Enumeration(_) => {
                if encoded {
                    let _ = writeln!(
                        out,
                        "\nimpl Encode for t::{name} {{ fn encode(self) -> Value {{ text(self.as_str()) }} }}"
                    );
                }
                if decoded {
                    let _ = writeln!(
                        out,
                        "\nimpl Decode for t::{name} {{ fn decode(value: Value) -> Result<Self, Fault> {{ Ok(Self::from(word(&value)?)) }} }}"
                    );
                }
            }
            Definition::Structure(structure) => {
                if encoded {
                    encode(&mut out, service, structure);
                }
                if decoded {
                    decode(&mut out, service, structure);
                }
            }
            Definition::Union(structure) => union(&mut out, structure, decoded, encoded),
        }
    }
    out
}

fn output(out: &mut String, service: &Service<'_>, operation: &Resolved<'_>) {
    let _ = writeln!(
        out,
        "\nimpl Encode for o::{}::{} {{\n    fn encode(self) -> Value {{\n        let mut m = Map::new();",
        operation.line.name, operation.sdk.output.name
    );
    let name = &operation.sdk.output.name;
    for member in &operation.results {
        if member.ty != Type::Stream {
            put(out, service, name, member);
        }
    }
    out.push_str("        Value::Map(m)\n    }\n}\n");
}

fn put(out: &mut String, service: &Service<'_>, structure: &str, member: &Member) {
    let Member { name, ident, .. } = member;
    let value = format!("self.{ident}.encode()");
    let correction = rule(service.list, structure, name);
    let _ = match correction {
        Some(Rule::When(..)) => writeln!(out, "        put(&mut m, {name:?}, {value});"),
        _ if member.sensitive => writeln!(out, "        put(&mut m, {name:?}, hide({value}));"),
        _ => writeln!(out, "        put(&mut m, {name:?}, {value});"),
    };
}

fn encode(out: &mut String, service: &Service<'_>, structure: &Structure) {
    let name = &structure.name;
    let _ = writeln!(
        out,
        "\nimpl Encode for t::{name} {{\n    fn encode(self) -> Value {{\n        let {}m = Map::new();",
        if structure.members.is_empty() {
            ""
        } else {
            "mut "
        },
    );
    for member in &structure.members {
        put(out, service, name, member);
    }
    for member in &structure.members {
        if let Some(Rule::When(other, value)) = rule(service.list, name, &member.name) {
            let _ = writeln!(
                out,
                "        hide_when(&mut m, {:?}, {}, {});",
                member.name,
                literal(other),
                literal(value)
            );
        }
    }
    out.push_str("        Value::Map(m)\n    }\n");
    if tag(service, name).is_some() {
        out.push_str(
            "    fn encode_list(items: Vec<Self>) -> Value {\n        \
             tag_map(items.into_iter().map(|tag| (tag.key.encode(), tag.value.encode())))\n    }\n",
        );
    }
    out.push_str("}\n");
}

fn decode(out: &mut String, service: &Service<'_>, structure: &Structure) {
    let name = &structure.name;
    let _ = writeln!(
        out,
        "\nimpl Decode for t::{name} {{\n    fn decode(value: Value) -> Result<Self, Fault> {{\n        \
         let {}m = fields(value)?;\n        {}Self::builder()",
        if structure.members.is_empty() {
            "_"
        } else {
            "mut "
        },
        if structure.fallible { "" } else { "Ok(" },
    );
    for member in &structure.members {
        let _ = writeln!(
            out,
            "            .set_{0}(take(&mut m, {0:?})?)",
            member.name
        );
    }
    out.push_str(if structure.fallible {
        "            .build().map_err(incomplete)\n    }\n"
    } else {
        "            .build())\n    }\n"
    });
    if let Some(tag) = tag(service, name) {
        let mut set = String::new();
        for member in &tag.set {
            let _ = write!(set, ".{member}(true)");
        }
        let build = if structure.fallible {
            ".build().map_err(incomplete)"
        } else {
            ".build()"
        };
        let item = format!("Self::builder().key(key).value(value){set}{build}");
        let _ = writeln!(
            out,
            "    fn decode_list(value: Value) -> Result<Vec<Self>, Fault> {{\n        \
             let Value::Map(tags) = value else {{ return items(value) }};\n        \
             pairs(tags)?.into_iter().map(|(key, value)| {}).collect()\n    }}",
            if structure.fallible {
                item
            } else {
                format!("Ok({item})")
            }
        );
    }
    if service.is_filter(name) {
        out.push_str(
            "    fn decode_list(value: Value) -> Result<Vec<Self>, Fault> {\n        \
             Ok(filters(value)?.into_iter()\n            \
             .map(|(name, values)| Self::builder().name(name).set_values(Some(values)).build()).collect())\n    }\n",
        );
    }
    out.push_str("}\n");
}

fn union(out: &mut String, structure: &Structure, decoded: bool, encoded: bool) {
    let name = &structure.name;
    if encoded {
        let _ = writeln!(
            out,
            "\nimpl Encode for t::{name} {{\n    fn encode(self) -> Value {{\n        match self {{"
        );
        for Member { name, ident, .. } in &structure.members {
            let _ = writeln!(
                out,
                "            Self::{ident}(inner) => only({name:?}, inner.encode()),"
            );
        }
        out.push_str("            _ => Value::Null,\n        }\n    }\n}\n");
    }
    if decoded {
        let _ = writeln!(
            out,
            "\nimpl Decode for t::{name} {{\n    fn decode(value: Value) -> Result<Self, Fault> {{\n        \
             let (name, value) = single(value)?;\n        match name.as_str() {{"
        );
        for Member { name, ident, .. } in &structure.members {
            let _ = writeln!(
                out,
                "            {name:?} => Decode::decode(value).map(Self::{ident}),"
            );
        }
        out.push_str("            _ => Err(unknown_member(&name)),\n        }\n    }\n}\n");
    }
}

fn tag<'a>(service: &'a Service<'_>, name: &str) -> Option<&'a TagType> {
    service.tags.iter().find(|tag| tag.name == name)
}
