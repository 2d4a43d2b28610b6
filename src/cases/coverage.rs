//! Which lines of playbooks, and of the files that they import, the cases reach.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::suite::{Case, Suite};
use crate::script::imports::Imports;
use crate::script::reach::Reach;
use crate::script::reached::{self, Place, Reached};
use crate::script::resolver::Import;
use crate::script::run::Playbook;
use crate::script::source::Sources;

/// What is noted while cases run, by their files and the names of their playbooks.
#[derive(Default)]
pub struct Coverage(Mutex<BTreeMap<(PathBuf, String), Noted>>);

/// What the cases of one file do with one playbook.
struct Noted {
    playbook: Arc<Playbook>,
    path: PathBuf,
    sources: Arc<Sources>,
    reached: Arc<Reached>,
}

/// One file: how often each of its lines on which a statement begins was reached.
pub struct Covered {
    /// Its real path.
    pub path: PathBuf,
    /// By number.
    pub lines: BTreeMap<usize, u64>,
}

impl Coverage {
    /// Where it is noted what is reached of the playbook of `case`.
    pub(super) fn of(&self, suite: &Suite, case: &Case) -> Arc<Reached> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (suite.path.clone(), case.playbook.name.clone());
        let noted = all.entry(key).or_insert_with(|| {
            let path = suite.folder.join(&case.playbook.name);
            Noted {
                playbook: Arc::clone(&case.playbook),
                path: path.canonicalize().unwrap_or(path),
                sources: Arc::clone(&suite.sources),
                reached: Arc::default(),
            }
        });
        Arc::clone(&noted.reached)
    }

    /// All files that the cases of `suites` reach, in the order of their paths. The standard
    /// library is not among them.
    #[must_use]
    pub fn files(&self, suites: &[Suite]) -> Vec<Covered> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files: BTreeMap<PathBuf, BTreeMap<Place, (usize, u64)>> = BTreeMap::new();
        let asked = |path: &Path| suites.iter().any(|suite| suite.path == path);
        for (_, noted) in all.iter().filter(|((suite, _), _)| asked(suite)) {
            for (path, name, statements) in noted.texts() {
                let file = files.entry(path).or_default();
                for (place, line) in statements {
                    file.entry(place).or_insert((line, 0)).1 += noted.reached.times(&name, place);
                }
            }
        }
        let covered = files.into_iter().map(|(path, statements)| {
            let mut lines: BTreeMap<usize, u64> = BTreeMap::new();
            for (line, times) in statements.into_values() {
                // Of several statements on a line the one that was come to most counts.
                let most = lines.entry(line).or_default();
                *most = times.max(*most);
            }
            Covered { path, lines }
        });
        covered.filter(|file| !file.lines.is_empty()).collect()
    }
}

impl Noted {
    /// The playbook and the files that it imports: real path, name for places, statements.
    fn texts(&self) -> Vec<(PathBuf, String, BTreeMap<Place, usize>)> {
        let ast = self.playbook.shared_ast();
        let folder = self.playbook.folder.canonicalize().unwrap_or_default();
        let imports = Imports::new(&folder, &self.sources);
        let reach = Reach::of(&ast, &folder, &self.sources);
        let mut texts = vec![(
            self.path.clone(),
            self.playbook.name.clone(),
            reached::statements(&ast),
        )];
        let mut seen = BTreeSet::new();
        for path in reach.imports() {
            if let Ok(imported) = imports.load(path)
                && let Import::File { name, .. } = imported.found
                && seen.insert(name.clone())
            {
                let statements = reached::statements(&imported.ast);
                texts.push((folder.join(&name), name, statements));
            }
        }
        texts
    }
}

impl Covered {
    /// How many of its lines were reached.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.lines.values().filter(|times| **times > 0).count()
    }

    /// The lines that were not, as ranges: what follows each other with no reached line in
    /// between is one.
    #[must_use]
    pub fn missed(&self) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        let mut open = false;
        for (line, times) in &self.lines {
            match ranges.last_mut() {
                _ if *times > 0 => open = false,
                Some((_, end)) if open => *end = *line,
                _ => {
                    ranges.push((*line, *line));
                    open = true;
                }
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_said_in_ranges() {
        let file = Covered {
            path: PathBuf::from("demo.rhai"),
            lines: BTreeMap::from([(1, 4), (2, 0), (5, 0), (6, 1), (9, 0)]),
        };
        assert_eq!(file.reached(), 2);
        assert_eq!(file.missed(), [(2, 5), (9, 9)]);
    }
}
