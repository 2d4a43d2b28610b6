//! Block device mappings: which volumes an image or an instance is to have.

use serde::{Deserialize, Serialize};

use super::params::Params;
use super::xml::Xml;
use crate::api::ApiError;

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// E.g. `/dev/xvda`.
    pub device: String,
    /// Whether the image's device of this name is left out.
    pub none: bool,
    /// What the volume is to be like.
    pub ebs: Ebs,
}

/// What a volume is to be like; what is not said comes from the snapshot or AWS's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ebs {
    /// The snapshot that it begins as.
    pub snapshot: Option<String>,
    /// In GiB.
    pub size: Option<u32>,
    /// E.g. `gp3`.
    pub volume_type: Option<String>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// Whether it goes with the instance.
    pub delete_on_termination: Option<bool>,
}

/// Takes `BlockDeviceMapping.N` from the parameters.
pub fn read(params: &mut Params) -> Result<Vec<Mapping>, ApiError> {
    params.each("BlockDeviceMapping", |mapping| {
        Ok(Mapping {
            device: mapping.need("DeviceName")?,
            none: mapping.text("NoDevice")?.is_some(),
            ebs: mapping
                .part("Ebs", |ebs| {
                    Ok(Ebs {
                        snapshot: ebs.text("SnapshotId")?,
                        size: ebs.number("VolumeSize")?,
                        volume_type: ebs.text("VolumeType")?,
                        iops: ebs.number("Iops")?,
                        throughput: ebs.number("Throughput")?,
                        encrypted: ebs.flag("Encrypted")?,
                        delete_on_termination: ebs.flag("DeleteOnTermination")?,
                    })
                })?
                .unwrap_or_default(),
        })
    })
}

/// The devices of `below`, each as `above` changes it, and those that only `above` has.
pub fn merge(below: Vec<Mapping>, above: Vec<Mapping>) -> Vec<Mapping> {
    let mut merged = below;
    for mapping in above {
        match merged.iter_mut().find(|old| old.device == mapping.device) {
            None => merged.push(mapping),
            Some(old) => {
                let ebs = std::mem::take(&mut old.ebs);
                old.none = mapping.none;
                old.ebs = Ebs {
                    snapshot: mapping.ebs.snapshot.or(ebs.snapshot),
                    size: mapping.ebs.size.or(ebs.size),
                    volume_type: mapping.ebs.volume_type.or(ebs.volume_type),
                    iops: mapping.ebs.iops.or(ebs.iops),
                    throughput: mapping.ebs.throughput.or(ebs.throughput),
                    encrypted: mapping.ebs.encrypted.or(ebs.encrypted),
                    delete_on_termination: mapping
                        .ebs
                        .delete_on_termination
                        .or(ebs.delete_on_termination),
                };
            }
        }
    }
    merged
}

impl Mapping {
    /// As images and templates show it.
    pub fn show(&self, xml: &mut Xml) {
        xml.leaf("deviceName", &self.device);
        if self.none {
            xml.leaf("noDevice", "");
            return;
        }
        xml.node("ebs", |xml| {
            xml.maybe("snapshotId", self.ebs.snapshot.as_ref())
                .maybe("volumeSize", self.ebs.size)
                .maybe("volumeType", self.ebs.volume_type.as_ref())
                .maybe("iops", self.ebs.iops)
                .maybe("throughput", self.ebs.throughput)
                .maybe("encrypted", self.ebs.encrypted)
                .maybe("deleteOnTermination", self.ebs.delete_on_termination);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overriding_keeps_what_is_not_said() {
        let image = Mapping {
            device: "/dev/xvda".to_owned(),
            none: false,
            ebs: Ebs {
                snapshot: Some("snap-1".to_owned()),
                size: Some(8),
                ..Ebs::default()
            },
        };
        let wish = Mapping {
            device: "/dev/xvda".to_owned(),
            ebs: Ebs {
                size: Some(20),
                ..Ebs::default()
            },
            ..Mapping::default()
        };
        let merged = merge(vec![image], vec![wish]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].ebs.size, Some(20));
        assert_eq!(merged[0].ebs.snapshot.as_deref(), Some("snap-1"));
    }
}
