//! The rules of security groups: authorised, described, changed, revoked.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::filters::{Facet, Filters, Page, one};
use super::groups::{SecurityGroup, named};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on rules.
pub const ACTIONS: &[(&str, Action)] = &[
    ("AuthorizeSecurityGroupIngress", |site, params| {
        authorize(site, params, false)
    }),
    ("AuthorizeSecurityGroupEgress", |site, params| {
        authorize(site, params, true)
    }),
    ("RevokeSecurityGroupIngress", |site, params| {
        revoke(site, params, false)
    }),
    ("RevokeSecurityGroupEgress", |site, params| {
        revoke(site, params, true)
    }),
    ("DescribeSecurityGroupRules", describe),
    ("ModifySecurityGroupRules", modify),
    (
        "UpdateSecurityGroupRuleDescriptionsIngress",
        |site, params| redescribe(site, params, false),
    ),
    (
        "UpdateSecurityGroupRuleDescriptionsEgress",
        |site, params| redescribe(site, params, true),
    ),
];

/// The most rules of one direction that a group may have
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const MOST: usize = 60;

/// The other side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// A block of addresses.
    V4(Cidr),
    /// A block of IPv6 addresses, as it was written.
    V6(String),
    /// Everything in a group.
    Group(String),
}

/// What a rule lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// The first port, or the ICMP type; -1 for all.
    pub from: i32,
    /// The last port, or the ICMP code; -1 for all.
    pub to: i32,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `sgr-…`.
    pub id: String,
    /// Whether it is about what leaves.
    pub egress: bool,
    /// What it lets through.
    pub traffic: Traffic,
    /// Where from, or where to.
    pub peer: Peer,
    /// What it is for.
    pub description: Option<String>,
}

impl Rule {
    /// The rule that every new group has: everything may leave.
    pub fn all_out(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            egress: true,
            traffic: Traffic {
                protocol: "-1".to_owned(),
                from: -1,
                to: -1,
            },
            peer: Peer::V4(Cidr::around(Ipv4Addr::UNSPECIFIED, 0)),
            description: None,
        }
    }

    fn same(&self, egress: bool, traffic: &Traffic, peer: &Peer) -> bool {
        self.egress == egress && self.traffic == *traffic && self.peer == *peer
    }

    /// The IPv4 block of its peer.
    pub fn cidr_v4(&self, _: &Region) -> Option<String> {
        match &self.peer {
            Peer::V4(cidr) => Some(cidr.to_string()),
            _ => None,
        }
    }

    /// The IPv6 block of its peer.
    pub fn cidr_v6(&self, _: &Region) -> Option<String> {
        match &self.peer {
            Peer::V6(cidr) => Some(cidr.clone()),
            _ => None,
        }
    }

    /// The group that is its peer.
    pub fn group_id(&self, _: &Region) -> Option<String> {
        match &self.peer {
            Peer::Group(id) => Some(id.clone()),
            _ => None,
        }
    }

    /// The name of the group that is its peer.
    pub fn group_name(&self, region: &Region) -> Option<String> {
        let id = self.group_id(region)?;
        region.groups.get(&id).map(|group| group.name.clone())
    }

    /// Its first port.
    pub fn first_port(&self, _: &Region) -> Option<String> {
        (self.traffic.protocol != "-1").then(|| self.traffic.from.to_string())
    }

    /// Its last port.
    pub fn last_port(&self, _: &Region) -> Option<String> {
        (self.traffic.protocol != "-1").then(|| self.traffic.to.to_string())
    }

    /// Its protocol.
    #[allow(clippy::unnecessary_wraps)] // as the other readers of a facet
    pub fn protocol(&self, _: &Region) -> Option<String> {
        Some(self.traffic.protocol.clone())
    }
}

/// Takes protocol and ports from the parameters and brings them into one form.
fn traffic(params: &mut Params) -> Result<Traffic, ApiError> {
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

fn v4(text: &str) -> Result<Peer, ApiError> {
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

fn v6(text: &str) -> Result<Peer, ApiError> {
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
type Asked = (Traffic, Peer, Option<String>);

/// Takes `IpPermissions.N` and the older flat form of one rule from the parameters.
fn asked(region: &Region, vpc: &str, params: &mut Params) -> Result<Vec<Asked>, ApiError> {
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

fn authorize(site: &mut Site<'_>, params: &mut Params, egress: bool) -> Result<Xml, ApiError> {
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

fn revoke(site: &mut Site<'_>, params: &mut Params, egress: bool) -> Result<Xml, ApiError> {
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

/// A rule in the flat form of `DescribeSecurityGroupRules`.
fn one_rule(xml: &mut Xml, region: &Region, group: &SecurityGroup, rule: &Rule) {
    xml.leaf("securityGroupRuleId", &rule.id)
        .leaf("securityGroupRuleArn", region.arn(&kinds::RULE, &rule.id))
        .leaf("groupId", &group.id)
        .leaf("groupOwnerId", &region.account)
        .leaf("isEgress", rule.egress)
        .leaf("ipProtocol", &rule.traffic.protocol)
        .leaf("fromPort", rule.traffic.from)
        .leaf("toPort", rule.traffic.to)
        .maybe("cidrIpv4", rule.cidr_v4(region))
        .maybe("cidrIpv6", rule.cidr_v6(region))
        .maybe("description", rule.description.as_ref());
    if let Some(id) = rule.group_id(region) {
        xml.node("referencedGroupInfo", |xml| {
            xml.leaf("groupId", &id)
                .leaf("userId", &region.account)
                .leaf("vpcId", &group.vpc);
        });
    }
    xml.tags(region.tags_of(&rule.id));
}

/// The rules of one direction, grouped by traffic as `DescribeSecurityGroups` shows them.
pub fn permissions(
    xml: &mut Xml,
    name: &str,
    region: &Region,
    group: &SecurityGroup,
    egress: bool,
) {
    let mut by_traffic: Vec<(&Traffic, Vec<&Rule>)> = Vec::new();
    for rule in group.rules.values().filter(|rule| rule.egress == egress) {
        match by_traffic
            .iter_mut()
            .find(|(traffic, _)| **traffic == rule.traffic)
        {
            Some((_, rules)) => rules.push(rule),
            None => by_traffic.push((&rule.traffic, vec![rule])),
        }
    }
    by_traffic.sort_by_key(|(traffic, _)| (traffic.protocol.clone(), traffic.from, traffic.to));
    xml.list(name, by_traffic, |xml, (traffic, mut rules)| {
        rules.sort_by_key(|rule| {
            (
                rule.cidr_v4(region),
                rule.cidr_v6(region),
                rule.group_id(region),
            )
        });
        xml.leaf("ipProtocol", &traffic.protocol);
        if traffic.protocol != "-1" {
            xml.leaf("fromPort", traffic.from)
                .leaf("toPort", traffic.to);
        }
        let ranges = |read: fn(&Rule, &Region) -> Option<String>| {
            rules
                .iter()
                .filter_map(|rule| Some((read(rule, region)?, rule.description.clone())))
                .collect::<Vec<_>>()
        };
        xml.list("ipRanges", ranges(Rule::cidr_v4), |xml, (cidr, why)| {
            xml.leaf("cidrIp", cidr).maybe("description", why);
        })
        .list("ipv6Ranges", ranges(Rule::cidr_v6), |xml, (cidr, why)| {
            xml.leaf("cidrIpv6", cidr).maybe("description", why);
        })
        .list("groups", ranges(Rule::group_id), |xml, (id, why)| {
            xml.leaf("groupId", id)
                .leaf("userId", &region.account)
                .maybe("description", why);
        });
    });
}

/// A rule with its group.
struct Row {
    group: SecurityGroup,
    rule: Rule,
}

const FACETS: &[Facet<Row>] = &[
    ("group-id", |_, row| one(&row.group.id)),
    ("security-group-rule-id", |_, row| one(&row.rule.id)),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("SecurityGroupRuleId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let region = &*site.region;
    kinds::RULE.check(region, &ids)?;
    let mut rows: Vec<Row> = region
        .groups
        .values()
        .flat_map(|group| {
            group.rules.values().map(|rule| Row {
                group: group.clone(),
                rule: rule.clone(),
            })
        })
        .filter(|row| ids.is_empty() || ids.contains(&row.rule.id))
        .collect();
    rows.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
    let found = filters.select(region, FACETS, |row| &row.rule.id, &rows)?;
    let (found, next) = page.cut(found, |row| row.rule.id.clone());
    let mut xml = Xml::new();
    xml.list("securityGroupRuleSet", found, |xml, row| {
        one_rule(xml, region, &row.group, &row.rule);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

fn redescribe(site: &mut Site<'_>, params: &mut Params, egress: bool) -> Result<Xml, ApiError> {
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
