//! `RunInstances`.

use sha2::Digest as _;

use super::super::launch_data::LaunchData;
use super::super::launch_templates::TemplateRef;
use super::super::params::Params;
use super::super::region::{Action, Site};
use super::super::xml::Xml;
use super::describe::show_reservation;
use super::launch::{LaunchSpec, launch};
use crate::api::ApiError;

/// The action that launches.
pub const ACTIONS: &[(&str, Action)] = &[("RunInstances", run)];

fn run(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let client_token = params
        .text("ClientToken")?
        .filter(|token| !token.is_empty());
    // What a token stands for is everything else that was asked for.
    let asked = hex::encode(sha2::Sha256::digest(format!("{params:?}")));
    let count = |params: &mut Params, name: &str| {
        let number = params.number::<u32>(name)?;
        number.ok_or_else(|| params.missing(name))
    };
    let min = count(params, "MinCount")?;
    let max = count(params, "MaxCount")?;
    let template = params.part("LaunchTemplate", TemplateRef::read)?;
    let subnet = params.text("SubnetId")?;
    let private_address = params.text("PrivateIpAddress")?;
    let mut data = LaunchData::read(params)?;
    params.finish()?;
    data.subnet = subnet;
    data.private_address = private_address;
    if client_token.as_ref().is_some_and(|token| token.len() > 64) {
        return Err(ApiError::new(
            "InvalidParameterValue",
            "The client token is longer than 64 characters",
        ));
    }
    let before = site.made_before(
        client_token.as_deref(),
        &asked,
        "IdempotentParameterMismatch",
    )?;
    let reservation = if let Some(reservation) = before {
        reservation
    } else {
        let spec = LaunchSpec {
            template,
            data,
            min,
            max,
            client_token: client_token.clone(),
            ..LaunchSpec::default()
        };
        let reservation = launch(site, spec)?;
        site.remember(client_token.as_deref(), asked, &reservation);
        reservation
    };
    let mut xml = Xml::new();
    let instances = site
        .region
        .instances
        .values()
        .filter(|instance| instance.reservation == reservation)
        .collect();
    show_reservation(&mut xml, site.region, &reservation, instances);
    Ok(xml)
}
