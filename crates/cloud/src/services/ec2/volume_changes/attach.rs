//! Volumes attached and detached.

use super::super::instances::{Device, Stage};
use super::super::kinds;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::volumes::show_attachment;
use super::super::xml::Xml;
use crate::api::ApiError;

/// How many volumes an instance may have beside its interfaces
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/volume_limits.html>).
pub(super) const MOST: u32 = 28;

pub(super) fn attach(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let volume = params.need("VolumeId")?;
    let id = params.need("InstanceId")?;
    let name = params.need("Device")?;
    params.finish()?;
    let region = &*site.region;
    let found = Region::find(&region.volumes, &kinds::VOLUME, &volume)?;
    let instance = region.instance(&id, site.now)?;
    if let Some((other, ..)) = region.attached(&volume) {
        return Err(ApiError::new(
            "VolumeInUse",
            format!("{volume} is already attached to an instance ({other})"),
        ));
    }
    if found.creating {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{volume}' is not in the 'available' state."),
        ));
    }
    if name == instance.root_device {
        return Err(ApiError::not_modelled(format_args!(
            "another root volume for instance '{id}'"
        )));
    }
    if found.zone != instance.zone {
        return Err(ApiError::new(
            "InvalidVolume.ZoneMismatch",
            format!(
                "The volume '{volume}' is not in the same availability zone as instance '{id}'"
            ),
        ));
    }
    if !matches!(instance.stage, Stage::Running | Stage::Stopped) {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Instance '{id}' is not 'running'."),
        ));
    }
    if instance.devices.contains_key(&name) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Invalid value '{name}' for unixDevice. Attachment point {name} is already in use"
            ),
        ));
    }
    let interfaces = u32::try_from(region.interfaces_of(&id).len()).unwrap_or(u32::MAX);
    let volumes = u32::try_from(instance.devices.len()).unwrap_or(u32::MAX);
    if volumes.saturating_add(interfaces) >= MOST {
        return Err(ApiError::new(
            "AttachmentLimitExceeded",
            format!("Instance {id} has the maximum number of volumes attached"),
        ));
    }
    let device = Device {
        volume,
        delete_on_termination: false,
        since: site.now,
    };
    let mut xml = Xml::new();
    show_attachment(&mut xml, &id, &name, &device, "attaching");
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, &id)?;
    instance.devices.insert(name, device);
    Ok(xml)
}

pub(super) fn detach(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let volume = params.need("VolumeId")?;
    let wanted_instance = params.text("InstanceId")?;
    let wanted_device = params.text("Device")?;
    // Forced or not, an embedded volume lets go at once.
    let _ = params.flag("Force")?;
    params.finish()?;
    let region = &*site.region;
    Region::find(&region.volumes, &kinds::VOLUME, &volume)?;
    let Some((instance, name, device, stage)) =
        region
            .attached(&volume)
            .map(|(instance, name, device, stage)| {
                (instance.to_owned(), name.to_owned(), device.clone(), stage)
            })
    else {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{volume}' is in the 'available' state."),
        ));
    };
    if wanted_instance.is_some_and(|wanted| wanted != instance)
        || wanted_device.is_some_and(|wanted| wanted != name)
    {
        return Err(ApiError::new(
            "InvalidAttachment.NotFound",
            format!(
                "The volume '{volume}' is not attached as is said: it is {name} of '{instance}'"
            ),
        ));
    }
    let root = region
        .instances
        .get(&instance)
        .is_some_and(|instance| instance.root_device == name);
    if root && stage != Stage::Stopped {
        return Err(ApiError::new(
            "OperationNotPermitted",
            format!("Unable to detach root volume '{volume}' from instance '{instance}'"),
        ));
    }
    if root {
        site.keep_disk(&volume, &volume);
    }
    if let Some(instance) = site.region.instances.get_mut(&instance) {
        instance.devices.remove(&name);
    }
    let mut xml = Xml::new();
    show_attachment(&mut xml, &instance, &name, &device, "detaching");
    Ok(xml)
}
