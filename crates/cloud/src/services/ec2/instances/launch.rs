//! Launching: a wish and a template become instances with interfaces and volumes.

use std::collections::BTreeMap;

use super::super::Event;
use super::super::block_devices;
use super::super::images::{Image, ImageState};
use super::super::instance_types::{InstanceType, instance_type};
use super::super::interfaces::{Attachment, Interface, NewInterface, parse_address};
use super::super::kinds;
use super::super::launch_data::{InterfaceWish, LaunchData, Profile};
use super::super::launch_templates::TemplateRef;
use super::super::places;
use super::super::region::{Region, Site, Tags};
use super::super::tags;
use super::super::volumes::NewVolume;
use super::{Device, Instance, Metadata, Stage};
use crate::api::ApiError;
use crate::hosts::Flavour;

/// A launch: how many instances, and what they are to be like.
#[derive(Debug, Clone, Default)]
pub struct LaunchSpec {
    /// The template that says what `data` does not.
    pub template: Option<TemplateRef>,
    /// What the instances are to be like.
    pub data: LaunchData,
    /// At least so many, or none.
    pub min: u32,
    /// At most so many.
    pub max: u32,
    /// The token of this launch.
    pub client_token: Option<String>,
    /// Tags of AWS's own (`aws:…`) that the instances get.
    pub system_tags: Tags,
}

/// A launch with everything found and checked.
struct Plan {
    data: LaunchData,
    image: Image,
    kind: &'static InstanceType,
    public_key: Option<String>,
    flavour: Flavour,
    subnet: String,
    interfaces: Vec<InterfaceWish>,
    count: u32,
    profile: Option<(String, String)>,
}

/// Launches instances; the reservation's id.
pub fn launch(site: &mut Site<'_>, spec: LaunchSpec) -> Result<String, ApiError> {
    let mut system_tags = spec.system_tags.clone();
    let below = match &spec.template {
        None => LaunchData::default(),
        Some(wanted) => {
            let (template, version) = site.region.template(wanted)?;
            let marks = [
                ("aws:ec2launchtemplate:id", template.id.clone()),
                ("aws:ec2launchtemplate:version", version.number.to_string()),
            ];
            system_tags.extend(marks.map(|(key, value)| (key.to_owned(), value)));
            version.data.clone()
        }
    };
    let plan = plan(site, spec.data.over(below), spec.min, spec.max)?;
    let reservation = site.ids.resource("r");
    for index in 0..plan.count {
        let token = spec.client_token.as_deref();
        make(site, &plan, &reservation, index, token, &system_tags)?;
    }
    Ok(reservation)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

fn plan(site: &mut Site<'_>, mut data: LaunchData, min: u32, max: u32) -> Result<Plan, ApiError> {
    let region = &*site.region;
    if min == 0 || min > max {
        return Err(invalid(format!(
            "Invalid value '{min}' for instance count: the minimum must be at least 1 and not more than the maximum ({max})"
        )));
    }
    let wanted = data.image.take().ok_or_else(|| {
        ApiError::new(
            "MissingParameter",
            "The request must contain the parameter ImageId",
        )
    })?;
    let image = region.image(&wanted)?.clone();
    if image.state != ImageState::Available {
        return Err(ApiError::new(
            "InvalidAMIID.Unavailable",
            format!("The image ID '{wanted}' is not available"),
        ));
    }
    let Some(flavour) = image.flavour else {
        return Err(ApiError::not_modelled(format_args!(
            "an instance of image {wanted}, on which there is no operating system"
        )));
    };
    let wanted = data
        .instance_type
        .clone()
        .unwrap_or_else(|| "m1.small".to_owned());
    let kind = instance_type(&wanted)
        .ok_or_else(|| invalid(format!("Invalid value '{wanted}' for InstanceType.")))?;
    if !kind.architectures().contains(&image.architecture.as_str()) {
        return Err(invalid(format!(
            "The architecture '{}' of the specified instance type does not match the architecture '{}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.",
            kind.architectures().join(","),
            image.architecture
        )));
    }
    let public_key = match &data.key_name {
        Some(name) => Some(region.key_pair(name)?.public_key.clone()),
        None => None,
    };
    if data.credit.is_some() && !kind.burstable() {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            format!(
                "The CPU credit specification is not supported for the instance type {}",
                kind.name
            ),
        ));
    }
    let profile = profile(site, data.profile.as_ref())?;
    let (subnet, interfaces) = network(region, &data, max)?;
    data.mappings =
        block_devices::merge(image.mappings.clone(), std::mem::take(&mut data.mappings));
    data.mappings.retain(|mapping| !mapping.none);
    for mapping in &data.mappings {
        NewVolume::of(region, mapping)?;
    }
    let count = capacity(region, kind, min, max)?;
    Ok(Plan {
        data,
        image,
        kind,
        public_key,
        flavour,
        subnet,
        interfaces,
        count,
        profile,
    })
}

/// How many of `max` fit below the account's limit of vCPUs.
fn capacity(region: &Region, kind: &InstanceType, min: u32, max: u32) -> Result<u32, ApiError> {
    let used: u32 = region
        .instances
        .values()
        .filter(|instance| matches!(instance.stage, Stage::Pending | Stage::Running))
        .filter_map(|instance| instance_type(&instance.instance_type))
        .map(|kind| kind.vcpus)
        .sum();
    let free = region.vcpu_limit.saturating_sub(used) / kind.vcpus;
    if free < min {
        return Err(ApiError::new(
            "VcpuLimitExceeded",
            format!(
                "You have requested more vCPU capacity than your current vCPU limit of {} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
                region.vcpu_limit
            ),
        ));
    }
    Ok(max.min(free))
}

/// The ARN and id of an instance profile.
pub fn profile(
    site: &Site<'_>,
    wanted: Option<&Profile>,
) -> Result<Option<(String, String)>, ApiError> {
    let (text, what) = match wanted {
        None => return Ok(None),
        Some(Profile::Name(name)) => (name, "name"),
        Some(Profile::Arn(arn)) => (arn, "arn"),
    };
    let found = site
        .iam
        .instance_profile(&site.region.account, text)
        .filter(|found| {
            *text
                == if what == "arn" {
                    found.arn.as_str()
                } else {
                    &found.name
                }
        });
    let found = found.ok_or_else(|| {
        let called = if what == "arn" { "ARN" } else { what };
        invalid(format!(
            "Value ({text}) for parameter iamInstanceProfile.{what} is invalid. Invalid IAM Instance Profile {called}"
        ))
    })?;
    Ok(Some((found.arn, found.id)))
}

/// The subnet and the interfaces of a launch, the primary one first.
fn network(
    region: &Region,
    data: &LaunchData,
    max: u32,
) -> Result<(String, Vec<InterfaceWish>), ApiError> {
    if let Some(zone) = &data.zone {
        places::check_zone(region, zone)?;
    }
    let mut groups = data.group_ids.clone();
    for name in &data.group_names {
        groups.push(region.group_named(name)?.id.clone());
    }
    let mut wishes = data.interfaces.clone();
    if wishes.is_empty() {
        wishes.push(InterfaceWish {
            subnet: data.subnet.clone(),
            groups,
            private_address: data.private_address.clone(),
            ..InterfaceWish::default()
        });
    } else {
        let clash = [
            (data.subnet.is_some(), "an instance-level subnet ID"),
            (!groups.is_empty(), "instance-level security groups"),
            (
                data.private_address.is_some(),
                "an instance-level private address",
            ),
        ];
        if let Some((_, what)) = clash.into_iter().find(|(clash, _)| *clash) {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("Network interfaces and {what} may not be specified on the same request"),
            ));
        }
        wishes.sort_by_key(|wish| wish.device_index);
        for (index, wish) in wishes.iter().enumerate() {
            if wish.device_index as usize != index {
                return Err(invalid(format!(
                    "Each network interface requires a unique device index, starting with 0: there is none with {index}"
                )));
            }
        }
    }
    let several = max > 1;
    let mut subnet = None;
    for wish in &mut wishes {
        let own = wish_subnet(region, wish, data.zone.as_deref(), several)?;
        region.check_groups(&wish.groups, &own)?;
        wish.subnet = Some(own.clone());
        subnet.get_or_insert(own);
    }
    let subnet = subnet.unwrap_or_default();
    let zone = &Region::find(&region.subnets, &kinds::SUBNET, &subnet)?.zone;
    if let Some(wanted) = data.zone.as_ref().filter(|wanted| *wanted != zone) {
        return Err(invalid(format!(
            "Value ({wanted}) for parameter availabilityZone is invalid. Subnet '{subnet}' is in the availability zone {zone}"
        )));
    }
    Ok((subnet, wishes))
}

fn wish_subnet(
    region: &Region,
    wish: &InterfaceWish,
    zone: Option<&str>,
    several: bool,
) -> Result<String, ApiError> {
    if several && (wish.existing.is_some() || wish.private_address.is_some()) {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            "A network interface or a private address can be given to one instance only",
        ));
    }
    if let Some(id) = &wish.existing {
        let interface = Region::find(&region.interfaces, &kinds::INTERFACE, id)?;
        if interface.attachment.is_some() {
            return Err(ApiError::new(
                "InvalidNetworkInterface.InUse",
                format!("The network interface '{id}' is already in use."),
            ));
        }
        return Ok(interface.subnet.clone());
    }
    if let Some(id) = &wish.subnet {
        return Ok(Region::find(&region.subnets, &kinds::SUBNET, id)?
            .id
            .clone());
    }
    let vpc = &region.default_vpc()?.id;
    region
        .subnets
        .values()
        .filter(|subnet| subnet.vpc == *vpc && subnet.is_default)
        .filter(|subnet| zone.is_none_or(|zone| subnet.zone == zone))
        .min_by(|a, b| a.zone.cmp(&b.zone))
        .map(|subnet| subnet.id.clone())
        .ok_or_else(|| {
            ApiError::new(
                "MissingInput",
                "No subnets found for the default VPC. Please specify a subnet.",
            )
        })
}

fn make(
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
fn metadata(data: &LaunchData, image: &Image) -> Metadata {
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

/// Gives an instance one of its interfaces.
fn attach(
    site: &mut Site<'_>,
    instance: &str,
    wish: &InterfaceWish,
    tags: &Tags,
) -> Result<(), ApiError> {
    let fresh = wish.existing.is_none();
    let mut interface: Interface = if let Some(id) = &wish.existing {
        Region::find(&site.region.interfaces, &kinds::INTERFACE, id)?.clone()
    } else {
        let private = wish.private_address.as_deref().map(parse_address);
        site.make_interface(NewInterface {
            subnet: wish.subnet.clone().unwrap_or_default(),
            private: private.transpose()?,
            groups: wish.groups.clone(),
            description: wish.description.clone().unwrap_or_default(),
            tags: tags.clone(),
        })?
    };
    interface.attachment = Some(Attachment {
        id: site.ids.resource("eni-attach"),
        instance: instance.to_owned(),
        device_index: wish.device_index,
        delete_on_termination: wish.delete_on_termination.unwrap_or(fresh),
        since: site.now,
    });
    let subnet = Region::find(&site.region.subnets, &kinds::SUBNET, &interface.subnet)?;
    interface.wants_public =
        fresh && wish.device_index == 0 && wish.public.unwrap_or(subnet.public);
    if interface.wants_public {
        interface.public = Some(site.public.take()?);
    }
    site.region
        .interfaces
        .insert(interface.id.clone(), interface);
    Ok(())
}
