//! Reading rules that are asked for, and bringing them into one form.

use std::net::Ipv6Addr;

use super::super::cidr::Cidr;
use super::super::groups::named;
use super::super::params::Params;
use super::super::region::Region;
use super::{Peer, Rule, Traffic};
use crate::api::ApiError;

/// Takes protocol and ports from the parameters and brings them into one form.
pub(super) fn traffic(params: &mut Params) -> Result<Traffic, ApiError> {
    let protocol = params.need("IpProtocol")?.to_ascii_lowercase();
    let from = params.number::<i32>("FromPort")?;
    let to = params.number::<i32>("ToPort")?;
    let protocol = match protocol.as_str() {
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" => "icmpv6",
        "all" => "-1",
        "tcp" | "udp" | "icmp" | "icmpv6" | "-1" => &protocol,
        other if other.parse::<u8>().is_ok() => &protocol,
        other => {
            return Err(ApiError::new(
                "InvalidPermission.Malformed",
                format!("Unsupported IP protocol \"{other}\"  - supported: [tcp, udp, icmp]"),
            ));
        }
    }
    .to_owned();
    let (from, to) = match protocol.as_str() {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    format!(
                        "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange. ({protocol})"
                    ),
                ));
            };
            if from > to || !(0..=65535).contains(&from) || !(0..=65535).contains(&to) {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    format!("Invalid TCP/UDP port range ({from}:{to})"),
                ));
            }
            (from, to)
        }
        "icmp" | "icmpv6" => (from.unwrap_or(-1), to.unwrap_or(-1)),
        // Ports of other protocols mean nothing.
        _ => (-1, -1),
    };
    Ok(Traffic { protocol, from, to })
}

pub(super) fn v4(text: &str) -> Result<Peer, ApiError> {
    let malformed = || {
        ApiError::new(
            "InvalidParameterValue",
            format!("CIDR block {text} is malformed"),
        )
    };
    let cidr: Cidr = text.parse().map_err(|_| malformed())?;
    // AWS takes a block only by its first address.
    if cidr.to_string() != text {
        return Err(malformed());
    }
    Ok(Peer::V4(cidr))
}

pub(super) fn v6(text: &str) -> Result<Peer, ApiError> {
    let malformed = || {
        ApiError::new(
            "InvalidParameterValue",
            format!("CIDR block {text} is malformed"),
        )
    };
    let (address, bits) = text.split_once('/').ok_or_else(malformed)?;
    let address: Ipv6Addr = address.parse().map_err(|_| malformed())?;
    if bits.parse::<u8>().map_err(|_| malformed())? > 128 {
        return Err(malformed());
    }
    Ok(Peer::V6(format!("{address}/{bits}")))
}

/// A rule that is asked for: what, with whom, why.
pub(super) type Asked = (Traffic, Peer, Option<String>);

/// Takes `IpPermissions.N` and the older flat form of one rule from the parameters.
pub(super) fn asked(
    region: &Region,
    vpc: &str,
    params: &mut Params,
) -> Result<Vec<Asked>, ApiError> {
    let mut all = Vec::new();
    if let Some(cidr) = params.text("CidrIp")? {
        all.push((traffic(params)?, v4(&cidr)?, None));
    }
    if let Some(name) = params.text("SourceSecurityGroupName")? {
        let group = region.group_named(&name)?.id.clone();
        let traffic = if params.clone().text("IpProtocol")?.is_some() {
            traffic(params)?
        } else {
            Rule::all_out("").traffic
        };
        all.push((traffic, Peer::Group(group), None));
    }
    let listed = params.each("IpPermissions", |permission| {
        let traffic = traffic(permission)?;
        let mut peers = permission.each("IpRanges", |range| {
            Ok((v4(&range.need("CidrIp")?)?, range.text("Description")?))
        })?;
        peers.extend(permission.each("Ipv6Ranges", |range| {
            Ok((v6(&range.need("CidrIpv6")?)?, range.text("Description")?))
        })?);
        peers.extend(permission.each("Groups", |pair| peer_group(region, vpc, pair))?);
        if peers.is_empty() {
            return Err(ApiError::new(
                "InvalidParameterValue",
                "The permission must name an address range or a security group",
            ));
        }
        Ok(peers
            .into_iter()
            .map(|(peer, description)| (traffic.clone(), peer, description))
            .collect::<Vec<_>>())
    })?;
    all.extend(listed.into_iter().flatten());
    for (_, _, description) in &all {
        if let Some(text) = description {
            check_description(text)?;
        }
    }
    Ok(all)
}

fn peer_group(
    region: &Region,
    vpc: &str,
    pair: &mut Params,
) -> Result<(Peer, Option<String>), ApiError> {
    let description = pair.text("Description")?;
    if let Some(user) = pair.text("UserId")?
        && user != region.account
    {
        return Err(ApiError::not_modelled(format_args!(
            "a security group of another account ({user})"
        )));
    }
    if let Some(other) = pair.text("VpcId")?
        && other != vpc
    {
        return Err(ApiError::not_modelled(
            "a security group of another VPC (peering)",
        ));
    }
    let group = named(region, pair)?;
    if group.vpc != vpc {
        return Err(ApiError::new(
            "InvalidGroup.NotFound",
            format!(
                "You have specified two resources that belong to different networks: {}",
                group.id
            ),
        ));
    }
    Ok((Peer::Group(group.id.clone()), description))
}

fn check_description(text: &str) -> Result<(), ApiError> {
    if text.chars().count() <= 255
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char))
    {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidParameterValue",
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
    ))
}
