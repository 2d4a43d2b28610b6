//! The interfaces of a launch: where they are, and how they are attached.

use super::super::super::interfaces::{Attachment, Interface, NewInterface, parse_address};
use super::super::super::kinds;
use super::super::super::launch_data::{InterfaceWish, LaunchData};
use super::super::super::places;
use super::super::super::region::{Region, Site, Tags};
use super::invalid;
use crate::api::ApiError;

/// The subnet and the interfaces of a launch, the primary one first.
pub(super) fn network(
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

/// Gives an instance one of its interfaces.
pub(super) fn attach(
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
