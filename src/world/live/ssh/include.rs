//! The files that an `Include` of `~/.ssh/config` names.
//!
//! Source: `ssh_config(5)`, "Include". What it allows and is not done here is refused by
//! name: other people's homes, tokens, variables, and brackets in patterns.

use std::path::{Component, Path, PathBuf};

use wildmatch::WildMatch;

/// The files that `argument` names, in lexical order. A pattern that nothing matches names
/// none; `home` is that of the user whose configuration it is.
///
/// # Errors
/// What is not supported.
pub(super) fn files(argument: &str, home: &Path) -> Result<Vec<PathBuf>, &'static str> {
    let path = match argument.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err("the home of somebody else ('~name')"),
        None => home.join(".ssh").join(argument),
    };
    for (sign, what) in [
        ("%", "a token ('%')"),
        ("${", "a variable ('${')"),
        ("[", "a pattern with '['"),
        ("\\", "a pattern with '\\'"),
    ] {
        if argument.contains(sign) {
            return Err(what);
        }
    }
    Ok(expand(&path))
}

fn is_pattern(part: Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['*', '?'])
}

/// The files that a path with `*` or `?` in any of its parts names.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    if !pattern.components().any(is_pattern) {
        return vec![pattern.to_owned()];
    }
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        found = if is_pattern(part) {
            let name = part.as_os_str().to_string_lossy();
            let matching = |folder: &PathBuf| matching(folder, &name);
            found.iter().flat_map(matching).collect()
        } else {
            found.iter().map(|folder| folder.join(part)).collect()
        };
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// What there is in `folder` that `pattern` means; hidden names only if it says so.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let matcher = WildMatch::new(pattern);
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let meant = pattern.starts_with('.') || !name.starts_with('.');
            meant && matcher.matches(&name)
        })
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_as_openssh_reads_them() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        for path in [
            ".ssh/conf.d/b",
            ".ssh/conf.d/a",
            ".ssh/conf.d/.swp",
            ".ssh/work/x/own",
            ".ssh/work/y/own",
            "dots/one",
        ] {
            std::fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            std::fs::write(at(path), "").unwrap();
        }
        let named = |argument: &str| files(argument, home.path()).unwrap();
        assert_eq!(named("~/dots/one"), [at("dots/one")]);
        assert_eq!(named("~/.ssh/conf.d/a"), [at(".ssh/conf.d/a")]);
        assert_eq!(named("conf.d/a"), [at(".ssh/conf.d/a")]);
        assert_eq!(named("conf.d/none"), [at(".ssh/conf.d/none")]);
        assert_eq!(named("/etc/x"), [PathBuf::from("/etc/x")]);
        assert_eq!(
            named("conf.d/*"),
            [at(".ssh/conf.d/a"), at(".ssh/conf.d/b")]
        );
        assert_eq!(named("conf.d/.*"), [at(".ssh/conf.d/.swp")]);
        assert_eq!(
            named("w*k/?/own"),
            [at(".ssh/work/x/own"), at(".ssh/work/y/own")]
        );
        assert!(named("no*/own").is_empty());
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let refused = |argument: &str| files(argument, Path::new("/home/me")).unwrap_err();
        assert_eq!(refused("~you/x"), "the home of somebody else ('~name')");
        assert_eq!(refused("%h.conf"), "a token ('%')");
        assert_eq!(refused("${DOTS}/ssh"), "a variable ('${')");
        assert_eq!(refused("conf.d/[ab]"), "a pattern with '['");
        assert_eq!(refused("a\\*b"), "a pattern with '\\'");
    }
}
