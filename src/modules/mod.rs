//! What playbooks call: one capability in one place.
//!
//! A module is a table of [`Entry`]s: an operation's declaration beside the
//! function that does it. The registry is the concatenation of these tables.

pub mod registry;

use std::path::{Path, PathBuf};

use opsh_aws::Binding;
use opsh_operation::{Fault, FaultKind, Map, Operation, Value};

use crate::world::{Cancel, World};

/// The tables of everything that is not generated from the AWS SDK.
pub static NATIVE: &[&[Entry]] = &[];

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
    Native(fn(&Context<'_>, &Map) -> Result<Value, Fault>),
    /// The script engine itself, because it needs the playbook's functions.
    Script,
    /// The gate itself, because it calls other operations.
    Gate,
}

/// What a native operation may use: everything else is out of its reach.
pub struct Context<'a> {
    /// Where effects land.
    pub world: &'a dyn World,
    /// When to stop waiting.
    pub cancel: &'a Cancel,
    /// The person at the terminal, if there is one.
    pub terminal: &'a dyn Terminal,
}

/// Where a playbook's words go and a person's answers come from.
///
/// Implemented by `cli` and `repl`, the only code that prints.
pub trait Terminal: Send + Sync {
    /// Whether somebody can be asked.
    fn interactive(&self) -> bool;

    /// Asks; a secret is not echoed.
    ///
    /// # Errors
    /// `failed` if nobody can be asked, `interrupted` on Ctrl-C or Ctrl-D.
    fn ask(&self, question: &str, secret: bool) -> Result<String, Fault>;

    /// A result for people: goes to standard output.
    fn print(&self, text: &str);

    /// A message about what happens: goes to standard error and the log file.
    fn log(&self, level: tracing::Level, message: &str);

    /// The width of the terminal in columns, 80 where there is none.
    fn width(&self) -> u16;
}

/// The folder that a playbook's local files are confined to.
///
/// The gate resolves every [`opsh_operation::Shape::Path`] and every `#{ file: … }`
/// body of an input with it; a handler sees real, absolute paths only.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Confines to `root`, which must exist.
    ///
    /// # Errors
    /// The root cannot be resolved.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        Ok(Self {
            root: root.canonicalize()?,
        })
    }

    /// The real path of `path`, which may not exist yet.
    ///
    /// # Errors
    /// `denied` if it leads outside of the root, also through a symbolic link.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, Fault> {
        let outside = || {
            Fault::new(
                FaultKind::Denied,
                format!(
                    "the file '{path}' is outside of the working directory {}",
                    self.root.display()
                ),
            )
            .hint("playbooks read and write files below the directory that opsh was started in")
        };
        let mut resolved = self.root.clone();
        for part in Path::new(path).components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::Normal(name) => resolved.push(name),
                std::path::Component::ParentDir => {
                    resolved.pop();
                }
                std::path::Component::RootDir | std::path::Component::Prefix(_) => {
                    resolved = PathBuf::from(part.as_os_str());
                }
            }
            if let Ok(real) = resolved.canonicalize() {
                resolved = real;
            }
        }
        if resolved.starts_with(&self.root) {
            Ok(resolved)
        } else {
            Err(outside())
        }
    }
}
