//! What the SDK's sources say, reduced to what a binding needs.

use std::collections::BTreeMap;

/// The type of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// `i32` or `i64`, as the SDK names it.
    Int(&'static str),
    Float,
    Text,
    Time,
    Blob,
    Stream,
    List(Box<Type>),
    Map(Box<Type>),
    /// A structure, enumeration or union of `crate::types`.
    Named(String),
}

impl Type {
    /// The named type at the bottom, if there is one.
    pub fn named(&self) -> Option<&str> {
        match self {
            Self::List(item) | Self::Map(item) => item.named(),
            Self::Named(name) => Some(name),
            _ => None,
        }
    }
}

/// One field of a structure.
#[derive(Debug, Clone)]
pub struct Member {
    /// The name without `r#`.
    pub name: String,
    /// The name as Rust writes it.
    pub ident: String,
    pub ty: Type,
    pub required: bool,
    pub sensitive: bool,
    /// One sentence.
    pub doc: String,
}

/// A structure with its builder.
#[derive(Debug, Clone)]
pub struct Structure {
    pub name: String,
    pub members: Vec<Member>,
    /// Whether `build()` of its builder can fail.
    pub fallible: bool,
}

/// A type of `crate::types`.
#[derive(Debug, Clone)]
pub enum Definition {
    Structure(Structure),
    /// The known values.
    Enumeration(Vec<String>),
    /// Exactly one of these; `ident` is the variant.
    Union(Structure),
}

/// How an operation pages, as its paginator says.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// Pairs of the input's and the output's token.
    pub tokens: Vec<(String, String)>,
    /// The input that says how many a page holds.
    pub size: Option<String>,
    /// The output that holds the items, where the paginator says so.
    pub items: Option<String>,
}

/// One operation of the SDK.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `RunInstances`.
    pub api_name: String,
    /// One sentence.
    pub doc: String,
    pub input: Structure,
    pub output: Structure,
    pub paging: Option<Paging>,
    /// The errors that it models: code and one sentence.
    pub errors: Vec<(String, String)>,
}

/// Named types by name.
pub type Types = BTreeMap<String, Definition>;
