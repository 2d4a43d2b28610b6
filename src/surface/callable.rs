//! One thing that can be called: an operation, a function of the library, or of no module.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use opsh_operation::{Operation, Shape};

use super::prose::{self, Doc};
use crate::modules::{Entry, Handler, service};

/// One thing that a playbook can call.
#[derive(Debug)]
pub struct Callable {
    /// The module that it is called through; empty if through none.
    pub module: Cow<'static, str>,
    /// Its name there.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// What there is to say about it.
    pub doc: Doc,
}

/// What a callable is.
#[derive(Debug)]
pub enum Kind {
    /// An operation of the registry.
    Operation {
        /// Its declaration.
        operation: &'static Operation,
        /// Whether the gate takes a map of controls behind the parameters.
        controls: bool,
    },
    /// A function that the engine registers by itself.
    Builtin(&'static Operation),
    /// A function of a Rhai module: its parameters, all by position.
    Library(Vec<Argument>),
    /// A function of Rhai's own: its parameters, all by position.
    Language {
        /// Names and types as Rhai says them.
        parameters: Vec<Argument>,
        /// The type of the result; empty if it says none.
        result: String,
    },
}

/// A parameter of a function in Rhai.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its type, if there is one to say.
    pub of_type: String,
    /// What its function's comment says of it.
    pub doc: String,
}

/// One parameter of anything that can be called.
#[derive(Debug, Clone, Copy)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its value must look like; functions in Rhai do not say.
    pub shape: Option<&'a Shape>,
    /// Its type as Rhai says it, for functions that have no shapes.
    pub of_type: &'a str,
    /// Whether a call without it is refused.
    pub required: bool,
    /// Whether it is given by position; the others stand in a map.
    pub positional: bool,
    /// Whether its value is never shown.
    pub sensitive: bool,
    /// What it is for; may be empty for functions in Rhai.
    pub doc: &'a str,
}

impl<'a> Parameter<'a> {
    /// What it takes, in words; empty if nobody says.
    #[must_use]
    pub fn takes(&self) -> String {
        self.shape
            .map_or_else(|| self.of_type.to_owned(), Shape::describe)
    }

    /// The known values, if there are such.
    #[must_use]
    pub fn values(&self) -> &'static [&'static str] {
        self.shape.map_or(&[], values)
    }

    /// What it is if it is not given, as its documentation says it.
    #[must_use]
    pub fn default(&self) -> Option<&'a str> {
        prose::default_of(self.doc)
    }
}

/// The known values of a shape, or of the items in a list of it.
#[must_use]
pub fn values(shape: &Shape) -> &'static [&'static str] {
    match shape {
        Shape::Enum(values) => values,
        Shape::List(item) | Shape::MapOf(item) => values(item),
        _ => &[],
    }
}

impl Callable {
    /// An operation of the registry.
    #[must_use]
    pub fn operation(entry: &Entry) -> Self {
        let operation = entry.operation;
        Self {
            module: operation.module.into(),
            name: operation.name.into(),
            doc: Doc::of_operation(operation),
            kind: Kind::Operation {
                operation,
                controls: !matches!(entry.handler, Handler::Script { .. }),
            },
        }
    }

    /// A function that the engine registers by itself.
    #[must_use]
    pub fn builtin(operation: &'static Operation) -> Self {
        Self {
            module: "".into(),
            name: operation.name.into(),
            doc: Doc::of_operation(operation),
            kind: Kind::Builtin(operation),
        }
    }

    /// `module::name`, or the name alone.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.module.is_empty() {
            self.name.to_string()
        } else {
            format!("{}::{}", self.module, self.name)
        }
    }

    /// How a playbook calls it: functions of services without their module.
    #[must_use]
    pub fn called(&self) -> String {
        if self.module == service::MODULE && self.declared().is_some() {
            self.name.to_string()
        } else {
            self.full_name()
        }
    }

    /// Its declaration, unless it is a function in Rhai.
    #[must_use]
    pub fn declared(&self) -> Option<&'static Operation> {
        match self.kind {
            Kind::Operation { operation, .. } | Kind::Builtin(operation) => Some(operation),
            Kind::Library(_) | Kind::Language { .. } => None,
        }
    }

    /// Its parameters: first those by position, then those in the map, as declared.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter<'_>> {
        match &self.kind {
            Kind::Operation { operation, .. } | Kind::Builtin(operation) => declared(operation),
            Kind::Library(arguments)
            | Kind::Language {
                parameters: arguments,
                ..
            } => arguments
                .iter()
                .map(|argument| Parameter {
                    name: &argument.name,
                    shape: None,
                    of_type: &argument.of_type,
                    required: true,
                    positional: true,
                    sensitive: false,
                    doc: &argument.doc,
                })
                .collect(),
        }
    }

    /// How many arguments a call may have.
    #[must_use]
    pub fn arities(&self) -> RangeInclusive<usize> {
        let parameters = self.parameters();
        let positional = parameters.iter().filter(|one| one.positional);
        let by_name = parameters.iter().filter(|one| !one.positional);
        let wanted = positional.clone().filter(|one| one.required).count();
        let least = wanted + usize::from(by_name.clone().any(|one| one.required));
        let most = match self.kind {
            Kind::Operation { controls: true, .. } => positional.count() + 2,
            _ => positional.count() + usize::from(by_name.count() > 0),
        };
        least..=most
    }

    /// A call in short: `ec2::run_instances(#{ max_count, min_count, … })`.
    ///
    /// What may be left out is in brackets; of the map only what must be there is named.
    #[must_use]
    pub fn signature(&self) -> String {
        let parameters = self.parameters();
        let mut words: Vec<String> = parameters
            .iter()
            .filter(|one| one.positional)
            .map(|one| {
                if one.required {
                    one.name.to_owned()
                } else {
                    format!("[{}]", one.name)
                }
            })
            .collect();
        let by_name: Vec<_> = parameters.iter().filter(|one| !one.positional).collect();
        let mut named: Vec<&str> = by_name
            .iter()
            .filter(|one| one.required)
            .map(|one| one.name)
            .collect();
        if !by_name.is_empty() {
            let may_be_left_out = named.is_empty();
            if named.len() < by_name.len() {
                named.push("…");
            }
            let map = format!("#{{ {} }}", named.join(", "));
            words.push(if may_be_left_out {
                format!("[{map}]")
            } else {
                map
            });
        }
        format!("{}({})", self.called(), words.join(", "))
    }
}

fn declared(operation: &'static Operation) -> Vec<Parameter<'static>> {
    let by_position = operation
        .positional
        .iter()
        .filter_map(|name| operation.input.field(name));
    let by_name = operation
        .input
        .fields
        .iter()
        .filter(|field| !operation.positional.contains(&field.name));
    by_position
        .map(|field| (field, true))
        .chain(by_name.map(|field| (field, false)))
        .map(|(field, positional)| Parameter {
            name: field.name,
            shape: Some(&field.shape),
            of_type: "",
            required: field.required,
            positional,
            sensitive: field.sensitive,
            doc: field.doc,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::surface::find;

    #[test]
    fn calls_in_short_and_how_many_arguments_they_take() {
        let says = |name: &str| {
            let callable = find(name).unwrap();
            (callable.signature(), callable.arities())
        };
        assert_eq!(
            says("sqs::send_message"),
            (
                "sqs::send_message(#{ queue_url, message_body, … })".to_owned(),
                1..=2
            )
        );
        assert_eq!(
            says("http::get"),
            ("http::get(url, [#{ … }])".to_owned(), 1..=3)
        );
        assert_eq!(says("every").1, 2..=3);
        assert_eq!(says("serve").1, 1..=1);
        assert_eq!(says("assert").1, 1..=2);
        assert_eq!(says("compare::differs").1, 2..=2);
    }
}
