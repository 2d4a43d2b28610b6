//! What an instance is to be like: the part that `RunInstances` and launch templates have in common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::block_devices::{self, Mapping};
use super::kinds;
use super::params::Params;
use super::region::Tags;
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// What an instance is to be like; what is not said comes from a template, the image or AWS's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchData {
    /// The image.
    pub image: Option<String>,
    /// E.g. `t3.nano`.
    pub instance_type: Option<String>,
    /// The key pair's name.
    pub key_name: Option<String>,
    /// Security groups by id.
    pub group_ids: Vec<String>,
    /// Security groups of the default network by name.
    pub group_names: Vec<String>,
    /// The subnet; templates say it in an interface.
    pub subnet: Option<String>,
    /// The primary private address.
    pub private_address: Option<String>,
    /// What cloud-init runs, in base64.
    pub user_data: Option<String>,
    /// The instance profile's ARN or name.
    pub profile: Option<Profile>,
    /// Disks.
    pub mappings: Vec<Mapping>,
    /// Network interfaces.
    pub interfaces: Vec<InterfaceWish>,
    /// Whether there are metrics every minute.
    pub monitoring: Option<bool>,
    /// The availability zone.
    pub zone: Option<String>,
    /// Whether it has its own throughput for disks.
    pub ebs_optimized: Option<bool>,
    /// Whether it cannot be terminated by the API.
    pub no_termination: Option<bool>,
    /// Whether it cannot be stopped by the API.
    pub no_stop: Option<bool>,
    /// `stop` or `terminate`, when it shuts itself down.
    pub shutdown: Option<String>,
    /// `standard` or `unlimited`.
    pub credit: Option<String>,
    /// How its metadata is read.
    pub metadata: MetadataWish,
    /// Tags, by resource type.
    pub tags: Vec<(String, Tags)>,
}

/// An instance profile as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// By ARN.
    Arn(String),
    /// By name.
    Name(String),
}

/// A network interface as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceWish {
    /// 0 for the primary one.
    pub device_index: u32,
    /// An interface that exists.
    pub existing: Option<String>,
    /// Or the subnet of a new one,
    pub subnet: Option<String>,
    /// its groups,
    pub groups: Vec<String>,
    /// its address,
    pub private_address: Option<String>,
    /// what it is for,
    pub description: Option<String>,
    /// whether it gets a public address,
    pub public: Option<bool>,
    /// and whether it goes with the instance.
    pub delete_on_termination: Option<bool>,
}

/// How an instance's metadata is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataWish {
    /// `optional` or `required`: whether a token is needed.
    pub tokens: Option<String>,
    /// How far an answer travels.
    pub hop_limit: Option<u32>,
    /// `enabled` or `disabled`.
    pub endpoint: Option<String>,
    /// Whether tags can be read.
    pub tags: Option<String>,
}

impl MetadataWish {
    /// Takes the members of `MetadataOptions` from the parameters.
    pub(super) fn read(params: &mut Params) -> Result<Self, ApiError> {
        const SWITCH: &[&str] = &["enabled", "disabled"];
        if params.choice("HttpProtocolIpv6", SWITCH)?.as_deref() == Some("enabled") {
            return Err(ApiError::not_modelled("HttpProtocolIpv6=enabled"));
        }
        let wish = Self {
            tokens: params.choice("HttpTokens", &["optional", "required"])?,
            hop_limit: params.number("HttpPutResponseHopLimit")?,
            endpoint: params.choice("HttpEndpoint", SWITCH)?,
            tags: params.choice("InstanceMetadataTags", SWITCH)?,
        };
        if wish.endpoint.as_deref() == Some("disabled") {
            return Err(ApiError::not_modelled("HttpEndpoint=disabled"));
        }
        if let Some(limit) = wish.hop_limit.filter(|limit| !(1..=64).contains(limit)) {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("HttpPutResponseHopLimit must be between 1 and 64, not {limit}"),
            ));
        }
        Ok(wish)
    }

    fn over(self, below: Self) -> Self {
        Self {
            tokens: self.tokens.or(below.tokens),
            hop_limit: self.hop_limit.or(below.hop_limit),
            endpoint: self.endpoint.or(below.endpoint),
            tags: self.tags.or(below.tags),
        }
    }
}

impl LaunchData {
    /// Takes from the parameters what `RunInstances` and templates have in common.
    pub(super) fn read(params: &mut Params) -> Result<Self, ApiError> {
        let zone = params
            .part("Placement", |placement| {
                if let Some(tenancy) = placement.text("Tenancy")?
                    && tenancy != "default"
                {
                    return Err(ApiError::not_modelled(format_args!("tenancy {tenancy}")));
                }
                placement.text("AvailabilityZone")
            })?
            .flatten()
            // Terraform names no zone by an empty name.
            .filter(|zone| !zone.is_empty());
        // Tools say these although any instance has them so.
        for (part, flag) in [
            ("HibernationOptions", "Configured"),
            ("EnclaveOptions", "Enabled"),
        ] {
            if params.part(part, |options| options.flag(flag))?.flatten() == Some(true) {
                return Err(ApiError::not_modelled(format_args!("{part}.{flag}")));
            }
        }
        let data = Self {
            image: params.text("ImageId")?,
            instance_type: params.text("InstanceType")?,
            key_name: params.text("KeyName")?,
            group_ids: params.list("SecurityGroupId")?,
            group_names: params.list("SecurityGroup")?,
            subnet: None,
            private_address: None,
            user_data: params.text("UserData")?.filter(|data| !data.is_empty()),
            profile: profile(params)?,
            mappings: block_devices::read(params)?,
            interfaces: params.each("NetworkInterface", interface)?,
            monitoring: params
                .part("Monitoring", |part| part.flag("Enabled"))?
                .flatten(),
            zone,
            ebs_optimized: params.flag("EbsOptimized")?,
            no_termination: params.flag("DisableApiTermination")?,
            no_stop: params.flag("DisableApiStop")?,
            shutdown: params.choice("InstanceInitiatedShutdownBehavior", &["stop", "terminate"])?,
            credit: params
                .part("CreditSpecification", |part| {
                    part.choice("CpuCredits", &["standard", "unlimited"])
                })?
                .flatten(),
            metadata: params
                .part("MetadataOptions", MetadataWish::read)?
                .unwrap_or_default(),
            tags: tags::specifications(
                params,
                &[&kinds::INSTANCE, &kinds::VOLUME, &kinds::INTERFACE],
            )?,
        };
        data.check()?;
        Ok(data)
    }

    fn check(&self) -> Result<(), ApiError> {
        let Some(encoded) = &self.user_data else {
            return Ok(());
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| {
            ApiError::new(
                "InvalidParameterValue",
                "Invalid BASE64 encoding of user data.",
            )
        })?;
        if bytes.len() > 16 * 1024 {
            return Err(ApiError::new(
                "InvalidParameterValue",
                "User data is limited to 16384 bytes",
            ));
        }
        Ok(())
    }

    /// This where it says something, else what `below` says.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        fn list<T>(above: Vec<T>, below: Vec<T>) -> Vec<T> {
            if above.is_empty() { below } else { above }
        }
        // Groups by id and by name are one setting in two spellings.
        let (group_ids, group_names) = if self.group_ids.is_empty() && self.group_names.is_empty() {
            (below.group_ids, below.group_names)
        } else {
            (self.group_ids, self.group_names)
        };
        let mut tags = below.tags;
        tags.extend(self.tags);
        Self {
            image: self.image.or(below.image),
            instance_type: self.instance_type.or(below.instance_type),
            key_name: self.key_name.or(below.key_name),
            group_ids,
            group_names,
            subnet: self.subnet.or(below.subnet),
            private_address: self.private_address.or(below.private_address),
            user_data: self.user_data.or(below.user_data),
            profile: self.profile.or(below.profile),
            mappings: block_devices::merge(below.mappings, self.mappings),
            interfaces: list(self.interfaces, below.interfaces),
            monitoring: self.monitoring.or(below.monitoring),
            zone: self.zone.or(below.zone),
            ebs_optimized: self.ebs_optimized.or(below.ebs_optimized),
            no_termination: self.no_termination.or(below.no_termination),
            no_stop: self.no_stop.or(below.no_stop),
            shutdown: self.shutdown.or(below.shutdown),
            credit: self.credit.or(below.credit),
            metadata: self.metadata.over(below.metadata),
            tags,
        }
    }

    /// As `DescribeLaunchTemplateVersions` shows it.
    pub(super) fn show(&self, xml: &mut Xml) {
        xml.maybe("imageId", self.image.as_ref())
            .maybe("instanceType", self.instance_type.as_ref())
            .maybe("keyName", self.key_name.as_ref())
            .maybe("userData", self.user_data.as_ref())
            .maybe("ebsOptimized", self.ebs_optimized)
            .maybe("disableApiTermination", self.no_termination)
            .maybe("disableApiStop", self.no_stop)
            .maybe("instanceInitiatedShutdownBehavior", self.shutdown.as_ref());
        if !self.group_ids.is_empty() {
            xml.texts("securityGroupIdSet", &self.group_ids);
        }
        if !self.group_names.is_empty() {
            xml.texts("securityGroupSet", &self.group_names);
        }
        match &self.profile {
            Some(Profile::Arn(arn)) => {
                xml.node("iamInstanceProfile", |xml| {
                    xml.leaf("arn", arn);
                });
            }
            Some(Profile::Name(name)) => {
                xml.node("iamInstanceProfile", |xml| {
                    xml.leaf("name", name);
                });
            }
            None => {}
        }
        if let Some(on) = self.monitoring {
            xml.node("monitoring", |xml| {
                xml.leaf("enabled", on);
            });
        }
        if let Some(zone) = &self.zone {
            xml.node("placement", |xml| {
                xml.leaf("availabilityZone", zone);
            });
        }
        if let Some(credit) = &self.credit {
            xml.node("creditSpecification", |xml| {
                xml.leaf("cpuCredits", credit);
            });
        }
        if self.metadata != MetadataWish::default() {
            xml.node("metadataOptions", |xml| {
                xml.maybe("httpTokens", self.metadata.tokens.as_ref())
                    .maybe("httpPutResponseHopLimit", self.metadata.hop_limit)
                    .maybe("httpEndpoint", self.metadata.endpoint.as_ref())
                    .maybe("instanceMetadataTags", self.metadata.tags.as_ref());
            });
        }
        if !self.mappings.is_empty() {
            xml.list("blockDeviceMappingSet", &self.mappings, |xml, mapping| {
                mapping.show(xml);
            });
        }
        if !self.interfaces.is_empty() {
            xml.list("networkInterfaceSet", &self.interfaces, show_interface);
        }
        if !self.tags.is_empty() {
            xml.list("tagSpecificationSet", &self.tags, |xml, (kind, tags)| {
                xml.leaf("resourceType", kind).tags(Some(tags));
            });
        }
    }
}

fn show_interface(xml: &mut Xml, wish: &InterfaceWish) {
    xml.leaf("deviceIndex", wish.device_index)
        .maybe("associatePublicIpAddress", wish.public)
        .maybe("deleteOnTermination", wish.delete_on_termination)
        .maybe("description", wish.description.as_ref())
        .maybe("networkInterfaceId", wish.existing.as_ref())
        .maybe("privateIpAddress", wish.private_address.as_ref())
        .maybe("subnetId", wish.subnet.as_ref());
    if !wish.groups.is_empty() {
        xml.node("groupSet", |xml| {
            for group in &wish.groups {
                xml.leaf("groupId", group);
            }
        });
    }
}

/// Takes `IamInstanceProfile` from the parameters.
pub fn profile(params: &mut Params) -> Result<Option<Profile>, ApiError> {
    Ok(params
        .part("IamInstanceProfile", |part| {
            match (part.text("Arn")?, part.text("Name")?) {
                (Some(_), Some(_)) => Err(ApiError::new(
                    "InvalidParameterCombination",
                    "The parameter iamInstanceProfile.arn may not be used with iamInstanceProfile.name",
                )),
                (Some(arn), None) => Ok(Some(Profile::Arn(arn))),
                (None, name) => Ok(name.map(Profile::Name)),
            }
        })?
        .flatten())
}

fn interface(params: &mut Params) -> Result<InterfaceWish, ApiError> {
    if let Some(kind) = params.text("InterfaceType")?
        && kind != "interface"
    {
        return Err(ApiError::not_modelled(format_args!(
            "a network interface of type {kind}"
        )));
    }
    Ok(InterfaceWish {
        device_index: params.number("DeviceIndex")?.unwrap_or(0),
        existing: params.text("NetworkInterfaceId")?,
        subnet: params.text("SubnetId")?,
        groups: params.list("SecurityGroupId")?,
        private_address: params.text("PrivateIpAddress")?,
        description: params.text("Description")?,
        public: params.flag("AssociatePublicIpAddress")?,
        delete_on_termination: params.flag("DeleteOnTermination")?,
    })
}
