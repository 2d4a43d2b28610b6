//! Where operations land: [`live`] on the real AWS, hosts and sites, or
//! [`local`] on the embedded cloud.
//!
//! Everything here blocks the calling branch of the playbook; a [`Cancel`] is
//! looked at wherever something waits, so that a deadline or Ctrl-C ends any
//! wait within a quarter of a second. Nothing here knows Rhai.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opsh_aws::Session;
use opsh_cloud::Then;
use opsh_operation::{Fault, FaultKind};

mod cancel;
pub mod content;
pub mod discord;
pub mod files;
pub mod host;
pub mod http;
pub mod live;
pub mod local;
pub mod served;
pub mod ssh;

pub use cancel::{Cancel, Reason};

/// Which world a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The real one.
    Live,
    /// The embedded cloud that persists between commands.
    Local,
    /// An embedded cloud that is thrown away.
    DryRun,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Live, Self::Local, Self::DryRun];

    /// `live`, `local` or `dry-run`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Local => "local",
            Self::DryRun => "dry-run",
        }
    }

    /// The kind that is called `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Whose AWS is meant: what a call's controls may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Region, if not the run's.
    pub region: Option<String>,
    /// Profile of the shared configuration, if not the run's.
    pub profile: Option<String>,
}

/// The one set of doors to everything outside the process.
pub trait World: Send + Sync {
    /// Which world this is.
    fn kind(&self) -> Kind;

    /// The flag with which commands about its runs find it, after a space; empty live.
    fn flag(&self) -> String {
        String::new()
    }

    /// The time there.
    fn now(&self) -> Timestamp;

    /// Waits; ends early with a fault when cancelled.
    ///
    /// # Errors
    /// [`FaultKind::Deadline`] or [`FaultKind::Interrupted`].
    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<(), Fault>;

    /// Fills `bytes` with randomness (seeded in Local).
    fn random(&self, bytes: &mut [u8]);

    /// The SDK's clients, with the world's credentials, region, endpoint, HTTP client, sleep
    /// and time.
    ///
    /// # Errors
    /// No region, unknown profile, no credentials; the cancellation's, because
    /// looking for credentials may ask the network.
    fn aws(&self, scope: &Scope, cancel: &Cancel) -> Result<Session, Fault>;

    /// Runs a future of the SDK to its end on the calling branch.
    ///
    /// # Errors
    /// The future's own fault, or the cancellation's.
    fn complete(
        &self,
        future: BoxFuture<'static, Result<opsh_operation::Value, Fault>>,
        cancel: &Cancel,
    ) -> Result<opsh_operation::Value, Fault>;

    /// HTTP to hosts and sites.
    fn http(&self) -> &dyn http::Transport;

    /// SSH to hosts.
    fn ssh(&self) -> &dyn ssh::Transport;

    /// Uses `wanted` of a processor of the machine that the playbook runs on.
    ///
    /// # Errors
    /// The cancellation's.
    fn burn(&self, wanted: Duration, cancel: &Cancel) -> Result<(), Fault> {
        live::burn::burn(wanted, cancel)
    }

    /// The files of the caller's machine; a dry run keeps what it writes to itself.
    fn files(&self) -> &dyn files::Files {
        &files::Disk
    }

    /// Discord, as the bot whose token there is.
    fn discord(&self) -> &dyn discord::Discord;

    /// The machine that opsh runs on.
    fn host(&self) -> &dyn host::Host;

    /// What the instance metadata of that machine has at `path`, below `/latest/`.
    ///
    /// # Errors
    /// `unreachable` where there is no such service, `not_found`, `denied`; the
    /// cancellation's.
    fn metadata(&self, path: &str, cancel: &Cancel) -> Result<String, Fault>;

    /// The environment variable `name`.
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// Says which branches are about to be entered, before their threads start.
    ///
    /// In Local the world then waits for them: while a branch below a path is
    /// announced or running, the branch at that path itself does not run (so a
    /// parent announces its children, starts their threads and joins them), and
    /// the clock does not move before each announced branch has been entered and
    /// waits. Announce no more branches than there are threads to enter them; a
    /// thread that goes from one branch to the next announces the next before it
    /// drops the guard of the last. Live this does nothing.
    fn announce(&self, _paths: &[Vec<u32>]) {}

    /// Takes announcements back whose threads will not come: nobody waits for them any
    /// more. Live this does nothing.
    fn retract(&self, _paths: &[Vec<u32>]) {}

    /// The run was begun by another process, whose last record is of `since`: time is
    /// not before that, and what was drawn at random is not drawn again, however
    /// often (`times`) the run has been gone on with. Live this is so by itself.
    fn go_on(&self, _since: Timestamp, _times: u64) {}

    /// Calls `then` as soon as the embedded cloud has done and stored something, before
    /// anybody gets an answer.
    fn once_accepted(&self, _then: Then) {}

    /// The step at this path is about to be sent; with nothing, it has been. What is to go
    /// wrong at a step on the embedded cloud goes wrong in between.
    fn attend(&self, _step: Option<&[u32]>) {}

    /// Marks the calling thread as the branch at `path` until the guard is dropped.
    ///
    /// In Local exactly one branch runs at a time, in order of paths, and the
    /// clock moves when all of them wait; live this does nothing.
    fn enter(&self, path: &[u32]) -> Box<dyn BranchGuard>;

    /// The whole path of the branch that the calling thread is; live it is none.
    fn here(&self) -> Option<Vec<u32>> {
        None
    }

    /// As [`World::announce`], by whole paths such as [`World::here`] gives.
    fn announce_at(&self, paths: &[Vec<u32>]) {
        self.announce(paths);
    }

    /// As [`World::retract`], by whole paths such as [`World::here`] gives.
    fn retract_at(&self, paths: &[Vec<u32>]) {
        self.retract(paths);
    }

    /// As [`World::enter`], by a whole path such as [`World::here`] gives.
    fn enter_at(&self, path: &[u32]) -> Box<dyn BranchGuard> {
        self.enter(path)
    }

    /// The branch at the whole `path`, with all below it, ends after `duration`, until its
    /// guard is dropped: it waits no longer. Live this does nothing.
    fn limit_at(&self, _path: &[u32], _duration: Duration) {}

    /// Lets `answerer` answer what reaches `port` of the playbook's machine inside of the
    /// embedded cloud, until what is given is dropped.
    ///
    /// # Errors
    /// The port is taken; there is no such inside.
    fn lodge(
        &self,
        _bind: IpAddr,
        port: u16,
        _answerer: Arc<dyn Answerer>,
    ) -> Result<Box<dyn Send>, Fault> {
        Err(Fault::new(
            FaultKind::NotModelled,
            format!("nobody can be lodged here at port {port}"),
        ))
    }

    /// From now on time goes at the pace of the real clock, whoever waits. Live it does.
    fn follow_real_time(&self) {}
}

/// Who answers requests inside of the embedded cloud.
pub trait Answerer: Send + Sync {
    /// Answers a request of `client`, on a thread with a stack for scripts that is a branch
    /// of the clock.
    fn answer(
        &self,
        request: ::http::Request<bytes::Bytes>,
        client: &str,
    ) -> ::http::Response<bytes::Bytes>;
}

/// Held while a thread is a branch of the playbook.
pub trait BranchGuard {}
