//! How templates and versions are shown.

use super::super::filters::{Facet, Filters, Page, many, one, opt};
use super::super::kinds;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::xml::{Xml, stamp};
use super::{LaunchTemplate, Version};
use crate::api::ApiError;

pub(super) fn answer(region: &Region, id: &str) -> Result<Xml, ApiError> {
    let template = Region::find(&region.templates, &kinds::TEMPLATE, id)?;
    let mut xml = Xml::new();
    xml.node("launchTemplate", |xml| show(xml, region, template));
    Ok(xml)
}

pub(super) fn show(xml: &mut Xml, region: &Region, template: &LaunchTemplate) {
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

pub(super) fn show_version(
    xml: &mut Xml,
    region: &Region,
    template: &LaunchTemplate,
    version: &Version,
) {
    xml.leaf("launchTemplateId", &template.id)
        .leaf("launchTemplateName", &template.name)
        .leaf("versionNumber", version.number)
        .maybe("versionDescription", version.description.as_ref())
        .time("createTime", version.created)
        .leaf("createdBy", creator(region))
        .leaf("defaultVersion", version.number == template.default)
        .node("launchTemplateData", |xml| version.data.show(xml));
}

pub(super) const FACETS: &[Facet<LaunchTemplate>] = &[
    ("create-time", |_, template| one(stamp(template.created))),
    ("launch-template-name", |_, template| one(&template.name)),
];

pub(super) fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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
pub(super) struct Row {
    template: LaunchTemplate,
    version: Version,
}

const VERSION_FACETS: &[Facet<Row>] = &[
    ("create-time", |_, row| one(stamp(row.version.created))),
    ("ebs-optimized", |_, row| {
        opt(row.version.data.ebs_optimized)
    }),
    ("iam-instance-profile", |_, row| {
        use super::super::launch_data::Profile;
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

pub(super) fn describe_versions(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

pub(super) fn select(
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
