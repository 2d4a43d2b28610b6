//! Listing keys and versions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::ask::{bucket, only};
use super::buckets::owner;
use super::{document, iso};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// How names are written in this answer.
struct Writing {
    encoded: bool,
}

impl Writing {
    fn of(request: &ApiRequest) -> Result<Self, ApiError> {
        match request.param("encoding-type") {
            None => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(_) => Err(ApiError::new(
                "InvalidArgument",
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    fn name(&self, name: &str) -> String {
        if self.encoded {
            utf8_percent_encode(name, PLAIN).to_string()
        } else {
            name.to_owned()
        }
    }
}

fn most(request: &ApiRequest) -> Result<usize, ApiError> {
    let most = request.integer("max-keys")?.unwrap_or(1000);
    usize::try_from(most)
        .map(|most| most.min(1000))
        .map_err(|_| ApiError::new("InvalidArgument", "max-keys must not be negative"))
}

/// An entry of a listing: a name, or what several names have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Key(String),
    Common(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Key(name) | Self::Common(name) => name,
        }
    }
}

/// The entries after `after`, at most `most`, and whether there are more.
fn entries<'k>(
    keys: impl Iterator<Item = &'k String>,
    prefix: &str,
    delimiter: &str,
    after: &str,
    most: usize,
) -> (Vec<Entry>, bool) {
    let mut found: Vec<Entry> = Vec::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        let entry = match rest.find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(at) => Entry::Common(key[..prefix.len() + at + delimiter.len()].to_owned()),
            None => Entry::Key(key.clone()),
        };
        let passed = match &entry {
            Entry::Key(name) => name.as_str() <= after,
            // A common prefix that was shown is a marker of its own.
            Entry::Common(name) => name.as_str() <= after || after.starts_with(name.as_str()),
        };
        if passed || found.last() == Some(&entry) {
            continue;
        }
        if found.len() == most {
            return (found, true);
        }
        found.push(entry);
    }
    (found, false)
}

pub(super) fn objects(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let second = request.action == "ListObjectsV2";
    let how: &[&str] = if second {
        &[
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "start-after",
            "continuation-token",
            "encoding-type",
            "fetch-owner",
        ]
    } else {
        &["prefix", "delimiter", "max-keys", "marker", "encoding-type"]
    };
    only(request, &[], how)?;
    let name = bucket(request)?;
    let bucket = cloud.s3.bucket(&name)?;
    let writing = Writing::of(request)?;
    let most = most(request)?;
    let param = |name| request.param(name).unwrap_or_default();
    let after = match (second, request.param("continuation-token")) {
        (true, Some(token)) => URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| {
                ApiError::new(
                    "InvalidArgument",
                    "The continuation token provided is incorrect",
                )
            })?,
        (true, None) => param("start-after").to_owned(),
        (false, _) => param("marker").to_owned(),
    };
    let living = bucket
        .objects
        .keys()
        .filter(|key| bucket.current(key).is_some());
    let (found, more) = entries(living, param("prefix"), param("delimiter"), &after, most);
    let last = found.last().map(|entry| entry.name().to_owned());
    let with_owner = !second || param("fetch-owner") == "true";
    let mut xml = Xml::new()
        .text("Name", &name)
        .text("Prefix", writing.name(param("prefix")))
        .text("MaxKeys", most)
        .text("IsTruncated", more)
        .optional(
            "Delimiter",
            request.param("delimiter").map(|d| writing.name(d)),
        )
        .optional("EncodingType", request.param("encoding-type"));
    if second {
        xml = xml
            .text("KeyCount", found.len())
            .optional(
                "StartAfter",
                request.param("start-after").map(|s| writing.name(s)),
            )
            .optional("ContinuationToken", request.param("continuation-token"));
        if more && let Some(last) = &last {
            xml = xml.text("NextContinuationToken", URL_SAFE_NO_PAD.encode(last));
        }
    } else {
        xml = xml.text("Marker", writing.name(&after));
        if more && request.param("delimiter").is_some() {
            xml = xml.optional("NextMarker", last.map(|last| writing.name(&last)));
        }
    }
    for entry in &found {
        xml = match entry {
            Entry::Common(prefix) => xml.node("CommonPrefixes", |xml| {
                xml.text("Prefix", writing.name(prefix))
            }),
            Entry::Key(key) => match bucket.current(key) {
                None => xml,
                Some((version, object)) => xml.node("Contents", |xml| {
                    let xml = xml
                        .text("Key", writing.name(key))
                        .text("LastModified", iso(version.modified))
                        .text("ETag", &object.etag)
                        .text("Size", object.body.length())
                        .text("StorageClass", "STANDARD");
                    if with_owner {
                        xml.node("Owner", |xml| xml.text("ID", owner(&cloud.account)))
                    } else {
                        xml
                    }
                }),
            },
        };
    }
    Ok(document(request, "ListBucketResult", xml))
}

/// Versions, newest first within a key. Source: API reference, `ListObjectVersions`.
pub(super) fn versions(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &[],
        &[
            "versions",
            "prefix",
            "max-keys",
            "key-marker",
            "version-id-marker",
            "encoding-type",
        ],
    )?;
    let name = bucket(request)?;
    let bucket = cloud.s3.bucket(&name)?;
    let writing = Writing::of(request)?;
    let most = most(request)?;
    let param = |name| request.param(name).unwrap_or_default();
    let (key_marker, version_marker) = (param("key-marker"), param("version-id-marker"));
    let mut all = Vec::new();
    for (key, versions) in &bucket.objects {
        if !key.starts_with(param("prefix")) || key.as_str() < key_marker {
            continue;
        }
        let mut newest_first = versions.iter().rev().enumerate().peekable();
        if key == key_marker && !key_marker.is_empty() {
            if version_marker.is_empty() {
                continue;
            }
            while newest_first
                .next()
                .is_some_and(|(_, version)| version.id != version_marker)
            {}
        }
        all.extend(newest_first.map(|(age, version)| (key, version, age == 0)));
    }
    let shown = &all[..all.len().min(most)];
    let more = shown.len() < all.len();
    let mut xml = Xml::new()
        .text("Name", &name)
        .text("Prefix", writing.name(param("prefix")))
        .text("KeyMarker", writing.name(key_marker))
        .text("VersionIdMarker", version_marker)
        .text("MaxKeys", most)
        .text("IsTruncated", more)
        .optional("EncodingType", request.param("encoding-type"));
    if more && let Some((key, version, _)) = shown.last() {
        xml = xml
            .text("NextKeyMarker", writing.name(key))
            .text("NextVersionIdMarker", &version.id);
    }
    for (key, version, latest) in shown {
        let element = match version.object {
            Some(_) => "Version",
            None => "DeleteMarker",
        };
        xml = xml.node(element, |xml| {
            let xml = xml
                .text("Key", writing.name(key))
                .text("VersionId", &version.id)
                .text("IsLatest", latest)
                .text("LastModified", iso(version.modified));
            let xml = match &version.object {
                Some(object) => xml
                    .text("ETag", &object.etag)
                    .text("Size", object.body.length())
                    .text("StorageClass", "STANDARD"),
                None => xml,
            };
            xml.node("Owner", |xml| xml.text("ID", owner(&cloud.account)))
        });
    }
    Ok(document(request, "ListVersionsResult", xml))
}

#[cfg(test)]
mod tests {
    use super::{Entry, entries};

    #[test]
    fn common_prefixes_are_listed_once_and_page_on() {
        let keys: Vec<String> = ["a/1", "a/2", "b", "c/1", "d"].map(str::to_owned).to_vec();
        let (all, more) = entries(keys.iter(), "", "/", "", 10);
        assert_eq!(
            all,
            [
                Entry::Common("a/".into()),
                Entry::Key("b".into()),
                Entry::Common("c/".into()),
                Entry::Key("d".into()),
            ]
        );
        assert!(!more);
        let (first, more) = entries(keys.iter(), "", "/", "", 1);
        assert!(more);
        let (second, _) = entries(keys.iter(), "", "/", first[0].name(), 2);
        assert_eq!(second, [Entry::Key("b".into()), Entry::Common("c/".into())]);
    }
}
