//! Generated bindings from opsh values to the typed clients of the AWS SDK for Rust.
//!
//! `xtask` derives parameters, results, types and enum values from the SDK's own
//! sources for every operation that `operations/*.list` names, and writes
//! `src/generated/`. What cannot be derived (effect, inverse, settling, ids, tags,
//! example) is declared on the operation's line.
//!
//! - `generated`: tables, conversions and calls, one folder a service;
//! - `glue`: what they stand on;
//! - `waiters`: reads that are asked again until what they say is so;
//! - `extra`: operations that the SDK has no single call for;
//! - [`stream`]: objects of S3 piece by piece.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use opsh_operation::{Fault, Map, Operation, Value};

mod extra;
#[rustfmt::skip]
#[allow(deprecated)] // all parameters of an operation, those that AWS advises against too
#[allow(clippy::pedantic)] // not written by people, not read by them
#[allow(missing_docs)] // its tables carry the documentation
mod generated;
mod glue;
pub mod stream;
mod waiters;

pub use glue::Session;
pub use glue::attempts::Attempts;

/// An AWS operation and the glue to its typed client.
pub struct Binding {
    /// What it is.
    pub operation: &'static Operation,
    /// Sends a validated input and gives the whole result, all pages of it.
    pub call: fn(&Session, Map, Controls) -> BoxFuture<'static, Result<Value, Fault>>,
    /// What is filled into its input before it is recorded and sent.
    pub fills: Fills,
}

/// What is filled into a write's input beside its tags and its token.
#[derive(Debug, Clone, Copy)]
pub struct Fills {
    /// Parameters and sources of the values that they always have.
    pub always: &'static [(&'static str, &'static str)],
    /// Parameters and sources of the values that they have unless the playbook gives others.
    pub absent: &'static [(&'static str, &'static str)],
    /// The parameter with which, if it is true, the service refuses our tags.
    pub untagged_if: Option<&'static str>,
}

impl Fills {
    /// Nothing.
    pub const NONE: Self = Self {
        always: &[],
        absent: &[],
        untagged_if: None,
    };
}

/// What a call's second map may ask for, beside region and profile.
#[derive(Debug, Clone, Copy, Default)]
pub struct Controls {
    /// For the whole call with its retries and pages.
    pub timeout: Option<Duration>,
    /// At most this many items of a listing.
    pub limit: Option<usize>,
}

/// The kind of the error with this code of AWS, as far as the code alone says it.
#[must_use]
pub fn kind_of(code: &str) -> opsh_operation::FaultKind {
    glue::faults::kind_of(code, "")
}

/// Every generated operation and every waiter, ordered by module and name.
#[must_use]
pub fn bindings() -> &'static [&'static Binding] {
    static ALL: LazyLock<Vec<&'static Binding>> = LazyLock::new(|| {
        let mut all: Vec<&Binding> = generated::SERVICES
            .iter()
            .copied()
            .chain([waiters::BINDINGS, extra::BINDINGS])
            .flatten()
            .collect();
        all.sort_by_key(|binding| (binding.operation.module, binding.operation.name));
        all
    });
    &ALL
}
