//! The archive that is deployed: the program as `bootstrap`, the script, what it imports.
//!
//! The same script and program give the same bytes, so that a function whose code
//! has the archive's SHA-256 need not be updated.

pub mod archive;
pub mod binary;
pub mod permissions;
pub mod program;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;
use crate::script::source::Sources;
use binary::Architecture;
use program::Program;

/// The largest archive that Lambda takes in a request: 50 MiB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_ZIP: usize = 50 * 1024 * 1024;
/// The largest sum of the files in it: 250 MiB.
const LARGEST_CONTENT: u64 = 250 * 1024 * 1024;

/// What stands for the program where nothing is deployed to a real Lambda.
const MARKER: &str = concat!(
    "opsh ",
    env!("CARGO_PKG_VERSION"),
    " on the embedded cloud: stands for the program, which runs the script itself\n"
);

/// What is packaged.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The script's file.
    pub script: &'a Path,
    /// Files and folders beside the script that it names at run time only.
    pub include: &'a [String],
    /// What runs it.
    pub bootstrap: Bootstrap,
}

/// What becomes the `bootstrap`.
#[derive(Debug, Clone)]
pub enum Bootstrap {
    /// The opsh in this file, for this architecture.
    Program(PathBuf, Architecture),
    /// A text that says which opsh it is: the embedded cloud runs scripts in the process.
    Marker,
}

/// A finished archive.
#[derive(Debug, Clone)]
pub struct Package {
    /// The archive.
    pub zip: Vec<u8>,
    /// Its SHA-256 as Lambda tells it: in base64.
    pub sha256: String,
    /// Lambda's name of the handler.
    pub handler: String,
    /// What is in it, in order.
    pub files: Vec<String>,
    /// The IAM actions that the script can need.
    pub actions: Vec<String>,
}

/// Packages a script.
///
/// # Errors
/// The script has no handler or cannot be read; an import or asset is missing or
/// only known at run time; the program would not run in Lambda; it is too large.
pub fn package(wanted: &Wanted<'_>, sources: &Sources) -> Result<Package, ScriptError> {
    let program = Program::gather(wanted.script, wanted.include, sources)?;
    let bootstrap = match &wanted.bootstrap {
        Bootstrap::Marker => MARKER.as_bytes().to_vec(),
        Bootstrap::Program(path, architecture) => {
            let content = std::fs::read(path).map_err(|error| {
                refused(format!(
                    "cannot read the program '{}': {}",
                    path.display(),
                    plain_io(&error)
                ))
            })?;
            binary::check(&content, *architecture).map_err(|why| {
                refused(format!(
                    "the program '{}' would not run in Lambda: {why}",
                    path.display()
                ))
                .hint(binary::how_to_build(*architecture))
            })?;
            content
        }
    };
    let compressed = matches!(wanted.bootstrap, Bootstrap::Program(..));
    let mut files = program.files.clone();
    files.insert("bootstrap".to_owned(), bootstrap);
    let size: u64 = files.values().map(|content| content.len() as u64).sum();
    if size > LARGEST_CONTENT {
        return Err(refused(format!(
            "the files of the function have {size} bytes; Lambda takes {LARGEST_CONTENT}"
        ))
        .hint("include less, or keep large files in a bucket"));
    }
    let zip = archive::write(&files, compressed).map_err(refused)?;
    if zip.len() > LARGEST_ZIP {
        return Err(refused(format!(
            "the archive has {} bytes; Lambda takes {LARGEST_ZIP} in a request",
            zip.len()
        ))
        .hint("include less, or build the program with --release, which strips it"));
    }
    Ok(Package {
        sha256: BASE64.encode(Sha256::digest(&zip)),
        zip,
        handler: program.handler.clone(),
        files: files.into_keys().collect(),
        actions: permissions::actions(&program),
    })
}

fn refused(message: String) -> ScriptError {
    ScriptError::plain(Class::Start, message)
}
