//! What other services and the simulated network ask of EC2.

use std::net::Ipv4Addr;

use super::instances::Stage;
use super::instances::launch::{LaunchSpec, launch as launch_at};
use super::interfaces::Interface;
use super::region::{Region, Tags};
use super::rules::{Peer, Rule};
use super::{kinds, whole};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// An instance as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `i-…`.
    pub id: String,
    /// Where it is in its life.
    pub stage: Stage,
    /// E.g. `t3.nano`.
    pub instance_type: String,
    /// Its image.
    pub image: String,
    /// Its availability zone.
    pub zone: String,
    /// Its subnet.
    pub subnet: String,
    /// Its network.
    pub vpc: String,
    /// Its private address, until it is terminated.
    pub private: Option<Ipv4Addr>,
    /// Its public address.
    pub public: Option<Ipv4Addr>,
    /// The security groups of its primary interface.
    pub groups: Vec<String>,
    /// Its tags.
    pub tags: Tags,
    /// Whether it has metrics every minute.
    pub monitored: bool,
    /// Since when it is running.
    pub running_since: Option<jiff::Timestamp>,
}

/// Launches instances; their ids, in launch order.
///
/// # Errors
/// Those of `RunInstances`; then nothing has changed.
pub fn launch(cloud: &mut Cloud, spec: LaunchSpec) -> Result<Vec<String>, ApiError> {
    whole(cloud, |site| {
        let reservation = launch_at(site, spec)?;
        let mut made: Vec<_> = site
            .region
            .instances
            .values()
            .filter(|instance| instance.reservation == reservation)
            .map(|instance| (instance.launch_index, instance.id.clone()))
            .collect();
        made.sort();
        Ok(made.into_iter().map(|(_, id)| id).collect())
    })
}

/// Terminates instances, protected ones too: Auto Scaling does not ask.
///
/// # Errors
/// `InvalidInstanceID.NotFound`; then nothing has changed.
pub fn terminate(cloud: &mut Cloud, ids: &[String]) -> Result<(), ApiError> {
    whole(cloud, |site| {
        kinds::INSTANCE.check(site.region, ids)?;
        site.terminate(ids, "Client.UserInitiatedShutdown");
        Ok(())
    })
}

/// An instance by id, while it is shown.
#[must_use]
pub fn facts(cloud: &Cloud, id: &str) -> Option<Facts> {
    let region = &cloud.ec2.region;
    let instance = region.instances.get(id)?;
    let interface = region.primary_interface(id);
    Some(Facts {
        id: instance.id.clone(),
        stage: instance.stage,
        instance_type: instance.instance_type.clone(),
        image: instance.image.clone(),
        zone: instance.zone.clone(),
        subnet: instance.subnet.clone(),
        vpc: instance.vpc.clone(),
        private: interface.map(Interface::address),
        public: interface.and_then(|interface| region.public_address(interface)),
        groups: interface.map_or_else(Vec::new, |interface| interface.groups.clone()),
        tags: region.tags_of(id).cloned().unwrap_or_default(),
        monitored: instance.monitored,
        running_since: instance.running_since,
    })
}

/// What happens to a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It arrives at this instance.
    Instance(String),
    /// It is dropped by this instance's security groups: the sender waits in vain.
    Dropped(String),
    /// The instance is there, but not running: the sender waits in vain.
    Off(String),
    /// Nobody has the address.
    Nobody,
}

/// The instance that has an address, public or private.
#[must_use]
pub fn instance_at(cloud: &Cloud, address: Ipv4Addr) -> Option<String> {
    interface_at(&cloud.ec2.region, address)
        .and_then(|interface| interface.attachment.as_ref())
        .map(|attachment| attachment.instance.clone())
}

fn interface_at(region: &Region, address: Ipv4Addr) -> Option<&Interface> {
    region.interfaces.values().find(|interface| {
        region.public_address(interface) == Some(address) || interface.private.contains(&address)
    })
}

/// What happens to a TCP connection to a port of an address from another address.
#[must_use]
pub fn reachable(cloud: &Cloud, to: Ipv4Addr, port: u16, from: Ipv4Addr) -> Reach {
    let region = &cloud.ec2.region;
    let Some(interface) = interface_at(region, to) else {
        return Reach::Nobody;
    };
    let Some(attachment) = &interface.attachment else {
        return Reach::Nobody;
    };
    let id = attachment.instance.clone();
    let running = region
        .instances
        .get(&id)
        .is_some_and(|instance| instance.stage == Stage::Running);
    if !running {
        return Reach::Off(id);
    }
    // Rules that name a group are about private addresses only.
    let sender = region
        .interfaces
        .values()
        .find(|other| other.private.contains(&from))
        .map(|other| other.groups.as_slice())
        .unwrap_or_default();
    let allowed = interface
        .groups
        .iter()
        .filter_map(|group| region.groups.get(group))
        .flat_map(|group| group.rules.values())
        .any(|rule| lets_in(rule, port, from, sender));
    if allowed {
        Reach::Instance(id)
    } else {
        Reach::Dropped(id)
    }
}

pub(super) fn lets_in(rule: &Rule, port: u16, from: Ipv4Addr, sender: &[String]) -> bool {
    let traffic = match rule.traffic.protocol.as_str() {
        "-1" => true,
        "tcp" => (rule.traffic.from..=rule.traffic.to).contains(&i32::from(port)),
        _ => false,
    };
    let peer = match &rule.peer {
        Peer::V4(cidr) => cidr.contains(from),
        Peer::V6(_) => false,
        Peer::Group(group) => sender.contains(group),
    };
    !rule.egress && traffic && peer
}
