//! The kinds of resources: how their ids look, what their tags are filed under, how they are missed.

use super::region::Region;
use crate::api::ApiError;

/// A kind of resource.
#[derive(Debug)]
pub struct Kind {
    /// Before the dash of an id, e.g. `vol`.
    pub prefix: &'static str,
    /// In tag specifications and `DescribeTags`, e.g. `volume`.
    pub resource_type: &'static str,
    /// The code when one does not exist.
    pub missing: &'static str,
    /// The code when an id cannot be one.
    pub malformed: &'static str,
    /// The sentence when one does not exist, with `{}` for the id.
    pub sentence: &'static str,
    /// Whether the region has one of this id.
    has: fn(&Region, &str) -> bool,
}

macro_rules! kinds {
    ($($name:ident $prefix:literal $type:literal $missing:literal $malformed:literal $sentence:literal $has:expr;)*) => {
        $(
            #[doc = concat!("`", $prefix, "-…`.")]
            pub const $name: Kind = Kind {
                prefix: $prefix,
                resource_type: $type,
                missing: $missing,
                malformed: $malformed,
                sentence: $sentence,
                has: $has,
            };
        )*
        /// All kinds.
        pub const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    INSTANCE "i" "instance" "InvalidInstanceID.NotFound" "InvalidInstanceID.Malformed"
        "The instance ID '{}' does not exist" |r, id| r.instances.contains_key(id);
    VOLUME "vol" "volume" "InvalidVolume.NotFound" "InvalidVolumeID.Malformed"
        "The volume '{}' does not exist." |r, id| r.volumes.contains_key(id);
    SNAPSHOT "snap" "snapshot" "InvalidSnapshot.NotFound" "InvalidSnapshotID.Malformed"
        "The snapshot '{}' does not exist." |r, id| r.snapshots.contains_key(id);
    IMAGE "ami" "image" "InvalidAMIID.NotFound" "InvalidAMIID.Malformed"
        "The image id '[{}]' does not exist" |r, id| r.images.contains_key(id);
    GROUP "sg" "security-group" "InvalidGroup.NotFound" "InvalidGroupId.Malformed"
        "The security group '{}' does not exist" |r, id| r.groups.contains_key(id);
    RULE "sgr" "security-group-rule" "InvalidSecurityGroupRuleId.NotFound" "InvalidSecurityGroupRuleId.Malformed"
        "The security group rule ID '{}' does not exist" |r, id| r.groups.values().any(|g| g.rules.contains_key(id));
    KEY_PAIR "key" "key-pair" "InvalidKeyPair.NotFound" "InvalidKeyPair.Malformed"
        "The key pair '{}' does not exist" |r, id| r.key_pairs.values().any(|k| k.id == id);
    VPC "vpc" "vpc" "InvalidVpcID.NotFound" "InvalidVpcID.Malformed"
        "The vpc ID '{}' does not exist" |r, id| r.vpcs.contains_key(id);
    SUBNET "subnet" "subnet" "InvalidSubnetID.NotFound" "InvalidSubnetID.Malformed"
        "The subnet ID '{}' does not exist" |r, id| r.subnets.contains_key(id);
    INTERNET_GATEWAY "igw" "internet-gateway" "InvalidInternetGatewayID.NotFound" "InvalidInternetGatewayID.Malformed"
        "The internetGateway ID '{}' does not exist" |r, id| r.gateways.contains_key(id);
    ROUTE_TABLE "rtb" "route-table" "InvalidRouteTableID.NotFound" "InvalidRouteTableID.Malformed"
        "The routeTable ID '{}' does not exist" |r, id| r.route_tables.contains_key(id);
    INTERFACE "eni" "network-interface" "InvalidNetworkInterfaceID.NotFound" "InvalidNetworkInterfaceId.Malformed"
        "The networkInterface ID '{}' does not exist" |r, id| r.interfaces.contains_key(id);
    ADDRESS "eipalloc" "elastic-ip" "InvalidAllocationID.NotFound" "InvalidAllocationID.Malformed"
        "The allocation ID '{}' does not exist" |r, id| r.addresses.contains_key(id);
    TEMPLATE "lt" "launch-template" "InvalidLaunchTemplateId.NotFound" "InvalidLaunchTemplateId.Malformed"
        "The specified launch template, with template ID {}, does not exist." |r, id| r.templates.contains_key(id);
}

impl Kind {
    /// The kind that `id` looks like.
    pub fn of(id: &str) -> Option<&'static Self> {
        KINDS.iter().copied().find(|kind| kind.well_formed(id))
    }

    /// Whether `id` looks like one of this kind: the prefix and 8 or 17 hexadecimal digits.
    pub fn well_formed(&self, id: &str) -> bool {
        id.strip_prefix(self.prefix)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|digits| {
                matches!(digits.len(), 8 | 17)
                    && digits
                        .bytes()
                        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
    }

    /// The refusal because there is none of this id, or because it cannot be one.
    pub fn not_found(&self, id: &str) -> ApiError {
        if self.well_formed(id) {
            return ApiError::new(self.missing, self.sentence.replace("{}", id));
        }
        ApiError::new(
            self.malformed,
            format!("Invalid id: \"{id}\" (expecting \"{}-...\")", self.prefix),
        )
    }

    /// Refuses unless the region has all of `ids`.
    pub fn check(&self, region: &Region, ids: &[String]) -> Result<(), ApiError> {
        match ids.iter().find(|id| !(self.has)(region, id)) {
            Some(id) => Err(self.not_found(id)),
            None => Ok(()),
        }
    }
}
