//! Logins that wait for their next use: a playbook's many commands share few logins.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opsh_operation::Fault;

use super::session::Login;
use crate::world::Cancel;
use crate::world::content::Content;
use crate::world::ssh::{Command, Output, Session};

/// More than this many idle logins to one host are not kept.
const KEPT: usize = 8;
/// More than this many idle logins are not kept at all.
const MOST: usize = 64;
/// One that nobody has used for this long is kept no longer.
const IDLE: Duration = Duration::from_mins(10);

/// What two logins must share to stand in for each other.
pub(super) type Key = String;

#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Key, Vec<Idle>>>,
}

struct Idle {
    login: Login,
    since: Instant,
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
            let mut login = login?.login;
            if login.is_alive(cancel) {
                return Some(login);
            }
            login.wire.cut();
        }
    }

    fn put(&self, key: &Key, login: Login, now: Instant) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let back = Idle { login, since: now };
        idle.entry(key.clone()).or_default().push(back);
        let gone = weed(&mut idle, now);
        drop(idle);
        for one in gone {
            one.login.wire.cut();
        }
    }
}

/// Takes out what is not to be kept.
fn weed(idle: &mut HashMap<Key, Vec<Idle>>, now: Instant) -> Vec<Idle> {
    let mut gone = Vec::new();
    for kept in idle.values_mut() {
        // Who was put back last is last.
        gone.extend(kept.extract_if(.., |one| now.duration_since(one.since) >= IDLE));
        gone.extend(kept.drain(..kept.len().saturating_sub(KEPT)));
    }
    while idle.values().map(Vec::len).sum::<usize>() > MOST {
        let of_each = idle.values_mut().filter(|kept| !kept.is_empty());
        if let Some(kept) = of_each.min_by_key(|kept| kept[0].since) {
            gone.push(kept.remove(0));
        }
    }
    idle.retain(|_, kept| !kept.is_empty());
    gone
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        for one in idle.values().flatten() {
            one.login.wire.cut();
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
            self.pool.put(&self.key, login, Instant::now());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{TcpListener, TcpStream};

    use super::super::faults::Peer;
    use super::super::wire::Wire;
    use super::*;

    struct Bench {
        pool: Pool,
        listener: TcpListener,
        begun: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                pool: Pool::default(),
                listener: TcpListener::bind("127.0.0.1:0").unwrap(),
                begun: Instant::now(),
            }
        }

        /// Puts a login back, so many minutes after the beginning.
        fn put(&self, key: &str, minute: u64) {
            let socket = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
            self.listener.accept().unwrap();
            let peer = Peer {
                host: key.into(),
                user: "u".into(),
                address: key.into(),
                port: 22,
            };
            let login = Login::new(Wire::new(socket).unwrap(), peer, minute.to_string());
            let now = self.begun + Duration::from_mins(minute);
            self.pool.put(&key.to_owned(), login, now);
        }

        /// The minutes at which those that are kept were put back.
        fn kept(&self, key: &str) -> Vec<String> {
            let idle = self.pool.idle.lock().unwrap();
            let kept = idle.get(key).into_iter().flatten();
            kept.map(|one| one.login.host_key.clone()).collect()
        }
    }

    #[test]
    fn what_nobody_uses_is_let_go() {
        let bench = Bench::new();
        bench.put("a", 0);
        bench.put("b", 5);
        bench.put("b", 9);
        assert_eq!(bench.kept("a"), ["0"]);
        bench.put("b", 10);
        assert_eq!(bench.kept("b"), ["5", "9", "10"]);
        assert!(!bench.pool.idle.lock().unwrap().contains_key("a"));
        bench.put("c", 17);
        assert_eq!(bench.kept("b"), ["9", "10"]);
    }

    #[test]
    fn of_one_host_and_of_all_no_more_are_kept_than_may_be() {
        let bench = Bench::new();
        for minute in 0..=8 {
            bench.put("0", minute);
        }
        assert_eq!(bench.kept("0").len(), KEPT);
        assert_eq!(bench.kept("0")[0], "1");
        for host in 1..=MOST {
            bench.put(&host.to_string(), 9);
        }
        assert!(bench.kept("0").is_empty());
        assert_eq!(bench.pool.idle.lock().unwrap().len(), MOST);
    }
}
