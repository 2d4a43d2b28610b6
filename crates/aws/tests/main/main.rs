//! The bindings as a caller sees them: the tables, and what goes over the wire.

#![allow(clippy::unwrap_used)]

mod bodies;
mod calls;
mod support;
mod tables;
mod waiters;
