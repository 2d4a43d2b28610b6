//! Whole lives, asked for as an SDK asks.
#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;

use super::*;
use crate::furnish::{AL2023_X86_64, Options};

/// A furnished cloud and how to ask it.
pub struct Asked {
    pub cloud: Cloud,
}

impl Asked {
    pub fn new() -> Self {
        Self {
            cloud: Cloud::furnished(&Options::default()),
        }
    }

    pub fn ask(&mut self, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let request = ApiRequest::query("ec2", action, params);
        let response = handle(&mut self.cloud, &request)?;
        Ok(String::from_utf8(response.body().to_vec()).unwrap())
    }

    pub fn ok(&mut self, action: &str, params: &[(&str, &str)]) -> String {
        self.ask(action, params)
            .unwrap_or_else(|error| panic!("{action}: {error}"))
    }

    pub fn fails(&mut self, action: &str, params: &[(&str, &str)]) -> String {
        let error = self.ask(action, params).expect_err(action);
        error.to_string()
    }

    pub fn wait(&mut self, seconds: i64) {
        let until = self.cloud.now + SignedDuration::from_secs(seconds);
        self.cloud.advance(until);
    }

    pub fn run(&mut self, more: &[(&str, &str)]) -> String {
        let mut params = vec![
            ("ImageId", AL2023_X86_64),
            ("InstanceType", "t3.nano"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
        ];
        params.extend(more);
        let answer = self.ok("RunInstances", &params);
        text(&answer, "instanceId")[0].clone()
    }
}

/// The texts of all elements of a name, in order.
pub fn text(xml: &str, element: &str) -> Vec<String> {
    xml.split(&format!("<{element}>"))
        .skip(1)
        .map(|rest| {
            rest.split(&format!("</{element}>"))
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn no_action_is_twice_in_the_tables() {
    let mut names: Vec<&str> = TABLES
        .iter()
        .flat_map(|table| table.iter())
        .map(|(name, _)| *name)
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn an_instance_lives() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "web"),
    ]);
    let stage = |ec2: &mut Asked| {
        let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
        text(&text(&seen, "instanceState")[0], "name")[0].clone()
    };
    assert_eq!(stage(&mut ec2), "pending");
    ec2.wait(20);
    assert_eq!(stage(&mut ec2), "running");
    let seen = ec2.ok(
        "DescribeInstances",
        &[("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", "w?b")],
    );
    assert_eq!(text(&seen, "ipAddress"), ["203.0.113.10"]);
    assert_eq!(
        text(&seen, "dnsName"),
        ["ec2-203-0-113-10.compute-1.amazonaws.com"]
    );
    assert_eq!(
        text(&ec2.ok("DescribeVolumes", &[]), "status"),
        ["in-use", "attached"]
    );
    ec2.ok("StopInstances", &[("InstanceId.1", &id)]);
    assert_eq!(stage(&mut ec2), "stopping");
    ec2.wait(40);
    assert_eq!(stage(&mut ec2), "stopped");
    ec2.ok("StartInstances", &[("InstanceId.1", &id)]);
    ec2.wait(20);
    let seen = ec2.ok("DescribeInstances", &[("InstanceId.1", &id)]);
    assert_eq!(text(&seen, "ipAddress"), ["203.0.113.11"]);
    ec2.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    assert_eq!(stage(&mut ec2), "shutting-down");
    ec2.wait(60);
    assert_eq!(stage(&mut ec2), "terminated");
    assert!(text(&ec2.ok("DescribeVolumes", &[]), "volumeId").is_empty());
    ec2.wait(3700);
    assert_eq!(
        ec2.fails("DescribeInstances", &[("InstanceId.1", &id)]),
        format!("InvalidInstanceID.NotFound: The instance ID '{id}' does not exist")
    );
}
