//! How rules are shown: flat, or grouped by traffic.

use super::super::filters::{Facet, Filters, Page, one};
use super::super::groups::SecurityGroup;
use super::super::kinds;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::xml::Xml;
use super::{Rule, Traffic};
use crate::api::ApiError;

/// A rule in the flat form of `DescribeSecurityGroupRules`.
pub(super) fn one_rule(xml: &mut Xml, region: &Region, group: &SecurityGroup, rule: &Rule) {
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
        .node("prefixListIds", |_| {})
        .list("groups", ranges(Rule::group_id), |xml, (id, why)| {
            xml.leaf("groupId", id)
                .leaf("userId", &region.account)
                .maybe("description", why);
        });
    });
}

/// A rule with its group.
pub(super) struct Row {
    group: SecurityGroup,
    rule: Rule,
}

pub(super) const FACETS: &[Facet<Row>] = &[
    ("group-id", |_, row| one(&row.group.id)),
    ("security-group-rule-id", |_, row| one(&row.rule.id)),
];

pub(super) fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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
