//! HTTP with `ureq`: one pool of connections for the run, a worker thread an exchange.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use opsh_operation::{Fault, FaultKind};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

use super::ConnectTo;
use crate::world::Cancel;
use crate::world::http::{Request, Response, Transport};

mod body;
mod exchange;
mod faults;
mod redirect;
mod resolve;

/// Who we say we are, unless the playbook says otherwise.
const USER_AGENT: &str = concat!("opsh/", env!("CARGO_PKG_VERSION"));

/// Sends requests to the real network.
pub struct Client {
    agent: OnceLock<ureq::Agent>,
    connect_to: Vec<ConnectTo>,
}

impl Client {
    /// Redirects connections as `connect_to` says.
    #[must_use]
    pub fn new(connect_to: Vec<ConnectTo>) -> Self {
        Self {
            agent: OnceLock::new(),
            connect_to,
        }
    }

    fn agent(&self) -> ureq::Agent {
        self.agent
            .get_or_init(|| {
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let tls = TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .unversioned_rustls_crypto_provider(provider)
                    .build();
                let mut config = ureq::Agent::config_builder()
                    .http_status_as_error(false)
                    .max_redirects(0)
                    .max_redirects_will_error(false)
                    .allow_non_standard_methods(true)
                    .user_agent(USER_AGENT)
                    .tls_config(tls);
                if !self.connect_to.is_empty() {
                    // A proxy would resolve names itself and undo the redirection.
                    config = config.proxy(None);
                }
                ureq::Agent::with_parts(
                    config.build(),
                    DefaultConnector::default(),
                    resolve::Resolver::new(self.connect_to.clone()),
                )
            })
            .clone()
    }
}

impl Transport for Client {
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, Fault> {
        cancel.check()?;
        let (answer, answered) = sync_channel(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let exchange = exchange::Exchange {
            agent: self.agent(),
            request: request.clone(),
            end: Instant::now() + request.timeout,
            abandoned: Arc::clone(&abandoned),
        };
        std::thread::Builder::new()
            .name("opsh-http".into())
            .spawn(move || answer.send(exchange.run()))
            .map_err(|error| {
                Fault::new(FaultKind::Failed, format!("cannot start a thread: {error}"))
            })?;
        loop {
            match answered.recv_timeout(Cancel::PATIENCE / 2) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(fault) = cancel.check() {
                        // The thread ends at its own timeout and leaves nothing behind.
                        abandoned.store(true, Ordering::SeqCst);
                        return Err(fault);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::new(
                        FaultKind::Failed,
                        format!("{}: the exchange ended unexpectedly", request.url),
                    ));
                }
            }
        }
    }
}
