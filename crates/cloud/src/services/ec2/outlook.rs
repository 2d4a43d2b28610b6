//! What people see of EC2 who look at the whole cloud: stages, snapshots, machines by name.

use jiff::Timestamp;

use super::facade::{Facts, facts};
use super::instances::Stage;
use crate::state::State as Cloud;

/// The tag that the members of an Auto Scaling group have.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// All instances that are shown, and where they are in their lives.
pub fn stages(cloud: &Cloud) -> impl Iterator<Item = (&str, Stage)> {
    let instances = cloud.ec2.region.instances.values();
    instances.map(|instance| (instance.id.as_str(), instance.stage))
}

/// The snapshots that were begun at `since` or later: when, their ids, and what they are of.
pub fn snapshots_since(
    cloud: &Cloud,
    since: Timestamp,
) -> impl Iterator<Item = (Timestamp, &str, String)> {
    let snapshots = cloud.ec2.region.snapshots.values();
    snapshots
        .filter(move |snapshot| snapshot.started >= since)
        .map(|snapshot| {
            let what = format!("of {}: {}", snapshot.volume, snapshot.description);
            (snapshot.started, snapshot.id.as_str(), what)
        })
}

/// The instances that people mean by `name`: an id, an address, a `Name` tag, or the name
/// of an Auto Scaling group; those that run first, then the oldest first.
#[must_use]
pub fn called(cloud: &Cloud, name: &str) -> Vec<Facts> {
    let region = &cloud.ec2.region;
    let mut found: Vec<_> = region
        .instances
        .values()
        .filter_map(|instance| Some((instance, facts(cloud, &instance.id)?)))
        .filter(|(_, facts)| {
            let tagged = |key: &str| facts.tags.get(key).is_some_and(|value| value == name);
            let address = |address: Option<std::net::Ipv4Addr>| {
                address.is_some_and(|address| address.to_string() == name)
            };
            facts.id == name
                || address(facts.public)
                || address(facts.private)
                || tagged("Name")
                || tagged(GROUP_TAG)
        })
        .collect();
    found.sort_by_key(|(instance, facts)| {
        let off = facts.stage != Stage::Running;
        (off, instance.created, instance.id.clone())
    });
    found.into_iter().map(|(_, facts)| facts).collect()
}
