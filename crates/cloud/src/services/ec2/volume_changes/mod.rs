//! Volumes attached, detached, made larger and faster, and their status.

mod attach;
mod modify;
mod status;

use self::attach::{attach, detach};
use self::modify::{describe_modifications, modify};
use self::status::describe_status;
use super::region::Action;

/// The actions that change volumes.
pub const ACTIONS: &[(&str, Action)] = &[
    ("AttachVolume", attach),
    ("DescribeVolumeStatus", describe_status),
    ("DescribeVolumesModifications", describe_modifications),
    ("DetachVolume", detach),
    ("ModifyVolume", modify),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::{Asked, text};

    #[test]
    fn a_volume_is_attached_grown_and_deleted() {
        let mut ec2 = Asked::new();
        let instance = ec2.run(&[]);
        ec2.wait(20);
        let made = ec2.ok(
            "CreateVolume",
            &[
                ("AvailabilityZone", "us-east-1a"),
                ("Size", "10"),
                ("VolumeType", "gp3"),
            ],
        );
        let volume = text(&made, "volumeId")[0].clone();
        let on = [
            ("VolumeId", volume.as_str()),
            ("InstanceId", &instance),
            ("Device", "/dev/sdf"),
        ];
        assert_eq!(
            ec2.fails("AttachVolume", &on),
            format!("IncorrectState: Volume '{volume}' is not in the 'available' state.")
        );
        ec2.wait(10);
        ec2.ok("AttachVolume", &on);
        assert!(ec2.fails("AttachVolume", &on).starts_with("VolumeInUse: "));
        assert!(
            ec2.fails("DeleteVolume", &[("VolumeId", &volume)])
                .starts_with("VolumeInUse: ")
        );
        ec2.ok("ModifyVolume", &[("VolumeId", &volume), ("Size", "20")]);
        assert!(
            ec2.fails("ModifyVolume", &[("VolumeId", &volume), ("Size", "30")])
                .starts_with("VolumeModificationRateExceeded: ")
        );
        ec2.wait(61);
        let seen = ec2.ok("DescribeVolumesModifications", &[("VolumeId.1", &volume)]);
        assert_eq!(text(&seen, "modificationState"), ["completed"]);
        assert_eq!(text(&seen, "targetSize"), ["20"]);
        ec2.ok("DetachVolume", &[("VolumeId", &volume)]);
        ec2.ok("DeleteVolume", &[("VolumeId", &volume)]);
        assert_eq!(
            ec2.fails("DescribeVolumes", &[("VolumeId.1", &volume)]),
            format!("InvalidVolume.NotFound: The volume '{volume}' does not exist.")
        );
    }

    #[test]
    fn the_zone_must_be_the_same() {
        let mut ec2 = Asked::new();
        let instance = ec2.run(&[]);
        let made = ec2.ok(
            "CreateVolume",
            &[("AvailabilityZone", "us-east-1b"), ("Size", "1")],
        );
        let volume = text(&made, "volumeId")[0].clone();
        ec2.wait(20);
        let on = [
            ("VolumeId", volume.as_str()),
            ("InstanceId", &instance),
            ("Device", "/dev/sdf"),
        ];
        assert!(
            ec2.fails("AttachVolume", &on)
                .starts_with("InvalidVolume.ZoneMismatch: ")
        );
    }
}
