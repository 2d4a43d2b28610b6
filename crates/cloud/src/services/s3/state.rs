//! What S3 keeps.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Buckets, uploads that have begun, and what holds for the whole account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) uploads: BTreeMap<String, Upload>,
    /// The account-level Block Public Access, which wins over a bucket's.
    pub account_block: Block,
    /// Names of buckets that belong to somebody else.
    pub taken: BTreeSet<String>,
}

/// One bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub created: Timestamp,
    /// `None` once the configuration was deleted.
    pub block: Option<Block>,
    pub policy: Option<String>,
    pub tags: Vec<(String, String)>,
    pub versioning: Versioning,
    pub ownership: Option<String>,
    /// The versions of each key, newest last; never empty.
    pub objects: BTreeMap<String, Vec<Version>>,
}

/// Block Public Access.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // four switches are what the API has
pub struct Block {
    /// New public ACLs are refused.
    pub acls: bool,
    /// Public ACLs count for nothing.
    pub ignore_acls: bool,
    /// New public policies are refused.
    pub policy: bool,
    /// Public policies count for the account's own principals only.
    pub restrict: bool,
}

impl Block {
    /// All four on, as a new bucket has it.
    pub const ALL: Self = Self {
        acls: true,
        ignore_acls: true,
        policy: true,
        restrict: true,
    };
}

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Versioning {
    /// It never did.
    #[default]
    Off,
    Enabled,
    Suspended,
}

/// One version of an object, or the mark that it was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    /// `null` where it was written without versioning.
    pub id: String,
    pub modified: Timestamp,
    /// `None` for a delete marker.
    pub object: Option<Object>,
}

/// What was stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Object {
    pub body: Body,
    /// With its quotes.
    pub etag: String,
    /// The headers that are given back: content type, user metadata, checksums, …
    pub headers: BTreeMap<String, String>,
    pub tags: Vec<(String, String)>,
}

/// An upload in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub bucket: String,
    pub key: String,
    pub begun: Timestamp,
    pub headers: BTreeMap<String, String>,
    pub tags: Vec<(String, String)>,
    pub parts: BTreeMap<u32, Part>,
}

/// One part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub body: Body,
    pub etag: String,
    pub modified: Timestamp,
}

/// Content by its digest; the bytes are saved beside the state, not in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    digest: String,
    #[serde(skip)]
    bytes: Bytes,
}

impl Body {
    pub fn new(bytes: Bytes) -> Self {
        Self {
            digest: hex::encode(Sha256::digest(&bytes)),
            bytes,
        }
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// What a bucket holds, as it is measured once a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bucket.
    pub name: String,
    /// Since when there is one.
    pub created: Timestamp,
    /// The bytes of all versions.
    pub bytes: u64,
    /// How many versions there are, delete markers too.
    pub objects: u64,
}

impl State {
    /// What each bucket holds, by name.
    #[must_use]
    pub fn stored(&self) -> Vec<Stored> {
        self.buckets
            .iter()
            .map(|(name, bucket)| {
                let versions = || bucket.objects.values().flatten();
                Stored {
                    name: name.clone(),
                    created: bucket.created,
                    bytes: versions()
                        .filter_map(|version| version.object.as_ref())
                        .map(|object| object.body.length())
                        .sum(),
                    objects: versions().count() as u64,
                }
            })
            .collect()
    }

    fn each_body(&mut self, mut visit: impl FnMut(&mut Body)) {
        for bucket in self.buckets.values_mut() {
            for version in bucket.objects.values_mut().flatten() {
                if let Some(object) = &mut version.object {
                    visit(&mut object.body);
                }
            }
        }
        for upload in self.uploads.values_mut() {
            for part in upload.parts.values_mut() {
                visit(&mut part.body);
            }
        }
    }

    /// The content of all objects and parts by digest.
    #[must_use]
    pub fn bodies(&self) -> BTreeMap<String, Bytes> {
        let objects = self
            .buckets
            .values()
            .flat_map(|bucket| bucket.objects.values().flatten())
            .filter_map(|version| version.object.as_ref().map(|object| &object.body));
        let parts = self
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values().map(|part| &part.body));
        objects
            .chain(parts)
            .map(|body| (body.digest.clone(), body.bytes.clone()))
            .collect()
    }

    /// Gives a loaded state its content back.
    pub fn fill(&mut self, bodies: &BTreeMap<String, Bytes>) {
        self.each_body(|body| {
            if let Some(bytes) = bodies.get(&body.digest) {
                body.bytes = bytes.clone();
            }
        });
    }
}

impl Bucket {
    pub fn new(created: Timestamp) -> Self {
        Self {
            created,
            block: Some(Block::ALL),
            policy: None,
            tags: Vec::new(),
            versioning: Versioning::Off,
            ownership: Some("BucketOwnerEnforced".to_owned()),
            objects: BTreeMap::new(),
        }
    }

    /// The current version of a key, if it is not deleted.
    pub fn current(&self, key: &str) -> Option<(&Version, &Object)> {
        let version = self.objects.get(key)?.last()?;
        Some((version, version.object.as_ref()?))
    }
}
