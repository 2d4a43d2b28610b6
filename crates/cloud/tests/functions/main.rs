//! Functions: code that the host runs, in the same cloud and on the same clock.
#![allow(clippy::unwrap_used)]

mod invoked;
mod timed;
mod triggered;
mod world;
