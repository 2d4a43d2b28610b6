//! Faults that are put into the cloud on purpose, at chosen steps.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
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
    /// At every so-manieth.
    Every(NonZeroU32),
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

impl Rule {
    /// The action of a rule that is for any request that its fault can befall.
    pub const ANY: &str = "*";

    /// Only a service of AWS throttles, fails or refuses, unless another one is named.
    fn is_for(&self, action: &str) -> bool {
        let is_of_aws = matches!(
            self.fault,
            Fault::Throttle | Fault::Server(_) | Fault::Refuse(_)
        );
        let asks_aws = !action.starts_with("ssh:") && !action.starts_with("http:");
        glob::fits(&self.action, action) && (self.action != Self::ANY || asks_aws || !is_of_aws)
    }
}

/// Rules, and how far each has been counted.
#[derive(Debug)]
pub struct Faults {
    chance: Ids,
    rules: Vec<Counted>,
    /// What the next request meets, whatever it is.
    armed: Option<Fault>,
}

#[derive(Debug)]
struct Counted {
    rule: Rule,
    /// How many requests it was for.
    met: u32,
    /// How many of them went wrong because of it.
    struck: u32,
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
            armed: None,
        }
    }

    /// Adds a rule after the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(Counted {
            rule,
            met: 0,
            struck: 0,
        });
    }

    /// Lets the next request meet `fault`, whatever it is, or only what the rules say.
    /// Whether the fault before was met.
    pub fn arm(&mut self, fault: Option<Fault>) -> bool {
        std::mem::replace(&mut self.armed, fault).is_none()
    }

    /// How often each rule has made something go wrong, in their order.
    #[must_use]
    pub fn struck(&self) -> Vec<u32> {
        self.rules.iter().map(|counted| counted.struck).collect()
    }

    /// What goes wrong with this request; the first rule that applies.
    pub fn strike(&mut self, action: &str) -> Option<Fault> {
        let mut struck = self.armed.take();
        for Counted {
            rule,
            met,
            struck: times,
        } in &mut self.rules
        {
            if !rule.is_for(action) {
                continue;
            }
            *met += 1;
            let applies = match &rule.when {
                When::Nth(chosen) => chosen.contains(met),
                When::Every(period) => met.is_multiple_of(period.get()),
                When::Percent(percent) => self.chance.below(100) < *percent,
            };
            if applies && struck.is_none() {
                *times += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_aws_does_befalls_no_other_request_unless_it_is_named() {
        let strikes = |rule: &str, fault: Fault, action: &str| {
            let mut faults = Faults::none(0);
            faults.add(Rule {
                action: rule.to_owned(),
                when: When::Nth(BTreeSet::from([1])),
                fault,
            });
            faults.strike(action).is_some()
        };
        for action in ["ssh:connect", "http:GET"] {
            assert!(!strikes(Rule::ANY, Fault::Throttle, action));
            assert!(strikes(Rule::ANY, Fault::Reset, action));
            assert!(strikes(action, Fault::Throttle, action));
        }
        assert!(strikes(Rule::ANY, Fault::Throttle, "ec2:RunInstances"));
    }

    #[test]
    fn each_so_manieth_request_is_struck_and_counted() {
        let mut faults = Faults::none(0);
        faults.add(Rule {
            action: "s3:*".to_owned(),
            when: When::Every(NonZeroU32::MIN.saturating_add(1)),
            fault: Fault::Reset,
        });
        let struck: Vec<bool> = ["s3:Get", "ec2:Run", "s3:Get", "s3:Put", "s3:Put"]
            .iter()
            .map(|action| faults.strike(action).is_some())
            .collect();
        assert_eq!(struck, [false, false, true, false, true]);
        assert_eq!(faults.struck(), [2]);
    }

    #[test]
    fn an_armed_fault_befalls_the_next_request_only() {
        let mut faults = Faults::none(0);
        assert!(faults.arm(Some(Fault::Reset)));
        assert_eq!(faults.strike("ec2:RunInstances"), Some(Fault::Reset));
        assert_eq!(faults.strike("ec2:RunInstances"), None);
        assert!(faults.arm(Some(Fault::Reset)));
        assert!(!faults.arm(None));
    }
}
