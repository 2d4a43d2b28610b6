//! `stack`: what the run's stack has, and its removal; the gate does it with the ledger.

use opsh_operation::{Effect, Shape, Structure};

use super::declare::{entry, optional, required};
use super::{Entry, Handler};

static CURRENT: Structure = Structure {
    name: "current",
    fields: &[
        required("name", Shape::Text, "The stack's name."),
        required("run", Shape::Text, "The run's id."),
        required("world", Shape::Text, "\"live\", \"local\" or \"dry-run\"."),
        optional("region", Shape::Text, "The run's region."),
        required(
            "writes",
            Shape::INT64,
            "How many writes this run has begun so far.",
        ),
    ],
};

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
        required(
            "removable",
            Shape::Bool,
            "Whether the ledger knows how to remove it.",
        ),
    ],
};

static REMOVED: Structure = Structure {
    name: "removed",
    fields: &[
        required("kind", Shape::Text, "Service and resource."),
        required("id", Shape::Text, "Its id."),
        required(
            "removed",
            Shape::Bool,
            "False if the ledger knows no way to remove it.",
        ),
        required(
            "already_gone",
            Shape::Bool,
            "Whether something else had removed it.",
        ),
    ],
};

/// The table. `remove` is no write of its own: the calls that it makes are.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "stack" "current" "stack:Current" Effect::Read, Handler::Gate,
        () [] -> Shape::Struct(&CURRENT),
        "Which stack this run belongs to, in which world and region.",
        r#"if stack::current().writes != 0 { throw "wrong"; }
    sns::create_topic(#{ name: "news" });
    if stack::current().writes != 1 { throw "wrong"; }"#,
    },
    entry! {
        "stack" "resources" "stack:Resources" Effect::Read, Handler::Gate,
        () [] -> Shape::List(&Shape::Struct(&RESOURCE)),
        "What the stack has, in the order in which it was made.",
        r#"if stack::resources().len() != 0 { throw "wrong"; }"#,
    },
    entry! {
        "stack" "remove" "stack:Remove" Effect::Read, Handler::Gate,
        ("kind", "id") [
            required("kind", Shape::Text, "Service and resource, e.g. \"ec2:instance\"."),
            required("id", Shape::Text, "Its id."),
        ] -> Shape::Struct(&REMOVED),
        "Removes a resource of the stack by the inverse of what made it.",
        r#"let topic = sns::create_topic(#{ name: "news" }).topic_arn;
    if !stack::remove("sns:topic", topic).removed { throw "wrong"; }"#,
    },
];
