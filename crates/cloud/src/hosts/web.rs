//! The web servers of a machine: Apache and nginx, answering from its disk.
//!
//! A server works with the configuration that it read when it was started or reloaded.
//! A directive that would change an answer and is not modelled keeps it from starting,
//! and the configuration test says which it is.

mod apache;
mod cgi;
mod log;
mod nginx;
mod pages;
mod proxy;
mod respond;
mod site;

use bytes::Bytes;

pub use proxy::{Forward, Reply, Via, relay};
pub use site::Site;

use super::boot::{Boot, Flavour};
use super::machine::Machine;
use super::services;
use super::shell::{Outcome, Script};
use super::users::User;

/// The services that are web servers.
pub const SERVERS: &[&str] = &["apache2", "httpd", "nginx"];

/// Whether a service is a web server.
#[must_use]
pub fn is_server(unit: &str) -> bool {
    SERVERS.contains(&unit)
}

/// The ports of a web server by the configuration it has read.
#[must_use]
pub fn ports(machine: &Machine, unit: &str) -> Vec<u16> {
    machine
        .sites
        .get(unit)
        .map(|site| site.ports.clone())
        .unwrap_or_default()
}

fn read(machine: &Machine, unit: &str) -> Result<Site, String> {
    match unit {
        "nginx" => nginx::read(machine),
        _ => apache::read(machine),
    }
}

/// Checks a server's configuration; gives the ports it wants.
///
/// # Errors
/// The server's complaint.
pub fn check(machine: &Machine, unit: &str) -> Result<Vec<u16>, String> {
    read(machine, unit).map(|site| site.ports)
}

/// Lets a server read its configuration; one that it cannot read leaves the old one.
pub fn reload(machine: &mut Machine, unit: &str) {
    if is_server(unit)
        && let Ok(site) = read(machine, unit)
    {
        machine.sites.insert(unit.to_owned(), site);
    }
}

/// Notes in Apache's error log that it runs; nginx says nothing at its default level.
pub fn started(machine: &mut Machine, unit: &str) {
    if unit == "nginx" {
        return;
    }
    if let Some(site) = machine.sites.get(unit) {
        let (file, software) = (site.error_log.clone(), site.software.clone());
        log::notice(machine, unit, &file, &software);
    }
}

/// The service that listens at `port`, for who asks from outside or on the machine itself.
#[must_use]
pub fn listener(machine: &Machine, port: u16, inside: bool) -> Option<String> {
    services::listeners(machine)
        .into_iter()
        .find(|listener| listener.port == port && (inside || listener.address == "0.0.0.0"))
        .map(|listener| listener.process)
}

/// The script that a request sets off, if it is for one, and as whom it runs; what it does is
/// to be given to [`answer`].
pub fn program(machine: &Machine, facts: &Boot, via: &Via) -> Option<(User, Script)> {
    let unit = listener(machine, via.port, via.is_inside())?;
    if machine.lodgers.contains_key(&via.port) {
        return None;
    }
    let site = machine.sites.get(&unit)?;
    via.visit(facts, site, &unit).program(machine)
}

/// Answers a request, with what its script did if it set one off; nothing if neither a web
/// server nor a program listens there.
pub fn answer(
    machine: &mut Machine,
    facts: &Boot,
    via: &Via,
    outcome: Option<&Outcome>,
) -> Option<Reply> {
    let unit = listener(machine, via.port, via.is_inside())?;
    if machine.lodgers.contains_key(&via.port) {
        return Some(Reply::Forward(via.straight()));
    }
    let site = machine.sites.get(&unit)?.clone();
    let mut visit = via.visit(facts, &site, &unit);
    visit.outcome = outcome;
    if let Some(forward) = visit.forwards(via) {
        return Some(Reply::Forward(forward));
    }
    let response = visit.answer(machine);
    count(machine, &via.request, &response);
    Some(Reply::Answer(response))
}

/// Whether a request on the machine may come to a program.
#[must_use]
pub fn asks_programs(machine: &Machine) -> bool {
    let proxies = |site: &Site| {
        let mut rules = site.hosts.iter().flat_map(|host| &host.rules);
        rules.any(|rule| matches!(rule.action, Some(site::Action::Proxy(_))))
    };
    !machine.lodgers.is_empty() || machine.sites.values().any(proxies)
}

/// Notes the traffic of an exchange.
fn count(machine: &mut Machine, request: &http::Request<Bytes>, response: &http::Response<Bytes>) {
    let headers: usize = response
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let at = machine.clock;
    machine.activity.transfer(
        at,
        300 + request.body().len() as u64,
        (headers + response.body().len()) as u64,
        1,
    );
}

/// Where a server's main configuration is.
#[must_use]
pub fn main_file(flavour: Flavour, unit: &str) -> &'static str {
    match (flavour, unit) {
        (_, "nginx") => "/etc/nginx/nginx.conf",
        (Flavour::AmazonLinux2023, _) => "/etc/httpd/conf/httpd.conf",
        (Flavour::Ubuntu2404, _) => "/etc/apache2/apache2.conf",
    }
}
