//! Instance types: `DescribeInstanceTypes` and `DescribeInstanceTypeOfferings`.
//!
//! The figures are those of
//! <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html> for the types that
//! are in the table; a type that is not in it does not exist in the embedded cloud.

mod catalogue;
mod describe;

use self::catalogue::{FAMILIES, FREE, TYPES};
use self::describe::{describe, offerings};
use super::region::Action;

/// The actions on instance types.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeInstanceTypes", describe),
    ("DescribeInstanceTypeOfferings", offerings),
];

/// What the types of a family have in common.
#[derive(Debug)]
pub struct Family {
    /// E.g. `t3`.
    pub name: &'static str,
    /// E.g. `Intel`.
    pub manufacturer: &'static str,
    /// Of the processor, sustained, in tenths of GHz.
    pub clock: u32,
    /// Threads on a core.
    pub threads: u32,
    /// Whether it earns and spends CPU credits.
    pub burstable: bool,
    /// `nitro` or `xen`.
    pub hypervisor: &'static str,
}

impl Family {
    /// Whether it has 64-bit Arm processors: AWS's own are (Graviton).
    fn arm(&self) -> bool {
        self.manufacturer == "AWS"
    }
}

/// One type.
#[derive(Debug)]
pub struct InstanceType {
    /// E.g. `t3.nano`.
    pub name: &'static str,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory.
    pub mib: u32,
    /// How the network is described.
    pub network: &'static str,
    /// How many interfaces it may have.
    pub interfaces: u32,
    /// How many addresses each of them may have.
    pub addresses: u32,
}

/// A type by name.
pub fn instance_type(name: &str) -> Option<&'static InstanceType> {
    TYPES.iter().find(|kind| kind.name == name)
}

impl InstanceType {
    /// Its family.
    pub fn family(&self) -> &'static Family {
        let name = self.name.split('.').next().unwrap_or_default();
        // A test holds that every type's family is in the table.
        FAMILIES
            .iter()
            .find(|family| family.name == name)
            .unwrap_or(&FAMILIES[0])
    }

    /// The architectures of the images that it boots.
    pub fn architectures(&self) -> &'static [&'static str] {
        match (self.family().arm(), self.name) {
            (true, _) => &["arm64"],
            (_, "t2.nano" | "t2.micro" | "t2.small" | "t2.medium") => &["i386", "x86_64"],
            _ => &["x86_64"],
        }
    }

    /// Whether it earns and spends CPU credits.
    pub fn burstable(&self) -> bool {
        self.family().burstable
    }

    /// What it does beyond its credits unless told: T2 slows down, the newer ones cost more.
    pub fn default_credit(&self) -> &'static str {
        if self.family().name == "t2" {
            "standard"
        } else {
            "unlimited"
        }
    }

    /// Threads on a core.
    pub fn threads(&self) -> u32 {
        self.family().threads
    }

    /// Cores.
    pub fn cores(&self) -> u32 {
        (self.vcpus / self.threads()).max(1)
    }

    /// Whether an account on today's free plan may use it for free.
    pub fn free(&self) -> bool {
        FREE.contains(&self.name)
    }

    /// Whether it is of the Nitro generation.
    pub fn nitro(&self) -> bool {
        self.family().hypervisor == "nitro"
    }

    fn boot_modes(&self) -> &'static [&'static str] {
        match (self.family().arm(), self.nitro()) {
            (true, _) => &["uefi"],
            (_, true) => &["legacy-bios", "uefi"],
            _ => &["legacy-bios"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_family_and_there_are_no_duplicates() {
        for (index, kind) in TYPES.iter().enumerate() {
            let name = kind.name.split('.').next().unwrap_or_default();
            assert_eq!(kind.family().name, name, "{}", kind.name);
            assert!(!TYPES[..index].iter().any(|other| other.name == kind.name));
        }
        for name in FREE {
            assert!(instance_type(name).is_some(), "{name}");
        }
    }
}
