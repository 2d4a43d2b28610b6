//! The bindings generator: `cargo run -p xtask -- generate` and `… -- check`.
//!
//! It reads `crates/aws/operations/*.list` (what cannot be derived) and the
//! sources of the SDK crates that the workspace is locked to (everything else),
//! and writes `crates/aws/src/generated/` and `crates/aws/generated.table`.
//!
//! - [`list`]: one line an operation, as people write it; [`find`] and [`look`]: its
//!   clauses that look for something;
//! - [`sources`]: where the SDK crates' sources are;
//! - [`reader`]: the SDK's structures, enumerations and operations, as a [`model`];
//! - [`prose`]: one sentence out of the SDK's documentation;
//! - [`resolve`]: the two together: what each operation takes and gives;
//! - [`check`]: whether a declaration's paths point at something;
//! - [`emit`], [`table`]: the Rust and the table for reviewers.

mod check;
mod emit;
mod find;
mod list;
mod look;
mod model;
mod prose;
mod reader;
mod resolve;
mod sources;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Why generating failed, as one sentence that names the place.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

/// What everything here returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Generates the AWS bindings from the SDK crates' sources.
#[derive(Parser)]
enum Command {
    /// Writes the bindings.
    Generate,
    /// Fails if the committed bindings differ from what would be written.
    Check,
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Generate => generate().and_then(|files| write(&files)),
        Command::Check => generate().and_then(|files| compare(&files)),
    };
    match outcome {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of `opsh-aws`.
fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/aws")
}

/// Every generated file by its path under [`home`].
fn generate() -> Result<BTreeMap<String, String>> {
    let folder = home().join("operations");
    let mut services = Vec::new();
    for path in files(&folder)? {
        let text = read(&path)?;
        let place = path.file_name().unwrap_or_default().to_string_lossy();
        services.push(list::parse(&place, &text)?);
    }
    let roots = sources::roots(services.iter().map(|service| service.krate.as_str()))?;
    let resolved = services
        .iter()
        .map(|service| resolve::service(service, &roots[&service.krate]))
        .collect::<Result<Vec<_>>>()?;
    check::all(&resolved)?;
    let mut files = emit::all(&resolved);
    files.insert("generated.table".into(), table::all(&resolved));
    Ok(files)
}

fn write(files: &BTreeMap<String, String>) -> Result<String> {
    for stale in existing()?.keys().filter(|name| !files.contains_key(*name)) {
        std::fs::remove_file(home().join(stale))
            .map_err(|error| Error(format!("cannot remove {stale}: {error}")))?;
    }
    for (name, text) in files {
        let path = home().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| Error(format!("cannot make {}: {error}", folder.display())))?;
        }
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        std::fs::write(&path, text)
            .map_err(|error| Error(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(format!("{} files are current", files.len()))
}

fn compare(files: &BTreeMap<String, String>) -> Result<String> {
    let old = existing()?;
    let mut differing: Vec<&str> = files
        .iter()
        .filter(|(name, text)| old.get(*name) != Some(*text))
        .map(|(name, _)| name.as_str())
        .collect();
    differing.extend(
        old.keys()
            .filter(|name| !files.contains_key(*name))
            .map(String::as_str),
    );
    if differing.is_empty() {
        return Ok(format!("{} files are current", files.len()));
    }
    Err(Error(format!(
        "not current: {}; run `cargo run -p xtask -- generate` and commit the result",
        differing.join(", ")
    )))
}

/// The generated files that there are.
fn existing() -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let folder = home().join("src/generated");
    let mut pending = vec![folder];
    while let Some(folder) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(home()).unwrap_or(&path);
                found.insert(name.to_string_lossy().into_owned(), read(&path)?);
            }
        }
    }
    let table = home().join("generated.table");
    if table.exists() {
        found.insert("generated.table".into(), read(&table)?);
    }
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Error(format!("cannot read {}: {error}", folder.display())))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "list"))
        .collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error(format!("cannot read {}: {error}", path.display())))
}
