//! Templates and versions made, chosen as default, and removed.

use super::super::kinds;
use super::super::launch_data::LaunchData;
use super::super::params::Params;
use super::super::region::{Region, Site};
use super::super::tags;
use super::super::xml::Xml;
use super::{LaunchTemplate, Version, answer, named, show_version};
use crate::api::ApiError;

fn read_data(params: &mut Params) -> Result<LaunchData, ApiError> {
    params
        .part("LaunchTemplateData", LaunchData::read)?
        .ok_or_else(|| params.missing("LaunchTemplateData"))
}

pub(super) fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

pub(super) fn create_version(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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

pub(super) fn modify(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    // Set twice, a default version is the same: the token says nothing.
    let _ = params.text("ClientToken")?;
    let template = named(site.region, params)?.clone();
    let wanted = params.need("SetDefaultVersion")?;
    params.finish()?;
    let number = template.version(Some(&wanted))?.number;
    Region::find_mut(&mut site.region.templates, &kinds::TEMPLATE, &template.id)?.default = number;
    answer(site.region, &template.id)
}

pub(super) fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = named(site.region, params)?.id.clone();
    params.finish()?;
    let xml = answer(site.region, &id)?;
    site.region.templates.remove(&id);
    site.region.tags.remove(&id);
    Ok(xml)
}

pub(super) fn delete_versions(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
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
