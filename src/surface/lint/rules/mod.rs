//! The rules: what each finds, and what looks for it.

mod calls;
mod declarations;
pub mod imports;
mod parameters;
mod secrets;
pub mod syntax;
mod threads;
mod unreachable;
mod variables;

use super::allow;
use super::finding::Finding;
use super::rule::Rule;
use super::subject::Subject;

/// Every rule, errors first.
pub static RULES: &[&Rule] = &[
    &syntax::SYNTAX,
    &imports::UNKNOWN,
    &calls::UNKNOWN_MODULE,
    &calls::UNKNOWN_FUNCTION,
    &calls::ARGUMENT_COUNT,
    &parameters::UNKNOWN_PARAMETER,
    &parameters::MISSING_PARAMETER,
    &parameters::PARAMETER_TYPE,
    &declarations::DECLARATION,
    &variables::UNKNOWN_VARIABLE,
    &parameters::UNKNOWN_VALUE,
    &variables::UNUSED_PARAMETER,
    &variables::UNUSED_VARIABLE,
    &imports::UNUSED,
    &secrets::SECRET_SHOWN,
    &secrets::SECRET_IN_TEXT,
    &threads::UNBOUNDED_WRITES,
    &unreachable::UNREACHABLE,
    &allow::UNNEEDED,
];

/// What looks for something in a text.
pub type Look = fn(&Subject<'_>, &mut Vec<Finding>);

/// What looks for errors.
pub static ERRORS: &[Look] = &[
    calls::look,
    parameters::look,
    declarations::look,
    variables::unknown,
];

/// What looks for what is only odd.
pub static WARNINGS: &[Look] = &[
    variables::unused,
    imports::unused,
    secrets::look,
    threads::look,
    unreachable::look,
];
