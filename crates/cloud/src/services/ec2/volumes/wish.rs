//! What a volume is to be like: size, type, speed, and where it begins.

use serde::{Deserialize, Serialize};

use super::super::block_devices::Mapping;
use super::super::kinds;
use super::super::region::Region;
use crate::api::ApiError;

/// What a modification changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// In GiB.
    pub size: u32,
    /// E.g. `gp3`.
    pub volume_type: String,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
}

/// What a volume is to be like, checked.
#[derive(Debug, Clone)]
pub struct NewVolume {
    /// Size and speed.
    pub speed: Speed,
    /// The snapshot that it begins as.
    pub snapshot: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// A type of volume with the smallest and the largest size in GiB
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>).
pub(super) const TYPES: &[(&str, u32, u32)] = &[
    ("gp2", 1, 16_384),
    ("gp3", 1, 65_536),
    ("io1", 4, 16_384),
    ("io2", 4, 65_536),
    ("st1", 125, 16_384),
    ("sc1", 125, 16_384),
    ("standard", 1, 1024),
];

pub(super) fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

impl Speed {
    /// Checks size and speed, and adds the type's own where nothing is said.
    pub fn new(
        volume_type: &str,
        size: u32,
        iops: Option<u32>,
        throughput: Option<u32>,
    ) -> Result<Self, ApiError> {
        let Some((_, least, most)) = TYPES.iter().find(|(name, ..)| *name == volume_type) else {
            return Err(ApiError::new(
                "UnknownVolumeType",
                format!("Unsupported volume type '{volume_type}' for volume creation."),
            ));
        };
        if !(*least..=*most).contains(&size) {
            return Err(invalid(format!(
                "Volume of {size}GiB is invalid for type {volume_type}; must be between {least}GiB and {most}GiB"
            )));
        }
        let provisioned = matches!(volume_type, "io1" | "io2" | "gp3");
        if iops.is_some() && !provisioned {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter iops is not supported for {volume_type} volumes."),
            ));
        }
        if throughput.is_some() && volume_type != "gp3" {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter throughput is not supported for {volume_type} volumes."),
            ));
        }
        let iops = match volume_type {
            "gp3" => Some(iops.unwrap_or(3000)),
            "io1" | "io2" => Some(iops.ok_or_else(|| {
                ApiError::new(
                    "MissingParameter",
                    format!("The parameter iops must be specified for {volume_type} volumes."),
                )
            })?),
            // Three a GiB, at least 100, at most 16 000.
            "gp2" => Some((size * 3).clamp(100, 16_000)),
            _ => None,
        };
        let range = match volume_type {
            "gp3" => Some(3000..=80_000),
            "io1" => Some(100..=64_000),
            "io2" => Some(100..=256_000),
            _ => None,
        };
        if let (Some(iops), Some(range)) = (iops, range)
            && !range.contains(&iops)
        {
            return Err(invalid(format!(
                "Volume iops of {iops} is invalid; must be between {} and {}.",
                range.start(),
                range.end()
            )));
        }
        let throughput = (volume_type == "gp3").then(|| throughput.unwrap_or(125));
        if let Some(throughput) = throughput.filter(|mib| !(125..=2000).contains(mib)) {
            return Err(invalid(format!(
                "Volume throughput of {throughput} is invalid; must be between 125 and 2000."
            )));
        }
        Ok(Self {
            size,
            volume_type: volume_type.to_owned(),
            iops,
            throughput,
        })
    }
}

impl NewVolume {
    /// The volume of a device of an instance.
    pub fn of(region: &Region, mapping: &Mapping) -> Result<Self, ApiError> {
        let ebs = &mapping.ebs;
        let snapshot = ebs.snapshot.as_ref();
        let snapshot = snapshot
            .map(|id| Region::find(&region.snapshots, &kinds::SNAPSHOT, id))
            .transpose()?;
        let size = ebs.size.or(snapshot.map(|snapshot| snapshot.size));
        let Some(size) = size else {
            return Err(ApiError::new(
                "InvalidBlockDeviceMapping",
                format!(
                    "The device '{}' needs a volume size or a snapshot",
                    mapping.device
                ),
            ));
        };
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.size > size) {
            return Err(ApiError::new(
                "InvalidBlockDeviceMapping",
                format!(
                    "Volume of size {size}GB is smaller than snapshot '{}', expect size>= {}GB",
                    snapshot.id, snapshot.size
                ),
            ));
        }
        let encrypted = ebs.encrypted.unwrap_or(false);
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.encrypted)
            && ebs.encrypted == Some(false)
        {
            return Err(ApiError::new(
                "InvalidParameterDependency",
                format!(
                    "The volume of the encrypted snapshot '{}' cannot be unencrypted",
                    snapshot.id
                ),
            ));
        }
        Ok(Self {
            speed: Speed::new(
                ebs.volume_type.as_deref().unwrap_or("gp2"),
                size,
                ebs.iops,
                ebs.throughput,
            )?,
            snapshot: ebs.snapshot.clone(),
            encrypted: encrypted || snapshot.is_some_and(|snapshot| snapshot.encrypted),
        })
    }
}
