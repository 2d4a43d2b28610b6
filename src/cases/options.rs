//! What a case says of itself: the options of `test(name, options)`.

use std::path::{Path, PathBuf};

use opsh_cloud::furnish;
use opsh_operation::suggest::closest;
use opsh_operation::validate::parse_duration;
use opsh_operation::{Map, Value};
use rhai::{Dynamic, FnPtr, NativeCallContext};

use crate::gate::crash::Ends;
use crate::gate::rehearsal::{self, Rehearsal};
use crate::script::run::plain_io;
use crate::script::values::to_value;
use crate::service::{Handler, Timing, rehearsal as events};
use crate::world::local::Fixtures;

/// What there can be.
const KNOWN: [&str; 12] = [
    "playbook", "params", "seed", "region", "given", "after", "faults", "fails", "files",
    "fixtures", "events", "lasts",
];
/// And what looks at it.
const CHECK: &str = "check";

/// A case before its playbook is read.
pub(super) struct Wanted {
    pub name: String,
    pub playbook: Option<String>,
    pub parameters: Map,
    pub seed: u64,
    pub region: String,
    pub given: Option<Handler>,
    pub after: Option<String>,
    pub check: Option<Handler>,
    pub fails: Option<String>,
    pub faults: Vec<(String, Rehearsal)>,
    pub files: Option<PathBuf>,
    pub fixtures: Fixtures,
    pub timing: Timing,
}

/// Reads the options of the call at `context`, whose file is in `folder`.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn read(
    context: &NativeCallContext,
    name: &str,
    mut options: rhai::Map,
    folder: &Path,
) -> Result<Wanted, String> {
    let given = function(context, &mut options, "given")?;
    let check = function(context, &mut options, CHECK)?;
    let Value::Map(mut options) = to_value(&Dynamic::from_map(options))? else {
        return Err("its options are no map".to_owned());
    };
    if let Some(unknown) = options.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let near = closest(unknown, KNOWN.into_iter().chain([CHECK]))
            .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        return Err(format!("unknown option '{unknown}'{near}"));
    }
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
    Ok(Wanted {
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

fn function(
    context: &NativeCallContext,
    options: &mut rhai::Map,
    option: &str,
) -> Result<Option<Handler>, String> {
    let Some(value) = options.remove(option) else {
        return Ok(None);
    };
    let kind = value.type_name();
    match value.try_cast::<FnPtr>() {
        Some(function) => Ok(Some(Handler::new(context, &function))),
        None => Err(format!("'{option}' must be a function, not {kind}")),
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
    let lasts = text(options, "lasts")?
        .map(|text| {
            parse_duration(&text)
                .ok_or_else(|| format!("'lasts': '{text}' is no duration such as 90s or 10m"))
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
