//! What bad input gets: each message whole, with its exit code.

mod aws;
mod image;
mod keys;
mod options;
mod playbook;
mod ssh;

use super::run;

/// The code and the whole message of a run.
fn refused(text: &str, options: &[&str]) -> (i32, String) {
    let ended = run(text, options);
    (ended.code, ended.err)
}
