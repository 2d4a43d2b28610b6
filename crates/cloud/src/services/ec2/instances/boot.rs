//! The machine of an instance: what it is told, when it is switched, what is on its disk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::instance_types::instance_type;
use super::super::region::{Region, Site};
use super::super::site;
use super::{Instance, Stage};
use crate::hosts::{Addresses, Boot, Image as Disk};
use crate::state::State as Cloud;

/// What an instance's machine is told.
fn facts(region: &Region, instance: &Instance) -> Option<Boot> {
    let interface = region.primary_interface(&instance.id)?;
    let subnet = region.subnets.get(&interface.subnet)?;
    let vpc = region.vpcs.get(&interface.vpc)?;
    let kind = instance_type(&instance.instance_type)?;
    let public = region.public_address(interface);
    let key = instance.key_name.as_ref().zip(instance.public_key.as_ref());
    Some(Boot {
        instance_id: instance.id.clone(),
        instance_type: instance.instance_type.clone(),
        cpus: kind.vcpus,
        memory_mib: kind.mib,
        image_id: instance.image.clone(),
        flavour: instance.flavour,
        architecture: instance.architecture.clone(),
        availability_zone: instance.zone.clone(),
        region: region.name.clone(),
        account: region.account.clone(),
        reservation_id: instance.reservation.clone(),
        vpc_id: vpc.id.clone(),
        vpc_cidr: vpc.cidr.to_string(),
        subnet_id: subnet.id.clone(),
        subnet_cidr: subnet.cidr.to_string(),
        interface_id: interface.id.clone(),
        mac: interface.mac.clone(),
        security_groups: interface
            .groups
            .iter()
            .filter_map(|id| region.groups.get(id))
            .map(|group| (group.name.clone(), group.id.clone()))
            .collect(),
        addresses: Addresses {
            private: interface.address().to_string(),
            private_dns: region.private_dns(interface.address()),
            public: public.map(|address| address.to_string()),
            public_dns: public.map(|address| region.public_dns(address)),
        },
        key: key.map(|(name, line)| (name.clone(), line.clone())),
        user_data: instance
            .user_data
            .as_ref()
            .and_then(|data| STANDARD.decode(data).ok()),
        iam_profile: instance.profile.as_ref().map(|(arn, _)| arn.clone()),
        tags: region.tags_of(&instance.id).cloned().unwrap_or_default(),
        tags_in_metadata: instance.metadata.tags == "enabled",
        http_tokens_required: instance.metadata.tokens == "required",
    })
}

/// A pending instance is running: its machine is switched on.
pub fn running(cloud: &mut Cloud, id: &str) {
    let now = cloud.now;
    let Some(instance) = cloud.ec2.region.instances.get_mut(id) else {
        return;
    };
    instance.stage = Stage::Running;
    instance.running_since = Some(now);
    instance.reason = None;
    let instance = instance.clone();
    let Some(facts) = facts(&cloud.ec2.region, &instance) else {
        return;
    };
    if let Some(host) = cloud.hosts.get_mut(id) {
        // Its type may have been changed while it was stopped.
        let told = host.facts_mut();
        told.instance_type = facts.instance_type;
        told.cpus = facts.cpus;
        told.memory_mib = facts.memory_mib;
        cloud.hosts.start(id, facts.addresses, now);
    } else {
        let root = instance.devices.get(&instance.root_device);
        let volume = root.map(|device| device.volume.clone());
        let disk = volume.and_then(|volume| site(cloud).disk(&volume));
        cloud.hosts.boot(facts, disk, now);
    }
}

/// Tells the machines what has changed about them, and forgets disks that nothing is left of.
pub fn refresh(cloud: &mut Cloud) {
    let region = &cloud.ec2.region;
    for instance in region.instances.values() {
        let Some(host) = cloud.hosts.get_mut(&instance.id) else {
            continue;
        };
        let Some(new) = facts(region, instance) else {
            continue;
        };
        let old = host.facts();
        let same = old.tags == new.tags
            && old.tags_in_metadata == new.tags_in_metadata
            && old.security_groups == new.security_groups
            && old.http_tokens_required == new.http_tokens_required
            && old.addresses == new.addresses
            && old.iam_profile == new.iam_profile;
        if !same {
            let told = host.facts_mut();
            told.tags = new.tags;
            told.tags_in_metadata = new.tags_in_metadata;
            told.security_groups = new.security_groups;
            told.http_tokens_required = new.http_tokens_required;
            told.addresses = new.addresses;
            told.iam_profile = new.iam_profile;
        }
    }
    cloud.ec2.disks.retain(|id, _| {
        region.snapshots.contains_key(id)
            || region.volumes.contains_key(id)
            || region
                .volumes
                .values()
                .any(|volume| volume.snapshot.as_ref() == Some(id))
    });
}

impl Site<'_> {
    /// What an instance's console shows.
    pub fn console(&mut self, instance: &str) -> Option<String> {
        let now = self.now;
        Some(self.hosts.get_mut(instance)?.console_output(now))
    }

    /// What is on a volume, if it is more than what came with Amazon's or Canonical's image: what a
    /// machine has on it now, what one left on it, or what was on the snapshot that it began as.
    pub fn disk(&mut self, volume: &str) -> Option<Disk> {
        let root = self.region.attached(volume).and_then(|(id, name, ..)| {
            let instance = self.region.instances.get(id)?;
            (instance.root_device == name).then(|| id.to_owned())
        });
        if let Some(id) = root
            && self.hosts.get(&id).is_some()
        {
            return self.hosts.image_of(&id, self.now);
        }
        if let Some(left) = self.disks.get(volume) {
            return Some(left.clone());
        }
        let snapshot = self.region.volumes.get(volume)?.snapshot.as_ref()?;
        self.disks.get(snapshot).cloned()
    }

    /// Keeps what is on a volume under another id: of a snapshot, or its own when it is let go.
    pub fn keep_disk(&mut self, volume: &str, id: &str) {
        if let Some(disk) = self.disk(volume) {
            self.disks.insert(id.to_owned(), disk);
        }
    }
}
