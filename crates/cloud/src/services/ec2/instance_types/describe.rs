//! How types, and where they are offered, are shown.

use super::super::filters::{Facet, Filters, Page, many, one};
use super::super::params::Params;
use super::super::places;
use super::super::region::{Region, Site};
use super::super::xml::Xml;
use super::{InstanceType, TYPES, instance_type};
use crate::api::ApiError;

pub(super) const FACETS: &[Facet<InstanceType>] = &[
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

pub(super) fn clock(kind: &InstanceType) -> String {
    let clock = kind.family().clock;
    format!("{}.{}", clock / 10, clock % 10)
}

pub(super) fn in_order() -> Vec<&'static InstanceType> {
    let mut types: Vec<_> = TYPES.iter().collect();
    types.sort_by_key(|kind| kind.name);
    types
}

pub(super) fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

pub(super) fn show(xml: &mut Xml, kind: &InstanceType) {
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
pub(super) struct Offering {
    kind: &'static str,
    location: String,
}

const OFFERING_FACETS: &[Facet<Offering>] = &[
    ("instance-type", |_, offering| one(offering.kind)),
    ("location", |_, offering| one(&offering.location)),
];

pub(super) fn offerings(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

pub(super) fn locations(region: &Region, place: &str) -> Vec<String> {
    match place {
        "region" => vec![region.name.clone()],
        "availability-zone" => places::zones(&region.name),
        _ => places::zones(&region.name)
            .iter()
            .map(|zone| places::zone_id(&region.name, zone))
            .collect(),
    }
}
