//! The embedded cloud over HTTP on loopback, for other programs.
//!
//! - [`door`]: what a request is for: a service of AWS, a simulated host, this server;
//! - [`answer`]: from an HTTP request to an answer of the cloud;
//! - [`control`]: what runs of opsh in other processes ask;
//! - [`postman`]: SNS's messages to web servers on this machine.
//!
//! One process has the cloud (its store is locked), any number of others use it: the
//! AWS CLI, SDKs, Terraform, a browser.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use axum::Router;
use opsh_cloud::Cloud;
use postman::Postman;

use crate::world::served::notice::Notice;

mod answer;
mod control;
mod door;
mod postman;

/// How often the cloud is looked at between requests: what is due then happens, and
/// is on disk for whoever reads the folder.
const TICK: Duration = Duration::from_millis(500);

/// How long requests that are being answered hold a server up that is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A cloud with an address.
pub struct Server {
    cloud: Cloud,
    listener: TcpListener,
    notice: Notice,
}

impl Server {
    /// Listens on loopback; on a free port if `port` is 0.
    ///
    /// # Errors
    /// The port is taken, or may not be used.
    pub fn bind(cloud: Cloud, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let notice = Notice::new(listener.local_addr()?);
        Ok(Self {
            cloud,
            listener,
            notice,
        })
    }

    /// Where it answers, and who may drive it.
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Answers until `stop` is ready; then finishes what it is about, and everything is
    /// on disk.
    ///
    /// # Errors
    /// The process cannot have an executor; the cloud's folder cannot be written.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let (quit, quitting) = channel::<()>();
        let ticking = self.cloud.clone();
        let postman = Postman::new(self.cloud.clone(), self.notice.url.clone());
        let ticker = thread::spawn(move || {
            while quitting.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                // A folder that cannot be written now is told to the next who writes.
                let _ = ticking.catch_up();
                postman.walk();
            }
        });
        let desk = Arc::new(answer::Desk::new(self.cloud.clone(), self.notice));
        let served = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let app = Router::new().fallback(answer::answer).with_state(desk);
            let (told, tell) = tokio::sync::oneshot::channel();
            let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
                stop.await;
                let _ = told.send(());
            });
            let late = async {
                let _ = tell.await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                served = serving => served,
                () = late => Ok(()),
            }
        });
        drop(quit);
        let _ = ticker.join();
        runtime.shutdown_timeout(Duration::from_secs(1));
        let saved = self.cloud.save().map_err(io::Error::other);
        served.and(saved)
    }
}
