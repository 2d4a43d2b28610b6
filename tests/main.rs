//! The one integration binary: what a user meets, tested from outside.

#![allow(clippy::unwrap_used)] // a test that cannot go on says where

mod alarms;
mod cli;
mod e2e;
mod lambda;
#[cfg(target_os = "linux")]
mod service;
mod support;
