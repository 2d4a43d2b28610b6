//! The embedded cloud as a world.
//!
//! The AWS clients are the real ones; only their HTTP client, their clock and
//! their sleep differ (`sdk`). What a playbook asks of hosts and sites goes to
//! the simulated ones (`http`, `ssh`); what is not simulated goes out in Local
//! and is unreachable in a dry run, unless a fixture answers.
//!
//! A function that the cloud runs has a world of its own on the same cloud
//! ([`Local::of_function`]): its branches are below the function's.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opsh_aws::Session;
use opsh_cloud::clock::{Branch, Clock, Stopped};
use opsh_cloud::tenants::Place;
use opsh_cloud::{Cloud, Then, faults};
use opsh_operation::{Fault, FaultKind, Value};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::files::Files;
use super::{Answerer, BranchGuard, Cancel, Kind, Scope, World, http as web, ssh as shell};

mod discord;
pub mod doors;
mod fixtures;
mod host;
mod http;
mod lodging;
mod machine;
mod open;
mod sdk;
mod ssh;
mod strikes;

use doors::Doors;
pub use fixtures::Fixtures;
pub use http::Outside;
use strikes::Strikes;

/// A world on an embedded cloud, which is in this process unless `D` says otherwise.
pub struct Local<D: Doors = Cloud> {
    kind: Kind,
    doors: D,
    /// By region, the cloud's own first.
    sessions: Mutex<HashMap<Option<String>, Session>>,
    random: Mutex<ChaCha8Rng>,
    http: http::Visits<D>,
    ssh: ssh::Logins<D>,
    files: Arc<dyn Files>,
    discord: discord::Embedded<D>,
    /// The machine that this seems to run on.
    host: Box<dyn host::Own>,
    /// The branch of the cloud's clock below which this world's branches are.
    root: Vec<u32>,
    /// The variables of the function whose world this is; the process's if it is none's.
    environment: Option<BTreeMap<String, String>>,
    /// The machine that the playbook runs on, and the service there that it is.
    place: Place,
    unit: String,
    /// Who answers for what is not simulated, for the functions of the cloud too.
    outside: Outside,
    /// What is to go wrong at which step.
    strikes: Mutex<Strikes>,
    /// Lets code that a client brings along (reading a file in the background) find an executor.
    runtime: tokio::runtime::Runtime,
}

impl Local {
    /// Lets `fault` strike the first request of the step at `path`.
    pub fn strike_at(&self, path: &[u32], fault: faults::Fault) {
        self.strikes().add(path, fault);
    }

    /// The steps that were to be struck, and were not: they never came, or ask the cloud
    /// for nothing.
    #[must_use]
    pub fn unstruck(&self) -> Vec<Vec<u32>> {
        self.strikes().unmet()
    }

    fn strikes(&self) -> MutexGuard<'_, Strikes> {
        self.strikes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cloud behind it.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.doors
    }

    /// Who answers for what the cloud does not simulate.
    #[must_use]
    pub fn outside(&self) -> Outside {
        self.outside.clone()
    }
}

impl<D: Doors> Local<D> {
    fn below_root(&self, path: &[u32]) -> Vec<u32> {
        [self.root.as_slice(), path].concat()
    }

    /// Why a wait ended early.
    fn stopped(&self, cancel: &Cancel, stopped: Stopped) -> Fault {
        if self.root.is_empty() {
            return stopped_fault(cancel, stopped);
        }
        cancel.check().err().unwrap_or_else(|| {
            Fault::new(
                FaultKind::Deadline,
                "the function has run for as long as its timeout allows",
            )
        })
    }
}

impl<D: Doors> World for Local<D> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn flag(&self) -> String {
        self.doors.flag()
    }

    fn now(&self) -> Timestamp {
        self.doors.clock().now()
    }

    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<(), Fault> {
        cancel.check()?;
        self.doors
            .clock()
            .sleep(duration, &|| cancel.reason().is_some())
            .map_err(|stopped| self.stopped(cancel, stopped))
    }

    fn random(&self, bytes: &mut [u8]) {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }

    fn aws(&self, scope: &Scope, cancel: &Cancel) -> Result<Session, Fault> {
        cancel.check()?;
        if let Some(profile) = &scope.profile {
            return Err(Fault::new(
                FaultKind::NotModelled,
                format!(
                    "not modelled by the embedded cloud: the profile '{profile}' (it has one account)"
                ),
            ));
        }
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions
            .entry(scope.region.clone())
            .or_insert_with(|| Session::new(sdk::config(&self.doors, scope.region.as_deref())));
        Ok(session.clone())
    }

    fn complete(
        &self,
        future: BoxFuture<'static, Result<Value, Fault>>,
        cancel: &Cancel,
    ) -> Result<Value, Fault> {
        cancel.check()?;
        let _entered = self.runtime.enter();
        self.doors
            .clock()
            .block_on(future, &|| cancel.reason().is_some())
            .unwrap_or_else(|stopped| Err(self.stopped(cancel, stopped)))
    }

    fn http(&self) -> &dyn web::Transport {
        &self.http
    }

    /// On the caller's machine there are as many processors as anybody wants.
    fn burn(&self, wanted: Duration, cancel: &Cancel) -> Result<(), Fault> {
        let Place::Instance(id) = &self.place else {
            return self.sleep(wanted, cancel);
        };
        cancel.check()?;
        self.doors
            .burn(id, wanted, &|| cancel.reason().is_some())
            .map_err(|stopped| self.stopped(cancel, stopped))
    }

    fn ssh(&self) -> &dyn shell::Transport {
        &self.ssh
    }

    fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    fn discord(&self) -> &dyn super::discord::Discord {
        &self.discord
    }

    fn host(&self) -> &dyn super::host::Host {
        self.host.as_ref()
    }

    fn metadata(&self, path: &str, cancel: &Cancel) -> Result<String, Fault> {
        cancel.check()?;
        self.host.metadata(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        match &self.environment {
            Some(environment) => environment.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }

    fn go_on(&self, since: Timestamp, times: u64) {
        let behind = since.duration_since(self.doors.clock().now());
        if let Ok(behind) = Duration::try_from(behind) {
            // Nothing stops it: it takes no time but virtual one.
            let _ = self.doors.clock().sleep(behind, &|| false);
        }
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_stream(times);
    }

    fn once_accepted(&self, then: Then) {
        self.doors.once_kept(then);
    }

    fn attend(&self, step: Option<&[u32]>) {
        self.strikes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .attend(step, &|fault| self.doors.arm(fault));
    }

    fn announce(&self, paths: &[Vec<u32>]) {
        let paths: Vec<Vec<u32>> = paths.iter().map(|path| self.below_root(path)).collect();
        self.doors.clock().announce(&paths);
    }

    fn retract(&self, paths: &[Vec<u32>]) {
        let paths: Vec<Vec<u32>> = paths.iter().map(|path| self.below_root(path)).collect();
        self.doors.clock().retract(&paths);
    }

    fn enter(&self, path: &[u32]) -> Box<dyn BranchGuard> {
        Box::new(self.doors.clock().enter(&self.below_root(path)))
    }

    fn here(&self) -> Option<Vec<u32>> {
        self.doors.clock().path()
    }

    fn announce_at(&self, paths: &[Vec<u32>]) {
        self.doors.clock().announce(paths);
    }

    fn retract_at(&self, paths: &[Vec<u32>]) {
        self.doors.clock().retract(paths);
    }

    fn enter_at(&self, path: &[u32]) -> Box<dyn BranchGuard> {
        Box::new(self.doors.clock().enter(path))
    }

    fn limit_at(&self, path: &[u32], duration: Duration) {
        let clock = self.doors.clock();
        let limit = clock.now().checked_add(duration);
        clock.limit(path, limit.unwrap_or(Timestamp::MAX));
    }

    fn lodge(
        &self,
        bind: IpAddr,
        port: u16,
        answerer: Arc<dyn Answerer>,
    ) -> Result<Box<dyn Send>, Fault> {
        self.doors
            .lodge((&self.place, &self.unit), bind, port, answerer)
    }

    fn follow_real_time(&self) {
        self.doors.follow_real_time();
    }
}

impl BranchGuard for Branch {}

impl<D: Doors> Drop for Local<D> {
    /// A function's world ends, not its cloud.
    fn drop(&mut self) {
        if !self.root.is_empty() {
            return;
        }
        let rest = || {
            if self.kind == Kind::Local {
                self.doors.close();
            }
        };
        // Functions that are under way may still ask programs something, and the last that
        // these do may set functions off.
        rest();
        self.doors.close_programs();
        rest();
    }
}

/// Sleeps in virtual time.
fn wait(clock: &Clock, duration: Duration, cancel: &Cancel) -> Result<(), Fault> {
    clock
        .sleep(duration, &|| cancel.reason().is_some())
        .map_err(|stopped| stopped_fault(cancel, stopped))
}

fn stopped_fault(cancel: &Cancel, stopped: Stopped) -> Fault {
    match cancel.check() {
        Err(fault) => fault,
        Ok(()) => Fault::new(FaultKind::Interrupted, stopped.to_string()),
    }
}

#[cfg(test)]
mod tests;
