//! Writing and removing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use opsh_operation::{Fault, FaultKind, Map, Value};

use super::{failed, path};
use crate::modules::{Context, given};

pub(super) fn write(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let secret = matches!(input.get("content"), Some(Value::Secret(_)));
    let mode = match given::optional_text(input, "mode") {
        Some(text) => given::mode(text)?,
        None if secret => 0o600,
        None => permissions(path).unwrap_or(0o644),
    };
    let files = context.world.files();
    files
        .write(path, &given::bytes(input, "content"), mode)
        .map_err(|error| failed("write", path, &error))?;
    Ok(Value::Null)
}

/// The permissions of the file that is there.
#[cfg(unix)]
fn permissions(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let old = path.metadata().ok()?.permissions();
    Some(old.mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<u32> {
    None
}

pub(super) fn append(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let append = || {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(&given::bytes(input, "content"))?;
        file.sync_all()
    };
    append().map_err(|error| failed("append to", path, &error))?;
    Ok(Value::Null)
}

pub(super) fn remove(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(true.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false.into()),
        Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Err(Fault::new(
            FaultKind::Dependency,
            format!("the folder {} is not empty", path.display()),
        )
        .hint("remove what is in it first; file::list names it")),
        Err(error) => Err(failed("remove", path, &error)),
    }
}
