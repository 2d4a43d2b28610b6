//! Content by its digest: in memory beside the state, on disk in files of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::state::State;

/// Content by its digest; the bytes are saved beside the state, not in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    digest: String,
    #[serde(skip)]
    bytes: Bytes,
}

impl Body {
    /// Keeps `bytes`.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        Self {
            digest: hex::encode(Sha256::digest(&bytes)),
            bytes,
        }
    }

    /// The content.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The SHA-256 of the content, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl State {
    /// All content by digest.
    #[must_use]
    pub fn bodies(&self) -> BTreeMap<String, Bytes> {
        self.s3
            .bodies()
            .chain(self.lambda.bodies())
            .map(|body| (body.digest.clone(), body.bytes.clone()))
            .collect()
    }

    /// Gives a loaded state its content back.
    pub fn fill(&mut self, bodies: &BTreeMap<String, Bytes>) {
        for body in self.s3.bodies_mut().chain(self.lambda.bodies_mut()) {
            if let Some(bytes) = bodies.get(&body.digest) {
                body.bytes = bytes.clone();
            }
        }
    }
}
