//! Where the sources of the SDK crates are, as the workspace is locked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use cargo_metadata::MetadataCommand;

use crate::{Error, Result};

/// The source folder of each crate of `names`.
pub fn roots<'a>(names: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, PathBuf>> {
    // Only this platform's packages have been downloaded by building xtask.
    let options = ["--offline", "--locked", "--filter-platform", &platform()?];
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(options.map(str::to_owned))
        .exec()
        .map_err(|error| Error(format!("cargo metadata: {error}")))?;
    names
        .map(|name| {
            let package = metadata
                .packages
                .iter()
                .find(|package| package.name.as_str() == name)
                .ok_or_else(|| Error(format!("{name} is no dependency of the workspace")))?;
            let folder = package
                .manifest_path
                .parent()
                .ok_or_else(|| Error(format!("{name} has no folder")))?;
            Ok((name.to_owned(), folder.join("src").into_std_path_buf()))
        })
        .collect()
}

/// The platform that the compiler runs on, e.g. `x86_64-unknown-linux-gnu`.
fn platform() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| Error(format!("rustc -vV: {error}")))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Error("rustc -vV names no host".into()))
}
