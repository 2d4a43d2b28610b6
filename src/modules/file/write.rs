//! Writing and removing.

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::path::Path;

use opsh_operation::{Fault, FaultKind, Map, Value};

use super::{failed, path};
use crate::modules::{Context, given};

pub(super) fn write(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let secret = matches!(input.get("content"), Some(Value::Secret(_)));
    let mode = match input.get("mode").and_then(Value::as_text) {
        Some(text) => Some(octal(text)?),
        None if secret => Some(0o600),
        None => None,
    };
    replace(path, &given::bytes(input, "content"), mode)
        .map_err(|error| failed("write", path, &error))?;
    Ok(Value::Null)
}

/// Writes beside `path` and renames: there is never a part of the new content.
fn replace(path: &Path, content: &[u8], mode: Option<u32>) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(content)?;
    let permissions = match mode {
        Some(mode) => permissions(mode),
        None => path
            .metadata()
            .map_or_else(|_| permissions(0o644), |old| Some(old.permissions())),
    };
    if let Some(permissions) = permissions {
        new.as_file().set_permissions(permissions)?;
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
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

fn octal(text: &str) -> Result<u32, Fault> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| {
            Fault::new(
                FaultKind::Invalid,
                format!("{text:?} is not a file mode; write it in octal, e.g. \"0600\""),
            )
        })
}

#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_: u32) -> Option<Permissions> {
    None
}
