//! The account's own images changed and removed.

use super::super::images::Image;
use super::super::kinds;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::snapshots::image_of;
use super::super::xml::Xml;
use crate::api::ApiError;

pub(super) fn mine<'a>(region: &'a mut Region, id: &str) -> Result<&'a mut Image, ApiError> {
    let account = region.account.clone();
    let image = Region::find_mut(&mut region.images, &kinds::IMAGE, id)?;
    if image.owner != account {
        return Err(
            ApiError::new("AuthFailure", format!("Not authorized for image:{id}")).with_status(403),
        );
    }
    Ok(image)
}

pub(super) fn deregister(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("ImageId")?;
    let snapshots = params.flag("DeleteAssociatedSnapshots")?.unwrap_or(false);
    params.finish()?;
    let region = &mut *site.region;
    let image = mine(region, &id)?.clone();
    region.images.remove(&id);
    region.tags.remove(&id);
    let mut xml = Xml::done();
    if snapshots {
        let ids: Vec<String> = image
            .mappings
            .into_iter()
            .filter_map(|mapping| mapping.ebs.snapshot)
            .collect();
        xml.list("deleteSnapshotResultSet", ids, |xml, id| {
            let code = if image_of(region, &id).is_some() {
                "skipped"
            } else {
                region.snapshots.remove(&id);
                region.tags.remove(&id);
                "success"
            };
            xml.leaf("snapshotId", id).leaf("returnCode", code);
        });
    }
    Ok(xml)
}

pub(super) fn describe_attribute(
    site: &mut Site<'_>,
    params: &mut Params,
) -> Result<Xml, ApiError> {
    let id = params.need("ImageId")?;
    let attribute = params.need("Attribute")?;
    params.finish()?;
    let image = mine(site.region, &id)?;
    let mut xml = Xml::new();
    xml.leaf("imageId", &id);
    match attribute.as_str() {
        "description" => {
            xml.node("description", |xml| {
                xml.leaf("value", &image.description);
            });
        }
        "imdsSupport" => {
            xml.node("imdsSupport", |xml| {
                xml.maybe("value", image.imds_v2.then_some("v2.0"));
            });
        }
        "blockDeviceMapping" => {
            xml.list("blockDeviceMapping", &image.mappings, |xml, mapping| {
                mapping.show(xml);
            });
        }
        "launchPermission" => {
            let everybody = image.public.then_some(("group", "all"));
            let users = image.users.iter().map(|user| ("userId", user.as_str()));
            xml.list(
                "launchPermission",
                everybody.into_iter().chain(users),
                |xml, (name, who)| {
                    xml.leaf(name, who);
                },
            );
        }
        other => {
            return Err(ApiError::not_modelled(format_args!(
                "attribute {other} of ec2:DescribeImageAttribute"
            )));
        }
    }
    Ok(xml)
}

/// A user's account, or everybody.
pub(super) fn who(params: &mut Params) -> Result<Option<String>, ApiError> {
    params.choice("Group", &["all"])?;
    params.text("UserId")
}

pub(super) fn modify_attribute(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("ImageId")?;
    let attribute = params.text("Attribute")?;
    let value = params.text("Value")?;
    let description = params
        .part("Description", |part| part.text("Value"))?
        .flatten();
    let imds = params
        .part("ImdsSupport", |part| part.choice("Value", &["v2.0"]))?
        .flatten();
    let permission = params.part("LaunchPermission", |part| {
        Ok((part.each("Add", who)?, part.each("Remove", who)?))
    })?;
    params.finish()?;
    let image = mine(site.region, &id)?;
    match (attribute.as_deref(), value) {
        (Some("description"), value) => image.description = value.unwrap_or_default(),
        (None | Some("launchPermission" | "imdsSupport"), None) => {}
        (other, _) => {
            return Err(ApiError::not_modelled(format_args!(
                "attribute {} of ec2:ModifyImageAttribute",
                other.unwrap_or("(none)")
            )));
        }
    }
    if let Some(description) = description {
        image.description = description;
    }
    image.imds_v2 |= imds.is_some();
    let (add, remove) = permission.unwrap_or_default();
    for who in add {
        match who {
            None => image.public = true,
            Some(user) if !image.users.contains(&user) => image.users.push(user),
            Some(_) => {}
        }
    }
    for who in remove {
        match who {
            None => image.public = false,
            Some(user) => image.users.retain(|other| *other != user),
        }
    }
    Ok(Xml::done())
}
