//! Reads one SDK crate's sources.
//!
//! The layout is that of smithy-rs: `src/operation/NAME/_NAME_input.rs` and its
//! output, `src/types/_NAME.rs`, each with a structure and its builder.
//! *Required* is what the builder's methods document, *sensitive* what the
//! redacting `Debug` leaves out, *paging* what the generated paginator does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, Fields, GenericArgument, ImplItem, Item, Lit, Meta, PathArguments};

use crate::model::{Definition, Member, Operation, Paging, Structure, Type};
use crate::prose::first_sentence;
use crate::{Error, Result};

/// The sources of one SDK crate.
pub struct Crate {
    root: PathBuf,
    /// `types.rs`, which says in which file a type is.
    index: String,
}

impl Crate {
    /// The crate whose `src` is `root`.
    pub fn open(root: &Path) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            index: crate::read(&root.join("types.rs"))?,
        })
    }

    /// The operation `name`.
    pub fn operation(&self, name: &str) -> Result<Operation> {
        let folder = self.root.join("operation").join(name);
        if !folder.is_dir() {
            return Err(Error(format!("the SDK has no operation '{name}'")));
        }
        let builders = crate::read(&folder.join("builders.rs"))?;
        let (api_name, doc) = fluent(&builders)
            .ok_or_else(|| Error(format!("{name}: builders.rs has no fluent builder")))?;
        let part = |which: &str| {
            let path = folder.join(format!("_{name}_{which}.rs"));
            match Self::definition_in(&path, None)? {
                Definition::Structure(structure) => Ok(structure),
                _ => Err(Error(format!("{} is no structure", path.display()))),
            }
        };
        let paginator = folder.join("paginator.rs");
        Ok(Operation {
            input: part("input")?,
            output: part("output")?,
            paging: paginator
                .exists()
                .then(|| crate::read(&paginator).map(|text| paging(name, &text)))
                .transpose()?,
            errors: self.errors(name)?,
            api_name,
            doc,
        })
    }

    /// Codes and sentences of the errors that operation `name` models, by code.
    fn errors(&self, name: &str) -> Result<Vec<(String, String)>> {
        let parser = self.root.join(format!("protocol_serde/shape_{name}.rs"));
        if !parser.exists() {
            return Ok(Vec::new());
        }
        let text = crate::read(&self.root.join(format!("operation/{name}.rs")))?;
        let file = syn::parse_file(&text).map_err(|error| Error(format!("{name}.rs: {error}")))?;
        let sentences: BTreeMap<String, String> = file
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Enum(found) if found.ident.to_string().ends_with("Error") => Some(found),
                _ => None,
            })
            .flat_map(|found| &found.variants)
            .map(|variant| {
                let sentence = first_sentence(&documentation(&variant.attrs));
                (variant.ident.to_string(), sentence)
            })
            .collect();
        let start = format!("=> crate::operation::{name}::");
        let mut found: Vec<(String, String)> = crate::read(&parser)?
            .lines()
            .filter_map(|line| line.split_once(&start))
            .filter_map(|(code, rest)| {
                let code = code.trim().strip_prefix('"')?.strip_suffix('"')?;
                let variant = rest.split_once("::")?.1.split('(').next()?;
                Some((code.to_owned(), sentences.get(variant)?.clone()))
            })
            .collect();
        found.sort();
        found.dedup_by(|a, b| a.0 == b.0);
        Ok(found)
    }

    /// The file stem of type `name`, e.g. `instance_state`.
    pub fn stem(&self, name: &str) -> Result<String> {
        let ending = format!("::{name};");
        self.index
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub use crate::types::_"))
            .find_map(|line| line.strip_suffix(&ending))
            .map(str::to_owned)
            .ok_or_else(|| Error(format!("types.rs has no '{name}'")))
    }

    /// The type `name` of `crate::types`.
    pub fn definition(&self, name: &str) -> Result<Definition> {
        let stem = self.stem(name)?;
        let path = self.root.join("types").join(format!("_{stem}.rs"));
        Self::definition_in(&path, Some(name))
    }

    fn definition_in(path: &Path, name: Option<&str>) -> Result<Definition> {
        let text = crate::read(path)?;
        let file = syn::parse_file(&text)
            .map_err(|error| Error(format!("{}: {error}", path.display())))?;
        for item in &file.items {
            match item {
                Item::Struct(found) if name.is_none_or(|name| found.ident == name) => {
                    return structure(found, &file.items, &text).map(Definition::Structure);
                }
                Item::Enum(found) if name.is_none_or(|name| found.ident == name) => {
                    return if found.variants.iter().any(|variant| {
                        variant.ident != "Unknown" && !matches!(variant.fields, Fields::Unit)
                    }) {
                        union(found).map(Definition::Union)
                    } else {
                        Ok(Definition::Enumeration(values(&text)))
                    };
                }
                _ => {}
            }
        }
        Err(Error(format!("{} defines nothing", path.display())))
    }
}

fn structure(found: &syn::ItemStruct, items: &[Item], text: &str) -> Result<Structure> {
    let mut members = Vec::new();
    for field in &found.fields {
        let Some(ident) = &field.ident else { continue };
        let ident = ident.to_string();
        if !matches!(field.vis, syn::Visibility::Public(_)) {
            continue;
        }
        let name = ident.trim_start_matches("r#").to_owned();
        let ty = read_type(&field.ty)
            .ok_or_else(|| Error(format!("{}.{name}: unknown type", found.ident)))?;
        members.push(Member {
            required: documented_as_required(items, &ident),
            sensitive: text.contains(&format!(
                "formatter.field(\"{name}\", &\"*** Sensitive Data Redacted ***\")"
            )),
            doc: first_sentence(&documentation(&field.attrs)),
            name,
            ident,
            ty,
        });
    }
    Ok(Structure {
        name: found.ident.to_string(),
        members,
        fallible: build_fails(items),
    })
}

fn union(found: &syn::ItemEnum) -> Result<Structure> {
    let mut members = Vec::new();
    for variant in &found.variants {
        let Fields::Unnamed(fields) = &variant.fields else {
            continue;
        };
        let Some(field) = fields.unnamed.first() else {
            continue;
        };
        let ident = variant.ident.to_string();
        if ident == "Unknown" {
            continue;
        }
        members.push(Member {
            name: snake(&ident),
            ty: read_type(&field.ty)
                .ok_or_else(|| Error(format!("{}::{ident}: unknown type", found.ident)))?,
            ident,
            required: false,
            sensitive: false,
            doc: first_sentence(&documentation(&variant.attrs)),
        });
    }
    Ok(Structure {
        name: found.ident.to_string(),
        members,
        fallible: false,
    })
}

/// `CamelCase` as `snake_case`.
pub fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

fn values(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("pub const fn values()") else {
        return Vec::new();
    };
    let body = rest
        .split_once("&[")
        .and_then(|(_, list)| list.split(']').next())
        .unwrap_or_default();
    body.split(',')
        .map(|value| value.trim().trim_matches('"').to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

/// The methods of the builders among `items`.
fn methods(items: &[Item]) -> impl Iterator<Item = &syn::ImplItemFn> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Impl(block) if block.trait_.is_none() => Some(block),
            _ => None,
        })
        .flat_map(|block| &block.items)
        .filter_map(|item| match item {
            ImplItem::Fn(method) => Some(method),
            _ => None,
        })
}

fn documented_as_required(items: &[Item], ident: &str) -> bool {
    methods(items)
        .filter(|method| method.sig.ident == ident)
        .any(|method| {
            documentation(&method.attrs)
                .lines()
                .any(|line| line.trim() == "This field is required.")
        })
}

fn build_fails(items: &[Item]) -> bool {
    methods(items)
        .filter(|method| method.sig.ident == "build")
        .any(|method| match &method.sig.output {
            syn::ReturnType::Type(_, ty) => {
                last_segment(ty).is_some_and(|segment| segment.ident == "Result")
            }
            syn::ReturnType::Default => false,
        })
}

fn documentation(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(literal) = &pair.value
            && let Lit::Str(line) = &literal.lit
        {
            text.push_str(line.value().trim_start());
            text.push('\n');
        }
    }
    text
}

fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn arguments(segment: &syn::PathSegment) -> Vec<&syn::Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn read_type(ty: &syn::Type) -> Option<Type> {
    let segment = last_segment(ty)?;
    let inner = arguments(segment);
    Some(match segment.ident.to_string().as_str() {
        "Option" | "Box" => read_type(inner.first()?)?,
        "Vec" => Type::List(Box::new(read_type(inner.first()?)?)),
        "HashMap" => Type::Map(Box::new(read_type(inner.get(1)?)?)),
        "String" => Type::Text,
        "bool" => Type::Bool,
        "i32" => Type::Int("i32"),
        "i64" => Type::Int("i64"),
        "f32" | "f64" => Type::Float,
        "DateTime" => Type::Time,
        "Blob" => Type::Blob,
        "ByteStream" => Type::Stream,
        name => {
            let syn::Type::Path(path) = ty else {
                return None;
            };
            let in_types = path
                .path
                .segments
                .iter()
                .any(|segment| segment.ident == "types");
            if !in_types || path.path.segments.len() != 3 {
                return None;
            }
            Type::Named(name.to_owned())
        }
    })
}

/// The API's name and the first sentence of the fluent builder's documentation.
fn fluent(builders: &str) -> Option<(String, String)> {
    const START: &str = "/// Fluent builder constructing a request to `";
    let (_, rest) = builders.split_once(START)?;
    let (name, rest) = rest.split_once("`.")?;
    let lines: Vec<&str> = rest
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("///"))
        .map(str::trim_start)
        .collect();
    let html = lines.join("\n");
    Some((name.to_owned(), first_sentence(&html)))
}

/// What a generated paginator does, from its text.
fn paging(name: &str, text: &str) -> Paging {
    let between = |start: &str, end: &str| {
        let (_, rest) = text.split_once(start)?;
        rest.split_once(end).map(|(found, _)| found.to_owned())
    };
    let input = text
        .split_once(" = new_token.cloned()")
        .and_then(|(head, _)| head.rsplit_once("input."))
        .map(|(_, token)| token.to_owned());
    let output = between(&format!("reflens_{name}_output_output_"), "(");
    Paging {
        tokens: input.zip(output).into_iter().collect(),
        size: between("self.builder.", " = ::std::option::Option::Some(limit)"),
        items: between(&format!("::lens_{name}_output_output_"), "("),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOURCE: &str = r#"
        pub struct Thing {
            /// <p>The name. More.</p>
            pub r#type: ::std::option::Option<::std::string::String>,
            /// <p>The secret.</p>
            pub secret: ::std::option::Option<::std::vec::Vec<crate::types::Part>>,
            _request_id: Option<String>,
        }
        impl ::std::fmt::Debug for Thing {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut formatter = f.debug_struct("Thing");
                formatter.field("secret", &"*** Sensitive Data Redacted ***");
                formatter.finish()
            }
        }
        impl ThingBuilder {
            /// <p>The name.</p>
            /// This field is required.
            pub fn r#type(mut self, input: impl Into<String>) -> Self { self }
            pub fn build(self) -> ::std::result::Result<Thing, BuildError> { self.thing }
        }
    "#;

    fn read(source: &str) -> Structure {
        let file = syn::parse_file(source).unwrap();
        let Item::Struct(found) = &file.items[0] else {
            panic!("no structure")
        };
        structure(found, &file.items, source).unwrap()
    }

    #[test]
    fn a_structure_has_its_members_with_all_facts() {
        let thing = read(SOURCE);
        assert!(thing.fallible);
        let [kind, secret] = thing.members.as_slice() else {
            panic!("{:?}", thing.members)
        };
        assert_eq!(
            (kind.name.as_str(), kind.ident.as_str()),
            ("type", "r#type")
        );
        assert_eq!(kind.doc, "The name.");
        assert!(kind.required && !kind.sensitive);
        assert!(!secret.required && secret.sensitive);
        assert_eq!(
            secret.ty,
            Type::List(Box::new(Type::Named("Part".to_owned())))
        );
    }

    #[test]
    fn an_enumeration_has_its_values() {
        let text = r#"pub const fn values() -> &'static [&'static str] { &["a", "b-c"] }"#;
        assert_eq!(values(text), ["a", "b-c"]);
    }

    #[test]
    fn a_paginator_says_how_it_pages() {
        let text = "self.builder.max_keys = ::std::option::Option::Some(limit);
            crate::lens::reflens_list_things_output_output_next_marker(resp);
            input.marker = new_token.cloned();
            crate::lens::lens_list_things_output_output_things(page)";
        let paging = paging("list_things", text);
        assert_eq!(paging.tokens, [("marker".into(), "next_marker".into())]);
        assert_eq!(paging.size.as_deref(), Some("max_keys"));
        assert_eq!(paging.items.as_deref(), Some("things"));
    }

    #[test]
    fn the_fluent_builder_names_and_describes() {
        let text = "/// Fluent builder constructing a request to `ListThings`.\n///\n/// <p>Lists things. All.</p>\npub struct X;";
        assert_eq!(
            fluent(text),
            Some(("ListThings".into(), "Lists things.".into()))
        );
    }
}
