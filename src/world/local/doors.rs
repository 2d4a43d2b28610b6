//! What the world asks of an embedded cloud, in this process or in another.

use std::fmt::Debug;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opsh_cloud::clock::{Clock, Stopped};
use opsh_cloud::talk::Said;
use opsh_cloud::{Cloud, SessionError, Then, Unreachable, Visitor, faults};
use opsh_operation::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::world::Answerer;

/// For how long a command waits, in real time, for functions that are under way.
const PATIENCE: Duration = Duration::from_mins(1);

/// The connection to a service broke, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// A machine whose SSH server has answered, before anybody has logged in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Welcome {
    /// The host's key as `known_hosts` writes it: `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// The user that the image made for its owner.
    pub default_user: String,
}

/// Where somebody is logged in, and as whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// The machine's name or address.
    pub host: String,
    /// The port of its SSH server.
    pub port: u16,
    /// The user there.
    pub user: String,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Its exit status.
    pub exit_code: i32,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
    /// How much of the machine's time it took.
    pub took: Duration,
}

/// Why a session did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// The machine has gone.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// There is no such file.
    #[error("{0}")]
    NotFound(String),
    /// The user may not do that, or not log in.
    #[error("{0}")]
    Denied(String),
    /// Something else that the machine says.
    #[error("{0}")]
    Failed(String),
}

/// The doors of one cloud; clones are the same cloud's.
///
/// All of it happens at the time that [`Doors::clock`] shows.
pub trait Doors: Clone + Debug + Send + Sync + 'static {
    /// The clock on which the run waits.
    fn clock(&self) -> &Clock;

    /// The region that there is.
    fn region(&self) -> String;

    /// The flag with which commands find the cloud, after a space.
    fn flag(&self) -> String {
        " --local".to_owned()
    }

    /// How many made-up values have been drawn: differs from run to run.
    fn drawn(&self) -> u64;

    /// Ends a command: functions that are under way come to their end, since no time
    /// passes between commands, and the time that has passed is kept.
    fn close(&self);

    /// Ends the programs of services that run in this process.
    fn close_programs(&self) {}

    /// Lets `answerer` answer at a port of a machine until what is given is dropped, under
    /// the name of a `unit` there; in a cloud of another process nobody can.
    ///
    /// # Errors
    /// The port is taken.
    fn lodge(
        &self,
        _place: (&opsh_cloud::tenants::Place, &str),
        _bind: IpAddr,
        _port: u16,
        _answerer: Arc<dyn Answerer>,
    ) -> Result<Box<dyn Send>, Fault> {
        Err(Fault::new(
            FaultKind::NotModelled,
            "a playbook cannot serve inside of a cloud that another process serves",
        )
        .hint("leave --for and --events away: then it has a real socket; or use --local"))
    }

    /// From now on time goes at the pace of the real clock.
    fn follow_real_time(&self) {
        self.clock().follow();
    }

    /// Calls `then` as soon as something has been done and stored, before anybody gets
    /// an answer; a cloud in another process cannot.
    fn once_kept(&self, _then: Then) {}

    /// Lets the next request meet `fault`, or only what the rules say; a cloud in another
    /// process cannot. Whether the fault before was met.
    fn arm(&self, _fault: Option<faults::Fault>) -> bool {
        true
    }

    /// Uses processor time of the simulated host of `instance`.
    ///
    /// # Errors
    /// `stop` said so, or the host is gone.
    fn burn(
        &self,
        _instance: &str,
        _wanted: Duration,
        _stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        Err(Stopped)
    }

    /// How much has been said on the embedded Discord; of a cloud in another process
    /// nobody knows.
    fn said(&self) -> usize {
        0
    }

    /// Waits for what is said there after the first `known`; the bots of a cloud in another
    /// process are there.
    ///
    /// # Errors
    /// `stop` said so.
    fn hear(&self, _known: usize, _stop: &dyn Fn() -> bool) -> Result<Vec<Said>, Stopped> {
        Err(Stopped)
    }

    /// Answers a request of an AWS SDK.
    ///
    /// # Errors
    /// [`Broken`]; refusals are answers.
    fn aws(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Broken>> + Send;

    /// Answers a request as the host in its URL would; a program that is asked may take
    /// time on the clock.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn visit(
        &self,
        visitor: &Visitor<'_>,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable>;

    /// Connects to a host's SSH port, from outside.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn knock(&self, host: &str, port: u16) -> Result<Welcome, Unreachable>;

    /// Logs in with the public half of the caller's key, after knocking.
    ///
    /// # Errors
    /// [`Refusal`].
    fn login(&self, account: &Account, public_key: &str) -> Result<(), Refusal>;

    /// Runs a command line in the shell of who is logged in; its time has not passed yet.
    ///
    /// # Errors
    /// [`Refusal`].
    fn run(&self, account: &Account, line: &str, stdin: &[u8]) -> Result<Done, Refusal>;

    /// Writes a file.
    ///
    /// # Errors
    /// [`Refusal`].
    fn upload(
        &self,
        account: &Account,
        path: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), Refusal>;

    /// Reads a file.
    ///
    /// # Errors
    /// [`Refusal`].
    fn download(&self, account: &Account, path: &str) -> Result<Bytes, Refusal>;
}

impl Doors for Cloud {
    fn close_programs(&self) {
        Cloud::close_programs(self);
    }

    fn lodge(
        &self,
        place: (&opsh_cloud::tenants::Place, &str),
        bind: IpAddr,
        port: u16,
        answerer: Arc<dyn Answerer>,
    ) -> Result<Box<dyn Send>, Fault> {
        super::lodging::lodge(self, place, bind, port, answerer)
    }

    fn follow_real_time(&self) {
        Cloud::follow_real_time(self);
    }

    fn burn(
        &self,
        instance: &str,
        wanted: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        Cloud::burn(self, instance, wanted.as_secs_f64(), stop)
    }

    fn once_kept(&self, then: Then) {
        Cloud::once_kept(self, then);
    }

    fn said(&self) -> usize {
        Cloud::said(self)
    }

    fn hear(&self, known: usize, stop: &dyn Fn() -> bool) -> Result<Vec<Said>, Stopped> {
        Cloud::hear(self, known, stop)
    }

    fn arm(&self, fault: Option<faults::Fault>) -> bool {
        Cloud::arm(self, fault)
    }

    fn clock(&self) -> &Clock {
        self.clock()
    }

    fn region(&self) -> String {
        self.region()
    }

    fn drawn(&self) -> u64 {
        self.drawn()
    }

    fn close(&self) {
        let end = Instant::now().checked_add(PATIENCE);
        self.rest(&|| end.is_some_and(|end| Instant::now() >= end));
        // Writes are on disk already; a time that is not kept is only a little earlier.
        let _ = self.save_progress();
    }

    async fn aws(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        self.aws(request)
            .await
            .map_err(|reset| Broken(reset.to_string()))
    }

    fn visit(
        &self,
        visitor: &Visitor<'_>,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        self.visit_as(visitor, request)
    }

    fn knock(&self, host: &str, port: u16) -> Result<Welcome, Unreachable> {
        let door = self.ssh(host, port)?;
        Ok(Welcome {
            default_user: door.default_user.to_owned(),
            host_key: door.host_key,
        })
    }

    fn login(&self, account: &Account, public_key: &str) -> Result<(), Refusal> {
        session(self, account)?.login(public_key).map_err(refusal)
    }

    fn run(&self, account: &Account, line: &str, stdin: &[u8]) -> Result<Done, Refusal> {
        let output = session(self, account)?.run(line, stdin).map_err(refusal)?;
        Ok(Done {
            exit_code: output.exit_code,
            stdout: output.stdout,
            stderr: output.stderr,
            took: output.took.try_into().unwrap_or_default(),
        })
    }

    fn upload(
        &self,
        account: &Account,
        path: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), Refusal> {
        session(self, account)?
            .upload(path, content, mode)
            .map_err(refusal)
    }

    fn download(&self, account: &Account, path: &str) -> Result<Bytes, Refusal> {
        session(self, account)?.download(path).map_err(refusal)
    }
}

fn session(cloud: &Cloud, account: &Account) -> Result<opsh_cloud::Session, Refusal> {
    cloud
        .session(&account.host, account.port, &account.user)
        .ok_or_else(|| Unreachable::NoSuchHost(account.host.clone()).into())
}

fn refusal(error: SessionError) -> Refusal {
    let words = error.to_string();
    match error {
        SessionError::Unreachable(why) => Refusal::Unreachable(why),
        SessionError::Login(_) => Refusal::Denied(words),
        SessionError::File(refusal) => match refusal.reason.kind() {
            ErrorKind::NotFound => Refusal::NotFound(words),
            ErrorKind::PermissionDenied => Refusal::Denied(words),
            _ => Refusal::Failed(words),
        },
    }
}
