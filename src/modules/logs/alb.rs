//! `logs::analyse_alb`: from parameters to logs, rules and a result.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;

use opsh_accesslog::{Failure, Rules, Source};
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::objects::{self, Object};
use super::report;
use crate::modules::{Context, given};

/// More threads than this wait for the disk or the network only.
const THREADS: usize = 8;

/// Reads all logs.
pub(super) fn analyse(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut sources: Vec<Source> = given::list(input, "files")
        .iter()
        .filter_map(Value::as_text)
        .map(|path| file(context, path))
        .collect();
    let objects: Vec<Object> = given::list(input, "objects")
        .iter()
        .filter_map(Value::as_map)
        .map(Object::of)
        .collect();
    if sources.is_empty() && objects.is_empty() {
        return Err(
            Fault::new(FaultKind::Invalid, "there is no log to read").hint(
                "give some: #{ files: [\"access.log.gz\"] } or #{ objects: [#{ bucket: …, key: … }] }",
            ),
        );
    }
    let count = sources.len() + objects.len();
    let threads = std::thread::available_parallelism().map_or(NonZero::<usize>::MIN, |threads| {
        threads.min(NonZero::new(THREADS).unwrap_or(threads))
    });
    let (streams, fetch) = objects::streams(context, objects, threads)?;
    sources.extend(streams);
    let rules = rules(input);
    let probes = rules.probes.clone();
    let stop = || context.cancel.reason().is_some();
    // The calling thread is the one that the world knows: it fetches, others read.
    let (fetched, read) = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("opsh-logs".into())
            .spawn_scoped(scope, || {
                opsh_accesslog::analyse(sources, rules, threads, &stop)
            })
            .map_err(|error| {
                Fault::new(FaultKind::Failed, format!("cannot start a thread: {error}"))
            })?;
        let fetched = fetch.map_or(Ok(Value::Null), |fetch| {
            context.world.complete(fetch, context.cancel)
        });
        let read = reader
            .join()
            .map_err(|_| Fault::new(FaultKind::Failed, "the log's reader ended unexpectedly"))?;
        Ok::<_, Fault>((fetched, read))
    })?;
    // Why the bytes did not come says more than that they did not.
    fetched?;
    context.cancel.check()?;
    let report = read.map_err(failed)?;
    Ok(report::value(&report, count, &probes))
}

fn file(context: &Context<'_>, path: &str) -> Source {
    let real = path.to_owned();
    Source {
        name: context.shown(path),
        open: Box::new(move || File::open(real).map(|file| Box::new(file) as Box<dyn Read + Send>)),
    }
}

fn rules(input: &Map) -> Rules {
    let otherwise = Rules::default();
    let statuses: Vec<u16> = given::list(input, "missing_statuses")
        .iter()
        .filter_map(|status| u16::try_from(status.as_int()?).ok())
        .collect();
    let number = |name: &str, otherwise: u64| {
        input
            .get(name)
            .and_then(Value::as_int)
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(otherwise)
    };
    Rules {
        probes: given::list(input, "probes")
            .iter()
            .filter_map(Value::as_text)
            .filter(|probe| !probe.is_empty())
            .map(str::to_owned)
            .collect(),
        missing: if input.contains_key("missing_statuses") {
            statuses
        } else {
            otherwise.missing
        },
        requests_per_minute: number("requests_per_minute", otherwise.requests_per_minute),
        top: usize::try_from(number("top", otherwise.top as u64)).unwrap_or(otherwise.top),
    }
}

fn failed(failure: Failure) -> Fault {
    match failure {
        Failure::Read { name, error } => {
            let (kind, reason) = match error.kind() {
                std::io::ErrorKind::NotFound => (FaultKind::NotFound, "it is not there".to_owned()),
                std::io::ErrorKind::PermissionDenied => {
                    (FaultKind::Denied, "permission denied".to_owned())
                }
                std::io::ErrorKind::IsADirectory => {
                    (FaultKind::Invalid, "it is a folder".to_owned())
                }
                _ => (FaultKind::Failed, error.to_string()),
            };
            Fault::new(kind, format!("cannot read the log {name}: {reason}"))
        }
        other => Fault::new(FaultKind::Failed, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::modules::logs::ENTRIES;
    use crate::modules::testing::Bench;

    fn list(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| Value::from(*item)).collect())
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let bench = Bench::new(ENTRIES);
        let fault = bench.call("analyse_alb", []).unwrap_err();
        assert_eq!(
            (fault.kind, fault.message.as_str()),
            (FaultKind::Invalid, "there is no log to read")
        );
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.log.gz").display().to_string();
        let fault = bench
            .call("analyse_alb", [("files", list(&[&missing]))])
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.message),
            (
                FaultKind::NotFound,
                format!("cannot read the log {missing}: it is not there")
            )
        );
        let here = folder.path().display().to_string();
        let fault = bench
            .call("analyse_alb", [("files", list(&[&here]))])
            .unwrap_err();
        assert_eq!(
            fault.message,
            format!("cannot read the log {here}: it is a folder")
        );
    }

    #[test]
    fn lines_that_are_none_are_counted_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test").display().to_string();
        std::fs::write(
            &path,
            "Enable AccessLog for ELB: app/x/1 at 2026-07-02T22:23:00Z",
        )
        .unwrap();
        let found = Bench::new(ENTRIES)
            .call("analyse_alb", [("files", list(&[&path]))])
            .unwrap();
        assert_eq!(found.get("lines"), Some(&Value::Int(1)));
        assert_eq!(found.get("malformed"), Some(&Value::Int(1)));
        let lines = found
            .get("malformed_lines")
            .and_then(Value::as_list)
            .unwrap();
        assert_eq!(
            lines[0].get("reason").and_then(Value::as_text),
            Some("the field 'time' is no time")
        );
        assert_eq!(found.get("first"), None);
    }
}
