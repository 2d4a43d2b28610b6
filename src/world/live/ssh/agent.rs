//! The keys of an agent, which may be long in answering, or never do so.
//!
//! libssh2 waits for the agent without an end, and holds its session meanwhile. So each
//! question is put on a thread of its own, as a look-up of a name is: whoever waits for it
//! looks at its patience, and a login that is given up touches its session no more.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use opsh_operation::{Fault, FaultKind};
use ssh2::{Error, PublicKey, Session};

use super::wire::{self, Patience, Stop, Wire};
use crate::world::Cancel;

/// An agent that has told its keys.
pub(super) struct Agent {
    handle: Arc<ssh2::Agent>,
    /// In the agent's order.
    pub keys: Vec<Arc<PublicKey>>,
}

impl Agent {
    /// Asks the agent at `socket` for its keys.
    pub fn ask(session: &Session, socket: &Path, patience: &Patience<'_>) -> Result<Self, Stop> {
        let (session, socket) = (session.clone(), socket.to_owned());
        let (handle, keys) = apart(patience, move || {
            let mut agent = session.agent()?;
            agent.set_identity_path(&socket)?;
            agent.connect()?;
            agent.list_identities()?;
            let keys = agent.identities()?;
            Ok((agent, keys))
        })??;
        Ok(Self {
            handle: Arc::new(handle),
            keys: keys.into_iter().map(Arc::new).collect(),
        })
    }

    /// Logs in on `wire` with one of the keys.
    pub fn userauth(
        &self,
        wire: &Wire,
        user: &str,
        key: &Arc<PublicKey>,
        patience: &Patience<'_>,
    ) -> Result<(), Stop> {
        loop {
            let (handle, key) = (Arc::clone(&self.handle), Arc::clone(key));
            let user = user.to_owned();
            match apart(patience, move || handle.userauth(&user, &key))? {
                Err(error) if error.code() == wire::AGAIN => {
                    patience.check()?;
                    wire.settle(patience);
                }
                done => return Ok(done?),
            }
        }
    }
}

/// Does `work` on a thread of its own, which is left alone when the patience ends.
fn apart<T: Send + 'static>(
    patience: &Patience<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<Result<T, Error>, Stop> {
    let (answer, answered) = sync_channel(1);
    std::thread::Builder::new()
        .name("opsh-agent".into())
        .spawn(move || answer.send(work()))
        .map_err(|error| {
            let words = format!("cannot start a thread: {error}");
            Stop::Cancelled(Fault::new(FaultKind::Failed, words))
        })?;
    loop {
        match answered.recv_timeout(Cancel::PATIENCE / 2) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => patience.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(Err(Error::unknown())),
        }
    }
}
