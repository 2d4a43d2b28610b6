//! `parallel`: the declaration; the script engine does it, see `script::parallel`.

use opsh_operation::{Effect, Shape};

use super::declare::{entry, int, optional, required};
use super::{Entry, Handler};

/// The table.
pub static ENTRIES: &[Entry] = &[entry! {
    "parallel" "map" "parallel:Map" Effect::Pure, Handler::SCRIPT,
    ("items", "function") [
        required("items", Shape::List(&Shape::Any), "What the function is called with, one at a time."),
        required("function", Shape::Function, "A function of one item; it gets copies of what it captures."),
        optional("threads", int(1, 64), "How many at once. Default: 8. In the embedded cloud they go one after another."),
    ] -> Shape::List(&Shape::Any),
    "Calls a function with each item, several at once; the results are in the order of the items.",
    r#"let doubled = parallel::map([1, 2, 3], |n| n * 2, #{ threads: 2 });
if doubled != [2, 4, 6] { throw doubled; }"#,
}];
