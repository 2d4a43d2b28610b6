//! A file of cases: `*.test.rhai`, or a playbook with a table of them in its header.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declared::Declared;
use super::header;
use super::options::Said;
use super::rows;
use crate::gate::event::Site;
use crate::script::error::{Class, ScriptError};
use crate::script::reach::Reach;
use crate::script::run::{Playbook, plain_io};
use crate::script::source::{self, Sources};

/// The cases of one file.
pub struct Suite {
    /// The file, as the user named it.
    pub path: PathBuf,
    /// The real folder that it is in.
    pub folder: PathBuf,
    /// Its name in that folder.
    pub name: String,
    /// The cases, in their order.
    pub cases: Vec<Case>,
    /// Its text and those of its playbooks.
    pub sources: Arc<Sources>,
    /// What its functions can call.
    pub(super) reach: Arc<Reach>,
}

/// One case.
pub struct Case {
    /// The same as its name, for the name of a file.
    pub slug: String,
    /// Where it is declared.
    pub site: Option<Site>,
    /// What is run.
    pub playbook: Arc<Playbook>,
    /// What it says of itself.
    pub said: Said,
}

impl Suite {
    /// Reads the file at `path`, whose texts are kept in `sources`.
    ///
    /// # Errors
    /// It cannot be read, is no Rhai, or declares something that makes no sense.
    pub fn load(path: &Path, sources: &Arc<Sources>) -> Result<Self, ScriptError> {
        let refused = |why: String| ScriptError::plain(Class::Start, why);
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let folder = parent
            .canonicalize()
            .map_err(|error| refused(format!("{}: {}", parent.display(), plain_io(&error))))?;
        let program = Arc::new(Playbook::load_as(&name, path, sources)?);
        let playbook = format!("{}.rhai", stem(&name));
        let declared = Arc::new(Declared::new(&folder, &playbook, sources));
        let table = std::fs::read_to_string(folder.join(&playbook));
        let table = table
            .ok()
            .and_then(|text| header::table(&source::without_mark(text)));
        let reach = match table {
            Some(_) if name != playbook => return Err(rows::in_both(&playbook, &name)),
            Some(table) => {
                declared.know(program);
                declared.read_table(&name, &table)?
            }
            None => declared.read(&name, &program.shared_ast())?,
        };
        let cases = declared.take();
        Ok(Self {
            path: path.to_owned(),
            folder,
            name,
            cases,
            sources: Arc::clone(sources),
            reach,
        })
    }

    /// The folder of its snapshots: `demo.snapshots` beside `demo.test.rhai`.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        snapshots_of(&self.path)
    }
}

/// The folder of the snapshots of a file of cases, or of a playbook with cases in its header.
#[must_use]
fn snapshots_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{}.snapshots", stem(&name)))
}

/// `demo` for `demo.test.rhai` and for `demo.rhai`.
fn stem(name: &str) -> &str {
    name.strip_suffix(super::find::ENDING)
        .or_else(|| name.strip_suffix(".rhai"))
        .unwrap_or(name)
}

/// `two-machines` for `Two machines!`.
#[must_use]
pub fn slug(name: &str) -> String {
    let words: Vec<String> = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_beside_their_file_under_the_names_of_cases() {
        assert_eq!(slug("Two machines, throttled!"), "two-machines-throttled");
        assert_eq!(slug("…"), "");
        assert_eq!(
            snapshots_of(Path::new("shop/demo.test.rhai")),
            Path::new("shop/demo.snapshots")
        );
    }
}
