//! A function's code: a zip file, checked when it comes.
//!
//! Sources: developer guide, "Lambda quotas" (50 MB zipped by upload, 250 MB unzipped)
//! and "Building a custom runtime for AWS Lambda" (the entry `bootstrap`).

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use zip::ZipArchive;

use super::invalid;
use crate::api::ApiError;
use crate::body::Body;
use crate::services::s3;
use crate::state::State as Cloud;

/// The largest request that may bring code along.
const LARGEST_REQUEST: usize = 70_167_211;
/// The most that all entries may have together.
const LARGEST_UNZIPPED: u64 = 262_144_000;

/// Where a function's code comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Source {
    zip_file: Option<String>,
    #[serde(rename = "S3Bucket")]
    s3_bucket: Option<String>,
    #[serde(rename = "S3Key")]
    s3_key: Option<String>,
    #[serde(rename = "S3ObjectVersion")]
    s3_object_version: Option<String>,
}

impl Source {
    /// The sources as `UpdateFunctionCode` names them, at its top level.
    #[must_use]
    pub fn of(
        zip_file: Option<String>,
        s3_bucket: Option<String>,
        s3_key: Option<String>,
        s3_object_version: Option<String>,
    ) -> Self {
        Self {
            zip_file,
            s3_bucket,
            s3_key,
            s3_object_version,
        }
    }

    /// Takes the code and checks it.
    ///
    /// # Errors
    /// No code or two, no such object, no zip file, too large.
    pub fn fetch(self, cloud: &Cloud, action: &str) -> Result<Body, ApiError> {
        let content = match (self.zip_file, self.s3_bucket, self.s3_key) {
            (Some(text), None, None) => inline(&text, action)?,
            (None, Some(bucket), Some(key)) => {
                let version = self.s3_object_version.as_deref();
                s3::fetch(cloud, &bucket, &key, version).map_err(|error| {
                    invalid(format!(
                        "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                        error.code, error.message
                    ))
                })?
            }
            (None, None, None) => {
                return Err(invalid("Please provide a source for function code."));
            }
            _ => {
                return Err(invalid(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile.",
                ));
            }
        };
        check(&content)?;
        Ok(Body::new(content))
    }
}

fn inline(text: &str, action: &str) -> Result<Bytes, ApiError> {
    if text.len() > LARGEST_REQUEST {
        return Err(ApiError::new(
            "RequestEntityTooLargeException",
            format!(
                "Request must be smaller than {LARGEST_REQUEST} bytes for the {action} operation"
            ),
        )
        .with_status(413));
    }
    STANDARD
        .decode(text)
        .map(Bytes::from)
        .map_err(|error| ApiError::new("SerializationException", error.to_string()))
}

fn check(content: &Bytes) -> Result<(), ApiError> {
    let broken = |_| {
        invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    };
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(broken)?;
    let mut unzipped = 0_u64;
    for index in 0..archive.len() {
        unzipped = unzipped.saturating_add(archive.by_index_raw(index).map_err(broken)?.size());
    }
    if archive.is_empty() {
        return Err(invalid("Uploaded file must be a non-empty zip"));
    }
    if unzipped > LARGEST_UNZIPPED {
        return Err(invalid(format!(
            "Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes"
        )));
    }
    Ok(())
}

/// The files of a function, read when they are asked for.
#[derive(Debug, Clone)]
pub struct Package {
    content: Bytes,
}

impl Package {
    /// The files in a zip file that was checked when it came.
    #[must_use]
    pub fn new(content: Bytes) -> Self {
        Self { content }
    }

    /// The paths of all files, in order.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let Ok(archive) = ZipArchive::new(Cursor::new(&self.content)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = archive
            .file_names()
            .filter_map(|name| name.ok().map(Cow::into_owned))
            .filter(|name| !name.ends_with('/'))
            .collect();
        names.sort();
        names
    }

    /// What the file at `path` holds, if there is one that can be unzipped.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let mut archive = ZipArchive::new(Cursor::new(&self.content)).ok()?;
        let file = archive.by_name(path).ok()?;
        let mut content = Vec::new();
        file.take(LARGEST_UNZIPPED)
            .read_to_end(&mut content)
            .ok()
            .map(|_| content)
    }

    /// Whether the file at `path` is there, and may be executed.
    ///
    /// A zip file made where there are no such modes says nothing of them; then it may not.
    #[must_use]
    pub fn executable(&self, path: &str) -> Option<bool> {
        let mut archive = ZipArchive::new(Cursor::new(&self.content)).ok()?;
        let index = archive.index_for_name(path)?;
        let mode = archive.by_index_raw(index).ok()?.unix_mode();
        Some(mode.is_some_and(|mode| mode & 0o111 != 0))
    }
}
