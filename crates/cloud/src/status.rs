//! What there is, in numbers.

use jiff::Timestamp;
use serde_json::Value;

use crate::cloud::Cloud;

/// The summary of a cloud, for `opsh local status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The virtual time.
    pub now: Timestamp,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Service, kind and number of what there is, furnished things included;
    /// kinds of which there is nothing are left out.
    pub counts: Vec<(&'static str, &'static str, usize)>,
}

/// Service, kind, and where in the saved state things of that kind are.
const KINDS: [(&str, &str, &str); 27] = [
    ("autoscaling", "groups", "/autoscaling/groups"),
    ("autoscaling", "scaling policies", "/autoscaling/policies"),
    ("cloudwatch", "alarms", "/cloudwatch/alarms"),
    ("ec2", "images", "/ec2/region/images"),
    ("ec2", "instances", "/ec2/region/instances"),
    ("ec2", "key pairs", "/ec2/region/key_pairs"),
    ("ec2", "launch templates", "/ec2/region/templates"),
    ("ec2", "network interfaces", "/ec2/region/interfaces"),
    ("ec2", "security groups", "/ec2/region/groups"),
    ("ec2", "snapshots", "/ec2/region/snapshots"),
    ("ec2", "subnets", "/ec2/region/subnets"),
    ("ec2", "volumes", "/ec2/region/volumes"),
    ("ec2", "VPCs", "/ec2/region/vpcs"),
    ("elbv2", "listeners", "/elbv2/listeners"),
    ("elbv2", "load balancers", "/elbv2/balancers"),
    ("elbv2", "target groups", "/elbv2/groups"),
    ("iam", "instance profiles", "/iam/profiles"),
    ("iam", "policies", "/iam/policies"),
    ("iam", "roles", "/iam/roles"),
    ("lambda", "functions", "/lambda/functions"),
    ("lambda", "waiting events", "/lambda/queue"),
    ("s3", "buckets", "/s3/buckets"),
    ("scheduler", "schedule groups", "/scheduler/groups"),
    ("scheduler", "schedules", "/scheduler/schedules"),
    ("sns", "subscriptions", "/sns/subscriptions"),
    ("sns", "topics", "/sns/topics"),
    ("ssm", "parameters", "/ssm/parameters"),
];

impl Cloud {
    /// Counts what there is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.look(|state| {
            let saved = serde_json::to_value(state).unwrap_or_default();
            Status {
                now: state.now,
                account: state.account.clone(),
                region: state.region.clone(),
                counts: KINDS
                    .iter()
                    .map(|(service, kind, place)| (*service, *kind, count(&saved, place)))
                    .filter(|(_, _, count)| *count > 0)
                    .collect(),
            }
        })
    }
}

fn count(saved: &Value, place: &str) -> usize {
    match saved.pointer(place) {
        Some(Value::Object(members)) => members.len(),
        Some(Value::Array(items)) => items.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::KINDS;
    use crate::Cloud;
    use crate::furnish::Options;
    use crate::state::State;

    #[test]
    fn every_kind_is_where_the_state_keeps_it() {
        let state = State::furnished(&Options::default());
        let saved = serde_json::to_value(&state).unwrap();
        for (service, kind, place) in KINDS {
            assert!(saved.pointer(place).is_some(), "{service} {kind}: {place}");
        }
    }

    #[test]
    fn a_furnished_cloud_has_a_network_and_images() {
        let status = Cloud::furnished(&Options::default()).status();
        for (service, kind) in [
            ("ec2", "VPCs"),
            ("ec2", "subnets"),
            ("ec2", "images"),
            ("ssm", "parameters"),
        ] {
            assert!(
                status
                    .counts
                    .iter()
                    .any(|(s, k, count)| (*s, *k) == (service, kind) && *count > 0),
                "{service} {kind}"
            );
        }
        assert!(!status.counts.iter().any(|(_, kind, _)| *kind == "buckets"));
    }
}
