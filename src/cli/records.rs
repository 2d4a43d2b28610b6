//! What the commands have in common that show what a ledger holds: which ledger, in which
//! form.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::console::Output;
use super::{say, settings, start};
use crate::gate::journal::Place;
use crate::ledger::{Error, Holder, Ledger, Resource, Run, Secrets, StackLock};
use crate::script::error::Class;
use crate::script::source::Sources;

/// Which ledger is looked at, and in which form.
#[derive(Args)]
pub struct Which {
    /// The ledger of the embedded cloud
    #[arg(long)]
    local: bool,
    /// The ledger at PATH
    #[arg(long, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

impl Which {
    /// Shows what `look` finds in the ledger; `empty` if there is no ledger yet.
    #[must_use]
    pub fn show(
        &self,
        empty: &str,
        look: impl FnOnce(&mut Ledger, &mut AtWork) -> Result<Found, Error>,
    ) -> ExitCode {
        let path = settings::ledger(self.ledger.as_deref(), self.local);
        let mut at_work = AtWork::of(settings::place(self.ledger.as_deref(), self.local));
        let found = match Ledger::open_existing(&path) {
            Ok(None) => Ok(Found {
                json: Vec::new(),
                text: String::new(),
            }),
            Ok(Some(mut ledger)) => look(&mut ledger, &mut at_work),
            Err(error) => Err(error),
        };
        match (found, self.output) {
            (Err(error), _) => {
                let flags = settings::flags(self.ledger.as_deref(), self.local);
                let error = start::stopped(&error.told(&flags), Class::Failed);
                return say::error(&error, self.output, &Sources::default());
            }
            (Ok(found), Output::Json) => {
                for line in found.json {
                    say::out(line);
                }
            }
            (Ok(found), Output::Human) if found.text.is_empty() => say::out(empty),
            (Ok(found), Output::Human) => say::out(found.text),
        }
        ExitCode::SUCCESS
    }
}

/// Who works on which stack.
pub struct AtWork {
    place: Place,
    known: BTreeMap<String, Option<Holder>>,
}

impl AtWork {
    /// Who works on the stacks of the ledger at `place`.
    #[must_use]
    pub fn of(place: Place) -> Self {
        Self {
            place,
            known: BTreeMap::new(),
        }
    }

    /// How `run` ended; `running` only if somebody is at it, `stopped` if its process has
    /// ended before it.
    pub fn outcome(&mut self, ledger: &mut Ledger, run: &Run) -> &'static str {
        let (None, Place::Files { locks, .. }) = (&run.end, &self.place) else {
            return run.outcome();
        };
        let holder = self
            .known
            .entry(run.stack.clone())
            .or_insert_with(|| StackLock::holder(locks, &run.stack));
        let is_at_it = holder.as_ref().is_some_and(|holder| {
            // Who has just begun has not said yet at which run it is.
            holder.run.as_ref().is_none_or(|at| {
                let rest = run.id.as_str().strip_prefix(at.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        });
        if is_at_it {
            return run.outcome();
        }
        // It may have come to its end since it was read.
        match ledger.run(run.id.as_str(), Secrets::Hidden) {
            Ok(now) if now.end.is_some() => now.outcome(),
            _ => "stopped",
        }
    }

    /// `json`, which tells of `run`, with its outcome.
    pub fn tell(&mut self, ledger: &mut Ledger, run: &Run, mut json: Json) -> Json {
        json["outcome"] = self.outcome(ledger, run).into();
        json
    }
}

/// Rows of what a ledger holds: control characters in it do nothing to a terminal.
#[must_use]
pub fn held(heading: &[&str], rows: &[Vec<String>]) -> String {
    let clean = |text: &String| -> String {
        let clean = |letter: char| {
            if letter.is_control() {
                letter.escape_default().to_string()
            } else {
                letter.to_string()
            }
        };
        text.chars().map(clean).collect()
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(clean).collect())
        .collect();
    table(heading, &rows)
}

/// What a stack has, for people; empty if that is nothing.
#[must_use]
pub fn resources(resources: &[Resource]) -> String {
    let row = |resource: &Resource| {
        vec![
            resource.kind.clone(),
            resource.id.clone(),
            resource.name.clone().unwrap_or_default(),
            moment(resource.made),
            resource.run.to_string(),
        ]
    };
    let rows: Vec<_> = resources.iter().map(row).collect();
    held(&["kind", "id", "name", "made", "run"], &rows)
}

/// A time to the second.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// What there is to show, in both forms.
pub struct Found {
    /// One object a line.
    pub json: Vec<Json>,
    /// For people; empty if there is nothing.
    pub text: String,
}

/// Rows as an aligned table with a heading.
#[must_use]
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(heading.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    table
        .lines()
        // The style pads each cell on both sides.
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}
