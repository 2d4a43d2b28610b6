//! Components that tests meet but a machine may lack: absent is a report, and in CI a failure.

use std::path::{Path, PathBuf};

/// What a component is needed for, and where it was looked for in vain.
pub struct Absent(String);

impl Absent {
    /// A component that is not there, and how to get it.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A component that is there; without it reports and gives `None`, but panics where it must be there.
///
/// `OPSH_E2E=all`, and `CI` unless `OPSH_E2E=none`, say that every component must be there;
/// `OPSH_E2E=none` has tests behave as on a machine that has none.
pub fn demand<T>(found: Result<T, Absent>) -> Option<T> {
    let wanted = std::env::var("OPSH_E2E").unwrap_or_default();
    let found = if wanted == "none" {
        Err(Absent::new("OPSH_E2E=none"))
    } else {
        found
    };
    match found {
        Ok(component) => Some(component),
        Err(Absent(why)) => {
            let strict = wanted == "all" || (wanted != "none" && std::env::var_os("CI").is_some());
            assert!(!strict, "an end-to-end test lacks its component: {why}");
            eprintln!("not tested end to end here: {why}");
            None
        }
    }
}

/// Where a program is.
pub fn program(name: &str) -> Result<PathBuf, Absent> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| Absent::new(format!("{name} is not installed (see .ci/run)")))
}

/// A file of this repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
