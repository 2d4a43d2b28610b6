//! `test`: the function that declares a case, as every other one is declared.

use opsh_operation::{Effect, Operation, Shape, Structure};

use crate::modules::declare::{optional, required};
use crate::modules::{Entry, Handler};

/// Its name.
pub const DECLARES: &str = "test";

/// Furnishes the account before the run.
pub const GIVEN: &str = "given";
/// Looks at what came of the run.
pub const CHECK: &str = "check";

/// What it is; there it is in files of cases alone.
pub static TEST: Entry = Entry {
    operation: &Operation {
        module: "",
        name: DECLARES,
        action: "",
        summary: "Declares a case of a playbook, in a file *.test.rhai.",
        input: &Structure {
            name: DECLARES,
            fields: &[
                required(
                    "name",
                    Shape::Text,
                    "What it is called; its snapshot is, too.",
                ),
                optional(
                    "params",
                    Shape::MapOf(&Shape::Any),
                    "Parameters of the playbook; those that are not said have their defaults.",
                ),
                optional(
                    "playbook",
                    Shape::Path,
                    "The playbook's file, from the file of cases on; demo.rhai for demo.test.rhai if it says none.",
                ),
                optional(
                    "seed",
                    Shape::Int {
                        min: 0,
                        max: i64::MAX,
                    },
                    "What made-up ids follow from, as --seed of `opsh run`. Default: 0.",
                ),
                optional(
                    "region",
                    Shape::Text,
                    "The cloud's region. Default: us-east-1.",
                ),
                optional(
                    GIVEN,
                    Shape::Function,
                    "A function that furnishes the account before the run: any operation, and the helpers of the library `given`.",
                ),
                optional(
                    "after",
                    Shape::Text,
                    "The name of an earlier case: this one begins with what that one leaves, cloud, ledger and files.",
                ),
                optional(
                    "faults",
                    Shape::List(&Shape::Text),
                    "What goes wrong, each as with --fault of `opsh run`; a crash is gone on with.",
                ),
                optional(
                    "fails",
                    Shape::Text,
                    "The playbook is to fail, and its error holds this text.",
                ),
                optional(
                    CHECK,
                    Shape::Function,
                    "A function of what came of it, a map: result, error, steps, writes, made, printed, logged, resumed. What it throws, or false, fails the case.",
                ),
                optional(
                    "files",
                    Shape::Path,
                    "The folder of which the run has a copy for its working directory. Default: an empty one.",
                ),
                optional(
                    "fixtures",
                    Shape::MapOf(&Shape::Path),
                    "Files that answer for URLs.",
                ),
                optional(
                    "events",
                    Shape::Path,
                    "For services: a file of events, as --events of `opsh run`.",
                ),
                optional(
                    "lasts",
                    Shape::Duration,
                    "For services: for how long it runs, as --for of `opsh run`.",
                ),
            ],
        },
        positional: &["name"],
        output: Shape::Nothing,
        effect: Effect::Pure,
        raises: &[],
        example: r#"test("three queues", #{
    params: #{ count: 3 },
    check: |outcome| assert_eq(outcome.writes.len(), 3),
});"#,
    },
    handler: Handler::Script { brings: &[] },
};

/// The options of a case, beside its name.
pub fn options() -> impl Iterator<Item = (&'static str, Shape)> {
    let fields = TEST.operation.input.fields.iter();
    fields
        .filter(|field| !TEST.operation.positional.contains(&field.name))
        .map(|field| (field.name, field.shape))
}
