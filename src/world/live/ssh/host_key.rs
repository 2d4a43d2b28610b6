//! Is this the host that was meant?

use std::path::PathBuf;

use opsh_operation::{Fault, FaultKind};

use super::faults::Peer;
use super::known_hosts::{self, Entry, Key};
use crate::world::ssh::HostKey;

/// Every kind that libssh2 can verify, best first.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
];

/// What is known about a host before it says anything.
pub(in crate::world) struct Expectation {
    /// Its name in `known_hosts`.
    pub name: String,
    pub files: Vec<PathBuf>,
    pub policy: HostKey,
    entries: Vec<Entry>,
}

impl Expectation {
    pub fn new(name: String, files: Vec<PathBuf>, policy: HostKey) -> Result<Self, Fault> {
        let entries = match &policy {
            HostKey::Pinned(_) => Vec::new(),
            HostKey::Known | HostKey::AcceptNew => known_hosts::lookup(&files, &name)?,
        };
        Ok(Self {
            name,
            files,
            policy,
            entries,
        })
    }

    /// The same with what the files say now: another branch may have met the host meanwhile.
    pub fn refreshed(&self) -> Result<Self, Fault> {
        Self::new(self.name.clone(), self.files.clone(), self.policy.clone())
    }

    /// Kinds of keys to ask for: those that are known first, as OpenSSH does, so
    /// that a host with several keys shows the one that can be checked.
    pub fn preference(&self) -> String {
        let mut known: Vec<String> = self.entries.iter().map(|entry| entry.key.kind()).collect();
        if let HostKey::Pinned(pins) = &self.policy {
            known.extend(
                pins.iter()
                    .filter_map(|pin| Key::parse(pin))
                    .map(|key| key.kind()),
            );
        }
        let is_known = |kind: &str| {
            let family = if kind.starts_with("rsa-sha2") {
                "ssh-rsa"
            } else {
                kind
            };
            known.iter().any(|one| one == family)
        };
        let (mut first, rest): (Vec<&str>, Vec<&str>) =
            KINDS.into_iter().partition(|kind| is_known(kind));
        first.extend(rest);
        first.join(",")
    }

    /// Refuses a key that is not the expected one; a new one is written down if that is allowed.
    pub fn verify(&self, key: &Key, peer: &Peer) -> Result<(), Fault> {
        if let HostKey::Pinned(pins) = &self.policy {
            return pinned(pins, key, peer);
        }
        if let Some(entry) = self
            .entries
            .iter()
            .find(|entry| entry.revoked && entry.key == *key)
        {
            return Err(Fault::new(
                FaultKind::HostKey,
                format!(
                    "{peer}: the host's key {} is marked as revoked in {}:{}",
                    key.fingerprint(),
                    entry.path.display(),
                    entry.line
                ),
            )
            .hint("do not connect before the host has a new key"));
        }
        let mut live = self.entries.iter().filter(|entry| !entry.revoked);
        let Some(first) = live.clone().next() else {
            return self.unknown(key, peer);
        };
        if live.clone().any(|entry| entry.key == *key) {
            return Ok(());
        }
        let known = live
            .find(|entry| entry.key.kind() == key.kind())
            .unwrap_or(first);
        Err(changed(known, key, peer, &self.name))
    }

    fn unknown(&self, key: &Key, peer: &Peer) -> Result<(), Fault> {
        if self.policy == HostKey::AcceptNew
            && let Some(file) = self.files.first()
        {
            return known_hosts::append(file, &self.name, key);
        }
        let mut fault = Fault::new(
            FaultKind::HostKey,
            format!(
                "{peer}: the host is not in known_hosts; its {} key is {}",
                key.kind(),
                key.fingerprint()
            ),
        )
        .code("UnknownHostKey")
        .hint(
            "compare the fingerprint, then pass host_key: [\"SHA256:…\"]; \
             ssh::console_host_keys reads the keys of a new EC2 instance from its console \
             output; host_key: \"accept-new\" trusts the first answer",
        );
        fault.details.insert("host_key".into(), key.line().into());
        fault
            .details
            .insert("fingerprint".into(), key.fingerprint().into());
        Err(fault)
    }
}

fn changed(known: &Entry, key: &Key, peer: &Peer, name: &str) -> Fault {
    let mut fault = Fault::new(
        FaultKind::HostKey,
        format!(
            "{peer}: the host's key has changed: it shows {} ({}), but {}:{} says {} ({})",
            key.fingerprint(),
            key.kind(),
            known.path.display(),
            known.line,
            known.key.fingerprint(),
            known.key.kind(),
        ),
    )
    .code("ChangedHostKey")
    .hint(format!(
        "somebody may be listening in; if the host was really rebuilt, remove the old key: \
         ssh-keygen -f {} -R '{name}'",
        known.path.display()
    ));
    fault.details.insert("host_key".into(), key.line().into());
    fault
        .details
        .insert("fingerprint".into(), key.fingerprint().into());
    fault
}

fn pinned(pins: &[String], key: &Key, peer: &Peer) -> Result<(), Fault> {
    let mut expected = Vec::new();
    for pin in pins {
        let pin = pin.trim();
        if let Some(known) = Key::parse(pin) {
            if known == *key {
                return Ok(());
            }
            expected.push(known.fingerprint());
        } else if pin.starts_with("SHA256:") {
            if pin.trim_end_matches('=') == key.fingerprint() {
                return Ok(());
            }
            expected.push(pin.to_owned());
        } else {
            return Err(
                Fault::new(FaultKind::Invalid, format!("'{pin}' is no host key"))
                    .hint("write \"ssh-ed25519 AAAA…\", \"SHA256:…\" or \"accept-new\""),
            );
        }
    }
    let mut fault = Fault::new(
        FaultKind::HostKey,
        format!(
            "{peer}: the host's key {} ({}) is none of those that host_key names: {}",
            key.fingerprint(),
            key.kind(),
            if expected.is_empty() {
                "(none)".to_owned()
            } else {
                expected.join(", ")
            }
        ),
    )
    .code("ChangedHostKey")
    .hint("somebody may be listening in; if the host was really rebuilt, read its new key from its console");
    fault.details.insert("host_key".into(), key.line().into());
    fault
        .details
        .insert("fingerprint".into(), key.fingerprint().into());
    Err(fault)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";

    #[test]
    fn known_kinds_are_asked_for_first() {
        let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==";
        let expectation =
            Expectation::new("h".into(), Vec::new(), HostKey::Pinned(vec![rsa.into()])).unwrap();
        assert!(
            expectation
                .preference()
                .starts_with("rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-ed25519,")
        );
    }

    #[test]
    fn pins_are_keys_or_fingerprints() {
        let peer = Peer {
            host: "h".into(),
            user: "u".into(),
            address: "h".into(),
            port: 22,
        };
        let key = Key::parse(ED25519).unwrap();
        let check = |pins: &[&str]| {
            let pins: Vec<String> = pins.iter().map(|&pin| pin.to_owned()).collect();
            pinned(&pins, &key, &peer).map_err(|fault| fault.message)
        };
        assert_eq!(check(&[&format!("{ED25519} comment")]), Ok(()));
        assert_eq!(check(&["SHA256:no", &key.fingerprint()]), Ok(()));
        assert_eq!(
            check(&["SHA256:no"]),
            Err(format!(
                "u@h: the host's key {} (ssh-ed25519) is none of those that host_key names: SHA256:no",
                key.fingerprint()
            ))
        );
        assert_eq!(check(&["yes"]), Err("'yes' is no host key".into()));
    }
}
