//! Where the session works: mode, region, profile and stack.

use super::refused;
use crate::cli::{records, settings, start};
use crate::repl::session::{Session, Told, where_it_works};
use crate::script::error::{Class, ScriptError};

/// `:mode [local|live|dry-run]`.
pub fn mode(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    let mut settings = session.settings().clone();
    match argument {
        "" => return Ok(Told::Text(where_it_works(session))),
        "local" => (settings.local, settings.dry_run) = (true, false),
        "live" => {
            (settings.local, settings.dry_run) = (false, false);
            settings.local_at = None;
        }
        "dry-run" => (settings.local, settings.dry_run) = (false, true),
        other => {
            return Err(refused(format!(
                "there is no mode '{other}': it is local, live or dry-run"
            )));
        }
    }
    session.move_to(settings)?;
    Ok(Told::Text(where_it_works(session)))
}

/// `:region [REGION]`.
pub fn region(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    if !argument.is_empty() {
        let mut settings = session.settings().clone();
        settings.region = Some(argument.to_owned());
        session.move_to(settings)?;
    }
    Ok(Told::Text(where_it_works(session)))
}

/// `:profile [PROFILE]`.
pub fn profile(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    if argument.is_empty() {
        let profile = session.settings().profile.clone();
        return Ok(Told::Text(
            profile.unwrap_or_else(|| "the profile of the environment".to_owned()),
        ));
    }
    let mut settings = session.settings().clone();
    settings.profile = Some(argument.to_owned());
    session.move_to(settings)?;
    Ok(Told::Text(where_it_works(session)))
}

/// `:stack [STACK]`.
pub fn stack(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    if !argument.is_empty() {
        let stack = settings::stack(argument).map_err(refused)?;
        session.work_on(&stack);
        return Ok(Told::Text(where_it_works(session)));
    }
    let gate = session.gate();
    let failed = |fault| start::stopped(&fault, Class::Failed);
    gate.journal.begin(gate.world.as_ref()).map_err(failed)?;
    let resources = gate.journal.resources().map_err(failed)?;
    let stack = gate.journal.stack();
    if resources.is_empty() {
        return Ok(Told::Text(format!("the stack '{stack}' has no resources")));
    }
    let resources = records::resources(&resources);
    Ok(Told::Text(format!("stack '{stack}'\n\n{resources}")))
}
