//! What playbooks call: one capability in one place.
//!
//! A module is a table of [`Entry`]s: an operation's declaration beside the
//! function that does it. The registry is the concatenation of these tables.

pub mod about;
mod answer;
pub mod bundle;
pub mod burn;
pub(crate) mod declare;
pub mod discord;
pub mod file;
mod files;
mod given;
pub mod host;
pub mod http;
pub mod imds;
pub mod lambda;
pub mod log;
pub mod logs;
pub mod metrics;
pub mod parallel;
pub mod random;
pub mod registry;
pub mod service;
pub mod ssh;
pub mod stack;
pub mod state;
pub mod term;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;

pub use files::Files;

use opsh_aws::{Binding, Fills};
use opsh_operation::{Fault, Map, Operation, Secret, Value};

use crate::gate::journal::Journal;
use crate::world::{Cancel, Scope, World};

/// The tables of everything that is not generated from the AWS SDK.
pub static NATIVE: &[&[Entry]] = &[
    discord::ENTRIES,
    bundle::ENTRIES,
    burn::ENTRIES,
    file::ENTRIES,
    host::ENTRIES,
    http::ENTRIES,
    imds::ENTRIES,
    lambda::ENTRIES,
    log::ENTRIES,
    logs::ENTRIES,
    metrics::ENTRIES,
    parallel::ENTRIES,
    random::ENTRIES,
    service::ENTRIES,
    ssh::ENTRIES,
    stack::ENTRIES,
    state::ENTRIES,
    term::ENTRIES,
    text::ENTRIES,
    time::ENTRIES,
];

/// An operation and what does it.
pub struct Entry {
    /// What it is.
    pub operation: &'static Operation,
    /// What does it.
    pub handler: Handler,
}

/// What does an operation. Only the gate calls it.
#[derive(Clone, Copy)]
pub enum Handler {
    /// A generated binding to the AWS SDK.
    Aws(&'static Binding),
    /// A function of this crate.
    Native(Native),
    /// The script engine itself, because it needs the playbook's functions.
    Script {
        /// Texts in Rhai that it runs beside them.
        brings: &'static [&'static str],
    },
    /// The gate itself, because it calls other operations.
    Gate,
    /// A function of this crate that works on the run's ledger.
    Ledger(fn(&Journal, &Map) -> Result<Value, Fault>),
    /// A function of the standard library: it gets the parameters as one map, and the
    /// calls that it makes pass the gate.
    Library {
        /// What it would be imported as.
        module: &'static str,
        /// Its name there.
        function: &'static str,
    },
}

/// What does an operation that is opsh's own.
pub type Native = fn(&Context<'_>, &Map) -> Result<Value, Fault>;

impl Handler {
    /// The script engine, which runs nothing but the playbook's functions.
    const SCRIPT: Self = Self::Script { brings: &[] };

    /// What is filled into a write's input beside its tags and its token.
    #[must_use]
    pub fn fills(self) -> Fills {
        match self {
            Self::Aws(binding) => binding.fills,
            _ => Fills::NONE,
        }
    }
}

/// What a native operation may use: everything else is out of its reach.
pub struct Context<'a> {
    /// Where effects land.
    pub world: &'a dyn World,
    /// When to stop waiting.
    pub cancel: &'a Cancel,
    /// The person at the terminal, if there is one.
    pub terminal: &'a dyn Terminal,
    /// Where local files may be.
    pub files: &'a Files,
    /// Whose AWS is meant, for those that use it.
    pub scope: &'a Scope,
    /// Blots out, from now on, a secret that an operation has found by itself.
    pub conceal: &'a (dyn Fn(&Secret) + Sync),
}

impl Context<'_> {
    /// A real path as the playbook knows it, for results.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        self.files.shown(path, self.world.files())
    }
}

/// Where a playbook's words go and a person's answers come from.
///
/// Implemented by `cli` and `repl`, the only code that prints.
pub trait Terminal: Send + Sync {
    /// Whether somebody can be asked.
    fn interactive(&self) -> bool;

    /// Whether every confirmation is given beforehand: `--yes`, or a dry run,
    /// which changes nothing that would need one.
    fn consents(&self) -> bool;

    /// Asks and waits until there is an answer or `cancel` ends the wait; a
    /// secret is not echoed.
    ///
    /// # Errors
    /// `failed` if nobody can be asked, `interrupted` on Ctrl-D, the cancellation's.
    fn ask(&self, question: &str, secret: bool, cancel: &Cancel) -> Result<String, Fault>;

    /// Asks a question of yes or no, where nothing said is no.
    ///
    /// # Errors
    /// As [`Terminal::ask`].
    fn agrees(&self, question: &str, cancel: &Cancel) -> Result<bool, Fault> {
        let answer = self.ask(&format!("{question} [y/N] "), false, cancel)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// A result for people: goes to standard output.
    fn print(&self, text: &str);

    /// A message about what happens: goes to standard error and the log file.
    fn log(&self, level: tracing::Level, message: &str);

    /// How far something is: a bar of that label, or a line.
    fn progress(&self, label: &str, percent: i64, note: &str) {
        self.log(
            tracing::Level::INFO,
            &term::progress::line(label, percent, note),
        );
    }

    /// The width of the terminal in columns, 80 where there is none.
    fn width(&self) -> u16;
}
