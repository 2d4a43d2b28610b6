//! The clouds that cases begin with: each is made once, and every case has a copy.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opsh_cloud::Cloud;
use opsh_cloud::furnish::Options;

use super::stage::{self, Setting};
use super::suite::{Case, Suite};
use super::terminal::Heard;
use crate::fleet::records::Records;
use crate::gate::journal::{Journal, Place};
use crate::lambda::hosted;
use crate::modules::Files;
use crate::script::error::{Class, ScriptError};
use crate::script::source::Sources;
use crate::service::{Handler, Timing};
use crate::world::Cancel;
use crate::world::local::{Fixtures, Local};

/// The stack of what a case's `given` makes.
const STACK: &str = "given";

/// What a cloud follows from.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    seed: u64,
    region: String,
    /// The file and the name of the function that furnished it.
    given: Option<(PathBuf, String)>,
}

type Made = Arc<OnceLock<Result<Cloud, ScriptError>>>;

/// All clouds that some case begins with.
#[derive(Default)]
pub(super) struct Accounts(Mutex<HashMap<Key, Made>>);

impl Accounts {
    /// The cloud that `case` begins with, for nobody else.
    ///
    /// # Errors
    /// What its `given` says.
    pub fn of(
        &self,
        suite: &Suite,
        case: &Case,
        files: &Files,
        sources: &Arc<Sources>,
        cancel: &Cancel,
    ) -> Result<Cloud, ScriptError> {
        let furnish = || match &case.said.given {
            None => Ok(Cloud::furnished(&options(case))),
            Some(given) => furnished(suite, case, given, files, sources, cancel),
        };
        if case.said.given.as_ref().is_some_and(Handler::captures) {
            // Under the same name another function may have captured something else.
            return furnish();
        }
        let key = Key {
            seed: case.said.seed,
            region: case.said.region.clone(),
            given: case
                .said
                .given
                .as_ref()
                .map(|given| (suite.path.clone(), given.name().to_owned())),
        };
        let made = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(key).or_default())
        };
        match made.get_or_init(furnish) {
            Ok(cloud) => Ok(cloud.copy()),
            Err(error) => Err(error.clone()),
        }
    }
}

fn options(case: &Case) -> Options {
    Options {
        seed: case.said.seed,
        region: case.said.region.clone(),
        ..Options::default()
    }
}

/// A new cloud in which `given` has been called.
fn furnished(
    suite: &Suite,
    case: &Case,
    given: &Handler,
    files: &Files,
    sources: &Arc<Sources>,
    cancel: &Cancel,
) -> Result<Cloud, ScriptError> {
    let world = Local::furnished(&options(case), Fixtures::default())
        .map_err(|fault| ScriptError::plain(Class::Failed, fault.message))?;
    hosted::employ(&world, Records::Passing, cancel);
    let world = Arc::new(world);
    let runtime = stage::runtime(Setting {
        world: Arc::clone(&world),
        cancel: cancel.clone(),
        journal: Journal::new(Place::Memory(None), STACK, &suite.name),
        observers: Vec::new(),
        crashes: Vec::new(),
        redactor: Arc::default(),
        heard: Arc::new(Heard::default()),
        files: files.clone(),
        sources: Arc::clone(sources),
        timing: Timing::Never,
        reach: Arc::clone(&suite.reach),
        reached: None,
    });
    stage::call(&runtime, (&suite.name, &suite.folder), given, &[])?;
    Ok(world.cloud().copy())
}
