//! The rules of security groups: authorised, described, changed, revoked.

mod asked;
mod change;
mod describe;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use self::asked::{asked, traffic, v4, v6};
use self::change::{authorize, modify, redescribe, revoke};
pub use self::describe::permissions;
use self::describe::{describe, one_rule};
use super::cidr::Cidr;
use super::region::{Action, Region};

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
