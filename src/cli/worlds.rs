//! From the options of a command to the world that it acts in.

use std::path::Path;
use std::sync::Arc;

use opsh_operation::Fault;

use super::settings::{FOLDER, LOCAL, Settings, place};
use super::start::stopped;
use crate::fleet::records::Records;
use crate::gate::journal::Place;
use crate::gate::rehearsal::Rehearsal;
use crate::lambda::hosted;
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;
use crate::world::live::{self, ConnectTo, Live};
use crate::world::local::{Fixtures, Local};
use crate::world::served::Served;
use crate::world::{Cancel, World, http};

/// The world that is asked for, where its records go, and a plan's base in words.
///
/// # Errors
/// Settings that contradict each other, a world that cannot be opened.
pub fn world(
    settings: &Settings,
    cancel: &Cancel,
) -> Result<(Arc<dyn World>, Place, String), ScriptError> {
    let local = Path::new(FOLDER).join(LOCAL);
    let refused = |fault: Fault| stopped(&fault, Class::Start);
    let embedded = settings.embedded();
    if !settings.dry_run && !settings.fixture.is_empty() {
        return Err(ScriptError::plain(
            Class::Start,
            "--fixture needs --dry-run",
        ));
    }
    let connect_to = connect_to(settings)?;
    if embedded || settings.dry_run {
        for (flag, given) in [
            ("--profile", &settings.profile),
            ("--endpoint-url", &settings.endpoint_url),
        ] {
            if given.is_some() {
                return Err(ScriptError::plain(
                    Class::Start,
                    format!("{flag} has no meaning on the embedded cloud"),
                ));
            }
        }
        let mut options = opsh_cloud::furnish::Options::default();
        if let Some(region) = &settings.region {
            options.region.clone_from(region);
        }
        options.seed = settings.seed.unwrap_or(0);
        let fixtures = fixtures(settings)?;
        // What is served is on disk, too.
        if settings.dry_run && embedded {
            let base = format!("a copy of the embedded cloud in {}", local.display());
            let ledger = settings.ledger_path();
            let world = Local::copy_of(&local, &options, fixtures).map_err(refused)?;
            hosted::employ(&world, Records::CopiedFrom(local.clone()), cancel);
            rehearse(&world, &settings.fault);
            return Ok((Arc::new(world), Place::Memory(Some(ledger)), base));
        }
        if settings.dry_run {
            let base = format!(
                "a freshly furnished embedded cloud ({}, seed {})",
                options.region, options.seed
            );
            let world = Local::furnished(&options, fixtures).map_err(refused)?;
            hosted::employ(&world, Records::Passing, cancel);
            rehearse(&world, &settings.fault);
            return Ok((Arc::new(world), Place::Memory(None), base));
        }
        let outside = crate::world::live::http::Client::new(connect_to);
        let outside: Option<Box<dyn http::Transport>> = Some(Box::new(outside));
        let world: Arc<dyn World> = match &settings.local_at {
            Some(_) if settings.fault.iter().any(Rehearsal::is_of_a_request) => {
                return Err(ScriptError::plain(
                    Class::Start,
                    "what goes wrong in a cloud that another process serves is said there, to \
                     `opsh local serve --fault`; here only --fault 'crash …' is",
                ));
            }
            Some(url) => {
                let region = settings.region.as_deref();
                let served = Served::connect(&local, url, region).map_err(refused)?;
                Arc::new(Local::served(served, &local, options.seed, outside).map_err(refused)?)
            }
            None => {
                let world = Local::persistent(&local, &options, outside).map_err(refused)?;
                hosted::employ(&world, Records::Beside(local.clone()), cancel);
                rehearse(&world, &settings.fault);
                Arc::new(world)
            }
        };
        return Ok((
            world,
            place(settings.ledger.as_deref(), embedded),
            String::new(),
        ));
    }
    if !settings.fault.is_empty() {
        return Err(ScriptError::plain(
            Class::Start,
            "--fault needs --local or --dry-run: nothing goes wrong on purpose on the real AWS",
        ));
    }
    let world = Live::new(live::Settings {
        aws: live::Overrides {
            region: settings.region.clone(),
            profile: settings.profile.clone(),
            endpoint_url: settings.endpoint_url.clone(),
        },
        connect_to,
        home: None,
    });
    Ok((
        Arc::new(world),
        place(settings.ledger.as_deref(), embedded),
        String::new(),
    ))
}

/// Lets requests to the embedded cloud go wrong as it was asked for.
fn rehearse(world: &Local, faults: &[Rehearsal]) {
    for rehearsal in faults {
        rehearsal.prepare(world);
    }
}

fn connect_to(settings: &Settings) -> Result<Vec<ConnectTo>, ScriptError> {
    settings
        .connect_to
        .iter()
        .map(|text| {
            text.parse().map_err(|error: live::connect_to::Malformed| {
                ScriptError::plain(Class::Start, error.to_string())
            })
        })
        .collect()
}

fn fixtures(settings: &Settings) -> Result<Fixtures, ScriptError> {
    let mut fixtures = Fixtures::default();
    for pair in &settings.fixture {
        let (url, file) = pair.rsplit_once('=').ok_or_else(|| {
            ScriptError::plain(
                Class::Start,
                format!("--fixture '{pair}' is not of the form URL=FILE"),
            )
        })?;
        let body = std::fs::read(file).map_err(|error| {
            ScriptError::plain(
                Class::Start,
                format!("cannot read the fixture '{file}': {}", plain_io(&error)),
            )
        })?;
        fixtures.insert(url, Path::new(file), body);
    }
    Ok(fixtures)
}
