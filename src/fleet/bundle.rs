//! What a machine needs to run a playbook as a service: the program and the playbook with
//! what it imports.
//!
//! On the embedded cloud a short text stands for the program: it names the version, costs
//! nothing in the state, and the playbook runs in this process ([`super::hosted`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opsh_cloud::hosts::STAND_IN;
use sha2::{Digest as _, Sha256};

use crate::lambda::package::binary::{self, Architecture, Place, Version};
use crate::lambda::package::permissions;
use crate::lambda::package::program::Program;
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;
use crate::script::source::Sources;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What becomes the program on the machine.
#[derive(Debug, Clone)]
pub enum Opsh {
    /// The opsh in this file, for a machine of this architecture with this glibc.
    File(PathBuf, Architecture, Version),
    /// The text that stands for it.
    StandIn,
}

/// Everything that is copied to a machine.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The content of each file by its name: `opsh`, the playbook, its imports.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The playbook's name among them.
    pub playbook: String,
    /// The IAM actions that the playbook can reach.
    pub actions: Vec<String>,
}

impl Bundle {
    /// Collects the playbook in `script`, what it imports, and the program.
    ///
    /// # Errors
    /// The playbook cannot be read or packaged; the program would not run there.
    pub fn gather(
        script: &Path,
        include: &[String],
        opsh: &Opsh,
        sources: &Sources,
    ) -> Result<Self, ScriptError> {
        let program = Program::gather_service(script, include, sources)?;
        let actions = permissions::actions(&program);
        let mut files = program.files;
        let content = match opsh {
            Opsh::StandIn => format!("{STAND_IN}{VERSION} on the embedded cloud\n").into_bytes(),
            Opsh::File(path, architecture, glibc) => {
                let content = std::fs::read(path).map_err(|error| {
                    let why = plain_io(&error);
                    refused(format!(
                        "cannot read the program '{}': {why}",
                        path.display()
                    ))
                })?;
                let machine = Place::machine(*glibc);
                binary::check_for(machine, &content, *architecture).map_err(|why| {
                    refused(format!(
                        "the program '{}' would not run there: {why}",
                        path.display()
                    ))
                    .hint(binary::how_to_build(*architecture))
                })?;
                content
            }
        };
        files.insert("opsh".to_owned(), content);
        Ok(Self {
            files,
            playbook: script
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            actions,
        })
    }

    /// Differs where any file differs.
    #[must_use]
    pub fn sum(&self) -> String {
        let mut sum = Sha256::new();
        for (name, content) in &self.files {
            sum.update((name.len() as u64).to_be_bytes());
            sum.update(name);
            sum.update((content.len() as u64).to_be_bytes());
            sum.update(content);
        }
        hex::encode(sum.finalize())
    }
}

fn refused(message: String) -> ScriptError {
    ScriptError::plain(Class::Start, message)
}
