//! What S3 keeps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::notification::Notification;
use crate::body::Body;

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
    /// Who is told of what happens to objects.
    #[serde(default)]
    pub notifications: Vec<Notification>,
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

/// The objects that were written at `since` or later: when, where, and their bytes.
pub fn written_since(
    cloud: &crate::state::State,
    since: Timestamp,
) -> impl Iterator<Item = (Timestamp, String, u64)> {
    cloud.s3.buckets.iter().flat_map(move |(bucket, content)| {
        let versions = content
            .objects
            .iter()
            .flat_map(|(key, versions)| versions.iter().map(move |version| (key, version)));
        versions.filter_map(move |(key, version)| {
            let object = version.object.as_ref()?;
            let new = version.modified >= since;
            new.then(|| {
                let place = format!("s3://{bucket}/{key}");
                (version.modified, place, object.body.length())
            })
        })
    })
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

    /// The content of all objects and parts.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Body> {
        let objects = self
            .buckets
            .values()
            .flat_map(|bucket| bucket.objects.values().flatten())
            .filter_map(|version| version.object.as_ref().map(|object| &object.body));
        let parts = self
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values().map(|part| &part.body));
        objects.chain(parts)
    }

    /// The same, to be filled.
    pub(crate) fn bodies_mut(&mut self) -> impl Iterator<Item = &mut Body> {
        let objects = self
            .buckets
            .values_mut()
            .flat_map(|bucket| bucket.objects.values_mut().flatten())
            .filter_map(|version| version.object.as_mut().map(|object| &mut object.body));
        let parts = self
            .uploads
            .values_mut()
            .flat_map(|upload| upload.parts.values_mut().map(|part| &mut part.body));
        objects.chain(parts)
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
            notifications: Vec::new(),
            objects: BTreeMap::new(),
        }
    }

    /// The current version of a key, if it is not deleted.
    pub fn current(&self, key: &str) -> Option<(&Version, &Object)> {
        let version = self.objects.get(key)?.last()?;
        Some((version, version.object.as_ref()?))
    }
}
