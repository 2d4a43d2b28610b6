//! The zip file: the same files give the same bytes, whenever and wherever.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// The archive of `files` in order of their names; only `bootstrap` is executable.
///
/// # Errors
/// A file is too large for a zip file.
pub fn write(files: &BTreeMap<String, Vec<u8>>, compressed: bool) -> Result<Vec<u8>, String> {
    let method = if compressed {
        CompressionMethod::Deflated
    } else {
        CompressionMethod::Stored
    };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let mode = if name == "bootstrap" { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::DEFAULT)
            .system(System::Unix)
            .unix_permissions(mode);
        zip.start_file(name, options)
            .and_then(|()| Ok(zip.write_all(content)?))
            .map_err(|error| format!("'{name}' cannot be put into the archive: {error}"))?;
    }
    let written = zip
        .finish()
        .map_err(|error| format!("the archive cannot be finished: {error}"))?;
    Ok(written.into_inner())
}

/// The files of an archive, by name.
///
/// # Errors
/// It is no zip file, or damaged.
pub fn read(zip: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(|error| error.to_string())?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| error.to_string())?;
        if !file.is_file() {
            continue;
        }
        let name = file.name().map_err(|error| error.to_string())?.into_owned();
        let mut content = Vec::new();
        std::io::copy(&mut file, &mut content).map_err(|error| format!("{name}: {error}"))?;
        files.insert(name, content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_archive_depends_on_its_files_alone() {
        let files = BTreeMap::from([
            ("bootstrap".to_owned(), b"program".to_vec()),
            (
                "a.rhai".to_owned(),
                b"fn handler(event, context) {}".to_vec(),
            ),
        ]);
        for compressed in [false, true] {
            let zip = write(&files, compressed).unwrap();
            assert_eq!(zip, write(&files, compressed).unwrap());
            assert_eq!(read(&zip).unwrap(), files);
            let mut archive = zip::ZipArchive::new(Cursor::new(&zip)).unwrap();
            let modes: Vec<_> = (0..archive.len())
                .map(|index| {
                    let file = archive.by_index(index).unwrap();
                    assert_eq!(file.last_modified(), Some(DateTime::DEFAULT));
                    (
                        file.name().unwrap().into_owned(),
                        file.unix_mode().unwrap() & 0o777,
                    )
                })
                .collect();
            assert_eq!(
                modes,
                [
                    ("a.rhai".to_owned(), 0o644),
                    ("bootstrap".to_owned(), 0o755)
                ]
            );
        }
    }
}
