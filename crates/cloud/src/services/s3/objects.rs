//! Writing, copying, tagging and removing objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use percent_encoding::percent_decode_str;

use super::ask::{self, bucket, document as parse, given, key, only, tags_of, tags_of_header};
use super::buckets::tag_set;
use super::state::{Bucket, Object, Version, Versioning};
use super::{document, iso, no_such_key, nothing, notify, set};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::body::Body;
use crate::ids::Ids;
use crate::router::header;
use crate::state::State;

/// Headers of an upload that come back with the object.
pub(super) const KEPT: [&str; 8] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
    "x-amz-checksum-crc32",
    "x-amz-checksum-sha256",
];

/// Headers beyond the common ones that an upload may carry.
pub(super) const UPLOAD: [&str; 5] = [
    "x-amz-meta-",
    "x-amz-tagging",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "if-none-match",
];

/// The largest object that one request may bring.
const LARGEST: usize = 5 << 30;

/// The headers that an upload's object keeps; refuses storage and encryption
/// that are not modelled.
pub(super) fn kept_headers(request: &ApiRequest) -> Result<BTreeMap<String, String>, ApiError> {
    for (name, modelled) in [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-storage-class", "STANDARD"),
    ] {
        if let Some(value) = given(request, name)
            && value != modelled
        {
            return Err(ApiError::not_modelled(format_args!(
                "s3:{} header '{name}: {value}'",
                request.action
            )));
        }
    }
    let mut headers = BTreeMap::new();
    for (name, value) in request.http.headers() {
        let name = name.as_str();
        if KEPT.contains(&name) || name.starts_with("x-amz-meta-") {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.insert(name.to_owned(), value);
        }
    }
    headers
        .entry("content-type".to_owned())
        .or_insert_with(|| "binary/octet-stream".to_owned());
    Ok(headers)
}

impl Bucket {
    /// Stores a new current version and returns its id, if the bucket keeps versions.
    pub fn store(
        &mut self,
        key: String,
        object: Option<Object>,
        now: jiff::Timestamp,
        ids: &mut Ids,
    ) -> Option<String> {
        let enabled = self.versioning == Versioning::Enabled;
        let id = if enabled {
            hex::encode(ids.bytes::<16>())
        } else {
            "null".to_owned()
        };
        let versions = self.objects.entry(key).or_default();
        if !enabled {
            versions.retain(|version| version.id != "null");
        }
        versions.push(Version {
            id: id.clone(),
            modified: now,
            object,
        });
        (self.versioning != Versioning::Off).then_some(id)
    }
}

/// An object's tag: the MD5 of its content, in quotes.
pub(super) fn etag(content: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(content)))
}

pub(super) fn put(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &UPLOAD, &[])?;
    ask::verify(request)?;
    let (name, key) = (bucket(request)?, key(request)?);
    let headers = kept_headers(request)?;
    let tags = tags_of_header(request)?;
    let content: Bytes = request.http.body().clone();
    if content.len() > LARGEST {
        return Err(ApiError::new(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        ));
    }
    let bucket = cloud.s3.bucket_mut(&name)?;
    must_be_new(request, bucket, &key)?;
    let object = Object {
        etag: etag(&content),
        body: Body::new(content),
        headers,
        tags,
    };
    let mut response = nothing(request, 200);
    set(&mut response, "etag", &object.etag);
    set(&mut response, "x-amz-server-side-encryption", "AES256");
    for name in ["x-amz-checksum-crc32", "x-amz-checksum-sha256"] {
        if let Some(value) = object.headers.get(name) {
            set(&mut response, name, value);
        }
    }
    if let Some(version) = bucket.store(key.clone(), Some(object), cloud.now, &mut cloud.ids) {
        set(&mut response, "x-amz-version-id", version);
    }
    notify::created(cloud, &name, &key, "Put");
    Ok(response)
}

/// `If-None-Match: *`: only if there is no such object.
pub(super) fn must_be_new(
    request: &ApiRequest,
    bucket: &Bucket,
    key: &str,
) -> Result<(), ApiError> {
    match header(&request.http, "if-none-match").as_str() {
        "" => Ok(()),
        "*" if bucket.current(key).is_none() => Ok(()),
        "*" => Err(ApiError::new(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
        .with_status(412)),
        other => Err(ApiError::not_modelled(format_args!(
            "s3:{} header 'if-none-match: {other}'",
            request.action
        ))),
    }
}

/// The object that a copy begins from.
pub(super) fn source(cloud: &State, request: &ApiRequest) -> Result<(Version, Object), ApiError> {
    let text = header(&request.http, "x-amz-copy-source");
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (text.as_str(), None),
    };
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let (name, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .ok_or_else(|| {
            ApiError::new(
                "InvalidArgument",
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            )
        })?;
    let bucket = cloud.s3.bucket(name)?;
    let version = match version {
        None => bucket.objects.get(key).and_then(|versions| versions.last()),
        Some(id) => bucket
            .objects
            .get(key)
            .and_then(|versions| versions.iter().find(|version| version.id == id)),
    };
    let version = version.ok_or_else(no_such_key)?;
    let object = version.object.clone().ok_or_else(no_such_key)?;
    Ok((version.clone(), object))
}

pub(super) fn copy(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &[
            "x-amz-copy-source",
            "x-amz-metadata-directive",
            "x-amz-tagging-directive",
            "x-amz-meta-",
            "x-amz-tagging",
            "x-amz-server-side-encryption",
            "x-amz-storage-class",
        ],
        &[],
    )?;
    let (name, key) = (bucket(request)?, key(request)?);
    let (_, mut object) = source(cloud, request)?;
    let replaces = |header: &str| given(request, header).as_deref() == Some("REPLACE");
    let same = header(&request.http, "x-amz-copy-source").trim_start_matches('/')
        == format!("{name}/{key}");
    if replaces("x-amz-metadata-directive") {
        object.headers = kept_headers(request)?;
    } else if same && !replaces("x-amz-tagging-directive") {
        return Err(ApiError::new(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself \
             without changing the object's metadata, storage class, website redirect location \
             or encryption attributes.",
        ));
    }
    if replaces("x-amz-tagging-directive") {
        object.tags = tags_of_header(request)?;
    }
    object.etag = etag(object.body.bytes());
    let xml = Xml::new()
        .text("LastModified", iso(cloud.now))
        .text("ETag", &object.etag);
    let bucket = cloud.s3.bucket_mut(&name)?;
    let version = bucket.store(key.clone(), Some(object), cloud.now, &mut cloud.ids);
    notify::created(cloud, &name, &key, "Copy");
    let mut response = document(request, "CopyObjectResult", xml);
    if let Some(version) = version {
        set(&mut response, "x-amz-version-id", version);
    }
    Ok(response)
}

/// What a deletion did: the version that is gone or the marker that was made.
struct Deleted {
    version: Option<String>,
    marker: bool,
}

fn remove(
    cloud: &mut State,
    name: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Deleted, ApiError> {
    let deleted = take(cloud, name, key, version)?;
    let what = match (&deleted.version, version) {
        (Some(_), None) => "DeleteMarkerCreated",
        _ => "Delete",
    };
    notify::removed(cloud, name, key, what, deleted.version.as_deref());
    Ok(deleted)
}

fn take(
    cloud: &mut State,
    name: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Deleted, ApiError> {
    let now = cloud.now;
    let bucket = cloud.s3.bucket_mut(name)?;
    if let Some(id) = version {
        let mut marker = false;
        if let Some(versions) = bucket.objects.get_mut(key) {
            marker = versions
                .iter()
                .any(|version| version.id == id && version.object.is_none());
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                bucket.objects.remove(key);
            }
        }
        return Ok(Deleted {
            version: Some(id.to_owned()),
            marker,
        });
    }
    if bucket.versioning == Versioning::Off {
        bucket.objects.remove(key);
        return Ok(Deleted {
            version: None,
            marker: false,
        });
    }
    let version = bucket.store(key.to_owned(), None, now, &mut cloud.ids);
    Ok(Deleted {
        version,
        marker: true,
    })
}

pub(super) fn delete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["versionId"])?;
    let (name, key) = (bucket(request)?, key(request)?);
    let deleted = remove(cloud, &name, &key, request.param("versionId"))?;
    let mut response = nothing(request, 204);
    if let Some(version) = deleted.version {
        set(&mut response, "x-amz-version-id", version);
    }
    if deleted.marker {
        set(&mut response, "x-amz-delete-marker", "true");
    }
    Ok(response)
}

pub(super) fn delete_many(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["delete"])?;
    ask::verify(request)?;
    let name = bucket(request)?;
    let wanted = parse(request)?;
    wanted.only(request, &["Object", "Quiet"])?;
    let quiet = wanted.text_of("Quiet") == Some("true");
    if wanted.all("Object").count() > 1000 {
        return Err(ApiError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    cloud.s3.bucket(&name)?;
    let mut xml = Xml::new();
    for object in wanted.all("Object") {
        object.only(request, &["Key", "VersionId"])?;
        let key = object.text_of("Key").unwrap_or_default();
        let version = object.text_of("VersionId");
        let deleted = remove(cloud, &name, key, version)?;
        if quiet {
            continue;
        }
        xml = xml.node("Deleted", |xml| {
            let xml = xml.text("Key", key).optional("VersionId", version);
            if deleted.marker {
                xml.text("DeleteMarker", true)
                    .optional("DeleteMarkerVersionId", deleted.version)
            } else {
                xml
            }
        });
    }
    Ok(document(request, "DeleteResult", xml))
}

fn tagged<'c>(cloud: &'c mut State, request: &ApiRequest) -> Result<&'c mut Version, ApiError> {
    let (name, key) = (bucket(request)?, key(request)?);
    let wanted = request.param("versionId");
    cloud
        .s3
        .bucket_mut(&name)?
        .objects
        .get_mut(&key)
        .and_then(|versions| match wanted {
            None => versions.last_mut(),
            Some(id) => versions.iter_mut().find(|version| version.id == id),
        })
        .filter(|version| version.object.is_some())
        .ok_or_else(no_such_key)
}

pub(super) fn tagging(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging", "versionId"])?;
    let tags = tagged(cloud, request)?
        .object
        .as_ref()
        .map(|object| object.tags.clone())
        .unwrap_or_default();
    Ok(document(request, "Tagging", tag_set(&tags)))
}

pub(super) fn put_tagging(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging", "versionId"])?;
    ask::verify(request)?;
    let tagging = parse(request)?;
    let tags = match tagging.child("TagSet") {
        Some(set) => tags_of(set, 10)?,
        None => Vec::new(),
    };
    if let Some(object) = &mut tagged(cloud, request)?.object {
        object.tags = tags;
    }
    Ok(nothing(request, 200))
}

pub(super) fn delete_tagging(
    cloud: &mut State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["tagging", "versionId"])?;
    if let Some(object) = &mut tagged(cloud, request)?.object {
        object.tags.clear();
    }
    Ok(nothing(request, 204))
}
