//! A file of cases: `test("name", #{ … })` declares one.
//!
//! The file is a Rhai program that is run once to its end; what it calls `test` with is
//! kept. Its functions `given` and `check` are called later, on the cloud of the case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use opsh_cloud::furnish::Options;
use opsh_operation::Map;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, Scope};

use super::options::{self, Wanted};
use super::stage::{self, Setting};
use super::terminal::Heard;
use crate::gate::event::{Event, Observer, Site};
use crate::gate::journal::{Journal, Place};
use crate::gate::rehearsal::Rehearsal;
use crate::modules::Files;
use crate::script::engine;
use crate::script::error::{Class, Finding, ScriptError, site};
use crate::script::reach::Reach;
use crate::script::run::{Playbook, plain_io};
use crate::script::source::Sources;
use crate::service::{Handler, Timing};
use crate::world::Cancel;
use crate::world::local::{Fixtures, Local};

/// The function that declares a case, in files of cases alone.
pub const DECLARES: &str = "test";

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
    /// What it is called.
    pub name: String,
    /// The same for the name of a file.
    pub slug: String,
    /// Where it is declared.
    pub site: Option<Site>,
    /// What is run.
    pub playbook: Arc<Playbook>,
    /// With which parameters.
    pub parameters: Map,
    /// What all ids and other made-up values follow from.
    pub seed: u64,
    /// The cloud's region.
    pub region: String,
    /// Furnishes the account before the run.
    pub given: Option<Handler>,
    /// The case whose run has happened before.
    pub after: Option<String>,
    /// Looks at what came of it.
    pub check: Option<Handler>,
    /// The playbook is to fail, and what it says holds this.
    pub fails: Option<String>,
    /// What goes wrong, each as it was written.
    pub faults: Vec<(String, Rehearsal)>,
    /// The folder of which the run has a copy for its working directory, if not an empty one.
    pub files: Option<PathBuf>,
    /// What sites outside answer.
    pub fixtures: Fixtures,
    /// How the time of a service goes.
    pub timing: Timing,
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
        let program = Playbook::load_as(&name, path, sources)?;
        let declared = Arc::new(Declared {
            folder: folder.clone(),
            stem: name.trim_end_matches(super::find::ENDING).to_owned(),
            sources: Arc::clone(sources),
            playbooks: Mutex::default(),
            cases: Mutex::default(),
        });
        let reach = Arc::new(Reach::of(&program.shared_ast(), &folder, sources));
        declared.read(&name, &program, Arc::clone(&reach))?;
        let cases = std::mem::take(&mut *lock(&declared.cases));
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

/// The folder of the snapshots of a file of cases.
#[must_use]
pub fn snapshots_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.trim_end_matches(super::find::ENDING);
    path.with_file_name(format!("{stem}.snapshots"))
}

/// What a file has declared so far.
struct Declared {
    folder: PathBuf,
    /// The name of the playbook that is meant if none is said.
    stem: String,
    sources: Arc<Sources>,
    playbooks: Mutex<BTreeMap<String, Arc<Playbook>>>,
    cases: Mutex<Vec<Case>>,
}

impl Declared {
    /// Runs the file to its end.
    fn read(
        self: &Arc<Self>,
        name: &str,
        program: &Playbook,
        reach: Arc<Reach>,
    ) -> Result<(), ScriptError> {
        let failed = |why: String| ScriptError::plain(Class::Start, why);
        let world = Local::furnished(&Options::default(), Fixtures::default())
            .map_err(|fault| failed(fault.message))?;
        let calls = Arc::new(Calls::default());
        let runtime = stage::runtime(Setting {
            world: Arc::new(world),
            cancel: Cancel::new(None),
            journal: Journal::new(Place::Memory(None), "test", name),
            observers: vec![Arc::clone(&calls) as _],
            crashes: Vec::new(),
            redactor: Arc::default(),
            heard: Arc::new(Heard::default()),
            files: Files::new(&self.folder).map_err(|error| failed(plain_io(&error)))?,
            sources: Arc::clone(&self.sources),
            timing: Timing::Never,
            reach,
        });
        let mut engine = engine::engine(&runtime, Some(&self.folder));
        self.bind(&mut engine);
        let ended = stage::on_branch(&runtime, || {
            engine.eval_ast_with_scope::<Dynamic>(&mut Scope::new(), &program.shared_ast())
        });
        if let Err(error) = ended {
            let mut error = ScriptError::runtime(name, *error);
            error.class = Class::Start;
            return Err(error);
        }
        if let Some(site) = lock(&calls.0).take() {
            let mut error = failed(String::new());
            error.findings = vec![Finding {
                site: Some(site),
                message: "no case sees what is called beside the cases".to_owned(),
            }];
            return Err(error.hint(
                "call it within 'given', which furnishes a case's account, or within 'check'",
            ));
        }
        Ok(())
    }

    /// Gives `engine` the function that declares a case.
    fn bind(self: &Arc<Self>, engine: &mut Engine) {
        let declared = Arc::clone(self);
        engine.register_fn(
            DECLARES,
            move |context: NativeCallContext, name: ImmutableString| {
                declared.add(&context, &name, rhai::Map::new())
            },
        );
        let declared = Arc::clone(self);
        engine.register_fn(
            DECLARES,
            move |context: NativeCallContext, name: ImmutableString, options: rhai::Map| {
                declared.add(&context, &name, options)
            },
        );
    }

    fn add(
        &self,
        context: &NativeCallContext,
        name: &str,
        options: rhai::Map,
    ) -> Result<(), Box<EvalAltResult>> {
        let source = context.call_source().unwrap_or_default();
        let case = options::read(context, name, options, &self.folder)
            .and_then(|wanted| self.case(wanted, site(source, context.call_position())))
            .map_err(|why| format!("test {name:?}: {why}"))?;
        lock(&self.cases).push(case);
        Ok(())
    }

    /// A case, as its options want it.
    fn case(&self, wanted: Wanted, site: Option<Site>) -> Result<Case, String> {
        let slug = slug(&wanted.name);
        if slug.is_empty() {
            return Err("its name needs a letter or a digit".to_owned());
        }
        let cases = lock(&self.cases);
        if let Some(other) = cases.iter().find(|other| other.slug == slug) {
            return Err(format!(
                "its snapshot would be that of the case {:?}, {slug}.snap; give it another name",
                other.name
            ));
        }
        if let Some(after) = &wanted.after
            && !cases.iter().any(|other| other.name == *after)
        {
            return Err(format!("there is no case {after:?} before it"));
        }
        drop(cases);
        let file = wanted
            .playbook
            .unwrap_or_else(|| format!("{}.rhai", self.stem));
        Ok(Case {
            playbook: self.playbook(&file)?,
            slug,
            site,
            name: wanted.name,
            parameters: wanted.parameters,
            seed: wanted.seed,
            region: wanted.region,
            given: wanted.given,
            after: wanted.after,
            check: wanted.check,
            fails: wanted.fails,
            faults: wanted.faults,
            files: wanted.files,
            fixtures: wanted.fixtures,
            timing: wanted.timing,
        })
    }

    /// The playbook in the file of that name, parsed once.
    fn playbook(&self, file: &str) -> Result<Arc<Playbook>, String> {
        let mut playbooks = lock(&self.playbooks);
        if let Some(playbook) = playbooks.get(file) {
            return Ok(Arc::clone(playbook));
        }
        let playbook = Playbook::load_as(file, &self.folder.join(file), &self.sources)
            .map_err(|error| error.summary())?;
        let playbook = Arc::new(playbook);
        playbooks.insert(file.to_owned(), Arc::clone(&playbook));
        Ok(playbook)
    }
}

/// Where the first call through the gate stands.
#[derive(Default)]
struct Calls(Mutex<Option<Site>>);

impl Observer for Calls {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Finished(step) = event {
            lock(&self.0).get_or_insert_with(|| step.site.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
