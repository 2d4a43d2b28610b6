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
        required("removed", Shape::Bool, "Whether it is gone."),
        required(
            "already_gone",
            Shape::Bool,
            "Whether something else had removed it.",
        ),
        optional("problem", Shape::Text, "Why it is still there, if it is."),
    ],
};

static FOUND: Structure = Structure {
    name: "found",
    fields: &[
        required("kind", Shape::Text, "Service and resource."),
        required("id", Shape::Text, "Its id."),
        optional(
            "name",
            Shape::Text,
            "Its name, if it has one beside the id.",
        ),
    ],
};

static UNSEEN: Structure = Structure {
    name: "unseen",
    fields: &[
        required("kind", Shape::Text, "Service and resource."),
        required("why", Shape::Text, "Why it could not be looked for."),
    ],
};

static TAGGED: Structure = Structure {
    name: "tagged",
    fields: &[
        required(
            "found",
            Shape::List(&Shape::Struct(&FOUND)),
            "What carries the stack's tag, or belongs to what does.",
        ),
        required(
            "unseen",
            Shape::List(&Shape::Struct(&UNSEEN)),
            "The kinds that could not be looked for.",
        ),
    ],
};

/// The table. `remove` and `remove_all` are no writes of their own: the calls that they make are.
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
    entry! {
        "stack" "remove_all" "stack:RemoveAll" Effect::Read, Handler::Gate,
        () [] -> Shape::List(&Shape::Struct(&REMOVED)),
        "Removes all that the stack has, what does not depend on each other at the same time; goes on where one fails.",
        r#"sns::create_topic(#{ name: "news" });
sns::create_topic(#{ name: "alarms" });
if !stack::remove_all().all(|resource| resource.removed) { throw "wrong"; }"#,
    },
    entry! {
        "stack" "tagged" "stack:Tagged" Effect::Read, Handler::Gate,
        () [] -> Shape::Struct(&TAGGED),
        "Looks in the cloud itself for everything that carries the stack's tag, whatever the ledger knows.",
        r#"sns::create_topic(#{ name: "news" });
    if stack::tagged().found[0].kind != "sns:topic" { throw "wrong"; }"#,
    },
];
