//! The types that there are, with AWS's figures
//! (<https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html>).

use super::{Family, InstanceType};

pub(super) const fn family(
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

pub(super) const FAMILIES: &[Family] = &[
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

pub(super) const fn size(
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

pub(super) const LOW: &str = "Low to Moderate";

pub(super) const MODERATE: &str = "Moderate";

pub(super) const UP_TO_5: &str = "Up to 5 Gigabit";

pub(super) const UP_TO_10: &str = "Up to 10 Gigabit";

pub(super) const UP_TO_12: &str = "Up to 12.5 Gigabit";

pub(super) const TYPES: &[InstanceType] = &[
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
pub(super) const FREE: &[&str] = &[
    "t3.micro",
    "t3.small",
    "t4g.micro",
    "t4g.small",
    "c7i-flex.large",
    "m7i-flex.large",
];
