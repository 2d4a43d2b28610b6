//! The host's own key, with which it proves who it is.

use sha2::{Digest as _, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, PublicKey};

/// A host's public key.
#[derive(Debug, Clone)]
pub struct HostKey(PublicKey);

impl HostKey {
    /// The key of an instance: the same for the same id, as the id is already drawn from the seed.
    #[must_use]
    pub fn of(instance_id: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(format!("ssh host key of {instance_id}")).into();
        let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
        let public = ssh_key::public::KeyData::try_from(&pair)
            .expect("an ed25519 pair has an ed25519 public half");
        Self(PublicKey::new(public, ""))
    }

    /// As `known_hosts` writes it: `ssh-ed25519 AAAA…`.
    #[must_use]
    pub fn line(&self) -> String {
        self.0.to_openssh().unwrap_or_default()
    }

    /// As `ssh-keygen -l` writes it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// Whether two lines (`type base64 comment`) hold the same public key.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let key = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    key(one).is_some() && key(one) == key(other)
}
