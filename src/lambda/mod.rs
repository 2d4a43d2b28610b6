//! Playbooks as Lambda functions.
//!
//! - [`runtime`]: opsh as the custom runtime, in Lambda itself;
//! - [`hosted`]: functions of the embedded cloud, in this process;
//! - [`function`]: a script and its `handler(event, context)`, wherever it runs;
//! - [`context`]: what a handler is told of its invocation;
//! - [`failure`]: a script's error as Lambda reports one;
//! - [`log`]: what a function says, as Lambda keeps it;
//! - [`package`]: the archive that is deployed.

pub mod context;
pub mod failure;
pub mod function;
pub mod hosted;
pub mod log;
pub mod package;
pub mod runtime;
