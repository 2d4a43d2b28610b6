//! Instance types: `DescribeInstanceTypes` and `DescribeInstanceTypeOfferings`.
//!
//! The figures are those of
//! <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html> for the types that
//! are in the table; a type that is not in it does not exist in the embedded cloud.

use super::filters::{Facet, Filters, Page, many, one};
use super::params::Params;
use super::places;
use super::region::{Action, Region, Site};
use super::xml::Xml;
use crate::api::ApiError;

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

const fn family(
    name: &'static str,
    manufacturer: &'static str,
    clock: u32,
    threads: u32,
    burstable: bool,
    hypervisor: &'static str,
) -> Family {
    Family {
        name,
        manufacturer,
        clock,
        threads,
        burstable,
        hypervisor,
    }
}

const FAMILIES: &[Family] = &[
    family("t2", "Intel", 33, 1, true, "xen"),
    family("t3", "Intel", 31, 2, true, "nitro"),
    family("t3a", "AMD", 25, 2, true, "nitro"),
    family("t4g", "AWS", 25, 1, true, "nitro"),
    family("m5", "Intel", 31, 2, false, "nitro"),
    family("m5a", "AMD", 25, 2, false, "nitro"),
    family("m6i", "Intel", 35, 2, false, "nitro"),
    family("m6a", "AMD", 36, 2, false, "nitro"),
    family("m6g", "AWS", 25, 1, false, "nitro"),
    family("m7i", "Intel", 32, 2, false, "nitro"),
    family("m7i-flex", "Intel", 32, 2, false, "nitro"),
    family("m7g", "AWS", 26, 1, false, "nitro"),
    family("c5", "Intel", 34, 2, false, "nitro"),
    family("c6i", "Intel", 35, 2, false, "nitro"),
    family("c6g", "AWS", 25, 1, false, "nitro"),
    family("c7i", "Intel", 32, 2, false, "nitro"),
    family("c7i-flex", "Intel", 32, 2, false, "nitro"),
    family("c7g", "AWS", 26, 1, false, "nitro"),
    family("r5", "Intel", 31, 2, false, "nitro"),
    family("r6i", "Intel", 35, 2, false, "nitro"),
    family("r6g", "AWS", 25, 1, false, "nitro"),
    family("r7i", "Intel", 32, 2, false, "nitro"),
    family("r7g", "AWS", 26, 1, false, "nitro"),
];

const fn size(
    name: &'static str,
    vcpus: u32,
    mib: u32,
    network: &'static str,
    interfaces: u32,
    addresses: u32,
) -> InstanceType {
    InstanceType {
        name,
        vcpus,
        mib,
        network,
        interfaces,
        addresses,
    }
}

const LOW: &str = "Low to Moderate";
const MODERATE: &str = "Moderate";
const UP_TO_5: &str = "Up to 5 Gigabit";
const UP_TO_10: &str = "Up to 10 Gigabit";
const UP_TO_12: &str = "Up to 12.5 Gigabit";

const TYPES: &[InstanceType] = &[
    size("t2.nano", 1, 512, LOW, 2, 2),
    size("t2.micro", 1, 1024, LOW, 2, 2),
    size("t2.small", 1, 2048, LOW, 3, 4),
    size("t2.medium", 2, 4096, LOW, 3, 6),
    size("t2.large", 2, 8192, LOW, 3, 12),
    size("t2.xlarge", 4, 16_384, MODERATE, 3, 15),
    size("t2.2xlarge", 8, 32_768, MODERATE, 3, 15),
    size("t3.nano", 2, 512, UP_TO_5, 2, 2),
    size("t3.micro", 2, 1024, UP_TO_5, 2, 2),
    size("t3.small", 2, 2048, UP_TO_5, 3, 4),
    size("t3.medium", 2, 4096, UP_TO_5, 3, 6),
    size("t3.large", 2, 8192, UP_TO_5, 3, 12),
    size("t3.xlarge", 4, 16_384, UP_TO_5, 4, 15),
    size("t3.2xlarge", 8, 32_768, UP_TO_5, 4, 15),
    size("t3a.nano", 2, 512, UP_TO_5, 2, 2),
    size("t3a.micro", 2, 1024, UP_TO_5, 2, 2),
    size("t3a.small", 2, 2048, UP_TO_5, 2, 4),
    size("t3a.medium", 2, 4096, UP_TO_5, 3, 6),
    size("t3a.large", 2, 8192, UP_TO_5, 3, 12),
    size("t3a.xlarge", 4, 16_384, UP_TO_5, 4, 15),
    size("t3a.2xlarge", 8, 32_768, UP_TO_5, 4, 15),
    size("t4g.nano", 2, 512, UP_TO_5, 2, 2),
    size("t4g.micro", 2, 1024, UP_TO_5, 2, 2),
    size("t4g.small", 2, 2048, UP_TO_5, 3, 4),
    size("t4g.medium", 2, 4096, UP_TO_5, 3, 6),
    size("t4g.large", 2, 8192, UP_TO_5, 3, 12),
    size("t4g.xlarge", 4, 16_384, UP_TO_5, 4, 15),
    size("t4g.2xlarge", 8, 32_768, UP_TO_5, 4, 15),
    size("m5.large", 2, 8192, UP_TO_10, 3, 10),
    size("m5.xlarge", 4, 16_384, UP_TO_10, 4, 15),
    size("m5.2xlarge", 8, 32_768, UP_TO_10, 4, 15),
    size("m5.4xlarge", 16, 65_536, UP_TO_10, 8, 30),
    size("m5a.large", 2, 8192, UP_TO_10, 3, 10),
    size("m5a.xlarge", 4, 16_384, UP_TO_10, 4, 15),
    size("m6i.large", 2, 8192, UP_TO_12, 3, 10),
    size("m6i.xlarge", 4, 16_384, UP_TO_12, 4, 15),
    size("m6i.2xlarge", 8, 32_768, UP_TO_12, 4, 15),
    size("m6i.4xlarge", 16, 65_536, UP_TO_12, 8, 30),
    size("m6a.large", 2, 8192, UP_TO_12, 3, 10),
    size("m6a.xlarge", 4, 16_384, UP_TO_12, 4, 15),
    size("m6g.medium", 1, 4096, UP_TO_10, 2, 4),
    size("m6g.large", 2, 8192, UP_TO_10, 3, 10),
    size("m6g.xlarge", 4, 16_384, UP_TO_10, 4, 15),
    size("m7i.large", 2, 8192, UP_TO_12, 3, 10),
    size("m7i.xlarge", 4, 16_384, UP_TO_12, 4, 15),
    size("m7i.2xlarge", 8, 32_768, UP_TO_12, 4, 15),
    size("m7i-flex.large", 2, 8192, UP_TO_12, 3, 4),
    size("m7i-flex.xlarge", 4, 16_384, UP_TO_12, 4, 15),
    size("m7g.medium", 1, 4096, UP_TO_12, 2, 4),
    size("m7g.large", 2, 8192, UP_TO_12, 3, 10),
    size("m7g.xlarge", 4, 16_384, UP_TO_12, 4, 15),
    size("c5.large", 2, 4096, UP_TO_10, 3, 10),
    size("c5.xlarge", 4, 8192, UP_TO_10, 4, 15),
    size("c5.2xlarge", 8, 16_384, UP_TO_10, 4, 15),
    size("c5.4xlarge", 16, 32_768, UP_TO_10, 8, 30),
    size("c6i.large", 2, 4096, UP_TO_12, 3, 10),
    size("c6i.xlarge", 4, 8192, UP_TO_12, 4, 15),
    size("c6i.2xlarge", 8, 16_384, UP_TO_12, 4, 15),
    size("c6g.medium", 1, 2048, UP_TO_10, 2, 4),
    size("c6g.large", 2, 4096, UP_TO_10, 3, 10),
    size("c6g.xlarge", 4, 8192, UP_TO_10, 4, 15),
    size("c7i.large", 2, 4096, UP_TO_12, 3, 10),
    size("c7i.xlarge", 4, 8192, UP_TO_12, 4, 15),
    size("c7i-flex.large", 2, 4096, UP_TO_12, 3, 10),
    size("c7i-flex.xlarge", 4, 8192, UP_TO_12, 4, 15),
    size("c7g.medium", 1, 2048, UP_TO_12, 2, 4),
    size("c7g.large", 2, 4096, UP_TO_12, 3, 10),
    size("c7g.xlarge", 4, 8192, UP_TO_12, 4, 15),
    size("r5.large", 2, 16_384, UP_TO_10, 3, 10),
    size("r5.xlarge", 4, 32_768, UP_TO_10, 4, 15),
    size("r5.2xlarge", 8, 65_536, UP_TO_10, 4, 15),
    size("r6i.large", 2, 16_384, UP_TO_12, 3, 10),
    size("r6i.xlarge", 4, 32_768, UP_TO_12, 4, 15),
    size("r6g.medium", 1, 8192, UP_TO_10, 2, 4),
    size("r6g.large", 2, 16_384, UP_TO_10, 3, 10),
    size("r7i.large", 2, 16_384, UP_TO_12, 3, 10),
    size("r7g.medium", 1, 8192, UP_TO_12, 2, 4),
    size("r7g.large", 2, 16_384, UP_TO_12, 3, 10),
];

/// The types that an account on today's free plan may use for free
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-free-tier-usage.html>).
const FREE: &[&str] = &[
    "t3.micro",
    "t3.small",
    "t4g.micro",
    "t4g.small",
    "c7i-flex.large",
    "m7i-flex.large",
];

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

const FACETS: &[Facet<InstanceType>] = &[
    ("auto-recovery-supported", |_, _| one(true)),
    ("bare-metal", |_, _| one(false)),
    ("burstable-performance-supported", |_, t| one(t.burstable())),
    ("current-generation", |_, _| one(true)),
    ("ebs-info.ebs-optimized-support", |_, t| {
        one(if t.nitro() { "default" } else { "unsupported" })
    }),
    ("ebs-info.encryption-support", |_, _| one("supported")),
    ("ebs-info.nvme-support", |_, t| {
        one(if t.nitro() { "required" } else { "unsupported" })
    }),
    ("free-tier-eligible", |_, t| one(t.free())),
    ("hypervisor", |_, t| one(t.family().hypervisor)),
    ("instance-storage-supported", |_, _| one(false)),
    ("instance-type", |_, t| one(t.name)),
    ("memory-info.size-in-mib", |_, t| one(t.mib)),
    ("network-info.ena-support", |_, t| {
        one(if t.nitro() { "required" } else { "unsupported" })
    }),
    ("network-info.ipv4-addresses-per-interface", |_, t| {
        one(t.addresses)
    }),
    ("network-info.maximum-network-interfaces", |_, t| {
        one(t.interfaces)
    }),
    ("network-info.network-performance", |_, t| one(t.network)),
    ("processor-info.supported-architecture", |_, t| {
        many(t.architectures())
    }),
    ("processor-info.sustained-clock-speed-in-ghz", |_, t| {
        one(clock(t))
    }),
    ("supported-boot-mode", |_, t| many(t.boot_modes())),
    ("supported-root-device-type", |_, _| one("ebs")),
    ("supported-usage-class", |_, _| many(["on-demand", "spot"])),
    ("supported-virtualization-type", |_, _| one("hvm")),
    ("vcpu-info.default-cores", |_, t| one(t.cores())),
    (
        "vcpu-info.default-threads-per-core",
        |_, t| one(t.threads()),
    ),
    ("vcpu-info.default-vcpus", |_, t| one(t.vcpus)),
];

fn clock(kind: &InstanceType) -> String {
    let clock = kind.family().clock;
    format!("{}.{}", clock / 10, clock % 10)
}

fn in_order() -> Vec<&'static InstanceType> {
    let mut types: Vec<_> = TYPES.iter().collect();
    types.sort_by_key(|kind| kind.name);
    types
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let names = params.list("InstanceType")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 100)?;
    params.finish()?;
    let unknown: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| instance_type(name).is_none())
        .collect();
    if !unknown.is_empty() {
        return Err(ApiError::new(
            "InvalidInstanceType",
            format!(
                "The following supplied instance types do not exist: [{}]",
                unknown.join(", ")
            ),
        ));
    }
    page.not_with("instanceTypes", &names)?;
    let asked = in_order()
        .into_iter()
        .filter(|kind| names.is_empty() || names.iter().any(|name| name == kind.name));
    let found = filters.select(site.region, FACETS, |kind| kind.name, asked)?;
    let (found, next) = page.cut(found, |kind| kind.name.to_owned());
    let mut xml = Xml::new();
    xml.list("instanceTypeSet", found, show)
        .maybe("nextToken", next);
    Ok(xml)
}

fn show(xml: &mut Xml, kind: &InstanceType) {
    let nitro = kind.nitro();
    xml.leaf("instanceType", kind.name)
        .leaf("currentGeneration", true)
        .leaf("freeTierEligible", kind.free())
        .texts("supportedUsageClasses", ["on-demand", "spot"])
        .texts("supportedRootDeviceTypes", ["ebs"])
        .texts("supportedVirtualizationTypes", ["hvm"])
        .leaf("bareMetal", false)
        .leaf("hypervisor", kind.family().hypervisor)
        .node("processorInfo", |xml| {
            xml.texts("supportedArchitectures", kind.architectures())
                .leaf("sustainedClockSpeedInGhz", clock(kind))
                .leaf("manufacturer", kind.family().manufacturer);
        })
        .node("vCpuInfo", |xml| {
            xml.leaf("defaultVCpus", kind.vcpus)
                .leaf("defaultCores", kind.cores())
                .leaf("defaultThreadsPerCore", kind.threads());
        })
        .node("memoryInfo", |xml| {
            xml.leaf("sizeInMiB", kind.mib);
        })
        .leaf("instanceStorageSupported", false)
        .node("ebsInfo", |xml| {
            xml.leaf(
                "ebsOptimizedSupport",
                if nitro { "default" } else { "unsupported" },
            )
            .leaf("encryptionSupport", "supported")
            .leaf(
                "nvmeSupport",
                if nitro { "required" } else { "unsupported" },
            );
        })
        .node("networkInfo", |xml| {
            xml.leaf("networkPerformance", kind.network)
                .leaf("maximumNetworkInterfaces", kind.interfaces)
                .leaf("maximumNetworkCards", 1)
                .leaf("defaultNetworkCardIndex", 0)
                .leaf("ipv4AddressesPerInterface", kind.addresses)
                .leaf("ipv6AddressesPerInterface", kind.addresses)
                .leaf("ipv6Supported", true)
                .leaf("enaSupport", if nitro { "required" } else { "unsupported" })
                .leaf("efaSupported", false);
        })
        .node("placementGroupInfo", |xml| {
            let strategies: &[&str] = if kind.burstable() {
                &["partition", "spread"]
            } else {
                &["cluster", "partition", "spread"]
            };
            xml.texts("supportedStrategies", strategies);
        })
        .leaf("burstablePerformanceSupported", kind.burstable())
        .leaf("autoRecoverySupported", true)
        .texts("supportedBootModes", kind.boot_modes());
}

/// A type at a place.
struct Offering {
    kind: &'static str,
    location: String,
}

const OFFERING_FACETS: &[Facet<Offering>] = &[
    ("instance-type", |_, offering| one(offering.kind)),
    ("location", |_, offering| one(&offering.location)),
];

fn offerings(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let place = params
        .choice(
            "LocationType",
            &["region", "availability-zone", "availability-zone-id"],
        )?
        .unwrap_or_else(|| "region".to_owned());
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    let locations = locations(site.region, &place);
    let all: Vec<Offering> = in_order()
        .into_iter()
        .flat_map(|kind| {
            locations.iter().map(|location| Offering {
                kind: kind.name,
                location: location.clone(),
            })
        })
        .collect();
    let found = filters.select(site.region, OFFERING_FACETS, |_| "", &all)?;
    let (found, next) = page.cut(found, |offering| {
        format!("{}\n{}", offering.kind, offering.location)
    });
    let mut xml = Xml::new();
    xml.list("instanceTypeOfferingSet", found, |xml, offering| {
        xml.leaf("instanceType", offering.kind)
            .leaf("locationType", &place)
            .leaf("location", &offering.location);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn locations(region: &Region, place: &str) -> Vec<String> {
    match place {
        "region" => vec![region.name.clone()],
        "availability-zone" => places::zones(&region.name),
        _ => places::zones(&region.name)
            .iter()
            .map(|zone| places::zone_id(&region.name, zone))
            .collect(),
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
