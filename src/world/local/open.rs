//! How a world on an embedded cloud comes to be: one way for each use of it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use opsh_cloud::functions::Invocation;
use opsh_cloud::furnish::Options;
use opsh_cloud::programs::Lease;
use opsh_cloud::tenants::Place;
use opsh_cloud::{Cloud, StoreError};
use opsh_operation::{Fault, FaultKind};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::doors::Doors;
use super::{Fixtures, Local, Outside, discord, host, http, machine, ssh};
use crate::world::files::{Disk, Diverted, Files};
use crate::world::served::Served;
use crate::world::served::notice::Notice;
use crate::world::{Kind, http as web};

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
        let mut world = Self::inside(&invocation.cloud, kind, outside)?;
        world.root.clone_from(&invocation.branch);
        world.environment = Some(invocation.environment.clone());
        Ok(world)
    }

    /// The world of a playbook that is a service on a simulated host.
    ///
    /// # Errors
    /// The process cannot have an executor.
    pub fn of_service(lease: &Lease, kind: Kind, outside: Outside) -> Result<Self, Fault> {
        let mut world = Self::inside(&lease.cloud, kind, outside)?;
        world.root.clone_from(&lease.branch);
        world.environment = Some(lease.environment.clone());
        world.discord = discord::Embedded::of_service(lease.cloud.clone(), &lease.environment);
        world.host = Box::new(machine::Simulated::new(&lease.cloud, &lease.instance));
        world.place = Place::Instance(lease.instance.clone());
        world.unit.clone_from(&lease.unit);
        world.http.set_place(world.place.clone());
        Ok(world)
    }

    /// The world of what runs in the cloud itself: the same one, and files of its own.
    fn inside(cloud: &Cloud, kind: Kind, outside: Outside) -> Result<Self, Fault> {
        let seed = cloud.look(|state| state.ids.seed());
        Self::writing(
            Arc::new(Diverted::default()),
            kind,
            cloud.clone(),
            seed,
            outside,
            ssh::KnownHosts::Throwaway(None),
        )
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
