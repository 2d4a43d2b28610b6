//! Status checks, monitoring and the console.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::filters::{Facet, Filters, Page, one};
use super::super::params::Params;
use super::super::places;
use super::super::region::{Action, Site};
use super::super::xml::Xml;
use super::describe::show_stage;
use super::{Instance, Stage};
use crate::api::ApiError;

/// The actions that watch.
pub const ACTIONS: &[(&str, Action)] = &[
    ("DescribeInstanceStatus", describe),
    ("GetConsoleOutput", console),
    ("MonitorInstances", |site, params| {
        monitor(site, params, true)
    }),
    ("UnmonitorInstances", |site, params| {
        monitor(site, params, false)
    }),
];

/// How long after its start an instance's checks have passed.
const CHECK_SECONDS: i64 = 120;

/// An instance with the state of its checks now.
struct Row {
    instance: Instance,
    status: &'static str,
    reachability: &'static str,
}

impl Row {
    fn new(instance: &Instance, now: jiff::Timestamp) -> Self {
        let (status, reachability) = match (instance.stage, instance.running_since) {
            (Stage::Running, Some(since))
                if now.duration_since(since).as_secs() >= CHECK_SECONDS =>
            {
                ("ok", "passed")
            }
            (Stage::Running | Stage::Pending, _) => ("initializing", "initializing"),
            _ => ("not-applicable", ""),
        };
        Self {
            instance: instance.clone(),
            status,
            reachability,
        }
    }
}

const FACETS: &[Facet<Row>] = &[
    ("availability-zone", |_, row| one(&row.instance.zone)),
    ("availability-zone-id", |region, row| {
        one(places::zone_id(&region.name, &row.instance.zone))
    }),
    // Nothing is ever planned for an embedded instance.
    ("event.code", |_, _| Vec::new()),
    ("event.description", |_, _| Vec::new()),
    ("instance-state-code", |_, row| {
        one(row.instance.stage.code())
    }),
    ("instance-state-name", |_, row| {
        one(row.instance.stage.name())
    }),
    ("instance-status.reachability", |_, row| {
        one(row.reachability)
    }),
    ("instance-status.status", |_, row| one(row.status)),
    ("system-status.reachability", |_, row| one(row.reachability)),
    ("system-status.status", |_, row| one(row.status)),
    ("attached-ebs-status.status", |_, row| one(row.status)),
];

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let ids = params.list("InstanceId")?;
    let all = params.flag("IncludeAllInstances")?.unwrap_or(false);
    let filters = Filters::read(params)?;
    let page = Page::read(params, 5, 1000)?;
    params.finish()?;
    page.not_with("instancesSet", &ids)?;
    let region = &*site.region;
    region.check_instances(&ids, site.now)?;
    let rows: Vec<Row> = region
        .instances
        .values()
        .filter(|instance| region.visible(instance, site.now))
        .filter(|instance| ids.is_empty() || ids.contains(&instance.id))
        .filter(|instance| all || instance.stage == Stage::Running)
        .map(|instance| Row::new(instance, site.now))
        .collect();
    let found = filters.select(region, FACETS, |row| &row.instance.id, &rows)?;
    let (found, next) = page.cut(found, |row| row.instance.id.clone());
    let mut xml = Xml::new();
    xml.list("instanceStatusSet", found, |xml, row| {
        xml.leaf("instanceId", &row.instance.id)
            .leaf("availabilityZone", &row.instance.zone)
            .leaf(
                "availabilityZoneId",
                places::zone_id(&region.name, &row.instance.zone),
            );
        show_stage(xml, "instanceState", row.instance.stage);
        for check in ["instanceStatus", "systemStatus", "attachedEbsStatus"] {
            xml.node(check, |xml| {
                xml.leaf("status", row.status);
                if !row.reachability.is_empty() {
                    xml.list("details", [row.reachability], |xml, status| {
                        xml.leaf("name", "reachability").leaf("status", status);
                    });
                }
            });
        }
    })
    .maybe("nextToken", next);
    Ok(xml)
}

fn monitor(site: &mut Site<'_>, params: &mut Params, on: bool) -> Result<Xml, ApiError> {
    let ids = params.list("InstanceId")?;
    params.finish()?;
    if ids.is_empty() {
        return Err(params.missing("InstanceId"));
    }
    site.region.check_instances(&ids, site.now)?;
    let mut xml = Xml::new();
    xml.list("instancesSet", &ids, |xml, id| {
        let Some(instance) = site.region.instances.get_mut(id) else {
            return;
        };
        // The answer names the way; to describe the instance tells that it has arrived.
        let state = match (instance.monitored, on) {
            (true, true) => "enabled",
            (false, true) => "pending",
            (true, false) => "disabling",
            (false, false) => "disabled",
        };
        instance.monitored = on;
        xml.leaf("instanceId", id).node("monitoring", |xml| {
            xml.leaf("state", state);
        });
    });
    Ok(xml)
}

fn console(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let id = params.need("InstanceId")?;
    let latest = params.flag("Latest")?.unwrap_or(false);
    params.finish()?;
    let instance = site.region.instance(&id, site.now)?;
    let kind = super::super::instance_types::instance_type(&instance.instance_type);
    if latest && kind.is_some_and(|kind| !kind.nitro()) {
        return Err(ApiError::new(
            "UnsupportedOperation",
            "This instance type does not support retrieving the latest console logs.",
        ));
    }
    let now = site.now;
    let text = site.console(&id);
    let mut xml = Xml::new();
    xml.leaf("instanceId", &id).time("timestamp", now);
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        xml.leaf("output", STANDARD.encode(text));
    }
    Ok(xml)
}
