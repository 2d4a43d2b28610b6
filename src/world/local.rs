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
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opsh_aws::Session;
use opsh_cloud::clock::{Branch, Clock, Stopped};
use opsh_cloud::functions::Invocation;
use opsh_cloud::furnish::Options;
use opsh_cloud::programs::Lease;
use opsh_cloud::tenants::Place;
use opsh_cloud::{Cloud, StoreError, Then, faults};
use opsh_operation::{Fault, FaultKind, Value};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::files::{Disk, Diverted, Files};
use super::served::Served;
use super::served::notice::Notice;
use super::{Answerer, BranchGuard, Cancel, Kind, Scope, World, http as web, ssh as shell};

mod discord;
pub mod doors;
mod fixtures;
mod host;
mod http;
mod lodging;
mod machine;
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
    /// A dry run on a new account that is thrown away.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn furnished(options: &Options, fixtures: Fixtures) -> Result<Self, Fault> {
        Self::on(
            Kind::DryRun,
            Cloud::furnished(options),
            options.seed,
            Outside::Fixtures(fixtures),
            ssh::KnownHosts::Throwaway(None),
        )
    }

    /// A dry run on `cloud`, which nobody else has: a furnished one, or what a dry run
    /// that crashed has left. The files are those of the disk: the working directory is
    /// to be thrown away, too.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn thrown_away(cloud: Cloud, fixtures: Fixtures) -> Result<Self, Fault> {
        let seed = cloud.look(|state| state.ids.seed());
        Self::writing(
            Arc::new(Disk),
            Kind::DryRun,
            cloud,
            seed,
            Outside::Fixtures(fixtures),
            ssh::KnownHosts::Throwaway(None),
        )
    }

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

    /// The cloud that persists in `folder` between commands; `outside` answers for
    /// sites that it does not simulate.
    ///
    /// # Errors
    /// The folder cannot be used, or another command uses it.
    pub fn persistent(
        folder: &Path,
        options: &Options,
        outside: Option<Box<dyn web::Transport>>,
    ) -> Result<Self, Fault> {
        let cloud = Cloud::open(folder, options).map_err(|error| taken(folder, &error))?;
        Self::on(
            Kind::Local,
            cloud,
            options.seed,
            Outside::Real(outside.map(Arc::from)),
            ssh::KnownHosts::Kept(folder.join("known_hosts")),
        )
    }

    /// A dry run on a copy of the cloud in `folder`, which stays as it is.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn copy_of(folder: &Path, options: &Options, fixtures: Fixtures) -> Result<Self, Fault> {
        let cloud = Cloud::copy_of(folder, options).map_err(|error| store_fault(&error))?;
        Self::on(
            Kind::DryRun,
            cloud,
            options.seed,
            Outside::Fixtures(fixtures),
            ssh::KnownHosts::Throwaway(Some(folder.join("known_hosts"))),
        )
    }

    /// The world of a function that the cloud runs: the same cloud, on the function's
    /// branch. What it writes into files is its own, and gone with it.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn of_function(
        invocation: &Invocation,
        kind: Kind,
        outside: Outside,
    ) -> Result<Self, Fault> {
        let cloud = invocation.cloud.clone();
        let seed = cloud.look(|state| state.ids.seed());
        let mut world = Self::writing(
            Arc::new(Diverted::default()),
            kind,
            cloud,
            seed,
            outside,
            ssh::KnownHosts::Throwaway(None),
        )?;
        world.root.clone_from(&invocation.branch);
        world.environment = Some(invocation.environment.clone());
        Ok(world)
    }

    /// The world of a playbook that is a service on a simulated host.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn of_service(lease: &Lease, kind: Kind, outside: Outside) -> Result<Self, Fault> {
        let cloud = lease.cloud.clone();
        let seed = cloud.look(|state| state.ids.seed());
        let mut world = Self::writing(
            Arc::new(Diverted::default()),
            kind,
            cloud,
            seed,
            outside,
            ssh::KnownHosts::Throwaway(None),
        )?;
        world.root.clone_from(&lease.branch);
        world.environment = Some(lease.environment.clone());
        world.discord = discord::Embedded::of_service(lease.cloud.clone(), &lease.environment);
        world.host = Box::new(machine::Simulated::new(&lease.cloud, &lease.instance));
        world.place = Place::Instance(lease.instance.clone());
        world.unit.clone_from(&lease.unit);
        world.http.set_place(world.place.clone());
        Ok(world)
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

impl Local<Served> {
    /// The cloud that another process serves from `folder`; `outside` answers for sites
    /// that it does not simulate.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn served(
        served: Served,
        folder: &Path,
        seed: u64,
        outside: Option<Box<dyn web::Transport>>,
    ) -> Result<Self, Fault> {
        Self::on(
            Kind::Local,
            served,
            seed,
            Outside::Real(outside.map(Arc::from)),
            ssh::KnownHosts::Kept(folder.join("known_hosts")),
        )
    }
}

impl<D: Doors> Local<D> {
    fn on(
        kind: Kind,
        doors: D,
        seed: u64,
        outside: Outside,
        known_hosts: ssh::KnownHosts,
    ) -> Result<Self, Fault> {
        let files: Arc<dyn Files> = match kind {
            Kind::DryRun => Arc::new(Diverted::default()),
            Kind::Live | Kind::Local => Arc::new(Disk),
        };
        Self::writing(files, kind, doors, seed, outside, known_hosts)
    }

    fn writing(
        files: Arc<dyn Files>,
        kind: Kind,
        doors: D,
        seed: u64,
        outside: Outside,
        known_hosts: ssh::KnownHosts,
    ) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Fault::new(FaultKind::Failed, format!("no executor: {error}")))?;
        Ok(Self {
            kind,
            sessions: Mutex::default(),
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed ^ doors.drawn())),
            http: http::Visits::new(doors.clone(), outside.clone(), Arc::clone(&files)),
            ssh: ssh::Logins::new(doors.clone(), known_hosts, Arc::clone(&files)),
            files,
            discord: discord::Embedded::new(doors.clone()),
            host: Box::new(host::Furnished::new(doors.clock().clone(), doors.region())),
            doors,
            root: Vec::new(),
            environment: None,
            place: Place::Caller,
            unit: String::new(),
            outside,
            strikes: Mutex::default(),
            runtime,
        })
    }

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

/// Why a folder's cloud cannot be used; who serves it is named.
fn taken(folder: &Path, error: &StoreError) -> Fault {
    match Notice::read(folder) {
        Some(notice) if matches!(error, StoreError::Busy(_)) => Fault::new(
            FaultKind::Invalid,
            format!(
                "the embedded cloud in {} is being served at {} by `opsh local serve` (process {})",
                folder.display(),
                notice.url,
                notice.pid
            ),
        )
        .hint(format!(
            "stop that first, with Ctrl-C there; or run on it with: --local-at {}",
            notice.url
        )),
        _ => store_fault(error),
    }
}

fn store_fault(error: &StoreError) -> Fault {
    Fault::new(FaultKind::Invalid, error.to_string()).hint(error.hint())
}

#[cfg(test)]
mod tests;
