//! A simulated machine's files in a folder of this one.

use std::path::{Component, Path};

use tempfile::TempDir;

/// Writes files into a new folder whose name begins with `prefix`; names that lead out of it
/// are left alone.
///
/// # Errors
/// As the system says.
pub fn unpack<'a>(
    prefix: &str,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir()?;
    for (name, content) in files {
        let inside = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            continue;
        }
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_is_written_elsewhere() {
        let above = "../opsh-unpacked-above";
        let files = [
            ("deep/er/a.txt", &b"one"[..]),
            (above, b"two"),
            ("/b", b"three"),
        ];
        let folder = unpack("opsh-test-", files).unwrap();
        assert_eq!(
            std::fs::read(folder.path().join("deep/er/a.txt")).unwrap(),
            b"one"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!folder.path().join(above).exists());
    }
}
