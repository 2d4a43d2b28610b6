//! Events from a file: `opsh run --events FILE`.
//!
//! One JSON object a line: `at`, how long after the service began, and one member that
//! says what kind of event it is. The source of that kind replays it.

use std::sync::Arc;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Value, duration};
use serde_json::Value as Json;
use tracing::Level;

use super::hub::Work;
use super::{Hub, Source};

/// An event of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// How long after the service began.
    pub at: Duration,
    /// What kind of event it is: `request`, `alarm`.
    pub kind: String,
    /// What the source makes of it.
    pub content: Value,
    /// Where it stands: its line, from 1.
    pub line: usize,
}

/// Reads the events of a file with `text`, in order of time.
///
/// # Errors
/// The first line that is none, in words.
pub fn read(text: &str) -> Result<Vec<Planned>, String> {
    let mut events = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        events.push(planned(line, number).map_err(|why| format!("line {number}: {why}"))?);
    }
    events.sort_by_key(|event| event.at);
    Ok(events)
}

fn planned(line: &str, number: usize) -> Result<Planned, String> {
    const FORM: &str = r#"write {"at": "5m", "request": {…}}"#;
    let json: Json = serde_json::from_str(line).map_err(|error| format!("{error}; {FORM}"))?;
    let Json::Object(mut members) = json else {
        return Err(format!("it is no JSON object; {FORM}"));
    };
    let at = match members.remove("at") {
        Some(Json::String(text)) => duration::parse(&text),
        Some(Json::Number(seconds)) => seconds.as_u64().map(Duration::from_secs),
        _ => None,
    };
    let at = at.ok_or_else(|| format!("'at' is no duration such as \"5m\"; {FORM}"))?;
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some((kind, content)), None) => Ok(Planned {
            at,
            kind,
            content: Value::from_json(&content),
            line: number,
        }),
        (None, _) => Err(format!("it says no event; {FORM}")),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("it says two events, '{one}' and '{other}'; {FORM}"))
        }
    }
}

/// Who lets each event of a file come at its time, each on a branch of its own.
pub(super) fn player(
    sources: &[Arc<dyn Source>],
    events: &[Planned],
) -> Result<Option<(String, Work)>, Fault> {
    for planned in events {
        source(sources, planned)?;
    }
    if events.is_empty() {
        return Ok(None);
    }
    let sources = sources.to_vec();
    let events = events.to_vec();
    let play = move |hub: &Arc<Hub>| {
        for planned in events {
            if !hub.sleep_until(planned.at) {
                break;
            }
            let Ok(source) = source(&sources, &planned) else {
                continue;
            };
            let started = hub.thread("event", move |hub| {
                if let Err(fault) = source.replay(hub, &planned.content) {
                    let words = format!("line {} of the events: {}", planned.line, fault.message);
                    hub.say(Level::ERROR, &words);
                }
            });
            if let Err(error) = started {
                hub.fail(no_thread(&error));
            }
        }
    };
    Ok(Some(("events".to_owned(), Box::new(play))))
}

/// Who takes an event.
fn source(sources: &[Arc<dyn Source>], planned: &Planned) -> Result<Arc<dyn Source>, Fault> {
    let found = sources
        .iter()
        .find(|source| source.kind() == Some(planned.kind.as_str()));
    found.cloned().ok_or_else(|| {
        let kinds: Vec<&str> = sources.iter().filter_map(|source| source.kind()).collect();
        let kinds = match kinds.as_slice() {
            [] => "its sources take none from a file".to_owned(),
            kinds => format!("it takes {}", kinds.join(", ")),
        };
        Fault::new(
            FaultKind::Invalid,
            format!(
                "line {} of the events: the playbook has no source of '{}' events; {kinds}",
                planned.line, planned.kind
            ),
        )
    })
}

pub(super) fn no_thread(error: &std::io::Error) -> Fault {
    Fault::new(
        FaultKind::Failed,
        format!("no thread can be started: {error}"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn events_are_read_in_order_of_time() {
        let events = read(
            "# a comment\n{\"at\": \"5m\", \"request\": {\"path\": \"/\"}}\n\n{\"alarm\": {}, \"at\": 1}\n",
        )
        .unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.at.as_secs(), event.kind.as_str(), event.line))
            .collect();
        assert_eq!(seen, [(1, "alarm", 4), (300, "request", 2)]);
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        for (text, why) in [
            ("{}", "line 1: 'at' is no duration"),
            ("[1]", "line 1: it is no JSON object"),
            ("\n{\"at\": \"5m\"}", "line 2: it says no event"),
            (
                "{\"at\": \"5m\", \"a\": 1, \"b\": 2}",
                "line 1: it says two events",
            ),
            ("{\"at\"", "line 1: EOF"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
