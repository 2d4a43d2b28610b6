//! The world of an event: its branch of the clock is not where its steps say.
//!
//! The steps of an event are numbered below the service's `run_forever` and the event's
//! number. What handles it may be any branch of the clock: a timer's, or that of somebody
//! in the embedded cloud who waits for an answer.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opsh_aws::Session;
use opsh_cloud::Then;
use opsh_operation::{Fault, Value};

use crate::world::{
    Answerer, BranchGuard, Cancel, Kind, Scope, World, discord, files, host, http, ssh,
};

/// The service's world, with the branches of one event at another place.
pub(super) struct Moved {
    world: Arc<dyn World>,
    place: RwLock<Place>,
}

#[derive(Default)]
struct Place {
    /// Where the event's steps are.
    steps: Vec<u32>,
    /// Where its branch is.
    branch: Vec<u32>,
}

impl Moved {
    pub(super) fn new(world: Arc<dyn World>) -> Self {
        Self {
            world,
            place: RwLock::default(),
        }
    }

    /// What begins with `steps` is at `branch` from now on.
    pub(super) fn place(&self, steps: &[u32], branch: &[u32]) {
        *self.place.write().unwrap_or_else(PoisonError::into_inner) = Place {
            steps: steps.to_vec(),
            branch: branch.to_vec(),
        };
    }

    fn path(&self, path: &[u32]) -> Vec<u32> {
        let place = self.place.read().unwrap_or_else(PoisonError::into_inner);
        match path.strip_prefix(place.steps.as_slice()) {
            Some(below) => [place.branch.as_slice(), below].concat(),
            None => path.to_vec(),
        }
    }
}

impl World for Moved {
    fn announce(&self, paths: &[Vec<u32>]) {
        let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
        self.world.announce_at(&paths);
    }

    fn retract(&self, paths: &[Vec<u32>]) {
        let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
        self.world.retract_at(&paths);
    }

    fn enter(&self, path: &[u32]) -> Box<dyn BranchGuard> {
        self.world.enter_at(&self.path(path))
    }

    fn here(&self) -> Option<Vec<u32>> {
        self.world.here()
    }

    fn kind(&self) -> Kind {
        self.world.kind()
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<(), Fault> {
        self.world.sleep(duration, cancel)
    }

    fn random(&self, bytes: &mut [u8]) {
        self.world.random(bytes);
    }

    fn aws(&self, scope: &Scope, cancel: &Cancel) -> Result<Session, Fault> {
        self.world.aws(scope, cancel)
    }

    fn complete(
        &self,
        future: BoxFuture<'static, Result<Value, Fault>>,
        cancel: &Cancel,
    ) -> Result<Value, Fault> {
        self.world.complete(future, cancel)
    }

    fn http(&self) -> &dyn http::Transport {
        self.world.http()
    }

    fn ssh(&self) -> &dyn ssh::Transport {
        self.world.ssh()
    }

    fn files(&self) -> &dyn files::Files {
        self.world.files()
    }

    fn discord(&self) -> &dyn discord::Discord {
        self.world.discord()
    }

    fn host(&self) -> &dyn host::Host {
        self.world.host()
    }

    fn metadata(&self, path: &str, cancel: &Cancel) -> Result<String, Fault> {
        self.world.metadata(path, cancel)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }

    fn burn(&self, wanted: Duration, cancel: &Cancel) -> Result<(), Fault> {
        self.world.burn(wanted, cancel)
    }

    fn lodge(
        &self,
        bind: IpAddr,
        port: u16,
        answerer: Arc<dyn Answerer>,
    ) -> Result<Box<dyn Send>, Fault> {
        self.world.lodge(bind, port, answerer)
    }

    fn once_accepted(&self, then: Then) {
        self.world.once_accepted(then);
    }

    fn attend(&self, step: Option<&[u32]>) {
        self.world.attend(step);
    }
}
