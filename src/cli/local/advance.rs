//! `opsh local advance`: the embedded cloud's time goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use opsh_cloud::chronicle::{Happening, Kind};
use serde_json::json;

use super::hand::{Hand, no_cloud};
use crate::cli::console::Output;
use crate::cli::{say, settings};

/// Let the embedded cloud's time go on, and show what happens meanwhile
///
/// Schedules fire, functions run, alarms and health checks are evaluated, groups launch and
/// replace, logs are delivered, exactly as while a playbook waits. It takes as long as the
/// work of it, not as long as the time that passes. A cloud that is being served is
/// advanced there.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// By how much, e.g. 90s, 10m or 2h
    #[arg(value_name = "DURATION", value_parser = settings::duration)]
    by: Duration,
    /// Form of the output; JSON has every run of a function, too
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Lets the time of the cloud in `folder` go on.
pub(super) fn advance(folder: &Path, arguments: &Arguments) -> Result<(), String> {
    let stop = interrupted()?;
    let mut hand = Hand::on(folder)?.ok_or_else(no_cloud)?;
    let begun = hand.now();
    let mut teller = Teller {
        output: arguments.output,
        runs: BTreeMap::new(),
        told: 0,
    };
    hand.advance(arguments.by, &|| stop.load(Ordering::SeqCst), &mut |what| {
        teller.tell(&what);
    })?;
    teller.end(begun, hand.now());
    Ok(())
}

/// A flag that Ctrl-C raises; raised twice, the process ends.
fn interrupted() -> Result<Arc<AtomicBool>, String> {
    let flag = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGINT,
        130,
        Arc::clone(&flag),
    )
    .and_then(|_| signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&flag)));
    registered.map_err(|error| format!("signals cannot be received: {error}"))?;
    Ok(flag)
}

/// Shows what happens.
struct Teller {
    output: Output,
    /// How often each function has run.
    runs: BTreeMap<String, u32>,
    told: u32,
}

impl Teller {
    fn tell(&mut self, happening: &Happening) {
        let Happening { at, kind, to, what } = happening;
        if *kind == Kind::Run {
            *self.runs.entry(to.clone()).or_default() += 1;
        }
        match self.output {
            Output::Json => say::out(json!({
                "event": "happened",
                "time": at.to_string(),
                "kind": kind,
                "to": to,
                "what": what,
            })),
            Output::Human if *kind == Kind::Run => return,
            // A message of several lines is one event of a function's log.
            Output::Human => say::out(format_args!(
                "{}  {:<8}  {to}: {}",
                at.strftime("%Y-%m-%d %H:%M:%SZ"),
                kind.name(),
                what.replace(['\r', '\n'], "\n    ")
            )),
        }
        self.told += 1;
    }

    fn end(&self, from: Timestamp, to: Timestamp) {
        if self.output == Output::Json {
            say::out(json!({
                "event": "advanced",
                "from": from.to_string(),
                "to": to.to_string(),
                "runs": self.runs,
            }));
            return;
        }
        if self.told == 0 {
            say::out("nothing else happened");
        }
        for (function, count) in &self.runs {
            let times = if *count == 1 { "once" } else { "times" };
            let count = if *count == 1 {
                String::new()
            } else {
                format!("{count} ")
            };
            say::out(format_args!("the function {function} ran {count}{times}"));
        }
        say::out(format_args!(
            "it is {} now",
            to.strftime("%Y-%m-%d %H:%M:%SZ")
        ));
    }
}
