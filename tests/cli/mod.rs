//! What a user meets on the command line, on the embedded cloud: needs no component.

mod admin;
mod adopt;
mod backup;
mod bad_input;
mod bootstrap;
mod chatbot;
mod check;
mod closed_pipe;
mod crash_matrix;
mod discord;
mod doc;
mod faults;
mod fleet;
mod full_disk;
mod fullstack;
#[cfg(target_os = "linux")]
mod gateway;
mod host;
mod lambda;
mod ledger;
mod limits;
mod load;
mod locks;
mod next_steps;
mod opsh_test;
mod plans;
mod policy;
mod questions;
mod readme;
mod repl;
#[cfg(target_os = "linux")]
mod reset;
mod resources;
mod resume;
mod secrets;
mod stdlib;
#[cfg(target_os = "linux")]
mod stopping;
mod teardown;
mod terminal;
mod there_before;
mod undo;
mod uploading;
mod webserver;

use std::path::PathBuf;

use crate::support::component::file;
use crate::support::opsh::{Ended, User};

/// A shipped playbook.
pub fn shipped(name: &str) -> String {
    file(&format!("playbooks/{name}.rhai"))
        .display()
        .to_string()
}

/// A user with a playbook `p.rhai` of this text.
fn user(text: &str) -> User {
    let user = User::new();
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user
}

/// Runs `text` as the playbook `p.rhai` with `options`.
fn run(text: &str, options: &[&str]) -> Ended {
    let words = ["run", "p.rhai"].iter().chain(options);
    user(text).opsh(words)
}

/// The lines of text from a path of this repository.
fn read(path: &str) -> String {
    let path: PathBuf = file(path);
    std::fs::read_to_string(path).unwrap()
}
