//! Uploads in parts.
//!
//! Source: Amazon S3 user guide, "Multipart upload limits": parts of 5 MiB to
//! 5 GiB (the last may be smaller), numbered 1 to 10,000.

use std::collections::BTreeMap;

use bytes::BytesMut;
use md5::{Digest as _, Md5};

use super::ask::{self, bucket, document as parse, given, key, only, tags_of_header};
use super::buckets::owner;
use super::objects::{UPLOAD, etag, kept_headers, must_be_new};
use super::state::{Object, Part, Upload};
use super::{document, iso, nothing, notify, set};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::body::Body;
use crate::state::State;

/// The least that a part other than the last may have.
const LEAST: u64 = 5 << 20;

fn no_such_upload() -> ApiError {
    ApiError::new(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload \
         may have been aborted or completed.",
    )
    .with_status(404)
}

fn upload_id(cloud: &State, request: &ApiRequest) -> Result<String, ApiError> {
    let (bucket, key) = (bucket(request)?, key(request)?);
    let id = request.param("uploadId").unwrap_or_default();
    cloud.s3.bucket(&bucket)?;
    cloud
        .s3
        .uploads
        .get(id)
        .filter(|upload| upload.bucket == bucket && upload.key == key)
        .map(|_| id.to_owned())
        .ok_or_else(no_such_upload)
}

pub(super) fn create(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let mut headers = UPLOAD.to_vec();
    headers.extend(["x-amz-checksum-algorithm", "x-amz-checksum-type"]);
    only(request, &headers, &["uploads"])?;
    let (name, key) = (bucket(request)?, key(request)?);
    let headers = kept_headers(request)?;
    let tags = tags_of_header(request)?;
    if let Some(algorithm) = given(request, "x-amz-checksum-algorithm")
        && !matches!(algorithm.as_str(), "CRC32" | "SHA256")
    {
        return Err(ApiError::not_modelled(format_args!(
            "s3:CreateMultipartUpload checksum algorithm '{algorithm}'"
        )));
    }
    cloud.s3.bucket(&name)?;
    let id = hex::encode(cloud.ids.bytes::<32>());
    cloud.s3.uploads.insert(
        id.clone(),
        Upload {
            bucket: name.clone(),
            key: key.clone(),
            begun: cloud.now,
            headers,
            tags,
            parts: BTreeMap::new(),
        },
    );
    let xml = Xml::new()
        .text("Bucket", name)
        .text("Key", key)
        .text("UploadId", id);
    Ok(document(request, "InitiateMultipartUploadResult", xml))
}

pub(super) fn part(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["partNumber", "uploadId"])?;
    ask::verify(request)?;
    let id = upload_id(cloud, request)?;
    let number = request
        .integer("partNumber")?
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            ApiError::new(
                "InvalidArgument",
                "Part number must be an integer between 1 and 10000, inclusive",
            )
        })?;
    let content = request.http.body().clone();
    let part = Part {
        etag: etag(&content),
        body: Body::new(content),
        modified: cloud.now,
    };
    let mut response = nothing(request, 200);
    set(&mut response, "etag", &part.etag);
    for name in ["x-amz-checksum-crc32", "x-amz-checksum-sha256"] {
        if let Some(value) = given(request, name) {
            set(&mut response, name, value);
        }
    }
    if let Some(upload) = cloud.s3.uploads.get_mut(&id) {
        upload.parts.insert(number, part);
    }
    Ok(response)
}

pub(super) fn complete(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &[
            "if-none-match",
            "x-amz-checksum-type",
            "x-amz-mp-object-size",
        ],
        &["uploadId"],
    )?;
    let (name, key) = (bucket(request)?, key(request)?);
    let id = upload_id(cloud, request)?;
    let wanted = parse(request)?;
    let upload = cloud.s3.uploads.get(&id).ok_or_else(no_such_upload)?;
    let mut chosen: Vec<(u32, &Part)> = Vec::new();
    for part in wanted.all("Part") {
        let number = part
            .text_of("PartNumber")
            .and_then(|number| number.parse().ok())
            .unwrap_or(0);
        let etag = part.text_of("ETag").unwrap_or_default().trim_matches('"');
        let found = upload
            .parts
            .get(&number)
            .filter(|part| part.etag.trim_matches('"') == etag)
            .ok_or_else(|| {
                ApiError::new(
                    "InvalidPart",
                    "One or more of the specified parts could not be found. The part may not \
                     have been uploaded, or the specified entity tag may not match the part's \
                     entity tag.",
                )
            })?;
        if chosen.last().is_some_and(|(last, _)| *last >= number) {
            return Err(ApiError::new(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        chosen.push((number, found));
    }
    let Some((_, before_last)) = chosen.split_last() else {
        return Err(ApiError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    };
    if before_last
        .iter()
        .any(|(_, part)| part.body.length() < LEAST)
    {
        return Err(ApiError::new(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    let mut content = BytesMut::new();
    let mut digests = Md5::new();
    for (_, part) in &chosen {
        content.extend_from_slice(part.body.bytes());
        digests.update(Md5::digest(part.body.bytes()));
    }
    let object = Object {
        etag: format!("\"{}-{}\"", hex::encode(digests.finalize()), chosen.len()),
        body: Body::new(content.freeze()),
        headers: upload.headers.clone(),
        tags: upload.tags.clone(),
    };
    must_be_new(request, cloud.s3.bucket(&name)?, &key)?;
    let location = format!("https://{name}.s3.{}.amazonaws.com/{key}", cloud.region);
    let xml = Xml::new()
        .text("Location", location)
        .text("Bucket", &name)
        .text("Key", &key)
        .text("ETag", &object.etag);
    cloud.s3.uploads.remove(&id);
    let version =
        cloud
            .s3
            .bucket_mut(&name)?
            .store(key.clone(), Some(object), cloud.now, &mut cloud.ids);
    notify::created(cloud, &name, &key, "CompleteMultipartUpload");
    let mut response = document(request, "CompleteMultipartUploadResult", xml);
    set(&mut response, "x-amz-server-side-encryption", "AES256");
    if let Some(version) = version {
        set(&mut response, "x-amz-version-id", version);
    }
    Ok(response)
}

pub(super) fn abort(cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["uploadId"])?;
    let id = upload_id(cloud, request)?;
    cloud.s3.uploads.remove(&id);
    Ok(nothing(request, 204))
}

pub(super) fn parts(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["uploadId"])?;
    let id = upload_id(cloud, request)?;
    let upload = cloud.s3.uploads.get(&id).ok_or_else(no_such_upload)?;
    let mut xml = Xml::new()
        .text("Bucket", &upload.bucket)
        .text("Key", &upload.key)
        .text("UploadId", &id)
        .text("StorageClass", "STANDARD")
        .text("IsTruncated", false);
    for (number, part) in &upload.parts {
        xml = xml.node("Part", |xml| {
            xml.text("PartNumber", number)
                .text("LastModified", iso(part.modified))
                .text("ETag", &part.etag)
                .text("Size", part.body.length())
        });
    }
    Ok(document(request, "ListPartsResult", xml))
}

pub(super) fn list(cloud: &State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["uploads", "prefix"])?;
    let name = bucket(request)?;
    cloud.s3.bucket(&name)?;
    let prefix = request.param("prefix").unwrap_or_default();
    let mut found: Vec<_> = cloud
        .s3
        .uploads
        .iter()
        .filter(|(_, upload)| upload.bucket == name && upload.key.starts_with(prefix))
        .collect();
    found.sort_by_key(|(id, upload)| (&upload.key, upload.begun, *id));
    let mut xml = Xml::new().text("Bucket", &name).text("IsTruncated", false);
    for (id, upload) in found {
        xml = xml.node("Upload", |xml| {
            xml.text("Key", &upload.key)
                .text("UploadId", id)
                .text("Initiated", iso(upload.begun))
                .text("StorageClass", "STANDARD")
                .node("Owner", |xml| xml.text("ID", owner(&cloud.account)))
        });
    }
    Ok(document(request, "ListMultipartUploadsResult", xml))
}
