//! Launching: a wish and a template become instances with interfaces and volumes.

mod make;
mod network;

use self::make::make;
use self::network::{attach, network};
use super::super::block_devices;
use super::super::images::{Image, ImageState};
use super::super::instance_types::{InstanceType, instance_type};
use super::super::launch_data::{InterfaceWish, LaunchData, Profile};
use super::super::launch_templates::TemplateRef;
use super::super::region::{Region, Site, Tags};
use super::super::volumes::NewVolume;
use super::Stage;
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
