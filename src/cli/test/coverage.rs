//! Which lines of the playbooks the cases have reached, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use crate::cases::Covered;

/// All files together.
pub(super) fn sum(files: &[Covered]) -> (usize, usize) {
    files.iter().fold((0, 0), |(reached, all), file| {
        (reached + file.reached(), all + file.lines.len())
    })
}

/// A line for each file, with the lines that were not reached, and one for all.
pub(super) fn table(files: &[Covered]) -> String {
    let shown = |file: &Covered| seen(&file.path);
    let whole = "all";
    let wide = |text: &str| text.chars().count();
    let width = files.iter().map(|file| wide(&shown(file))).max();
    let width = width.unwrap_or_default().max(wide(whole));
    let mut out = String::from("\nlines reached");
    let mut line = |name: &str, (reached, all): (usize, usize), missed: &str| {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n  {name:width$}  {:>3} %  {reached} of {all}",
            percent(reached, all)
        );
        if !missed.is_empty() {
            let _ = write!(out, ", not {missed}");
        }
    };
    for file in files {
        line(
            &shown(file),
            (file.reached(), file.lines.len()),
            &ranges(file),
        );
    }
    if files.len() > 1 {
        line(whole, sum(files), "");
    }
    out
}

/// Of a hundred; only all is 100.
pub(super) fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

/// `3, 7-12`: the lines that were not reached.
pub(super) fn ranges(file: &Covered) -> String {
    let range = |(from, to): (usize, usize)| {
        if from == to {
            from.to_string()
        } else {
            format!("{from}-{to}")
        }
    };
    let missed = file.missed().into_iter().map(range);
    missed.collect::<Vec<_>>().join(", ")
}

/// The path of a file as it is seen from the working directory.
pub(super) fn seen(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let below = here
        .ok()
        .and_then(|here| Some(path.strip_prefix(here).ok()?.to_owned()));
    below.as_deref().unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_file_has_a_line_and_all_have_one() {
        let file = |name: &str, lines: &[(usize, u64)]| Covered {
            path: PathBuf::from(name),
            lines: lines.iter().copied().collect::<BTreeMap<_, _>>(),
        };
        let demo = file("demo.rhai", &[(1, 4), (2, 0), (5, 0), (6, 1), (9, 0)]);
        let names = file("lib/names.rhai", &[(1, 1)]);
        assert_eq!(
            table(&[demo, names]),
            "\nlines reached\n  \
             demo.rhai        40 %  2 of 5, not 2-5, 9\n  \
             lib/names.rhai  100 %  1 of 1\n  \
             all              50 %  3 of 6"
        );
        assert_eq!(percent(999, 1000), 99);
    }
}
