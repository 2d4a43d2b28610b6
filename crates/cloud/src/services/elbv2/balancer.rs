//! Application load balancers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{arn, digits, name, page, tags, validation};
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::ec2;
use crate::state;

/// How long a balancer is being provisioned: about two minutes.
const PROVISIONING: SignedDuration = SignedDuration::from_secs(120);

/// A balancer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Balancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The digits at the end of its ARN.
    pub id: String,
    /// Its DNS name.
    pub dns_name: String,
    /// Whether it can be reached from outside.
    pub internet_facing: bool,
    /// Its network.
    pub vpc: String,
    /// A subnet in each of its zones, in the order of the zones.
    pub places: Vec<(String, String)>,
    /// Its security groups.
    pub groups: Vec<String>,
    /// Its interface and address in each zone, from which it talks to targets.
    pub nodes: Vec<(String, Ipv4Addr)>,
    /// Since when there is one.
    pub created: Timestamp,
    /// What was set.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The lines of its access log that have not been delivered yet.
    pub log: Vec<String>,
}

impl Balancer {
    /// Whether it has been provisioned.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        now >= self.created + PROVISIONING
    }

    /// The address from which it talks to targets.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.nodes
            .first()
            .map_or(Ipv4Addr::UNSPECIFIED, |(_, address)| *address)
    }

    fn interfaces(&self) -> Vec<String> {
        self.nodes.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Its name in metrics and logs, `app/NAME/ID`.
    #[must_use]
    pub fn dimension(&self) -> String {
        format!("app/{}/{}", self.name, self.id)
    }
}

/// The parameters of `CreateLoadBalancer`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Create {
    name: String,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(default)]
    subnet_mappings: Vec<Mapping>,
    #[serde(default)]
    security_groups: Vec<String>,
    scheme: Option<String>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    ip_address_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Mapping {
    subnet_id: String,
}

/// Makes a balancer; one that is as asked for is found again.
///
/// # Errors
/// What AWS refuses: fewer than two zones, unknown subnets or groups, a name that is taken.
pub fn create_load_balancer(cloud: &mut state::State, input: Create) -> Result<Document, ApiError> {
    name("Load balancer", &input.name)?;
    if input.name.starts_with("internal-") {
        return Err(validation(
            "Load balancer name cannot begin with 'internal-'",
        ));
    }
    match input.kind.as_deref() {
        None | Some("application") => {}
        Some(other) => {
            return Err(ApiError::not_modelled(format_args!(
                "{other} load balancers"
            )));
        }
    }
    match input.ip_address_type.as_deref() {
        None | Some("ipv4") => {}
        Some(other) => {
            return Err(ApiError::not_modelled(format_args!(
                "IpAddressType {other}"
            )));
        }
    }
    let internet_facing = match input.scheme.as_deref() {
        None | Some("internet-facing") => true,
        Some("internal") => false,
        Some(other) => return Err(validation(format_args!("Scheme '{other}' is not valid"))),
    };
    let subnets: Vec<String> = input
        .subnet_mappings
        .into_iter()
        .map(|mapping| mapping.subnet_id)
        .chain(input.subnets)
        .collect();
    let (vpc, places) = places(cloud, &subnets)?;
    let mut groups = input.security_groups;
    if groups.is_empty() {
        groups.extend(ec2::default_group(cloud, &vpc));
    }
    check_groups(cloud, &groups, &vpc)?;
    let tags = tags::checked(input.tags)?;
    let existing = cloud
        .elbv2
        .balancers
        .values()
        .find(|balancer| balancer.name == input.name);
    if let Some(there) = existing {
        let same = there.internet_facing == internet_facing
            && there.places == places
            && there.groups == groups
            && there.tags == tags;
        if !same {
            return Err(ApiError::new(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    input.name
                ),
            ));
        }
        return Ok(answer(cloud, &[there], None));
    }
    let id = digits(cloud);
    let subnets: Vec<String> = places.iter().map(|(_, subnet)| subnet.clone()).collect();
    let description = format!("ELB app/{}/{id}", input.name);
    let nodes = ec2::connect(cloud, &description, &subnets, &groups)?;
    let arn = format!("{}loadbalancer/app/{}/{id}", arn(cloud), input.name);
    let number = u64::from(cloud.ids.below(900_000_000)) + 100_000_000;
    let prefix = if internet_facing { "" } else { "internal-" };
    let balancer = Balancer {
        dns_name: format!(
            "{prefix}{}-{number}.{}.elb.amazonaws.com",
            input.name, cloud.region
        ),
        name: input.name,
        id,
        internet_facing,
        vpc,
        places,
        groups,
        nodes,
        created: cloud.now,
        attributes: BTreeMap::new(),
        tags,
        log: Vec::new(),
        arn: arn.clone(),
    };
    let result = answer(cloud, &[&balancer], None);
    cloud.elbv2.balancers.insert(arn, balancer);
    Ok(result)
}

/// The network and the subnets with their zones, by zone.
fn places(
    cloud: &state::State,
    subnets: &[String],
) -> Result<(String, Vec<(String, String)>), ApiError> {
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let mut vpc: Option<String> = None;
    for subnet in subnets {
        let place = ec2::place(cloud, subnet).map_err(|_| {
            ApiError::new(
                "SubnetNotFound",
                format!("The subnet ID '{subnet}' does not exist"),
            )
        })?;
        if vpc.get_or_insert_with(|| place.vpc.clone()) != &place.vpc {
            return Err(ApiError::new(
                "InvalidConfigurationRequest",
                "All subnets must belong to the same VPC",
            ));
        }
        if places.insert(place.zone.clone(), place.subnet).is_some() {
            return Err(ApiError::new(
                "InvalidConfigurationRequest",
                format!(
                    "A load balancer cannot be attached to multiple subnets in the same Availability Zone ({})",
                    place.zone
                ),
            ));
        }
    }
    match vpc {
        Some(vpc) if places.len() >= 2 => Ok((vpc, places.into_iter().collect())),
        _ => Err(validation(
            "At least two subnets in two different Availability Zones must be specified",
        )),
    }
}

fn check_groups(cloud: &state::State, groups: &[String], vpc: &str) -> Result<(), ApiError> {
    for group in groups {
        match ec2::group_vpc(cloud, group) {
            Ok(own) if own == vpc => {}
            _ => {
                return Err(ApiError::new(
                    "InvalidConfigurationRequest",
                    format!("One or more security groups are invalid: {group}"),
                ));
            }
        }
    }
    Ok(())
}

/// The parameters of `DescribeLoadBalancers`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    #[serde(default)]
    load_balancer_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

/// The balancers of these ARNs, or names, or all.
///
/// # Errors
/// `LoadBalancerNotFound`.
pub fn describe_load_balancers(
    cloud: &mut state::State,
    input: Describe,
) -> Result<Document, ApiError> {
    for arn in &input.load_balancer_arns {
        existing(cloud, arn)?;
    }
    let all: Vec<&Balancer> = cloud.elbv2.balancers.values().collect();
    if let Some(missing) = input
        .names
        .iter()
        .find(|name| !all.iter().any(|balancer| balancer.name == **name))
    {
        return Err(not_found(format_args!(
            "Load balancers '[{missing}]' not found"
        )));
    }
    let found: Vec<&Balancer> = all
        .into_iter()
        .filter(|balancer| {
            (input.load_balancer_arns.is_empty()
                || input.load_balancer_arns.contains(&balancer.arn))
                && (input.names.is_empty() || input.names.contains(&balancer.name))
        })
        .collect();
    let (found, marker) = page(found, input.marker.as_deref(), input.page_size)?;
    Ok(answer(cloud, &found, marker.as_ref()))
}

fn not_found(message: impl std::fmt::Display) -> ApiError {
    ApiError::new("LoadBalancerNotFound", message.to_string())
}

/// The balancer of an ARN.
///
/// # Errors
/// `LoadBalancerNotFound`.
pub fn existing<'a>(cloud: &'a state::State, arn: &str) -> Result<&'a Balancer, ApiError> {
    cloud
        .elbv2
        .balancers
        .get(arn)
        .ok_or_else(|| not_found(format_args!("Load balancer '{arn}' not found")))
}

fn answer(cloud: &state::State, found: &[&Balancer], marker: Option<&String>) -> Document {
    let members = found.iter().map(|balancer| {
        let state = if balancer.is_active(cloud.now) {
            "active"
        } else {
            "provisioning"
        };
        let zones = balancer.places.iter().map(|(zone, subnet)| {
            Document::fields([
                ("ZoneName", some(zone)),
                ("SubnetId", some(subnet)),
                ("LoadBalancerAddresses", Some(Document::List(Vec::new()))),
            ])
        });
        Document::fields([
            ("LoadBalancerArn", some(&balancer.arn)),
            ("DNSName", some(&balancer.dns_name)),
            // The zone of application balancers in us-east-1, as AWS lists it.
            ("CanonicalHostedZoneId", some("Z35SXDOTRQ7X7K")),
            ("CreatedTime", some(balancer.created)),
            ("LoadBalancerName", some(&balancer.name)),
            (
                "Scheme",
                some(if balancer.internet_facing {
                    "internet-facing"
                } else {
                    "internal"
                }),
            ),
            ("VpcId", some(&balancer.vpc)),
            ("State", Some(Document::fields([("Code", some(state))]))),
            ("Type", some("application")),
            ("AvailabilityZones", Some(Document::list(zones))),
            ("SecurityGroups", Some(Document::list(&balancer.groups))),
            ("IpAddressType", some("ipv4")),
        ])
    });
    Document::fields([
        ("LoadBalancers", Some(Document::list(members))),
        ("NextMarker", maybe(marker)),
    ])
}

/// The parameter that is a balancer's ARN.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    load_balancer_arn: String,
}

impl Named {
    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.load_balancer_arn
    }
}

/// The capacity that is reserved for a balancer: none, for a reservation is not modelled.
///
/// # Errors
/// `LoadBalancerNotFound`.
pub fn describe_reservation(cloud: &mut state::State, input: Named) -> Result<Document, ApiError> {
    existing(cloud, input.arn())?;
    let none = Document::list(std::iter::empty::<Document>());
    Ok(Document::fields([("CapacityReservationState", Some(none))]))
}

/// Removes a balancer with its listeners; one that is gone already is no error.
///
/// # Errors
/// `OperationNotPermitted` while deletion protection is on.
pub fn delete_load_balancer(cloud: &mut state::State, input: Named) -> Result<Document, ApiError> {
    let arn = input.load_balancer_arn;
    if let Some(balancer) = cloud.elbv2.balancers.get(&arn) {
        let protection = balancer.attributes.get("deletion_protection.enabled");
        if protection.is_some_and(|value| value == "true") {
            return Err(ApiError::new(
                "OperationNotPermitted",
                format!(
                    "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
                ),
            ));
        }
        let interfaces = balancer.interfaces();
        ec2::disconnect(cloud, &interfaces);
        cloud.elbv2.balancers.remove(&arn);
        cloud
            .elbv2
            .listeners
            .retain(|_, listener| listener.balancer != arn);
    }
    Ok(Document::empty())
}

/// The parameters of `SetSecurityGroups`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetGroups {
    load_balancer_arn: String,
    security_groups: Vec<String>,
}

/// Gives a balancer other security groups.
///
/// # Errors
/// `LoadBalancerNotFound`; unknown groups.
pub fn set_security_groups(
    cloud: &mut state::State,
    input: SetGroups,
) -> Result<Document, ApiError> {
    let balancer = existing(cloud, &input.load_balancer_arn)?.clone();
    check_groups(cloud, &input.security_groups, &balancer.vpc)?;
    ec2::regroup(cloud, &balancer.interfaces(), &input.security_groups)?;
    let result = Document::fields([(
        "SecurityGroupIds",
        Some(Document::list(&input.security_groups)),
    )]);
    if let Some(balancer) = cloud.elbv2.balancers.get_mut(&input.load_balancer_arn) {
        balancer.groups = input.security_groups;
    }
    Ok(result)
}
