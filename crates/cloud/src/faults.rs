//! Faults that are put into the cloud on purpose, at chosen steps.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::api::ApiError;
use crate::glob;
use crate::ids::Ids;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The service says that it is asked too often; an SDK tries again later.
    Throttle,
    /// The service fails with this status.
    Server(u16),
    /// The connection breaks before an answer comes; nothing was done.
    Reset,
    /// The connection breaks after the work was done: the answer is lost.
    Lost,
    /// The answer takes this much longer.
    Delay(Duration),
    /// The service refuses, e.g. with `InsufficientInstanceCapacity`.
    Refuse(ApiError),
}

/// At which of the matching requests it goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At these, counted from 1.
    Nth(BTreeSet<u32>),
    /// At each with this chance in a hundred, by the rule's own seed.
    Percent(u32),
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// For which requests: `ec2:RunInstances`, `s3:*`, `http:GET`, `ssh:connect`, `ssh:run`.
    pub action: String,
    /// At which of them.
    pub when: When,
    /// What goes wrong.
    pub fault: Fault,
}

/// Rules, and how far each has been counted.
#[derive(Debug)]
pub struct Faults {
    chance: Ids,
    rules: Vec<(Rule, u32)>,
}

/// The connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection reset by peer")]
pub struct Reset;

impl Faults {
    /// No rules; chances follow from `seed`.
    #[must_use]
    pub fn none(seed: u64) -> Self {
        Self {
            chance: Ids::new(seed),
            rules: Vec::new(),
        }
    }

    /// Adds a rule after the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push((rule, 0));
    }

    /// What goes wrong with this request; the first rule that applies.
    pub fn strike(&mut self, action: &str) -> Option<Fault> {
        let mut struck = None;
        for (rule, count) in &mut self.rules {
            if !glob::fits(&rule.action, action) {
                continue;
            }
            *count += 1;
            let applies = match &rule.when {
                When::Nth(chosen) => chosen.contains(count),
                When::Percent(percent) => self.chance.below(100) < *percent,
            };
            if applies && struck.is_none() {
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }
}

/// The error with which services throttle (EC2 has its own code).
#[must_use]
pub fn throttling(service: &str) -> ApiError {
    match service {
        "ec2" => ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
        "s3" => ApiError::new("SlowDown", "Please reduce your request rate.").with_status(503),
        "ssm" => ApiError::new("ThrottlingException", "Rate exceeded"),
        _ => ApiError::new("Throttling", "Rate exceeded"),
    }
}
