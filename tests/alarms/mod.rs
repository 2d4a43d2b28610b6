//! Alarms that SNS brings, and the autoscaler that they drive: on the embedded cloud.

mod autoscaler;
mod pool;
mod scenario;
mod socket;
mod turns;

use crate::support::opsh::User;

/// A user with a playbook `p.rhai` of this text.
fn user(text: &str) -> User {
    let user = User::new();
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user
}
