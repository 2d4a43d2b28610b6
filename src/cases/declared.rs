//! What a file of cases declares: calls of `test("name", #{ … })`, or the rows of a table.
//!
//! A file `*.test.rhai` is a Rhai program that is run once to its end; what it calls `test`
//! with is kept. Functions `given` and `check` are called later, on the cloud of the case.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use opsh_cloud::furnish::Options;
use opsh_operation::Value;
use rhai::{AST, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, Scope};

use super::declaration::DECLARES;
use super::header::Table;
use super::options::{self, Said};
use super::rows::{self, Handed};
use super::stage::{self, Setting};
use super::suite::{self, Case};
use super::terminal::Heard;
use crate::gate::event::{Event, Observer, Site};
use crate::gate::journal::{Journal, Place};
use crate::lock::lock;
use crate::modules::Files;
use crate::script::error::{Class, ScriptError, site};
use crate::script::reach::Reach;
use crate::script::run::{Playbook, plain_io};
use crate::script::source::Sources;
use crate::script::values::to_value;
use crate::script::{check, engine};
use crate::service::Timing;
use crate::world::Cancel;
use crate::world::local::{Fixtures, Local};

/// What a file has declared so far.
pub(super) struct Declared {
    folder: PathBuf,
    /// The playbook that is meant if none is said.
    playbook: String,
    sources: Arc<Sources>,
    playbooks: Mutex<BTreeMap<String, Arc<Playbook>>>,
    cases: Mutex<Vec<Case>>,
}

impl Declared {
    /// Nothing yet, of the file in `folder` whose cases are of `playbook`.
    pub fn new(folder: &Path, playbook: &str, sources: &Arc<Sources>) -> Self {
        Self {
            folder: folder.to_owned(),
            playbook: playbook.to_owned(),
            sources: Arc::clone(sources),
            playbooks: Mutex::default(),
            cases: Mutex::default(),
        }
    }

    /// Takes a playbook in that is read already.
    pub fn know(&self, playbook: Arc<Playbook>) {
        lock(&self.playbooks).insert(playbook.name.clone(), playbook);
    }

    /// What was declared.
    pub fn take(&self) -> Vec<Case> {
        std::mem::take(&mut *lock(&self.cases))
    }

    /// Runs a file of cases to its end.
    ///
    /// # Errors
    /// It declares something that makes no sense.
    pub fn read(self: &Arc<Self>, name: &str, program: &AST) -> Result<Arc<Reach>, ScriptError> {
        self.evaluate(name, program, |engine| self.bind(engine))
    }

    /// Reads the cases in the header of the playbook `name`.
    ///
    /// # Errors
    /// A row or a cell makes no sense.
    pub fn read_table(
        self: &Arc<Self>,
        name: &str,
        table: &Table,
    ) -> Result<Arc<Reach>, ScriptError> {
        let program = rows::program(name, table)?;
        let handed = Arc::new(Handed::default());
        let reach = self.evaluate(name, &program, |engine| handed.bind(engine))?;
        for (number, row) in table.rows.iter().enumerate() {
            let site = Site {
                source: name.to_owned(),
                line: row.line,
                column: row.name.column,
            };
            let said = rows::read(table, number, &handed, &self.folder);
            said.and_then(|said| self.add(said, Some(site.clone())))
                .map_err(|why| {
                    ScriptError::at(Some(site), Class::Start, wrong(&row.name.text, &why))
                })?;
        }
        Ok(reach)
    }

    /// Runs what declares cases; gives what it can call.
    fn evaluate(
        &self,
        name: &str,
        program: &AST,
        bind: impl FnOnce(&mut Engine),
    ) -> Result<Arc<Reach>, ScriptError> {
        check::calls(name, program, &BTreeSet::new())?;
        let reach = Arc::new(Reach::of(program, &self.folder, &self.sources));
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
            reach: Arc::clone(&reach),
            reached: None,
        });
        let mut engine = engine::engine(&runtime, Some(&self.folder));
        bind(&mut engine);
        let ended = stage::on_branch(&runtime, || {
            engine.eval_ast_with_scope::<Dynamic>(&mut Scope::new(), program)
        });
        if let Err(error) = ended {
            let mut error = ScriptError::runtime(name, *error);
            error.class = Class::Start;
            return Err(error);
        }
        if let Some(site) = lock(&calls.0).take() {
            let words = "no case sees what is called beside the cases";
            return Err(ScriptError::at(Some(site), Class::Start, words).hint(
                "call it within 'given', which furnishes a case's account, or within 'check'",
            ));
        }
        Ok(reach)
    }

    /// Gives `engine` the function that declares a case.
    fn bind(self: &Arc<Self>, engine: &mut Engine) {
        let declared = Arc::clone(self);
        engine.register_fn(
            DECLARES,
            move |context: NativeCallContext, name: ImmutableString| {
                declared.called(&context, &name, rhai::Map::new())
            },
        );
        let declared = Arc::clone(self);
        engine.register_fn(
            DECLARES,
            move |context: NativeCallContext, name: ImmutableString, options: rhai::Map| {
                declared.called(&context, &name, options)
            },
        );
    }

    /// A call of the function.
    fn called(
        &self,
        context: &NativeCallContext,
        name: &str,
        mut options: rhai::Map,
    ) -> Result<(), Box<EvalAltResult>> {
        let source = context.call_source().unwrap_or_default();
        let read = || {
            let functions = options::functions(context, &mut options)?;
            let Value::Map(options) = to_value(&Dynamic::from_map(options))? else {
                return Err("its options are no map".to_owned());
            };
            let said = options::read(name, functions, options, &self.folder)?;
            self.add(said, site(source, context.call_position()))
        };
        read().map_err(|why| wrong(name, &why).into())
    }

    /// Takes a case in, as it is declared.
    fn add(&self, said: Said, site: Option<Site>) -> Result<(), String> {
        let slug = suite::slug(&said.name);
        if slug.is_empty() {
            return Err("its name needs a letter or a digit".to_owned());
        }
        let mut cases = lock(&self.cases);
        if let Some(other) = cases.iter().find(|other| other.slug == slug) {
            return Err(format!(
                "its snapshot would be that of the case {:?}, {slug}.snap; give it another name",
                other.said.name
            ));
        }
        if let Some(after) = &said.after
            && !cases.iter().any(|other| other.said.name == *after)
        {
            return Err(format!("there is no case {after:?} before it"));
        }
        let playbook = self.playbook(said.playbook.as_ref().unwrap_or(&self.playbook))?;
        cases.push(Case {
            slug,
            site,
            playbook,
            said,
        });
        Ok(())
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

/// What is wrong with a case, in words.
fn wrong(name: &str, why: &str) -> String {
    format!("{DECLARES} {name:?}: {why}")
}
