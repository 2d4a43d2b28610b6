//! Whole lives, asked for as an SDK asks.
#![allow(clippy::unwrap_used)]

mod describing;
mod facade;
mod groups;
mod keys;
mod launching;
mod networks;
mod protection;
mod tagging;
mod templates;

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

#[test]
fn the_console_shows_the_host_key_once_it_has_booted() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    let console = |ec2: &mut Asked| ec2.ok("GetConsoleOutput", &[("InstanceId", &id)]);
    assert!(text(&console(&mut ec2), "output").is_empty());
    ec2.wait(60);
    let seen = console(&mut ec2);
    let output = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        &text(&seen, "output")[0],
    )
    .unwrap();
    let output = String::from_utf8(output).unwrap();
    let key = ec2.cloud.hosts.get(&id).unwrap().host_key();
    assert!(
        output.contains("-----BEGIN SSH HOST KEY KEYS-----"),
        "{output}"
    );
    assert!(output.contains(&key), "{output}");
}

#[test]
fn machines_hear_of_new_tags_groups_and_addresses() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[]);
    ec2.wait(30);
    ec2.ok(
        "CreateTags",
        &[
            ("ResourceId.1", &id),
            ("Tag.1.Key", "Name"),
            ("Tag.1.Value", "web"),
        ],
    );
    ec2.ok(
        "ModifyInstanceMetadataOptions",
        &[
            ("InstanceId", &id),
            ("InstanceMetadataTags", "enabled"),
            ("HttpTokens", "optional"),
        ],
    );
    let facts = ec2.cloud.hosts.get(&id).unwrap().facts().clone();
    assert_eq!(facts.tags["Name"], "web");
    assert!(facts.tags_in_metadata && !facts.http_tokens_required);
    assert_eq!(facts.addresses.public.as_deref(), Some("203.0.113.10"));
    ec2.ok("StopInstances", &[("InstanceId.1", &id)]);
    assert!(!ec2.cloud.hosts.get(&id).unwrap().is_on());
    ec2.wait(40);
    let allocated = ec2.ok("AllocateAddress", &[]);
    let (allocation, public) = (
        &text(&allocated, "allocationId")[0],
        &text(&allocated, "publicIp")[0],
    );
    ec2.ok(
        "AssociateAddress",
        &[("AllocationId", allocation), ("InstanceId", &id)],
    );
    ec2.ok("StartInstances", &[("InstanceId.1", &id)]);
    ec2.wait(20);
    let host = ec2.cloud.hosts.get(&id).unwrap();
    assert!(host.is_on());
    assert_eq!(host.facts().addresses.public.as_ref(), Some(public));
    ec2.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    ec2.wait(60);
    assert!(ec2.cloud.hosts.get(&id).is_none());
}

#[test]
fn what_is_saved_is_read_back() {
    let mut ec2 = Asked::new();
    let id = ec2.run(&[("Monitoring.Enabled", "true")]);
    ec2.wait(60);
    ec2.ok("CreateImage", &[("InstanceId", &id), ("Name", "golden")]);
    ec2.ok("AllocateAddress", &[]);
    ec2.ok("CreateKeyPair", &[("KeyName", "k"), ("KeyType", "ed25519")]);
    ec2.ok(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "web"),
            ("LaunchTemplateData.InstanceType", "t3.nano"),
        ],
    );
    let saved = serde_json::to_string(&ec2.cloud).unwrap();
    let read: Cloud = serde_json::from_str(&saved).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), saved);
    let mut again = Asked { cloud: read };
    ec2.wait(200);
    again.wait(200);
    assert_eq!(
        ec2.ok("DescribeImages", &[("Owner.1", "self")]),
        again.ok("DescribeImages", &[("Owner.1", "self")])
    );
}
