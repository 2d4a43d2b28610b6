//! One instance of a launch, with its interfaces and volumes.

use std::collections::BTreeMap;

use super::super::super::Event;
use super::super::super::images::Image;
use super::super::super::kinds;
use super::super::super::launch_data::LaunchData;
use super::super::super::region::{Region, Site, Tags};
use super::super::super::tags;
use super::super::super::volumes::NewVolume;
use super::super::{Device, Instance, Metadata, Stage};
use super::{Plan, attach};
use crate::api::ApiError;

pub(super) fn make(
    site: &mut Site<'_>,
    plan: &Plan,
    reservation: &str,
    index: u32,
    client_token: Option<&str>,
    system_tags: &Tags,
) -> Result<(), ApiError> {
    let data = &plan.data;
    let id = site.new_id(&kinds::INSTANCE);
    for wish in &plan.interfaces {
        attach(
            site,
            &id,
            wish,
            &tags::of_kind(&data.tags, &kinds::INTERFACE),
        )?;
    }
    let mut devices = BTreeMap::new();
    for mapping in &data.mappings {
        let wanted = NewVolume::of(site.region, mapping)?;
        let subnet = Region::find(&site.region.subnets, &kinds::SUBNET, &plan.subnet)?;
        let zone = subnet.zone.clone();
        let volume = site.make_volume(&wanted, &zone, &tags::of_kind(&data.tags, &kinds::VOLUME));
        devices.insert(
            mapping.device.clone(),
            Device {
                volume,
                delete_on_termination: mapping.ebs.delete_on_termination.unwrap_or(true),
                since: site.now,
            },
        );
    }
    let subnet = Region::find(&site.region.subnets, &kinds::SUBNET, &plan.subnet)?.clone();
    let instance = Instance {
        id: id.clone(),
        reservation: reservation.to_owned(),
        launch_index: index,
        image: plan.image.id.clone(),
        instance_type: plan.kind.name.to_owned(),
        architecture: plan.image.architecture.clone(),
        flavour: plan.flavour,
        key_name: data.key_name.clone(),
        public_key: plan.public_key.clone(),
        launched: site.now,
        created: site.now,
        running_since: None,
        zone: subnet.zone,
        subnet: subnet.id,
        vpc: subnet.vpc,
        stage: Stage::Pending,
        changes: 0,
        reason: Some(("pending".to_owned(), "pending".to_owned())),
        transition: String::new(),
        monitored: data.monitoring.unwrap_or(false),
        client_token: client_token.map(str::to_owned),
        user_data: data.user_data.clone(),
        profile: plan.profile.clone(),
        metadata: metadata(data, &plan.image),
        root_device: plan.image.root_device.clone(),
        ebs_optimized: data.ebs_optimized.unwrap_or(false),
        no_termination: data.no_termination.unwrap_or(false),
        no_stop: data.no_stop.unwrap_or(false),
        shutdown: data.shutdown.clone().unwrap_or_else(|| "stop".to_owned()),
        credit: plan.kind.burstable().then(|| {
            data.credit
                .clone()
                .unwrap_or_else(|| plan.kind.default_credit().to_owned())
        }),
        devices,
    };
    site.region.instances.insert(id.clone(), instance);
    site.tag(&id, &tags::of_kind(&data.tags, &kinds::INSTANCE));
    site.tag(&id, system_tags);
    // A new instance is running within some ten seconds.
    let seconds = 8 + site.ids.below(8);
    site.plan(seconds, Event::Running { id, change: 0 });
    Ok(())
}

/// What is not said follows from the image: Amazon Linux 2023 asks for tokens itself
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html>).
pub(super) fn metadata(data: &LaunchData, image: &Image) -> Metadata {
    let wish = data.metadata.clone();
    let strict = image.imds_v2;
    let on = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
    Metadata {
        tokens: on(wish.tokens, if strict { "required" } else { "optional" }),
        hop_limit: wish.hop_limit.unwrap_or(if strict { 2 } else { 1 }),
        endpoint: on(wish.endpoint, "enabled"),
        tags: on(wish.tags, "disabled"),
    }
}
