//! What balancers and scaling groups ask about networks and templates.

use std::net::Ipv4Addr;

use super::facade::lets_in;
use super::interfaces::NewInterface;
use super::kinds;
use super::launch_data::LaunchData;
use super::launch_templates::TemplateRef;
use super::region::{Region, Tags};
use super::whole;
use crate::api::ApiError;
use crate::state::State as Cloud;

/// Where a subnet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `subnet-…`.
    pub subnet: String,
    /// Its network.
    pub vpc: String,
    /// Its availability zone.
    pub zone: String,
}

/// Where a subnet is.
///
/// # Errors
/// `InvalidSubnetID.NotFound`.
pub fn place(cloud: &Cloud, subnet: &str) -> Result<Place, ApiError> {
    let found = Region::find(&cloud.ec2.region.subnets, &kinds::SUBNET, subnet)?;
    Ok(Place {
        subnet: found.id.clone(),
        vpc: found.vpc.clone(),
        zone: found.zone.clone(),
    })
}

/// The default subnet of a zone.
#[must_use]
pub fn default_subnet(cloud: &Cloud, zone: &str) -> Option<Place> {
    let subnets = cloud.ec2.region.subnets.values();
    subnets
        .filter(|subnet| subnet.is_default && subnet.zone == zone)
        .map(|subnet| Place {
            subnet: subnet.id.clone(),
            vpc: subnet.vpc.clone(),
            zone: subnet.zone.clone(),
        })
        .next()
}

/// Whether there is a network of this id.
#[must_use]
pub fn has_vpc(cloud: &Cloud, id: &str) -> bool {
    cloud.ec2.region.vpcs.contains_key(id)
}

/// The network of a security group.
///
/// # Errors
/// `InvalidGroup.NotFound`.
pub fn group_vpc(cloud: &Cloud, id: &str) -> Result<String, ApiError> {
    Ok(cloud.ec2.region.group(id)?.vpc.clone())
}

/// The default security group of a network.
#[must_use]
pub fn default_group(cloud: &Cloud, vpc: &str) -> Option<String> {
    let group = cloud.ec2.region.default_group(vpc)?;
    Some(group.id.clone())
}

/// Whether security groups let a TCP connection in: `to` a port, `from` an address that
/// belongs to something with the groups `sender`.
#[must_use]
pub fn lets_through(
    cloud: &Cloud,
    groups: &[String],
    to: u16,
    from: Ipv4Addr,
    sender: &[String],
) -> bool {
    groups
        .iter()
        .filter_map(|group| cloud.ec2.region.groups.get(group))
        .flat_map(|group| group.rules.values())
        .any(|rule| lets_in(rule, to, from, sender))
}

/// A launch template's version as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// `lt-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The number of the version that is meant now.
    pub version: u64,
    /// What its instances are like.
    pub data: LaunchData,
}

/// The template and the version that are meant.
///
/// # Errors
/// No such template or version.
pub fn template(cloud: &Cloud, wanted: &TemplateRef) -> Result<Template, ApiError> {
    let (template, version) = cloud.ec2.region.template(wanted)?;
    Ok(Template {
        id: template.id.clone(),
        name: template.name.clone(),
        version: version.number,
        data: version.data.clone(),
    })
}

/// Gives one of AWS's own services an interface in each of these subnets: ids and
/// addresses.
///
/// # Errors
/// Those of `CreateNetworkInterface`; then nothing has changed.
pub fn connect(
    cloud: &mut Cloud,
    description: &str,
    subnets: &[String],
    groups: &[String],
) -> Result<Vec<(String, Ipv4Addr)>, ApiError> {
    whole(cloud, |site| {
        subnets
            .iter()
            .map(|subnet| {
                let interface = site.make_interface(NewInterface {
                    subnet: subnet.clone(),
                    private: None,
                    groups: groups.to_vec(),
                    description: description.to_owned(),
                    tags: Tags::new(),
                })?;
                let address = interface.address();
                Ok((interface.id, address))
            })
            .collect()
    })
}

/// Gives interfaces other security groups.
///
/// # Errors
/// Groups of another network; then nothing has changed.
pub fn regroup(
    cloud: &mut Cloud,
    interfaces: &[String],
    groups: &[String],
) -> Result<(), ApiError> {
    whole(cloud, |site| {
        for id in interfaces {
            let interface = Region::find_mut(&mut site.region.interfaces, &kinds::INTERFACE, id)?;
            interface.groups = groups.to_vec();
        }
        Ok(())
    })
}

/// Takes interfaces away again.
pub fn disconnect(cloud: &mut Cloud, interfaces: &[String]) {
    // What is gone already needs no removing: this cannot fail.
    let _ = whole(cloud, |site| {
        for id in interfaces {
            site.remove_interface(id);
        }
        Ok(())
    });
}
