//! What a case says of itself: the options that it is declared with, read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opsh_cloud::furnish;
use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Map, Shape, Value, duration};
use rhai::{FnPtr, NativeCallContext};

use super::declaration::{self, CHECK, GIVEN};
use crate::gate::crash::Ends;
use crate::gate::rehearsal::{self, Rehearsal};
use crate::script::run::plain_io;
use crate::service::{Handler, Timing, rehearsal as events};
use crate::world::local::Fixtures;

/// A case as it is declared.
pub struct Said {
    /// What it is called.
    pub name: String,
    /// The file of its playbook, if it says one.
    pub playbook: Option<String>,
    /// With which parameters it is run.
    pub parameters: Map,
    /// What all ids and other made-up values follow from.
    pub seed: u64,
    /// The cloud's region.
    pub region: String,
    /// Furnishes the account before the run.
    pub given: Option<Handler>,
    /// The case whose run has happened before.
    pub after: Option<String>,
    /// Looks at what came of it.
    pub check: Option<Handler>,
    /// The playbook is to fail, and what it says holds this.
    pub fails: Option<String>,
    /// What goes wrong, each as it was written.
    pub faults: Vec<(String, Rehearsal)>,
    /// The folder of which the run has a copy for its working directory, if not an empty one.
    pub files: Option<PathBuf>,
    /// What sites outside answer.
    pub fixtures: Fixtures,
    /// How the time of a service goes.
    pub timing: Timing,
}

/// Functions among the options of a case, by the option.
pub(super) type Functions = BTreeMap<&'static str, Handler>;

/// Takes the functions out of the options of the call at `context`; the rest is left.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn functions(
    context: &NativeCallContext,
    options: &mut rhai::Map,
) -> Result<Functions, String> {
    let mut functions = Functions::new();
    for (option, shape) in declaration::options() {
        if matches!(shape, Shape::Function)
            && let Some(value) = options.remove(option)
        {
            let kind = value.type_name();
            let function = value
                .try_cast::<FnPtr>()
                .ok_or_else(|| format!("'{option}' must be a function, not {kind}"))?;
            functions.insert(option, Handler::new(context, &function));
        }
    }
    Ok(functions)
}

/// Reads the options of the case `name`, whose file is in `folder`.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn read(
    name: &str,
    mut functions: Functions,
    mut options: Map,
    folder: &Path,
) -> Result<Said, String> {
    let known = || declaration::options().map(|(option, _)| option);
    if let Some(unknown) = options
        .keys()
        .find(|key| known().all(|known| known != *key))
    {
        let near = did_you_mean(unknown, known());
        return Err(format!("unknown option '{unknown}'{near}"));
    }
    let given = functions.remove(GIVEN);
    let check = functions.remove(CHECK);
    let after = text(&mut options, "after")?;
    for (other, is_said) in [
        ("given", given.is_some()),
        ("files", options.contains_key("files")),
    ] {
        if after.is_some() && is_said {
            return Err(format!(
                "'after' begins with what another case leaves, so there is no '{other}'"
            ));
        }
    }
    Ok(Said {
        name: name.to_owned(),
        playbook: text(&mut options, "playbook")?,
        parameters: match options.remove("params") {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(other) => return Err(wrong("params", "a map", &other)),
        },
        seed: match options.remove("seed") {
            None => 0,
            Some(value) => value
                .as_int()
                .and_then(|seed| u64::try_from(seed).ok())
                .ok_or_else(|| wrong("seed", "a whole number, 0 or more", &value))?,
        },
        region: text(&mut options, "region")?.unwrap_or_else(|| furnish::Options::default().region),
        given,
        after,
        check,
        fails: text(&mut options, "fails")?,
        faults: faults(options.remove("faults"))?,
        files: text(&mut options, "files")?.map(|files| folder.join(files)),
        fixtures: fixtures(options.remove("fixtures"), folder)?,
        timing: timing(&mut options, folder)?,
    })
}

fn wrong(option: &str, wanted: &str, value: &Value) -> String {
    format!("'{option}' must be {wanted}, not {}", value.to_json())
}

fn text(options: &mut Map, option: &str) -> Result<Option<String>, String> {
    match options.remove(option) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(option, "a text", &other)),
    }
}

/// Faults in the words of `opsh run --fault`; a crash ends the run, not this process.
fn faults(value: Option<Value>) -> Result<Vec<(String, Rehearsal)>, String> {
    let rules = match value {
        None => return Ok(Vec::new()),
        Some(Value::List(rules)) => rules,
        Some(other) => return Err(wrong("faults", "an array of texts", &other)),
    };
    rules
        .iter()
        .map(|rule| {
            let text = rule
                .as_text()
                .ok_or_else(|| wrong("faults", "an array of texts", rule))?;
            // How a case goes on after a crash is not for it to say.
            let plain = text.trim_end_matches(" then resume");
            let mut rehearsal =
                rehearsal::parse(plain).map_err(|why| format!("'faults': {why}"))?;
            if let Rehearsal::Crash(crash) = &mut rehearsal {
                crash.ends = Ends::Run;
            }
            Ok((text.to_owned(), rehearsal))
        })
        .collect()
}

/// Files beside the cases by the URLs that they answer for.
fn fixtures(value: Option<Value>, folder: &Path) -> Result<Fixtures, String> {
    let mut fixtures = Fixtures::default();
    let files = match value {
        None => return Ok(fixtures),
        Some(Value::Map(files)) => files,
        Some(other) => return Err(wrong("fixtures", "a map of URLs and files", &other)),
    };
    for (url, file) in &files {
        let file = file
            .as_text()
            .ok_or_else(|| wrong("fixtures", "a map of URLs and files", file))?;
        let body = std::fs::read(folder.join(file))
            .map_err(|error| format!("'fixtures': cannot read '{file}': {}", plain_io(&error)))?;
        fixtures.insert(url, Path::new(file), body);
    }
    Ok(fixtures)
}

fn timing(options: &mut Map, folder: &Path) -> Result<Timing, String> {
    let lasts = options
        .remove("lasts")
        .map(|value| {
            duration::of(&value).ok_or_else(|| {
                let shown = value
                    .as_text()
                    .map_or_else(|| value.to_json().to_string(), |text| format!("'{text}'"));
                format!("'lasts': {shown} is no duration such as 90s or 10m")
            })
        })
        .transpose()?;
    let planned = text(options, "events")?
        .map(|file| {
            std::fs::read_to_string(folder.join(&file))
                .map_err(|error| plain_io(&error))
                .and_then(|text| events::read(&text))
                .map_err(|why| format!("'events': {file}: {why}"))
        })
        .transpose()?;
    Ok(Timing::Rehearsed(lasts, planned.unwrap_or_default()))
}
