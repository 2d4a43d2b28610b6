//! What an instance that bursts does beyond its CPU credits.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceCreditSpecifications.html>:
//! without ids those whose option is `unlimited`; an id of an instance that does not burst
//! is an error.

use super::super::filters::{Facet, Filters, Page, one};
use super::super::params::Params;
use super::super::region::{Action, Site};
use super::super::xml::Xml;
use super::Instance;
use crate::api::ApiError;

/// The actions on credits.
pub const ACTIONS: &[(&str, Action)] = &[("DescribeInstanceCreditSpecifications", describe)];

const FACETS: &[Facet<Instance>] = &[("instance-id", |_, instance| one(&instance.id))];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("InstanceId")?;
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("instancesSet", &ids)?;
    let region = &*site.region;
    region.check_instances(&ids, site.now)?;
    for id in &ids {
        let instance = region.instance(id, site.now)?;
        if instance.credit.is_none() {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("{id} is not a burstable performance instance."),
            ));
        }
    }
    let rows: Vec<Instance> = region
        .instances
        .values()
        .filter(|instance| region.visible(instance, site.now))
        .filter(|instance| match &instance.credit {
            Some(credit) if ids.is_empty() => credit == "unlimited",
            Some(_) => ids.contains(&instance.id),
            None => false,
        })
        .cloned()
        .collect();
    let found = filters.select(region, FACETS, |instance| &instance.id, &rows)?;
    let (found, next) = page.cut(found, |instance| instance.id.clone());
    let mut xml = Xml::new();
    xml.list("instanceCreditSpecificationSet", found, |xml, instance| {
        xml.leaf("instanceId", &instance.id)
            .maybe("cpuCredits", instance.credit.as_ref());
    })
    .maybe("nextToken", next);
    Ok(xml)
}
