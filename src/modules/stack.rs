//! `stack`: what a stack has, and its removal; the gate does both with the ledger.

use opsh_operation::{Effect, Inverse, Settle, Shape, Structure};

use super::declare::{entry, optional, plain_write, required};
use super::{Entry, Handler};

static RESOURCE: Structure = Structure {
    name: "resource",
    fields: &[
        required(
            "kind",
            Shape::Text,
            "Service and resource, e.g. \"ec2:instance\".",
        ),
        required("id", Shape::Text, "Its id."),
        optional(
            "name",
            Shape::Text,
            "Its name, if it has one beside the id.",
        ),
        required("made", Shape::Time, "When it was made."),
        required("run", Shape::Text, "The run that made it."),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "stack" "resources" "stack:Resources" Effect::Read, Handler::Gate,
        ("stack") [optional("stack", Shape::Text, "The stack. Default: the run's own.")] -> Shape::List(&Shape::Struct(&RESOURCE)),
        "What a stack has, in the order in which it was made.",
        r#"if stack::resources("no such stack").len() != 0 { throw "wrong"; }"#,
    },
    entry! {
        "stack" "remove" "stack:Remove"
        Effect::Write(plain_write(Inverse::Nothing("it removes"), Settle::Repeat)),
        Handler::Gate,
        ("stack", "kind", "id") [
            required("stack", Shape::Text, "The stack that has it."),
            required("kind", Shape::Text, "Service and resource, e.g. \"ec2:instance\"."),
            required("id", Shape::Text, "Its id."),
        ] -> Shape::Bool,
        "Removes a resource of a stack by the inverse of what made it; says whether it was still there.",
        r#"for resource in stack::resources() {
    stack::remove("web", resource.kind, resource.id);
}"#,
    },
];
