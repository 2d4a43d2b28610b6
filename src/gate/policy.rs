//! What may be done at all: `--allow` and `--deny` with IAM's action names.

use opsh_operation::{Fault, FaultKind};
use wildmatch::WildMatch;

/// Globs over action names such as `ec2:Describe*`, compared without case as IAM does.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    glob: String,
    matcher: WildMatch,
}

impl Rule {
    fn new(glob: &str) -> Self {
        Self {
            glob: glob.to_owned(),
            matcher: WildMatch::new(&glob.to_lowercase()),
        }
    }

    fn matches(&self, action: &str) -> bool {
        self.matcher.matches(&action.to_lowercase())
    }
}

impl Policy {
    /// With no `allow`, everything is allowed that no `deny` matches; with one
    /// or more, only what they match. A `deny` always wins.
    #[must_use]
    pub fn new(allow: &[String], deny: &[String]) -> Self {
        let rules = |globs: &[String]| globs.iter().map(|glob| Rule::new(glob)).collect();
        Self {
            allow: rules(allow),
            deny: rules(deny),
        }
    }

    /// Lets `action` pass or says which rule refuses it.
    ///
    /// # Errors
    /// [`FaultKind::Policy`].
    pub fn check(&self, action: &str) -> Result<(), Fault> {
        if let Some(rule) = self.deny.iter().find(|rule| rule.matches(action)) {
            return Err(Fault::new(
                FaultKind::Policy,
                format!("{action} is refused by --deny '{}'", rule.glob),
            )
            .hint("run it without that --deny if it is meant to happen"));
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|rule| rule.matches(action)) {
            let globs: Vec<_> = self
                .allow
                .iter()
                .map(|rule| format!("'{}'", rule.glob))
                .collect();
            return Err(Fault::new(
                FaultKind::Policy,
                format!(
                    "{action} is not among what --allow permits: {}",
                    globs.join(", ")
                ),
            )
            .hint(format!("add --allow '{action}' if it is meant to happen")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(allow: &[&str], deny: &[&str], action: &str) -> Option<String> {
        let owned = |globs: &[&str]| {
            globs
                .iter()
                .map(|glob| (*glob).to_owned())
                .collect::<Vec<_>>()
        };
        Policy::new(&owned(allow), &owned(deny))
            .check(action)
            .err()
            .map(|fault| fault.message)
    }

    #[test]
    fn deny_wins_and_allow_is_a_closed_list() {
        assert_eq!(refusal(&[], &[], "ec2:RunInstances"), None);
        assert_eq!(
            refusal(&["ec2:describe*"], &[], "ec2:DescribeInstances"),
            None
        );
        assert_eq!(
            refusal(&["ec2:Describe*", "s3:*"], &[], "ec2:RunInstances").as_deref(),
            Some("ec2:RunInstances is not among what --allow permits: 'ec2:Describe*', 's3:*'")
        );
        assert_eq!(
            refusal(&["*"], &["s3:*"], "s3:PutObject").as_deref(),
            Some("s3:PutObject is refused by --deny 's3:*'")
        );
    }
}
