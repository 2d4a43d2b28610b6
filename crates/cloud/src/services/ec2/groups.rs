//! Security groups: made, described, deleted. Their rules are in [`super::rules`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::filters::{Facet, Filters, Page, many, one};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::rules::{Peer, Rule, permissions};
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on security groups.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateSecurityGroup", create),
    ("DeleteSecurityGroup", delete),
    ("DescribeSecurityGroups", describe),
];

/// A security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-…`.
    pub id: String,
    /// Its name, unique in its network.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its network.
    pub vpc: String,
    /// Its rules, by id.
    pub rules: BTreeMap<String, Rule>,
}

impl Region {
    /// A group by id.
    pub fn group(&self, id: &str) -> Result<&SecurityGroup, ApiError> {
        Self::find(&self.groups, &kinds::GROUP, id)
    }

    /// A group of the default network by name.
    pub fn group_named(&self, name: &str) -> Result<&SecurityGroup, ApiError> {
        let vpc = self.default_vpc()?;
        self.groups
            .values()
            .find(|group| group.vpc == vpc.id && group.name == name)
            .ok_or_else(|| {
                ApiError::new(
                    "InvalidGroup.NotFound",
                    format!(
                        "The security group '{name}' does not exist in default VPC '{}'",
                        vpc.id
                    ),
                )
            })
    }

    /// The group that every network has.
    pub fn default_group(&self, vpc: &str) -> Option<&SecurityGroup> {
        self.groups
            .values()
            .find(|group| group.vpc == vpc && group.name == "default")
    }
}

/// Takes `GroupId` or `GroupName` and finds the group.
pub fn named<'a>(region: &'a Region, params: &mut Params) -> Result<&'a SecurityGroup, ApiError> {
    let id = params.text("GroupId")?;
    let name = params.text("GroupName")?;
    match (id, name) {
        (Some(_), Some(_)) => Err(ApiError::new(
            "InvalidParameterCombination",
            "The parameters GroupName and GroupId may not be used together",
        )),
        (Some(id), None) => region.group(&id),
        (None, Some(name)) => region.group_named(&name),
        (None, None) => Err(ApiError::new(
            "MissingParameter",
            "The request must contain the parameter groupName or groupId",
        )),
    }
}

/// The characters that names and descriptions may have
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>).
fn allowed(text: &str) -> bool {
    text.chars()
        .all(|char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char))
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let name = params.need("GroupName")?;
    let description = params.need("GroupDescription")?;
    let vpc = match params.text("VpcId")? {
        Some(vpc) => Region::find(&site.region.vpcs, &kinds::VPC, &vpc)?
            .id
            .clone(),
        None => site.region.default_vpc()?.id.clone(),
    };
    let tags = tags::specification(params, &kinds::GROUP)?;
    params.finish()?;
    for (what, text) in [("GroupName", &name), ("GroupDescription", &description)] {
        if text.chars().count() > 255 || !allowed(text) {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!(
                    "Value ({text}) for parameter {what} is invalid. Character sets beyond ASCII are not supported."
                ),
            ));
        }
    }
    if name.starts_with("sg-") {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*"
            ),
        ));
    }
    if name == "default" {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "Cannot use reserved security group name: default",
        ));
    }
    if site
        .region
        .groups
        .values()
        .any(|group| group.vpc == vpc && group.name == name)
    {
        return Err(ApiError::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc}'"),
        ));
    }
    let id = site.new_id(&kinds::GROUP);
    let rule = site.new_id(&kinds::RULE);
    site.region.groups.insert(
        id.clone(),
        SecurityGroup {
            id: id.clone(),
            name,
            description,
            vpc,
            rules: [(rule.clone(), Rule::all_out(&rule))].into(),
        },
    );
    site.tag(&id, &tags);
    let mut xml = Xml::done();
    xml.leaf("groupId", &id)
        .leaf("securityGroupArn", site.region.arn(&kinds::GROUP, &id))
        .tags(Some(&tags));
    Ok(xml)
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let group = named(site.region, params)?.clone();
    params.finish()?;
    let region = &mut *site.region;
    if group.name == "default" {
        return Err(ApiError::new(
            "CannotDelete",
            format!(
                "the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                group.id
            ),
        ));
    }
    let used = region
        .interfaces
        .values()
        .any(|interface| interface.groups.contains(&group.id));
    let referenced = region.groups.values().any(|other| {
        other.id != group.id
            && other
                .rules
                .values()
                .any(|rule| matches!(&rule.peer, Peer::Group(id) if *id == group.id))
    });
    if used || referenced {
        return Err(ApiError::new(
            "DependencyViolation",
            format!("resource {} has a dependent object", group.id),
        ));
    }
    for rule in group.rules.keys() {
        region.tags.remove(rule);
    }
    region.groups.remove(&group.id);
    region.tags.remove(&group.id);
    let mut xml = Xml::done();
    xml.leaf("groupId", &group.id);
    Ok(xml)
}

macro_rules! rule_facets {
    ($(($name:literal, $field:ident, $egress:literal);)*) => {
        &[
            ("group-id", |_, group| one(&group.id)),
            ("group-name", |_, group| one(&group.name)),
            ("description", |_, group| one(&group.description)),
            ("vpc-id", |_, group| one(&group.vpc)),
            ("owner-id", |region, _| one(&region.account)),
            $(($name, |region, group| facet(region, group, $egress, Rule::$field)),)*
        ]
    };
}

fn facet(
    region: &Region,
    group: &SecurityGroup,
    egress: bool,
    read: fn(&Rule, &Region) -> Option<String>,
) -> Vec<String> {
    many(
        group
            .rules
            .values()
            .filter(|rule| rule.egress == egress)
            .filter_map(|rule| read(rule, region)),
    )
}

const FACETS: &[Facet<SecurityGroup>] = rule_facets! {
    ("ip-permission.cidr", cidr_v4, false);
    ("ip-permission.ipv6-cidr", cidr_v6, false);
    ("ip-permission.from-port", first_port, false);
    ("ip-permission.to-port", last_port, false);
    ("ip-permission.protocol", protocol, false);
    ("ip-permission.group-id", group_id, false);
    ("ip-permission.group-name", group_name, false);
    ("egress.ip-permission.cidr", cidr_v4, true);
    ("egress.ip-permission.ipv6-cidr", cidr_v6, true);
    ("egress.ip-permission.from-port", first_port, true);
    ("egress.ip-permission.to-port", last_port, true);
    ("egress.ip-permission.protocol", protocol, true);
    ("egress.ip-permission.group-id", group_id, true);
    ("egress.ip-permission.group-name", group_name, true);
};

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("GroupId")?;
    let names = params.list("GroupName")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("groupIds", &ids)?;
    let region = &*site.region;
    kinds::GROUP.check(region, &ids)?;
    let mut wanted = ids;
    for name in &names {
        wanted.push(region.group_named(name)?.id.clone());
    }
    let asked = region
        .groups
        .values()
        .filter(|group| wanted.is_empty() || wanted.contains(&group.id));
    let found = filters.select(region, FACETS, |group| &group.id, asked)?;
    let (found, next) = page.cut(found, |group| group.id.clone());
    let mut xml = Xml::new();
    xml.list("securityGroupInfo", found, |xml, group| {
        xml.leaf("ownerId", &region.account)
            .leaf("groupId", &group.id)
            .leaf("groupName", &group.name)
            .leaf("groupDescription", &group.description)
            .leaf("vpcId", &group.vpc)
            .leaf("securityGroupArn", region.arn(&kinds::GROUP, &group.id));
        permissions(xml, "ipPermissions", region, group, false);
        permissions(xml, "ipPermissionsEgress", region, group, true);
        xml.tags(region.tags_of(&group.id));
    })
    .maybe("nextToken", next);
    Ok(xml)
}
