//! The files that declare cases.

use std::io;
use std::path::{Path, PathBuf};

/// How their names end.
pub const ENDING: &str = ".test.rhai";

/// Folders that nobody keeps cases in.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// The file at `path`, or all below it in order of their names.
///
/// # Errors
/// There is no such file or folder, or it cannot be read.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if std::fs::metadata(path)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    below(path, &mut found)?;
    found.sort();
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_ref()) {
            below(&entry.path(), found)?;
        } else if kind.is_file() && name.ends_with(ENDING) {
            // What is below the working directory is named without a dot in front.
            let path = entry.path();
            let plain = path.strip_prefix(".").map(Path::to_owned);
            found.push(plain.unwrap_or(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn they_are_found_below_a_folder_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.test.rhai",
            "a/c.test.rhai",
            "a/c.rhai",
            ".opsh/d.test.rhai",
            "target/e.test.rhai",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |path: &Path| -> Vec<String> {
            let found = files(path).unwrap();
            let short = |file: &PathBuf| {
                file.strip_prefix(folder.path())
                    .unwrap()
                    .display()
                    .to_string()
            };
            found.iter().map(short).collect()
        };
        assert_eq!(names(folder.path()), ["a/c.test.rhai", "b.test.rhai"]);
        assert_eq!(names(&folder.path().join("b.test.rhai")), ["b.test.rhai"]);
        assert!(files(&folder.path().join("nothing")).is_err());
    }
}
