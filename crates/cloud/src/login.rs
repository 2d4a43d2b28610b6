//! SSH to simulated machines: who answers, who may log in, what a session does.

use std::net::Ipv4Addr;

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::course::{Course, PATIENCE};
use crate::faults::Fault;
use crate::furnish::CALLER_ADDRESS;
use crate::hosts::{self, CommandOutput, FileRefusal, Host, LoginRefusal, Ran, Reply};
use crate::services::ec2::{self, Reach};
use crate::state::State;
use crate::visit::Unreachable;

/// The port of SSH.
const PORT: u16 = 22;

/// A machine whose SSH server has answered, before anybody has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The host's key as `known_hosts` writes it: `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// The user that the image made for its owner.
    pub default_user: &'static str,
}

/// What a user does on a machine, from the login on.
#[derive(Debug, Clone)]
pub struct Session {
    cloud: Cloud,
    address: Ipv4Addr,
    port: u16,
    user: String,
}

/// Why a session did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The machine has gone.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The machine's kernel refuses.
    #[error(transparent)]
    File(#[from] FileRefusal),
    /// Nobody may log in so.
    #[error(transparent)]
    Login(LoginRefusal),
}

/// An address, or the public or private DNS name of an instance.
///
/// Source: EC2 user guide, "EC2 instance hostnames and domains".
#[must_use]
pub fn address_of(host: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    let label = host.split('.').next()?;
    let simulated = host.ends_with(".amazonaws.com")
        || host.ends_with(".compute.internal")
        || host.ends_with(".ec2.internal");
    let numbers = label
        .strip_prefix("ec2-")
        .or_else(|| label.strip_prefix("ip-"))
        .filter(|_| simulated)?;
    numbers.replace('-', ".").parse().ok()
}

/// The instance that a connection from another instance arrives at, and the address that
/// it comes from there.
pub(crate) fn arrives_from(
    state: &State,
    instance: &str,
    to: Ipv4Addr,
    port: u16,
) -> Result<(String, Ipv4Addr), Unreachable> {
    let facts = ec2::facts(state, instance);
    let silent = || Unreachable::TimedOut(to.to_string());
    let facts = facts.ok_or_else(silent)?;
    if to.is_loopback() {
        return Ok((instance.to_owned(), Ipv4Addr::LOCALHOST));
    }
    // The machine's own name leads straight to it; other machines of the same network see
    // its private address, the rest of the world its public one.
    let private = facts.private.ok_or_else(silent)?;
    if to == private {
        return Ok((instance.to_owned(), private));
    }
    let from = if to.is_private() {
        private
    } else {
        facts.public.ok_or_else(silent)?
    };
    match ec2::reachable(state, to, port, from) {
        Reach::Instance(id) => Ok((id, from)),
        Reach::Nobody if !to.is_private() && !to.is_documentation() => {
            Err(Unreachable::NoSuchHost(to.to_string()))
        }
        Reach::Dropped(_) | Reach::Off(_) | Reach::Nobody => Err(silent()),
    }
}

/// The instance that a connection from the caller arrives at.
pub(crate) fn arrives(state: &State, to: Ipv4Addr, port: u16) -> Result<String, Unreachable> {
    let from = CALLER_ADDRESS.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
    if to.is_loopback() {
        return Err(Unreachable::NoSuchHost(to.to_string()));
    }
    match ec2::reachable(state, to, port, from) {
        Reach::Instance(_) if to.is_private() => Err(Unreachable::TimedOut(to.to_string())),
        Reach::Instance(id) => Ok(id),
        Reach::Dropped(_) | Reach::Off(_) => Err(Unreachable::TimedOut(to.to_string())),
        // Addresses of the embedded cloud (RFC 5737) lead nowhere else.
        Reach::Nobody if to.is_documentation() => Err(Unreachable::TimedOut(to.to_string())),
        Reach::Nobody => Err(Unreachable::NoSuchHost(to.to_string())),
    }
}

/// What a machine says in its own words, as the network's.
pub(crate) fn silence(why: hosts::Unreachable, to: &str) -> Unreachable {
    match why {
        hosts::Unreachable::Refused => Unreachable::Refused(to.to_owned()),
        hosts::Unreachable::Silent => Unreachable::TimedOut(to.to_owned()),
    }
}

impl Cloud {
    /// Connects to an address's SSH port, from outside.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn ssh(&self, host: &str, port: u16) -> Result<Door, Unreachable> {
        self.strike_ssh("ssh:connect", host)?;
        let address = address_of(host).ok_or_else(|| Unreachable::NoSuchHost(host.to_owned()))?;
        self.at(address, port, |machine, now| {
            if port != PORT {
                return Err(hosts::Unreachable::Refused);
            }
            machine.reach_ssh(now)?;
            Ok((machine.host_key(), machine.facts().flavour.default_user()))
        })?
        .map(|(host_key, default_user)| Door {
            host_key,
            default_user,
        })
        .map_err(|why| silence(why, host))
    }

    /// What `user` does on the machine that a host's name or address leads to; `None`
    /// if it is the name of none.
    #[must_use]
    pub fn session(&self, host: &str, port: u16, user: &str) -> Option<Session> {
        Some(Session {
            cloud: self.clone(),
            address: address_of(host)?,
            port,
            user: user.to_owned(),
        })
    }

    fn strike_ssh(&self, action: &str, host: &str) -> Result<(), Unreachable> {
        match self.strike(action) {
            None => Ok(()),
            Some(Fault::Delay(duration)) => {
                // Nothing stops it: the caller's own limit is in real time.
                let _ = self.clock().sleep(duration, &|| false);
                Ok(())
            }
            Some(Fault::Refuse(_)) => Err(Unreachable::Refused(host.to_owned())),
            Some(Fault::Throttle | Fault::Server(_)) => Err(Unreachable::TimedOut(host.to_owned())),
            Some(Fault::Reset | Fault::Lost) => Err(Unreachable::Reset(host.to_owned())),
        }
    }

    /// Does something with the machine that a connection to `address` arrives at.
    fn at<T>(
        &self,
        address: Ipv4Addr,
        port: u16,
        work: impl FnOnce(&mut Host, jiff::Timestamp) -> T,
    ) -> Result<T, Unreachable> {
        let mut state = self.state();
        let id = arrives(&state, address, port)?;
        let now = state.now;
        let machine = state
            .hosts
            .get_mut(&id)
            .ok_or_else(|| Unreachable::TimedOut(address.to_string()))?;
        Ok(work(machine, now))
    }
}

impl Session {
    /// Logs in with the public half of the caller's key.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn login(&self, public_key: &str) -> Result<(), SessionError> {
        self.change(|machine, now| machine.login(&self.user, public_key, now))?
            .map_err(SessionError::Login)
    }

    /// Runs a command line in the user's shell; its time has not passed yet.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn run(&self, line: &str, stdin: &[u8]) -> Result<CommandOutput, SessionError> {
        let host = self.address.to_string();
        self.cloud.strike_ssh("ssh:run", &host)?;
        let mut known = Vec::new();
        loop {
            let (ran, id) = self.change(|machine, now| {
                let id = machine.facts().instance_id.clone();
                let ran = machine.run_knowing(&self.user, line, stdin, &known, now);
                (ran, id)
            })?;
            let forward = match ran.map_err(|why| silence(why, &host))? {
                Ran::Done(output) => return Ok(output),
                Ran::Asks(forward) => *forward,
            };
            let Course::Ask(asked) = Course::at_machine(&id, Reply::Forward(forward)) else {
                return Err(Unreachable::Reset(host).into());
            };
            // Nothing stops it: the program's own limits end it.
            known.push(self.cloud.ask(&asked, PATIENCE, &|| false));
        }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn upload(&self, path: &str, content: &[u8], mode: u32) -> Result<(), SessionError> {
        self.change(|machine, now| machine.upload(&self.user, path, content, mode, now))??;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn download(&self, path: &str) -> Result<Bytes, SessionError> {
        Ok(self.change(|machine, now| machine.download(&self.user, path, now))??)
    }

    /// Does something with the machine; the change is kept on disk.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Host, jiff::Timestamp) -> T,
    ) -> Result<T, Unreachable> {
        let result = self.cloud.at(self.address, self.port, work)?;
        self.cloud
            .save()
            .map_err(|error| Unreachable::Reset(format!("{} ({error})", self.address)))?;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn names_of_instances_stand_for_their_addresses() {
        for (host, address) in [
            ("203.0.113.10", Some([203, 0, 113, 10])),
            (
                "ec2-203-0-113-10.compute-1.amazonaws.com",
                Some([203, 0, 113, 10]),
            ),
            ("ip-172-31-0-5.ec2.internal", Some([172, 31, 0, 5])),
            ("ec2-203-0-113-10.example.com", None),
            ("example.com", None),
        ] {
            assert_eq!(address_of(host), address.map(Into::into), "{host}");
        }
    }
}
