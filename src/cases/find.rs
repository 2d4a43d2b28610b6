//! The files that declare cases: `*.test.rhai`, and playbooks with a table of them.

use std::io;
use std::path::{Path, PathBuf};

use super::header;
use crate::script::source;

/// How the names of those end that hold nothing else.
pub const ENDING: &str = ".test.rhai";

/// Folders that nobody keeps cases in.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// The file at `path`, or that with the cases of the playbook there, or all below a folder
/// in order of their names.
///
/// # Errors
/// There is no such file or folder, or it cannot be read.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if std::fs::metadata(path)?.is_file() {
        let beside = path.with_extension("test.rhai");
        return Ok(
            if is_of_cases(path) || (!beside.is_file() && has_table(path)) {
                vec![path.to_owned()]
            } else if beside.is_file() {
                vec![beside]
            } else {
                Vec::new()
            },
        );
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
        } else if kind.is_file() && name.ends_with(".rhai") {
            let path = entry.path();
            // A file beside the playbook says that it has cases in two places.
            let declares = is_of_cases(&path)
                || (!path.with_extension("test.rhai").is_file() && has_table(&path));
            if !declares {
                continue;
            }
            // What is below the working directory is named without a dot in front.
            let plain = path.strip_prefix(".").map(Path::to_owned);
            found.push(plain.unwrap_or(path));
        }
    }
    Ok(())
}

fn is_of_cases(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ENDING)
}

/// Whether the playbook at `path` has cases in its header.
#[must_use]
pub fn has_table(path: &Path) -> bool {
    std::fs::read_to_string(path)
        .is_ok_and(|text| header::table(&source::without_mark(text)).is_some())
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
        let table = "// | case |\n// | one  |\n";
        for name in ["a/d.rhai", "b.rhai"] {
            std::fs::write(folder.path().join(name), table).unwrap();
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
        assert_eq!(
            names(folder.path()),
            ["a/c.test.rhai", "a/d.rhai", "b.test.rhai"]
        );
        assert_eq!(names(&folder.path().join("b.test.rhai")), ["b.test.rhai"]);
        assert_eq!(names(&folder.path().join("b.rhai")), ["b.test.rhai"]);
        assert_eq!(names(&folder.path().join("a/d.rhai")), ["a/d.rhai"]);
        assert_eq!(names(&folder.path().join("a/c.rhai")), ["a/c.test.rhai"]);
        assert!(files(&folder.path().join("nothing")).is_err());
    }
}
