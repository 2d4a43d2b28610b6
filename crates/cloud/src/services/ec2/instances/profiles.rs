//! The instance profile of an instance that is there: given, shown, taken away.
//!
//! An instance has one at most, so its association is called after it.

use super::super::filters::{Facet, Filters, Page, one};
use super::super::kinds;
use super::super::launch_data::profile as wish;
use super::super::params::Params;
use super::super::region::{Action, Region, Site};
use super::super::xml::Xml;
use super::Instance;
use super::launch::profile as known;
use crate::api::ApiError;

/// The actions on instance profiles.
pub const ACTIONS: &[(&str, Action)] = &[
    ("AssociateIamInstanceProfile", associate),
    ("DescribeIamInstanceProfileAssociations", describe),
    ("DisassociateIamInstanceProfile", disassociate),
];

const FACETS: &[Facet<Instance>] = &[
    ("instance-id", |_, instance| one(&instance.id)),
    ("state", |_, _| one("associated")),
];

fn association(instance: &Instance) -> String {
    instance.id.replacen("i-", "iip-assoc-", 1)
}

fn show(xml: &mut Xml, instance: &Instance, state: &str) {
    xml.leaf("associationId", association(instance))
        .leaf("instanceId", &instance.id)
        .leaf("state", state);
    if let Some((arn, id)) = &instance.profile {
        xml.node("iamInstanceProfile", |xml| {
            xml.leaf("arn", arn).leaf("id", id);
        });
    }
}

fn associate(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("InstanceId")?;
    let wanted = wish(params)?.ok_or_else(|| params.missing("IamInstanceProfile"))?;
    params.finish()?;
    if site.region.instance(&id, site.now)?.profile.is_some() {
        return Err(ApiError::new(
            "IncorrectState",
            format!("There is an existing association for instance {id}"),
        ));
    }
    let found = known(site, Some(&wanted))?;
    let instance = Region::find_mut(&mut site.region.instances, &kinds::INSTANCE, &id)?;
    instance.profile = found;
    let mut xml = Xml::new();
    xml.node("iamInstanceProfileAssociation", |xml| {
        show(xml, instance, "associating");
        xml.time("timestamp", site.now);
    });
    Ok(xml)
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("AssociationId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("associationIds", &ids)?;
    let region = &*site.region;
    let having = region
        .instances
        .values()
        .filter(|instance| region.visible(instance, site.now) && instance.profile.is_some());
    let all: Vec<&Instance> = having.collect();
    let known = |id: &String| all.iter().any(|instance| association(instance) == *id);
    if let Some(id) = ids.iter().find(|id| !known(id)) {
        return Err(missing(id));
    }
    let asked = all
        .iter()
        .copied()
        .filter(|instance| ids.is_empty() || ids.contains(&association(instance)));
    let found = filters.select(region, FACETS, |instance| &instance.id, asked)?;
    let (found, next) = page.cut(found, |instance| instance.id.clone());
    let mut xml = Xml::new();
    xml.list(
        "iamInstanceProfileAssociationSet",
        found,
        |xml, instance| show(xml, instance, "associated"),
    )
    .maybe("nextToken", next);
    Ok(xml)
}

fn disassociate(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("AssociationId")?;
    params.finish()?;
    let mut all = site.region.instances.values_mut();
    let instance = all
        .find(|instance| instance.profile.is_some() && association(instance) == id)
        .ok_or_else(|| missing(&id))?;
    let mut xml = Xml::new();
    xml.node("iamInstanceProfileAssociation", |xml| {
        show(xml, instance, "disassociating");
        xml.time("timestamp", site.now);
    });
    instance.profile = None;
    Ok(xml)
}

fn missing(id: &str) -> ApiError {
    ApiError::new(
        "NoSuchAssociation",
        format!("An association with the ID {id} does not exist"),
    )
}
