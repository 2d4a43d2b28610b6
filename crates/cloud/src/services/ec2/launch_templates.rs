//! Launch templates and their versions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::filters::{Facet, Filters, Page, many, one, opt};
use super::kinds;
use super::launch_data::LaunchData;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::tags;
use super::xml::{Xml, stamp};
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

fn read_data(params: &mut Params) -> Result<LaunchData, ApiError> {
    params
        .part("LaunchTemplateData", LaunchData::read)?
        .ok_or_else(|| params.missing("LaunchTemplateData"))
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let token = params
        .text("ClientToken")?
        .filter(|token| !token.is_empty());
    let asked = format!("{params:?}");
    let name = params.need("LaunchTemplateName")?;
    let description = params.text("VersionDescription")?;
    let data = read_data(params)?;
    let tags = tags::specification(params, &kinds::TEMPLATE)?;
    params.finish()?;
    let allowed = |char: char| char.is_ascii_alphanumeric() || "()./_-".contains(char);
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(ApiError::new(
            "InvalidLaunchTemplateName.MalformedException",
            format!(
                "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: ( ) . / - _: {name}"
            ),
        ));
    }
    let before = site.made_before(token.as_deref(), &asked, "IdempotentParameterMismatch")?;
    let id = if let Some(id) = before {
        id
    } else {
        if site
            .region
            .templates
            .values()
            .any(|template| template.name == name)
        {
            return Err(ApiError::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                "Launch template name already in use.",
            ));
        }
        let id = site.new_id(&kinds::TEMPLATE);
        let version = Version {
            number: 1,
            description,
            created: site.now,
            data,
        };
        site.region.templates.insert(
            id.clone(),
            LaunchTemplate {
                id: id.clone(),
                name,
                created: site.now,
                default: 1,
                latest: 1,
                versions: [(1, version)].into(),
            },
        );
        site.tag(&id, &tags);
        site.remember(token.as_deref(), asked, &id);
        id
    };
    answer(site.region, &id)
}

fn answer(region: &Region, id: &str) -> Result<Xml, ApiError> {
    let template = Region::find(&region.templates, &kinds::TEMPLATE, id)?;
    let mut xml = Xml::new();
    xml.node("launchTemplate", |xml| show(xml, region, template));
    Ok(xml)
}

fn show(xml: &mut Xml, region: &Region, template: &LaunchTemplate) {
    xml.leaf("launchTemplateId", &template.id)
        .leaf("launchTemplateName", &template.name)
        .time("createTime", template.created)
        .leaf("createdBy", creator(region))
        .leaf("defaultVersionNumber", template.default)
        .leaf("latestVersionNumber", template.latest)
        .tags(region.tags_of(&template.id));
}

fn creator(region: &Region) -> String {
    format!("arn:aws:iam::{}:root", region.account)
}

fn show_version(xml: &mut Xml, region: &Region, template: &LaunchTemplate, version: &Version) {
    xml.leaf("launchTemplateId", &template.id)
        .leaf("launchTemplateName", &template.name)
        .leaf("versionNumber", version.number)
        .maybe("versionDescription", version.description.as_ref())
        .time("createTime", version.created)
        .leaf("createdBy", creator(region))
        .leaf("defaultVersion", version.number == template.default)
        .node("launchTemplateData", |xml| version.data.show(xml));
}

fn create_version(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let token = params
        .text("ClientToken")?
        .filter(|token| !token.is_empty());
    let asked = format!("{params:?}");
    let template = named(site.region, params)?.clone();
    let source = params.text("SourceVersion")?;
    let description = params.text("VersionDescription")?;
    let mut data = read_data(params)?;
    params.finish()?;
    if let Some(source) = source {
        data = data.over(template.version(Some(&source))?.data.clone());
    }
    let before = site.made_before(token.as_deref(), &asked, "IdempotentParameterMismatch")?;
    let number = match before.and_then(|number| number.parse().ok()) {
        Some(number) => number,
        None => template.latest + 1,
    };
    site.remember(token.as_deref(), asked, &number.to_string());
    let created = site.now;
    let template = Region::find_mut(&mut site.region.templates, &kinds::TEMPLATE, &template.id)?;
    template.latest = template.latest.max(number);
    template.versions.entry(number).or_insert(Version {
        number,
        description,
        created,
        data,
    });
    let template = template.clone();
    let mut xml = Xml::new();
    xml.node("launchTemplateVersion", |xml| {
        if let Some(version) = template.versions.get(&number) {
            show_version(xml, site.region, &template, version);
        }
    });
    Ok(xml)
}

fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    // Set twice, a default version is the same: the token says nothing.
    let _ = params.text("ClientToken")?;
    let template = named(site.region, params)?.clone();
    let wanted = params.need("SetDefaultVersion")?;
    params.finish()?;
    let number = template.version(Some(&wanted))?.number;
    Region::find_mut(&mut site.region.templates, &kinds::TEMPLATE, &template.id)?.default = number;
    answer(site.region, &template.id)
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = named(site.region, params)?.id.clone();
    params.finish()?;
    let xml = answer(site.region, &id)?;
    site.region.templates.remove(&id);
    site.region.tags.remove(&id);
    Ok(xml)
}

fn delete_versions(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = named(site.region, params)?.id.clone();
    let wanted = params.list("LaunchTemplateVersion")?;
    params.finish()?;
    let template = Region::find_mut(&mut site.region.templates, &kinds::TEMPLATE, &id)?;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for number in wanted {
        let parsed = number.parse::<u64>().ok();
        match parsed {
            Some(number) if number == template.default => kept.push((
                number,
                "unexpectedError",
                "The default version of a launch template cannot be deleted.",
            )),
            Some(number) if template.versions.remove(&number).is_some() => gone.push(number),
            _ => kept.push((
                parsed.unwrap_or(0),
                "launchTemplateVersionDoesNotExist",
                "The specified launch template version does not exist.",
            )),
        }
    }
    let template = template.clone();
    let head = |xml: &mut Xml, number: u64| {
        xml.leaf("launchTemplateId", &template.id)
            .leaf("launchTemplateName", &template.name)
            .leaf("versionNumber", number);
    };
    let mut xml = Xml::new();
    xml.list("successfullyDeletedLaunchTemplateVersionSet", gone, head)
        .list(
            "unsuccessfullyDeletedLaunchTemplateVersionSet",
            kept,
            |xml, (number, code, message)| {
                head(xml, number);
                xml.node("responseError", |xml| {
                    xml.leaf("code", code).leaf("message", message);
                });
            },
        );
    Ok(xml)
}

const FACETS: &[Facet<LaunchTemplate>] = &[
    ("create-time", |_, template| one(stamp(template.created))),
    ("launch-template-name", |_, template| one(&template.name)),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("LaunchTemplateId")?;
    let names = params.list("LaunchTemplateName")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 1, 200)?;
    params.finish()?;
    let region = &*site.region;
    kinds::TEMPLATE.check(region, &ids)?;
    let known = |name: &String| region.templates.values().any(|t| t.name == *name);
    if !names.iter().all(known) {
        return Err(ApiError::new(
            "InvalidLaunchTemplateName.NotFoundException",
            "At least one of the launch templates specified in the request does not exist.",
        ));
    }
    let asked = region.templates.values().filter(|template| {
        (ids.is_empty() && names.is_empty())
            || ids.contains(&template.id)
            || names.contains(&template.name)
    });
    let found = filters.select(region, FACETS, |template| &template.id, asked)?;
    let (found, next) = page.cut(found, |template| template.id.clone());
    let mut xml = Xml::new();
    xml.list("launchTemplates", found, |xml, template| {
        show(xml, region, template);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

/// A version with its template.
struct Row {
    template: LaunchTemplate,
    version: Version,
}

const VERSION_FACETS: &[Facet<Row>] = &[
    ("create-time", |_, row| one(stamp(row.version.created))),
    ("ebs-optimized", |_, row| {
        opt(row.version.data.ebs_optimized)
    }),
    ("iam-instance-profile", |_, row| {
        use super::launch_data::Profile;
        opt(row
            .version
            .data
            .profile
            .as_ref()
            .map(|profile| match profile {
                Profile::Arn(text) | Profile::Name(text) => text,
            }))
    }),
    ("image-id", |_, row| opt(row.version.data.image.as_ref())),
    ("instance-type", |_, row| {
        opt(row.version.data.instance_type.as_ref())
    }),
    ("is-default-version", |_, row| {
        one(row.version.number == row.template.default)
    }),
    ("http-endpoint", |_, row| {
        opt(row.version.data.metadata.endpoint.as_ref())
    }),
    ("http-tokens", |_, row| {
        opt(row.version.data.metadata.tokens.as_ref())
    }),
    ("network-interface.subnet-id", |_, row| {
        many(
            row.version
                .data
                .interfaces
                .iter()
                .filter_map(|wish| wish.subnet.as_ref()),
        )
    }),
];

fn describe_versions(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.text("LaunchTemplateId")?;
    let name = params.text("LaunchTemplateName")?;
    let wanted = params.list("LaunchTemplateVersion")?;
    let least = params.text("MinVersion")?;
    let most = params.text("MaxVersion")?;
    if params.flag("ResolveAlias")?.unwrap_or(false) {
        return Err(ApiError::not_modelled("ResolveAlias=true"));
    }
    let filters = Filters::read(params)?;
    let page = Page::read(params, 1, 200)?;
    params.finish()?;
    let region = &*site.region;
    let bound = |text: Option<String>| {
        text.map(|text| {
            text.parse::<u64>().map_err(|_| {
                ApiError::new(
                    "InvalidParameterValue",
                    format!("Invalid launch template version: {text}"),
                )
            })
        })
        .transpose()
    };
    let (least, most) = (bound(least)?, bound(most)?);
    let mut rows = Vec::new();
    if id.is_none() && name.is_none() {
        // Of all templates, only the default and the latest versions can be asked for.
        if let Some(other) = wanted
            .iter()
            .find(|version| !matches!(version.as_str(), "$Default" | "$Latest"))
        {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!(
                    "Version {other} needs a launch template ID or name; without, only $Default and $Latest can be described"
                ),
            ));
        }
        for template in region.templates.values() {
            select(template, &wanted, &mut rows)?;
        }
    } else {
        let template = region.find_template(id.as_deref(), name.as_deref())?;
        if wanted.is_empty() {
            rows.extend(template.versions.values().map(|version| Row {
                template: template.clone(),
                version: version.clone(),
            }));
        }
        select(template, &wanted, &mut rows)?;
    }
    rows.retain(|row| {
        least.is_none_or(|least| row.version.number >= least)
            && most.is_none_or(|most| row.version.number <= most)
    });
    // The newest version comes first; the key of a page grows with the order.
    let key = |row: &Row| format!("{}\n{:020}", row.template.id, u64::MAX - row.version.number);
    rows.sort_by_key(key);
    let found = filters.select(region, VERSION_FACETS, |row| &row.template.id, &rows)?;
    let (found, next) = page.cut(found, |row| key(row));
    let mut xml = Xml::new();
    xml.list("launchTemplateVersionSet", found, |xml, row| {
        show_version(xml, region, &row.template, &row.version);
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn select(
    template: &LaunchTemplate,
    wanted: &[String],
    rows: &mut Vec<Row>,
) -> Result<(), ApiError> {
    for version in wanted {
        let version = template.version(Some(version))?;
        let there = rows
            .iter()
            .any(|row| row.template.id == template.id && row.version.number == version.number);
        if !there {
            rows.push(Row {
                template: template.clone(),
                version: version.clone(),
            });
        }
    }
    Ok(())
}
