//! `opsh local status|advance|exec|say|outbox|serve|reset`: the embedded cloud that persists in `.opsh/local/`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use opsh_cloud::{Cloud, StoreError, store};
use serde_json::json;

use super::console::Output;
use super::records::table;
use super::say;
use super::settings::{FOLDER, LOCAL};

mod advance;
mod exec;
mod hand;
mod outbox;
mod serve;
mod talk;

/// Look at the embedded cloud, let its time go on, serve it to other tools, or begin it anew.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what there is and what time it is there
    Status {
        /// Form of the output
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    Advance(advance::Arguments),
    Exec(exec::Arguments),
    Say(talk::Arguments),
    Outbox(outbox::Arguments),
    Serve(serve::Arguments),
    /// Throw the embedded cloud away, with its ledger
    Reset,
}

/// Does what the subcommand says.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let folder = Path::new(FOLDER).join(LOCAL);
    let done = match &arguments.command {
        Command::Status { output } => status(&folder, *output),
        Command::Advance(arguments) => advance::advance(&folder, arguments).map(|()| String::new()),
        Command::Exec(arguments) => match exec::exec(&folder, arguments) {
            Ok(code) => return code,
            Err(message) => Err(message),
        },
        Command::Say(arguments) => talk::talk(&folder, arguments),
        Command::Outbox(arguments) => outbox::show(&folder, arguments),
        Command::Serve(arguments) => serve::serve(&folder, arguments).map(|()| String::new()),
        Command::Reset => reset(&folder),
    };
    match done {
        Ok(text) => {
            if !text.is_empty() {
                say::out(text);
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            say::err(format_args!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn status(folder: &Path, output: Output) -> Result<String, String> {
    let Some(cloud) = Cloud::copy_of_existing(folder).map_err(|error| told(&error))? else {
        return Ok(match output {
            Output::Human => {
                "there is no embedded cloud yet; opsh run … --local makes one".to_owned()
            }
            Output::Json => json!({"exists": false}).to_string(),
        });
    };
    let status = cloud.status();
    if output == Output::Json {
        let counts: Vec<_> = status
            .counts
            .iter()
            .map(|(service, kind, count)| json!({"service": service, "kind": kind, "count": count}))
            .collect();
        return Ok(json!({
            "exists": true,
            "time": status.now.to_string(),
            "account": status.account,
            "region": status.region,
            "counts": counts,
        })
        .to_string());
    }
    let rows: Vec<_> = status
        .counts
        .iter()
        .map(|(service, kind, count)| {
            vec![(*service).to_owned(), (*kind).to_owned(), count.to_string()]
        })
        .collect();
    Ok(format!(
        "account {}, region {}, time {}\n\n{}",
        status.account,
        status.region,
        status.now.strftime("%Y-%m-%d %H:%M:%SZ"),
        table(&["service", "kind", "count"], &rows)
    ))
}

fn reset(folder: &Path) -> Result<String, String> {
    match store::clear(folder) {
        Ok(true) => Ok(format!("removed {}", folder.display())),
        Ok(false) => Ok("there was no embedded cloud".to_owned()),
        Err(error) => Err(told(&error)),
    }
}

/// What is wrong with the folder, and the next step.
fn told(error: &StoreError) -> String {
    format!("{error}\n  next: {}", error.hint())
}
