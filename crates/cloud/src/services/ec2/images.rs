//! Images.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::block_devices::Mapping;
use super::filters::{Facet, Filters, Page, many, one, opt};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::xml::{Xml, stamp};
use crate::api::ApiError;
use crate::hosts::Flavour;

/// The actions that describe images; those that make and change them are in [`super::image_making`].
pub const ACTIONS: &[(&str, Action)] = &[("DescribeImages", describe)];

/// Whether an image can be launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageState {
    /// Its snapshots are being made.
    Pending,
    /// It can.
    Available,
}

/// An image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    /// `ami-…`.
    pub id: String,
    /// Its name, unique among the owner's.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The account that owns it.
    pub owner: String,
    /// The well-known name of the owner, e.g. `amazon`.
    pub owner_alias: Option<String>,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Whether everybody can launch it.
    pub public: bool,
    /// The accounts that can launch it.
    pub users: Vec<String>,
    /// Whether it can be launched.
    pub state: ImageState,
    /// Since when there is it.
    pub created: Timestamp,
    /// When it is to be no longer used.
    pub deprecated: Option<Timestamp>,
    /// E.g. `/dev/xvda`.
    pub root_device: String,
    /// Its disks.
    pub mappings: Vec<Mapping>,
    /// Whether its instances ask for metadata tokens unless told otherwise.
    pub imds_v2: bool,
    /// The operating system on it, if there is one.
    pub flavour: Option<Flavour>,
    /// The instance that it was made of.
    pub source: Option<String>,
    /// The SSM parameter that names it.
    pub ssm_parameter: Option<String>,
}

impl Image {
    /// How its owner calls it in a bucket's way.
    fn location(&self) -> String {
        let owner = self.owner_alias.as_ref().unwrap_or(&self.owner);
        format!("{owner}/{}", self.name)
    }

    fn state_name(&self) -> &'static str {
        match self.state {
            ImageState::Pending => "pending",
            ImageState::Available => "available",
        }
    }

    fn boot_mode(&self) -> &'static str {
        if self.architecture == "arm64" {
            "uefi"
        } else {
            "uefi-preferred"
        }
    }

    /// Whether the account may launch it.
    fn launchable(&self, account: &str) -> bool {
        self.public || self.owner == account || self.users.iter().any(|user| user == account)
    }
}

impl Region {
    /// An image by id that the account may launch.
    pub fn image(&self, id: &str) -> Result<&Image, ApiError> {
        let image = Self::find(&self.images, &kinds::IMAGE, id)?;
        if image.launchable(&self.account) {
            return Ok(image);
        }
        Err(kinds::IMAGE.not_found(id))
    }
}

const FACETS: &[Facet<Image>] = &[
    ("architecture", |_, i| one(&i.architecture)),
    ("block-device-mapping.delete-on-termination", |_, i| {
        many(
            i.mappings
                .iter()
                .filter_map(|m| m.ebs.delete_on_termination),
        )
    }),
    ("block-device-mapping.device-name", |_, i| {
        many(i.mappings.iter().map(|m| &m.device))
    }),
    ("block-device-mapping.encrypted", |_, i| {
        many(i.mappings.iter().map(|m| m.ebs.encrypted.unwrap_or(false)))
    }),
    ("block-device-mapping.snapshot-id", |_, i| {
        many(i.mappings.iter().filter_map(|m| m.ebs.snapshot.as_ref()))
    }),
    ("block-device-mapping.volume-size", |_, i| {
        many(i.mappings.iter().filter_map(|m| m.ebs.size))
    }),
    ("block-device-mapping.volume-type", |_, i| {
        many(i.mappings.iter().filter_map(|m| m.ebs.volume_type.as_ref()))
    }),
    ("creation-date", |_, i| one(stamp(i.created))),
    ("description", |_, i| one(&i.description)),
    ("ena-support", |_, _| one(true)),
    ("hypervisor", |_, _| one("xen")),
    ("image-id", |_, i| one(&i.id)),
    ("image-type", |_, _| one("machine")),
    ("is-public", |_, i| one(i.public)),
    ("manifest-location", |_, i| one(i.location())),
    ("name", |_, i| one(&i.name)),
    ("owner-alias", |_, i| opt(i.owner_alias.as_ref())),
    ("owner-id", |_, i| one(&i.owner)),
    ("platform", |_, _| Vec::new()),
    ("root-device-name", |_, i| one(&i.root_device)),
    ("root-device-type", |_, _| one("ebs")),
    ("source-instance-id", |_, i| opt(i.source.as_ref())),
    ("state", |_, i| one(i.state_name())),
    ("virtualization-type", |_, _| one("hvm")),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("ImageId")?;
    let owners = params.list("Owner")?;
    let users = params.list("ExecutableBy")?;
    let deprecated = params.flag("IncludeDeprecated")?.unwrap_or(false);
    // No image can be disabled, so all that there are are the enabled ones.
    let _ = params.flag("IncludeDisabled")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 1, 1000)?;
    params.finish()?;
    let region = &*site.region;
    kinds::IMAGE.check(region, &ids)?;
    let now = site.now;
    let owned = |image: &Image| {
        owners.is_empty()
            || owners.iter().any(|owner| match owner.as_str() {
                "self" => image.owner == region.account,
                owner => image.owner == owner || image.owner_alias.as_deref() == Some(owner),
            })
    };
    let executable = |image: &Image| {
        users.is_empty()
            || users.iter().any(|user| match user.as_str() {
                "self" => image.users.contains(&region.account),
                "all" => image.public,
                user => image.users.iter().any(|other| other == user),
            })
    };
    let current = |image: &Image| {
        deprecated
            || image.owner == region.account
            || image.deprecated.is_none_or(|until| until > now)
    };
    let asked = region.images.values().filter(|image| {
        (ids.is_empty() || ids.contains(&image.id))
            && owned(image)
            && executable(image)
            && (!ids.is_empty() || current(image))
    });
    let found = filters.select(region, FACETS, |image| &image.id, asked)?;
    let (found, next) = page.cut(found, |image| image.id.clone());
    let mut xml = Xml::new();
    xml.list("imagesSet", found, |xml, image| show(xml, region, image))
        .maybe("nextToken", next);
    Ok(xml)
}

fn show(xml: &mut Xml, region: &Region, image: &Image) {
    xml.leaf("imageId", &image.id)
        .leaf("imageLocation", image.location())
        .leaf("imageState", image.state_name())
        .leaf("imageOwnerId", &image.owner)
        .maybe("imageOwnerAlias", image.owner_alias.as_ref())
        .leaf("isPublic", image.public)
        .leaf("architecture", &image.architecture)
        .leaf("imageType", "machine")
        .leaf("name", &image.name)
        .leaf("description", &image.description)
        .time("creationDate", image.created)
        .leaf("rootDeviceType", "ebs")
        .leaf("rootDeviceName", &image.root_device)
        .leaf("virtualizationType", "hvm")
        .leaf("hypervisor", "xen")
        .leaf("enaSupport", true)
        .leaf("sriovNetSupport", "simple")
        .leaf("platformDetails", "Linux/UNIX")
        .leaf("usageOperation", "RunInstances")
        .leaf("bootMode", image.boot_mode())
        .maybe("imdsSupport", image.imds_v2.then_some("v2.0"))
        .maybe("sourceInstanceId", image.source.as_ref())
        .maybe("deprecationTime", image.deprecated.map(stamp))
        .maybe("publicSsmParameterName", image.ssm_parameter.as_ref())
        .list("blockDeviceMapping", &image.mappings, |xml, mapping| {
            mapping.show(xml);
        })
        .tags(region.tags_of(&image.id));
}
