//! Rules added, changed and taken away.

use super::super::groups::named;
use super::super::kinds;
use super::super::params::Params;
use super::super::region::Site;
use super::super::tags;
use super::super::xml::Xml;
use super::{Peer, Rule, Traffic, asked, one_rule, traffic, v4, v6};
use crate::api::ApiError;

/// The most rules of one direction that a group may have
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
pub(super) const MOST: usize = 60;

pub(super) fn authorize(
    site: &mut Site<'_>,
    params: &mut Params,
    egress: bool,
) -> Result<Xml, ApiError> {
    let group = named(site.region, params)?.clone();
    let wanted = asked(site.region, &group.vpc, params)?;
    let tags = tags::specification(params, &kinds::RULE)?;
    params.finish()?;
    if wanted.is_empty() {
        return Err(params.missing("ipPermissions"));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for (traffic, peer, description) in wanted {
        if group
            .rules
            .values()
            .chain(&rules)
            .any(|rule| rule.same(egress, &traffic, &peer))
        {
            return Err(duplicate(&traffic, &peer));
        }
        rules.push(Rule {
            id: site.new_id(&kinds::RULE),
            egress,
            traffic,
            peer,
            description,
        });
    }
    let before = group.rules.values().filter(|rule| rule.egress == egress);
    if before.count() + rules.len() > MOST {
        return Err(ApiError::new(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    let mut xml = Xml::done();
    for rule in &rules {
        site.tag(&rule.id, &tags);
    }
    let region = &mut *site.region;
    if let Some(group) = region.groups.get_mut(&group.id) {
        for rule in &rules {
            group.rules.insert(rule.id.clone(), rule.clone());
        }
    }
    xml.list("securityGroupRuleSet", &rules, |xml, rule| {
        one_rule(xml, region, &group, rule);
    });
    Ok(xml)
}

fn duplicate(traffic: &Traffic, peer: &Peer) -> ApiError {
    let peer = match peer {
        Peer::V4(cidr) => cidr.to_string(),
        Peer::V6(cidr) => cidr.clone(),
        Peer::Group(id) => id.clone(),
    };
    let what = if traffic.protocol == "-1" {
        format!("peer: {peer}, ALL, ALLOW")
    } else {
        format!(
            "peer: {peer}, {}, from port: {}, to port: {}, ALLOW",
            traffic.protocol.to_ascii_uppercase(),
            traffic.from,
            traffic.to
        )
    };
    ApiError::new(
        "InvalidPermission.Duplicate",
        format!("the specified rule \"{what}\" already exists"),
    )
}

pub(super) fn revoke(
    site: &mut Site<'_>,
    params: &mut Params,
    egress: bool,
) -> Result<Xml, ApiError> {
    let group = named(site.region, params)?.clone();
    let ids = params.list("SecurityGroupRuleId")?;
    let wanted = asked(site.region, &group.vpc, params)?;
    params.finish()?;
    if ids.is_empty() && wanted.is_empty() {
        return Err(params.missing("ipPermissions"));
    }
    let mut gone = Vec::new();
    for id in ids {
        let rule = group
            .rules
            .get(&id)
            .filter(|rule| rule.egress == egress)
            .ok_or_else(|| kinds::RULE.not_found(&id))?;
        gone.push(rule.clone());
    }
    for (traffic, peer, _) in &wanted {
        let rule = group
            .rules
            .values()
            .find(|rule| rule.same(egress, traffic, peer))
            .ok_or_else(|| {
                ApiError::new(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            })?;
        gone.push(rule.clone());
    }
    let region = &mut *site.region;
    if let Some(group) = region.groups.get_mut(&group.id) {
        for rule in &gone {
            group.rules.remove(&rule.id);
            region.tags.remove(&rule.id);
        }
    }
    let mut xml = Xml::done();
    xml.list("revokedSecurityGroupRuleSet", &gone, |xml, rule| {
        xml.leaf("securityGroupRuleId", &rule.id)
            .leaf("groupId", &group.id)
            .leaf("isEgress", rule.egress)
            .leaf("ipProtocol", &rule.traffic.protocol)
            .leaf("fromPort", rule.traffic.from)
            .leaf("toPort", rule.traffic.to)
            .maybe("cidrIpv4", rule.cidr_v4(region))
            .maybe("cidrIpv6", rule.cidr_v6(region))
            .maybe("referencedGroupId", rule.group_id(region))
            .maybe("description", rule.description.as_ref());
    });
    Ok(xml)
}

pub(super) fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let group = site.region.group(&params.need("GroupId")?)?.clone();
    let region = &mut *site.region;
    let changes = params.each("SecurityGroupRule", |update| {
        let id = update.need("SecurityGroupRuleId")?;
        let old = group
            .rules
            .get(&id)
            .ok_or_else(|| kinds::RULE.not_found(&id))?;
        let new = update.part("SecurityGroupRule", |rule| {
            let traffic = traffic(rule)?;
            let description = rule.text("Description")?;
            let peers = [
                rule.text("CidrIpv4")?.map(|text| v4(&text)),
                rule.text("CidrIpv6")?.map(|text| v6(&text)),
                rule.text("ReferencedGroupId")?
                    .map(|id| region.group(&id).map(|group| Peer::Group(group.id.clone()))),
            ];
            let mut peers: Vec<Peer> = peers.into_iter().flatten().collect::<Result<_, _>>()?;
            let (Some(peer), true) = (peers.pop(), peers.is_empty()) else {
                return Err(ApiError::new(
                    "InvalidParameterCombination",
                    "Exactly one of CidrIpv4, CidrIpv6, ReferencedGroupId and PrefixListId must be specified",
                ));
            };
            Ok(Rule {
                id: id.clone(),
                egress: old.egress,
                traffic,
                peer,
                description,
            })
        })?;
        new.ok_or_else(|| update.missing("SecurityGroupRule"))
    })?;
    params.finish()?;
    let mut rules = group.rules.clone();
    for rule in changes {
        if rules
            .values()
            .any(|other| other.id != rule.id && other.same(rule.egress, &rule.traffic, &rule.peer))
        {
            return Err(duplicate(&rule.traffic, &rule.peer));
        }
        rules.insert(rule.id.clone(), rule);
    }
    if let Some(group) = region.groups.get_mut(&group.id) {
        group.rules = rules;
    }
    Ok(Xml::done())
}

pub(super) fn redescribe(
    site: &mut Site<'_>,
    params: &mut Params,
    egress: bool,
) -> Result<Xml, ApiError> {
    let group = named(site.region, params)?.clone();
    let wanted = asked(site.region, &group.vpc, params)?;
    params.finish()?;
    let mut rules = group.rules.clone();
    for (traffic, peer, description) in wanted {
        let rule = rules
            .values_mut()
            .find(|rule| rule.same(egress, &traffic, &peer))
            .ok_or_else(|| {
                ApiError::new(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            })?;
        rule.description = description;
    }
    if let Some(group) = site.region.groups.get_mut(&group.id) {
        group.rules = rules;
    }
    Ok(Xml::done())
}
