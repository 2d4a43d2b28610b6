//! Reading and looking.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Value};
use sha2::{Digest as _, Sha256};

use super::{LIMIT, failed, path};
use crate::modules::{Context, given, text};

pub(super) fn read(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    String::from_utf8(bounded(path, input)?)
        .map(Value::Text)
        .map_err(|_| {
            Fault::new(
                FaultKind::Invalid,
                format!("the file {} is not UTF-8 text", path.display()),
            )
            .hint("read it as bytes: file::read_bytes(path)")
        })
}

pub(super) fn read_bytes(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    bounded(path(input), input).map(Value::Bytes)
}

fn bounded(path: &Path, input: &Map) -> Result<Vec<u8>, Fault> {
    let limit = u64::try_from(given::int(input, "limit", LIMIT)).unwrap_or_default();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| failed("read", path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(Fault::new(
            FaultKind::Limit,
            format!("the file {} is larger than {limit} bytes", path.display()),
        )
        .hint("if that is meant, raise it: #{ limit: … }"));
    }
    Ok(bytes)
}

pub(super) fn exists(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    path.try_exists()
        .map(Value::Bool)
        .map_err(|error| failed("look for", path, &error))
}

pub(super) fn list(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let entries = || -> std::io::Result<Vec<(String, Metadata)>> {
        let mut found = Vec::new();
        for entry in path.read_dir()? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            found.push((name, entry.metadata()?));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    };
    let entries = entries().map_err(|error| failed("list", path, &error))?;
    Ok(Value::List(
        entries
            .iter()
            .map(|(name, metadata)| described(name, metadata))
            .collect(),
    ))
}

pub(super) fn info(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.metadata()
        .map(|metadata| described(&name, &metadata))
        .map_err(|error| failed("look at", path, &error))
}

pub(super) fn content_type(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(8192).read_to_end(&mut start))
        .map_err(|error| failed("read", path, &error))?;
    Ok(text::content_type(&start).into())
}

pub(super) fn sha256(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = path(input);
    let mut sum = Sha256::new();
    let mut part = vec![0; 64 << 10];
    let mut digest = || -> std::io::Result<()> {
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut part)? {
                0 => return Ok(()),
                count => sum.update(&part[..count]),
            }
        }
    };
    digest().map_err(|error| failed("read", path, &error))?;
    Ok(hex::encode(sum.finalize()).into())
}

fn described(name: &str, metadata: &Metadata) -> Value {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok());
    Value::Map(Map::from([
        ("name".to_owned(), name.into()),
        (
            "size".to_owned(),
            i64::try_from(metadata.len()).unwrap_or(i64::MAX).into(),
        ),
        ("modified".to_owned(), modified.into()),
        ("folder".to_owned(), metadata.is_dir().into()),
        ("mode".to_owned(), mode(metadata).into()),
    ]))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    format!("{:04o}", metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(metadata: &Metadata) -> String {
    if metadata.permissions().readonly() {
        "0444".to_owned()
    } else {
        "0644".to_owned()
    }
}
