//! Launch templates and their versions.

mod change;
mod describe;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::change::{create, create_version, delete, delete_versions, modify};
use self::describe::{answer, describe, describe_versions, show_version};
use super::kinds;
use super::launch_data::LaunchData;
use super::params::Params;
use super::region::{Action, Region};
use crate::api::ApiError;

/// The actions on launch templates.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateLaunchTemplate", create),
    ("CreateLaunchTemplateVersion", create_version),
    ("DeleteLaunchTemplate", delete),
    ("DeleteLaunchTemplateVersions", delete_versions),
    ("DescribeLaunchTemplates", describe),
    ("DescribeLaunchTemplateVersions", describe_versions),
    ("ModifyLaunchTemplate", modify),
];

/// A launch template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// `lt-…`.
    pub id: String,
    /// Its name, unique in the region.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
    /// The version that is meant where none is named.
    pub default: u64,
    /// The number of the newest version that there was.
    pub latest: u64,
    /// Its versions, by number.
    pub versions: BTreeMap<u64, Version>,
}

/// A version of a launch template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// From 1.
    pub number: u64,
    /// What it is for.
    pub description: Option<String>,
    /// Since when.
    pub created: Timestamp,
    /// What its instances are like.
    pub data: LaunchData,
}

/// A version of a template as a launch names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// The template's id,
    pub id: Option<String>,
    /// or its name.
    pub name: Option<String>,
    /// A number, `$Latest`, or `$Default`, which is also meant by none.
    pub version: Option<String>,
}

impl TemplateRef {
    /// Takes the members of `LaunchTemplate` from the parameters.
    pub(super) fn read(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            id: params.text("LaunchTemplateId")?,
            name: params.text("LaunchTemplateName")?,
            version: params.text("Version")?,
        })
    }
}

fn missing_name(name: &str) -> ApiError {
    ApiError::new(
        "InvalidLaunchTemplateName.NotFoundException",
        format!("The specified launch template, with template name {name}, does not exist."),
    )
}

fn missing_version(template: &LaunchTemplate, version: &str) -> ApiError {
    ApiError::new(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!(
            "Could not find the specified version {version} for the launch template with ID {}.",
            template.id
        ),
    )
}

impl LaunchTemplate {
    /// The version that is meant by a number, `$Latest` or `$Default`.
    pub fn version(&self, wanted: Option<&str>) -> Result<&Version, ApiError> {
        let found = match wanted {
            None | Some("" | "$Default") => self.versions.get(&self.default),
            Some("$Latest") => self.versions.values().next_back(),
            Some(number) => {
                let number: u64 = number.parse().map_err(|_| {
                    ApiError::new(
                        "InvalidLaunchTemplateVersion.Malformed",
                        format!("Invalid launch template version: {number}. It must be a number, $Latest or $Default."),
                    )
                })?;
                self.versions.get(&number)
            }
        };
        found.ok_or_else(|| missing_version(self, wanted.unwrap_or("$Default")))
    }
}

impl Region {
    /// The template and the version that a launch names.
    pub fn template(&self, wanted: &TemplateRef) -> Result<(&LaunchTemplate, &Version), ApiError> {
        let template = self.find_template(wanted.id.as_deref(), wanted.name.as_deref())?;
        Ok((template, template.version(wanted.version.as_deref())?))
    }

    fn find_template(
        &self,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<&LaunchTemplate, ApiError> {
        match (id, name) {
            (Some(id), None) => Self::find(&self.templates, &kinds::TEMPLATE, id),
            (None, Some(name)) => self
                .templates
                .values()
                .find(|template| template.name == name)
                .ok_or_else(|| missing_name(name)),
            _ => Err(ApiError::new(
                "MissingParameter",
                "Either a launch template ID or a launch template name must be specified, and not both.",
            )),
        }
    }
}

/// Takes `LaunchTemplateId` or `LaunchTemplateName` and finds the template.
fn named<'a>(region: &'a Region, params: &mut Params) -> Result<&'a LaunchTemplate, ApiError> {
    let id = params.text("LaunchTemplateId")?;
    let name = params.text("LaunchTemplateName")?;
    region.find_template(id.as_deref(), name.as_deref())
}
