//! The real world: AWS through its SDK, real SSH, real HTTP.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use opsh_aws::Session;
use opsh_operation::{Fault, Value};

use super::{BranchGuard, Cancel, Kind, Scope, World};

mod aws;
pub mod burn;
pub mod connect_to;
mod connector;
mod credentials;
mod discord;
mod host;
pub mod http;
mod imds;
mod json_protocol;
pub mod ssh;

pub use aws::Overrides;
pub use connect_to::ConnectTo;

/// What a run says about the real world.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// About AWS.
    pub aws: Overrides,
    /// `--connect-to`, in order.
    pub connect_to: Vec<ConnectTo>,
    /// Whose `.ssh` is used; the caller's home directory if `None`.
    pub home: Option<PathBuf>,
}

/// The real world.
pub struct Live {
    aws: aws::Aws,
    http: http::Client,
    ssh: ssh::Client,
    discord: discord::Client,
}

impl Live {
    /// Opens nothing yet: each part starts with its first use.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let home = settings.home.or_else(std::env::home_dir);
        Self {
            aws: aws::Aws::new(settings.aws),
            http: http::Client::new(settings.connect_to.clone()),
            discord: discord::Client::new(settings.connect_to.clone()),
            ssh: ssh::Client::new(home, settings.connect_to),
        }
    }
}

impl World for Live {
    fn kind(&self) -> Kind {
        Kind::Live
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<(), Fault> {
        cancel.wait(duration)
    }

    fn random(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }

    fn aws(&self, scope: &Scope, cancel: &Cancel) -> Result<Session, Fault> {
        self.aws.session(scope, cancel)
    }

    fn complete(&self, future: aws::Call, cancel: &Cancel) -> Result<Value, Fault> {
        self.aws.complete(future, cancel)
    }

    fn http(&self) -> &dyn super::http::Transport {
        &self.http
    }

    fn ssh(&self) -> &dyn super::ssh::Transport {
        &self.ssh
    }

    fn discord(&self) -> &dyn super::discord::Discord {
        &self.discord
    }

    fn host(&self) -> &dyn super::host::Host {
        &host::ThisMachine
    }

    fn metadata(&self, path: &str, cancel: &Cancel) -> Result<String, Fault> {
        self.aws.metadata(path, cancel)
    }

    fn enter(&self, _path: &[u32]) -> Box<dyn BranchGuard> {
        Box::new(Free)
    }
}

/// Live branches run side by side.
struct Free;

impl BranchGuard for Free {}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn sleeping_ends_when_cancelled() {
        let live = Live::new(Settings::default());
        let cancel = Cancel::new(None);
        let other = cancel.clone();
        let start = Instant::now();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            other.interrupt();
        });
        let fault = live.sleep(Duration::from_mins(1), &cancel);
        assert_eq!(
            fault.map_err(|fault| fault.kind),
            Err(opsh_operation::FaultKind::Interrupted)
        );
        assert!(start.elapsed() < Duration::from_millis(250));
    }

    #[test]
    fn futures_end_when_cancelled() {
        let live = Live::new(Settings::default());
        let cancel = Cancel::new(None).within(Duration::from_millis(60));
        let start = Instant::now();
        let fault = live.complete(Box::pin(std::future::pending()), &cancel);
        assert_eq!(
            fault.map_err(|fault| fault.kind),
            Err(opsh_operation::FaultKind::Deadline)
        );
        assert!(start.elapsed() < Duration::from_millis(250));
    }
}
