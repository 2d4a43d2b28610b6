//! What can be asked and changed about one instance, attribute by attribute.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::instance_types::instance_type;
use super::super::interfaces::show_groups;
use super::super::kinds;
use super::super::launch_data::MetadataWish;
use super::super::params::Params;
use super::super::region::{Action, Region, Site};
use super::super::xml::Xml;
use super::describe::show_metadata;
use super::{Instance, Stage};
use crate::api::ApiError;

/// The actions on attributes.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeInstanceAttribute", describe),
    ("ModifyInstanceAttribute", modify),
    ("ModifyInstanceMetadataOptions", modify_metadata),
];

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("InstanceId")?;
    let attribute = params.need("Attribute")?;
    params.finish()?;
    let region = &*site.region;
    let instance = region.instance(&id, site.now)?;
    let mut xml = Xml::new();
    xml.leaf("instanceId", &id);
    let value = match attribute.as_str() {
        "instanceType" => Some(instance.instance_type.clone()),
        "userData" => instance.user_data.clone(),
        "disableApiTermination" => Some(instance.no_termination.to_string()),
        "disableApiStop" => Some(instance.no_stop.to_string()),
        "instanceInitiatedShutdownBehavior" => Some(instance.shutdown.clone()),
        "rootDeviceName" => Some(instance.root_device.clone()),
        "ebsOptimized" => Some(instance.ebs_optimized.to_string()),
        "enaSupport" => Some("true".to_owned()),
        "sourceDestCheck" => region
            .primary_interface(&id)
            .map(|interface| interface.source_dest_check.to_string()),
        // Paravirtual images only.
        "kernel" | "ramdisk" | "sriovNetSupport" => None,
        "groupSet" => {
            if let Some(interface) = region.primary_interface(&id) {
                show_groups(&mut xml, region, &interface.groups);
            }
            return Ok(xml);
        }
        "productCodes" => {
            xml.node("productCodes", |_| {});
            return Ok(xml);
        }
        "enclaveOptions" => {
            xml.node("enclaveOptions", |xml| {
                xml.leaf("enabled", false);
            });
            return Ok(xml);
        }
        "blockDeviceMapping" => {
            xml.list(
                "blockDeviceMapping",
                &instance.devices,
                |xml, (name, device)| {
                    xml.leaf("deviceName", name).node("ebs", |xml| {
                        xml.leaf("volumeId", &device.volume)
                            .leaf("status", "attached")
                            .time("attachTime", device.since)
                            .leaf("deleteOnTermination", device.delete_on_termination);
                    });
                },
            );
            return Ok(xml);
        }
        other => {
            return Err(invalid(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    xml.node(&attribute, |xml| {
        xml.maybe("value", value);
    });
    Ok(xml)
}

/// What `ModifyInstanceAttribute` is to change: attributes by name, each a text.
fn wanted(params: &mut Params) -> Result<Vec<(String, String)>, ApiError> {
    let mut changes = Vec::new();
    if let Some(attribute) = params.text("Attribute")? {
        changes.push((attribute, params.text("Value")?.unwrap_or_default()));
    }
    for (name, attribute) in [
        ("DisableApiStop", "disableApiStop"),
        ("DisableApiTermination", "disableApiTermination"),
        ("EbsOptimized", "ebsOptimized"),
        (
            "InstanceInitiatedShutdownBehavior",
            "instanceInitiatedShutdownBehavior",
        ),
        ("InstanceType", "instanceType"),
        ("SourceDestCheck", "sourceDestCheck"),
        ("UserData", "userData"),
    ] {
        let value = params.part(name, |part| part.text("Value"))?;
        if let Some(value) = value {
            changes.push((attribute.to_owned(), value.unwrap_or_default()));
        }
    }
    Ok(changes)
}

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("InstanceId")?;
    let changes = wanted(params)?;
    let groups = params.list("GroupId")?;
    let devices = params.each("BlockDeviceMapping", |mapping| {
        let device = mapping.need("DeviceName")?;
        let keep = mapping
            .part("Ebs", |ebs| ebs.flag("DeleteOnTermination"))?
            .flatten();
        Ok((device, keep))
    })?;
    params.finish()?;
    let now = site.now;
    site.region.instance(&id, now)?;
    if changes.len() + usize::from(!groups.is_empty()) + usize::from(!devices.is_empty()) != 1 {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            "Exactly one attribute must be specified",
        ));
    }
    for (attribute, value) in &changes {
        change(site, &id, attribute, value)?;
    }
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, &id)?;
    for (name, delete) in devices {
        let device = instance.devices.get_mut(&name).ok_or_else(|| {
            ApiError::new(
                "InvalidInstanceAttributeValue",
                format!("No device is currently mapped at {name}"),
            )
        })?;
        device.delete_on_termination = delete.unwrap_or(device.delete_on_termination);
    }
    if !groups.is_empty() {
        let subnet = instance.subnet.clone();
        site.region.check_groups(&groups, &subnet)?;
        let primary = site
            .region
            .primary_interface(&id)
            .map(|interface| interface.id.clone());
        if let Some(interface) = primary.and_then(|id| site.region.interfaces.get_mut(&id)) {
            interface.groups = groups;
        }
    }
    Ok(Xml::done())
}

fn change(site: &mut Site<'_>, id: &str, attribute: &str, value: &str) -> Result<(), ApiError> {
    let truth = || {
        value
            .parse::<bool>()
            .map_err(|_| invalid(format!("Invalid boolean value {value} for {attribute}")))
    };
    if attribute == "sourceDestCheck" {
        let check = truth()?;
        let primary = site
            .region
            .primary_interface(id)
            .map(|interface| interface.id.clone());
        if let Some(interface) = primary.and_then(|id| site.region.interfaces.get_mut(&id)) {
            interface.source_dest_check = check;
        }
        return Ok(());
    }
    let image = site.region.instance(id, site.now)?.image.clone();
    let architecture = site
        .region
        .images
        .get(&image)
        .map(|image| image.architecture.clone());
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, id)?;
    match attribute {
        "disableApiTermination" => instance.no_termination = truth()?,
        "disableApiStop" => instance.no_stop = truth()?,
        "instanceInitiatedShutdownBehavior" => {
            if !matches!(value, "stop" | "terminate") {
                return Err(invalid(format!(
                    "Invalid value for instanceInitiatedShutdownBehavior: {value}"
                )));
            }
            value.clone_into(&mut instance.shutdown);
        }
        "instanceType" => {
            stopped(instance, attribute)?;
            let kind = instance_type(value)
                .ok_or_else(|| invalid(format!("Invalid value '{value}' for InstanceType.")))?;
            if let Some(architecture) = architecture
                && !kind.architectures().contains(&architecture.as_str())
            {
                return Err(invalid(format!(
                    "The architecture of the instance type {value} does not match the instance's, {architecture}"
                )));
            }
            kind.name.clone_into(&mut instance.instance_type);
            instance.credit = kind.burstable().then(|| kind.default_credit().to_owned());
        }
        "userData" => {
            stopped(instance, attribute)?;
            STANDARD
                .decode(value)
                .map_err(|_| invalid("Invalid BASE64 encoding of user data.".to_owned()))?;
            instance.user_data = Some(value.to_owned()).filter(|data| !data.is_empty());
        }
        "ebsOptimized" => {
            stopped(instance, attribute)?;
            instance.ebs_optimized = truth()?;
        }
        other => {
            return Err(ApiError::not_modelled(format_args!(
                "attribute {other} of ec2:ModifyInstanceAttribute"
            )));
        }
    }
    Ok(())
}

fn stopped(instance: &Instance, attribute: &str) -> Result<(), ApiError> {
    if instance.stage == Stage::Stopped {
        return Ok(());
    }
    Err(ApiError::new(
        "IncorrectInstanceState",
        format!(
            "The instance '{}' is not in the 'stopped' state: {attribute} cannot be changed.",
            instance.id
        ),
    ))
}

fn modify_metadata(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("InstanceId")?;
    let wish = MetadataWish::read(params)?;
    params.finish()?;
    let stage = site.region.instance(&id, site.now)?.stage;
    if stage.ended() {
        return Err(ApiError::new(
            "IncorrectInstanceState",
            format!(
                "The instance '{id}' is in the '{}' state: its metadata options cannot be changed.",
                stage.name()
            ),
        ));
    }
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, &id)?;
    let metadata = &mut instance.metadata;
    if let Some(tokens) = wish.tokens {
        metadata.tokens = tokens;
    }
    if let Some(limit) = wish.hop_limit {
        metadata.hop_limit = limit;
    }
    if let Some(endpoint) = wish.endpoint {
        metadata.endpoint = endpoint;
    }
    if let Some(tags) = wish.tags {
        metadata.tags = tags;
    }
    let mut xml = Xml::new();
    xml.leaf("instanceId", &id);
    show_metadata(&mut xml, "instanceMetadataOptions", instance);
    Ok(xml)
}
