//! SSH with `libssh2`: one session a concurrent operation, logins reused within the run.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use opsh_operation::{Fault, FaultKind};

use super::ConnectTo;
use crate::world::Cancel;
use crate::world::ssh::{Session, Target, Transport};

mod agent;
pub(in crate::world) mod auth;
pub mod config;
mod dial;
mod endpoint;
pub(in crate::world) mod faults;
pub(in crate::world) mod host_key;
mod include;
pub mod known_hosts;
mod pool;
mod session;
mod transfer;
mod wire;

use endpoint::Endpoint;
use faults::Peer;
use host_key::Expectation;
use session::Login;
use wire::{Patience, Wire};

/// Opens sessions on real hosts.
pub struct Client {
    home: Option<PathBuf>,
    connect_to: Vec<ConnectTo>,
    pool: Arc<pool::Pool>,
    /// Held from looking a host up until its key is written down, so that
    /// parallel branches do not write it twice.
    meeting: Mutex<()>,
}

impl Client {
    /// Uses `.ssh` in `home`, and redirects connections as `connect_to` says.
    #[must_use]
    pub fn new(home: Option<PathBuf>, connect_to: Vec<ConnectTo>) -> Self {
        Self {
            home,
            connect_to,
            pool: Arc::default(),
            meeting: Mutex::new(()),
        }
    }

    fn login(&self, target: &Target, endpoint: &Endpoint, cancel: &Cancel) -> Result<Login, Fault> {
        let patience = Patience::new(cancel, target.connect_timeout);
        let expectation = endpoint.expectation()?;
        let identities = endpoint.identities()?;
        let peer = endpoint.peer.clone();
        let (host, port) = &endpoint.dial;
        let socket = dial::dial(host, *port, &peer, &patience)?;
        let mut wire = Wire::new(socket)?;
        let done = self
            .meet(&peer, &expectation, &mut wire, &patience)
            .and_then(|host_key| {
                auth::login(&wire, &peer, &identities, &patience)?;
                Ok(host_key)
            });
        match done {
            Ok(host_key) => Ok(Login::new(wire, peer, host_key)),
            Err(fault) => {
                wire.cut();
                Err(fault)
            }
        }
    }

    /// From the first packet until the host is known; gives its key.
    fn meet(
        &self,
        peer: &Peer,
        expectation: &Expectation,
        wire: &mut Wire,
        patience: &Patience<'_>,
    ) -> Result<String, Fault> {
        let stopped = |stop| faults::stopped(peer, stop, "setting the session up");
        wire.session
            .method_pref(ssh2::MethodType::HostKey, &expectation.preference())
            .map_err(|error| faults::lost(peer, &error, "choosing host keys"))?;
        let mut session = wire.session.clone();
        wire.wait(patience, || session.handshake())
            .map_err(stopped)?;
        let key = wire
            .session
            .host_key()
            .map(|(blob, _)| known_hosts::Key::new(blob))
            .ok_or_else(|| {
                Fault::new(
                    FaultKind::HostKey,
                    format!("{peer}: the host showed no key"),
                )
            })?;
        {
            let _meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
            expectation.refreshed()?.verify(&key, peer)?;
        }
        Ok(key.line())
    }
}

impl Transport for Client {
    fn connect(&self, target: &Target, cancel: &Cancel) -> Result<Box<dyn Session>, Fault> {
        cancel.check()?;
        let endpoint = Endpoint::new(target, self.home.as_deref(), &self.connect_to)?;
        let key = endpoint.key();
        let login = match self.pool.take(&key, cancel) {
            Some(login) => login,
            None => self.login(target, &endpoint, cancel)?,
        };
        Ok(Box::new(pool::Loan {
            login: Some(login),
            pool: Arc::clone(&self.pool),
            key,
        }))
    }
}
