//! opsh runs ops playbooks written in Rhai.
//!
//! Everything a playbook does to the world passes one gate. The tour, from the
//! top down (dependencies point downwards only):
//!
//! - [`cli`]: one subcommand a file; with [`repl`] the only code that prints;
//! - [`cases`]: cases of playbooks, for `opsh test`: dry runs that are compared;
//! - [`script`]: the Rhai side: engine and limits, parameters, imports, errors with excerpts;
//! - [`surface`]: what can be called, as one model: reference, completion, definitions, check;
//! - [`gate`]: the door: validate → policy → ledger intent → world → ledger outcome → observers;
//! - [`ledger`]: SQLite: runs, steps, resources;
//! - [`fleet`]: playbooks as services on machines, real and simulated;
//! - [`lambda`]: playbooks as Lambda functions: the custom runtime, and what is deployed;
//! - [`modules`]: what playbooks call; each operation's declaration beside what does it;
//! - [`service`]: playbooks that stay: events, handlers, listeners and timers;
//! - [`serve`]: the embedded cloud over HTTP, for other programs;
//! - [`world`]: where operations land: live, or local on the embedded cloud.
//!
//! Five crates stand below: `opsh-operation` (what an operation is; knows no AWS
//! and no Rhai), `opsh-aws` (generated bindings to the AWS SDK), `opsh-cloud`
//! (the embedded cloud; knows no Rhai and no opsh operation), `opsh-accesslog`
//! (access logs of balancers) and `opsh-snsmessage` (proofs that SNS sent something).

pub mod cases;
pub mod cli;
#[cfg(test)]
mod examples;
pub mod fleet;
pub mod gate;
pub mod lambda;
pub mod ledger;
mod lock;
pub mod modules;
pub mod repl;
pub mod script;
pub mod serve;
pub mod service;
pub mod surface;
pub mod world;
