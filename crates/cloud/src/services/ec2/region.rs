//! What EC2 has in one region, and what an action needs to change it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Event;
use super::addresses::{Address, PublicPool};
use super::gateways::InternetGateway;
use super::groups::SecurityGroup;
use super::images::Image;
use super::instances::Instance;
use super::interfaces::Interface;
use super::key_pairs::KeyPair;
use super::kinds::{self, Kind};
use super::launch_templates::LaunchTemplate;
use super::params::Params;
use super::route_tables::RouteTable;
use super::snapshots::Snapshot;
use super::subnets::Subnet;
use super::volumes::Volume;
use super::vpcs::Vpc;
use super::xml::Xml;
use crate::api::ApiError;
use crate::events::Events;
use crate::hosts::{Hosts, Image as Disk};
use crate::ids::Ids;
use crate::services::iam;

/// The tags of one resource.
pub type Tags = BTreeMap<String, String>;

/// An action: reads its parameters, changes the region, answers.
pub type Action = fn(&mut Site<'_>, &mut Params) -> Result<Xml, ApiError>;

/// One region's resources, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Region {
    /// Its name, e.g. `us-east-1`.
    pub name: String,
    /// The account that owns what is here.
    pub account: String,
    /// Networks.
    pub vpcs: BTreeMap<String, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<String, Subnet>,
    /// Internet gateways.
    pub gateways: BTreeMap<String, InternetGateway>,
    /// Route tables.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// Security groups.
    pub groups: BTreeMap<String, SecurityGroup>,
    /// Key pairs, by name.
    pub key_pairs: BTreeMap<String, KeyPair>,
    /// Images.
    pub images: BTreeMap<String, Image>,
    /// Snapshots.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Volumes.
    pub volumes: BTreeMap<String, Volume>,
    /// Instances, the recently terminated ones too.
    pub instances: BTreeMap<String, Instance>,
    /// Network interfaces.
    pub interfaces: BTreeMap<String, Interface>,
    /// Elastic addresses, by allocation id.
    pub addresses: BTreeMap<String, Address>,
    /// Launch templates.
    pub templates: BTreeMap<String, LaunchTemplate>,
    /// Tags, by the id of their resource.
    pub tags: BTreeMap<String, Tags>,
    /// What was made under a client token: what was asked for and the id of what was made.
    pub tokens: BTreeMap<String, Token>,
    /// How many seconds a new instance cannot be found by its id yet; none unless switched on.
    pub lag_seconds: u32,
    /// How many vCPUs may run at once.
    pub vcpu_limit: u32,
}

/// A client token that was used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    /// What was asked for, hashed.
    pub asked: String,
    /// The id of what was made.
    pub made: String,
}

impl Region {
    /// The resource of `id` in one of the region's maps.
    pub fn find<'a, T>(
        map: &'a BTreeMap<String, T>,
        kind: &Kind,
        id: &str,
    ) -> Result<&'a T, ApiError> {
        map.get(id).ok_or_else(|| kind.not_found(id))
    }

    /// The resource of `id` in one of the region's maps, to be changed.
    pub fn find_mut<'a, T>(
        map: &'a mut BTreeMap<String, T>,
        kind: &Kind,
        id: &str,
    ) -> Result<&'a mut T, ApiError> {
        map.get_mut(id).ok_or_else(|| kind.not_found(id))
    }

    /// The tags of a resource.
    pub fn tags_of(&self, id: &str) -> Option<&Tags> {
        self.tags.get(id)
    }

    /// The furnished default network.
    pub fn default_vpc(&self) -> Result<&Vpc, ApiError> {
        self.vpcs.values().find(|vpc| vpc.is_default).ok_or_else(|| {
            ApiError::new(
                "VPCIdNotSpecified",
                "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
            )
        })
    }

    /// The name of an address in this region's public DNS.
    pub fn public_dns(&self, address: Ipv4Addr) -> String {
        let dashed = address.to_string().replace('.', "-");
        if self.name == "us-east-1" {
            format!("ec2-{dashed}.compute-1.amazonaws.com")
        } else {
            format!("ec2-{dashed}.{}.compute.amazonaws.com", self.name)
        }
    }

    /// The name of an address in this region's private DNS.
    pub fn private_dns(&self, address: Ipv4Addr) -> String {
        let dashed = address.to_string().replace('.', "-");
        if self.name == "us-east-1" {
            format!("ip-{dashed}.ec2.internal")
        } else {
            format!("ip-{dashed}.{}.compute.internal", self.name)
        }
    }

    /// The ARN of one of the account's resources here.
    pub fn arn(&self, kind: &Kind, id: &str) -> String {
        format!(
            "arn:aws:ec2:{}:{}:{}/{id}",
            self.name, self.account, kind.resource_type
        )
    }

    /// The elastic address on an interface.
    pub fn address_on(&self, interface: &str) -> Option<&Address> {
        self.addresses
            .values()
            .find(|address| address.interface.as_deref() == Some(interface))
    }

    /// The interfaces of an instance, the primary one first.
    pub fn interfaces_of<'a>(&'a self, instance: &'a str) -> Vec<&'a Interface> {
        let mut found: Vec<&Interface> = self
            .interfaces
            .values()
            .filter(|interface| {
                interface
                    .attachment
                    .as_ref()
                    .is_some_and(|attachment| attachment.instance == instance)
            })
            .collect();
        found.sort_by_key(|interface| interface.device_index());
        found
    }

    /// The interface with device index 0 of an instance.
    pub fn primary_interface<'a>(&'a self, instance: &'a str) -> Option<&'a Interface> {
        self.interfaces_of(instance)
            .into_iter()
            .find(|interface| interface.device_index() == 0)
    }
}

/// A region and what is needed to change it.
pub struct Site<'a> {
    /// The region.
    pub region: &'a mut Region,
    /// The addresses that the world can reach, of all regions.
    pub public: &'a mut PublicPool,
    /// The machines of the instances.
    pub hosts: &'a mut Hosts,
    /// What is on snapshots, and on volumes that were let go, by id.
    pub disks: &'a mut BTreeMap<String, Disk>,
    /// Where new ids come from.
    pub ids: &'a mut Ids,
    /// What happens later.
    pub events: &'a mut Events,
    /// The account's instance profiles.
    pub iam: &'a iam::State,
    /// The time.
    pub now: Timestamp,
}

impl Site<'_> {
    /// Plans `event` for `seconds` from now.
    pub fn plan(&mut self, seconds: u32, event: Event) {
        let at = self.now + jiff::SignedDuration::from_secs(i64::from(seconds));
        self.events.plan(at, crate::events::Event::Ec2(event));
    }

    /// Gives a new resource its tags.
    pub fn tag(&mut self, id: &str, tags: &Tags) {
        if !tags.is_empty() {
            self.region
                .tags
                .entry(id.to_owned())
                .or_default()
                .extend(tags.clone());
        }
    }

    /// A new id of a kind.
    pub fn new_id(&mut self, kind: &Kind) -> String {
        self.ids.resource(kind.prefix)
    }

    /// What was made under `token`, if the same was asked for then.
    pub fn made_before(
        &self,
        token: Option<&str>,
        asked: &str,
        mismatch: &str,
    ) -> Result<Option<String>, ApiError> {
        let Some(used) = token.and_then(|token| self.region.tokens.get(token)) else {
            return Ok(None);
        };
        if used.asked == asked {
            return Ok(Some(used.made.clone()));
        }
        Err(ApiError::new(
            mismatch,
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        ))
    }

    /// Remembers what was made under `token`.
    pub fn remember(&mut self, token: Option<&str>, asked: String, made: &str) {
        if let Some(token) = token {
            self.region.tokens.insert(
                token.to_owned(),
                Token {
                    asked,
                    made: made.to_owned(),
                },
            );
        }
    }

    /// A free private address in a subnet.
    pub fn private_address(&mut self, subnet: &str) -> Result<Ipv4Addr, ApiError> {
        let cidr = Region::find(&self.region.subnets, &kinds::SUBNET, subnet)?.cidr;
        let taken = self.region.private_addresses(subnet);
        let usable = cidr.usable();
        let start = self.ids.below(usable.max(1));
        (0..usable)
            .map(|step| cidr.nth((start + step) % usable))
            .find(|address| !taken.contains(address))
            .ok_or_else(|| {
                ApiError::new(
                    "InsufficientFreeAddressesInSubnet",
                    format!("There are not enough free addresses in subnet '{subnet}' to satisfy the requested number of instances."),
                )
            })
    }
}
