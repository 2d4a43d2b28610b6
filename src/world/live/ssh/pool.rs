//! Logins that wait for their next use: a playbook's many commands share few logins.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use opsh_operation::Fault;

use super::session::Login;
use crate::world::Cancel;
use crate::world::content::Content;
use crate::world::ssh::{Command, Output, Session};

/// More than this many idle logins to one host are not kept.
const KEPT: usize = 8;

/// What two logins must share to stand in for each other.
pub(super) type Key = String;

#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Key, Vec<Login>>>,
}

impl Pool {
    /// A login that still answers.
    pub fn take(&self, key: &Key, cancel: &Cancel) -> Option<Login> {
        loop {
            let login = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(key)?
                .pop();
            let mut login = login?;
            if login.is_alive(cancel) {
                return Some(login);
            }
            login.wire.cut();
        }
    }

    fn put(&self, key: &Key, login: Login) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(key.clone()).or_default();
        if kept.len() < KEPT {
            kept.push(login);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        for login in idle.values().flatten() {
            login.wire.cut();
        }
    }
}

/// A login on loan; it goes back to the pool unless it is broken.
pub(super) struct Loan {
    pub login: Option<Login>,
    pub pool: Arc<Pool>,
    pub key: Key,
}

impl Loan {
    fn login(&mut self) -> Result<&mut Login, Fault> {
        self.login.as_mut().ok_or_else(|| {
            Fault::new(
                opsh_operation::FaultKind::Failed,
                "the SSH session has ended",
            )
        })
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(login) = self.login.take()
            && !login.broken
        {
            self.pool.put(&self.key, login);
        }
    }
}

impl Session for Loan {
    fn run(&mut self, command: &Command, cancel: &Cancel) -> Result<Output, Fault> {
        self.login()?.run(command, cancel)
    }

    fn upload(
        &mut self,
        content: &Content,
        remote: &Path,
        mode: u32,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        self.login()?.upload(content, remote, mode, cancel)
    }

    fn download(
        &mut self,
        remote: &Path,
        copy: &mut dyn Write,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        self.login()?.download(remote, copy, limit, cancel)
    }

    fn host_key(&self) -> String {
        self.login
            .as_ref()
            .map(|login| login.host_key.clone())
            .unwrap_or_default()
    }
}
