//! What `opsh ls` and `opsh history` have in common: which ledger, in which form.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value as Json;

use super::console::Output;
use super::say;
use crate::ledger::{Error, Ledger};

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
        look: impl FnOnce(&mut Ledger) -> Result<Found, Error>,
    ) -> ExitCode {
        let path = super::settings::ledger(self.ledger.as_deref(), self.local);
        let found = match Ledger::open_existing(&path) {
            Ok(None) => Ok(Found {
                json: Vec::new(),
                text: String::new(),
            }),
            Ok(Some(mut ledger)) => look(&mut ledger),
            Err(error) => Err(error),
        };
        match (found, self.output) {
            (Err(error), _) => {
                say::err(format_args!("error: {error}"));
                return ExitCode::FAILURE;
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
