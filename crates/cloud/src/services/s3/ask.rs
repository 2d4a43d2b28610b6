//! Reading an S3 request: headers, parameters, XML; and refusing what is not modelled.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::place::Place;
use crate::api::{ApiError, ApiRequest};
use crate::router::header;

/// Headers that any request may carry.
const COMMON: [&str; 13] = [
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-expected-bucket-owner",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-sha256",
    "x-amz-checksum-mode",
    "x-amz-request-payer",
    "x-amz-te",
];

/// Conditions that a request may carry only where an action says so.
const CONDITIONS: [&str; 5] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "range",
];

/// Parameters that any request may carry.
const SIGNATURE: [&str; 2] = ["x-id", "X-Amz-"];

/// The bucket that a request is about.
pub(super) fn bucket(request: &ApiRequest) -> Result<String, ApiError> {
    Place::of(&request.http)
        .bucket
        .ok_or_else(|| ApiError::new("InvalidBucketName", "The specified bucket is not valid."))
}

/// The key that a request is about.
pub(super) fn key(request: &ApiRequest) -> Result<String, ApiError> {
    let key = Place::of(&request.http)
        .key
        .ok_or_else(|| ApiError::new("InvalidRequest", "A key is missing"))?;
    if key.len() > 1024 {
        return Err(ApiError::new("KeyTooLongError", "Your key is too long"));
    }
    Ok(key)
}

/// Refuses headers and parameters beyond those that every action knows and these.
///
/// A name that ends in `-` stands for all that begin with it.
pub(super) fn only(
    request: &ApiRequest,
    headers: &[&str],
    params: &[&str],
) -> Result<(), ApiError> {
    let refuse = |what: &str, name: &str| {
        Err(ApiError::not_modelled(format_args!(
            "s3:{} {what} '{name}'",
            request.action
        )))
    };
    let fits = |allowed: &str, name: &str| {
        name == allowed || (allowed.ends_with('-') && name.starts_with(allowed))
    };
    for name in request.http.headers().keys() {
        let name = name.as_str();
        let matters = name.starts_with("x-amz-") || CONDITIONS.contains(&name);
        let known = COMMON.contains(&name) || headers.iter().any(|allowed| fits(allowed, name));
        if matters && !known {
            return refuse("header", name);
        }
    }
    for name in request.params.keys() {
        let known = SIGNATURE
            .iter()
            .chain(params)
            .any(|allowed| fits(allowed, name));
        if !known {
            return refuse("parameter", name);
        }
    }
    Ok(())
}

/// A header, if it is there.
pub(super) fn given(request: &ApiRequest, name: &str) -> Option<String> {
    let value = header(&request.http, name);
    (!value.is_empty()).then_some(value)
}

/// Checks the body against the checksums that came with it.
pub(super) fn verify(request: &ApiRequest) -> Result<(), ApiError> {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let body = request.http.body();
    let mismatch = |code: &str, what: &str| {
        Err(ApiError::new(
            code,
            format!("The {what} you specified did not match what we received."),
        ))
    };
    if let Some(algorithm) = given(request, "x-amz-sdk-checksum-algorithm")
        && !matches!(algorithm.as_str(), "CRC32" | "SHA256")
    {
        return Err(ApiError::not_modelled(format_args!(
            "s3:{} checksum algorithm '{algorithm}'",
            request.action
        )));
    }
    if let Some(expected) = given(request, "x-amz-checksum-crc32") {
        let mut crc = flate2::Crc::new();
        crc.update(body);
        if encode(&crc.sum().to_be_bytes()) != expected {
            return mismatch("BadDigest", "CRC32");
        }
    }
    if let Some(expected) = given(request, "x-amz-checksum-sha256")
        && encode(&<sha2::Sha256 as sha2::Digest>::digest(body)) != expected
    {
        return mismatch("BadDigest", "SHA256");
    }
    if let Some(expected) = given(request, "content-md5")
        && encode(&Md5::digest(body)) != expected
    {
        return mismatch("BadDigest", "Content-MD5");
    }
    Ok(())
}

/// An element of a request's XML.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The children of this name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Refuses children that are not in `modelled`.
    pub fn only(&self, request: &ApiRequest, modelled: &[&str]) -> Result<(), ApiError> {
        match self
            .children
            .iter()
            .find(|child| !modelled.contains(&child.name.as_str()))
        {
            None => Ok(()),
            Some(child) => Err(ApiError::not_modelled(format_args!(
                "s3:{} element '{}.{}'",
                request.action, self.name, child.name
            ))),
        }
    }
}

/// Parses the request's body.
pub(super) fn document(request: &ApiRequest) -> Result<Element, ApiError> {
    let malformed = || {
        ApiError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let text = std::str::from_utf8(request.http.body()).map_err(|_| malformed())?;
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(start) => stack.push(Element {
                name: local_name(start.name().local_name().as_ref()),
                ..Element::default()
            }),
            Event::Empty(start) => {
                let element = Element {
                    name: local_name(start.name().local_name().as_ref()),
                    ..Element::default()
                };
                stack
                    .last_mut()
                    .ok_or_else(malformed)?
                    .children
                    .push(element);
            }
            Event::End(_) => {
                let element = stack.pop().ok_or_else(malformed)?;
                stack
                    .last_mut()
                    .ok_or_else(malformed)?
                    .children
                    .push(element);
            }
            Event::Text(text) => {
                let element = stack.last_mut().ok_or_else(malformed)?;
                element.text.push_str(&text.xml10_content());
            }
            Event::CData(text) => {
                let element = stack.last_mut().ok_or_else(malformed)?;
                element.text.push_str(&text.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let c = match &*reference.xml10_content() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => reference
                        .resolve_char_ref()
                        .ok()
                        .flatten()
                        .ok_or_else(malformed)?,
                };
                stack.last_mut().ok_or_else(malformed)?.text.push(c);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut root = stack.pop().ok_or_else(malformed)?;
    if !stack.is_empty() {
        return Err(malformed());
    }
    root.children.pop().ok_or_else(malformed)
}

fn local_name(name: impl AsRef<str>) -> String {
    name.as_ref().to_owned()
}

/// The tags in a `Tagging` or `TagSet` element.
pub(super) fn tags_of(set: &Element, most: usize) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags = Vec::new();
    for tag in set.all("Tag") {
        let key = tag.text_of("Key").unwrap_or_default().to_owned();
        let value = tag.text_of("Value").unwrap_or_default().to_owned();
        tags.push((key, value));
    }
    checked_tags(tags, most)
}

/// The tags in an `x-amz-tagging` header.
pub(super) fn tags_of_header(request: &ApiRequest) -> Result<Vec<(String, String)>, ApiError> {
    let header = given(request, "x-amz-tagging").unwrap_or_default();
    let tags: BTreeMap<String, String> = crate::router::pairs(&header);
    checked_tags(tags.into_iter().collect(), 10)
}

/// Source: Amazon S3 user guide, "Categorizing your objects using tags" (10 tags,
/// 128 and 256 characters) and "Using cost allocation S3 bucket tags" (50).
fn checked_tags(
    tags: Vec<(String, String)>,
    most: usize,
) -> Result<Vec<(String, String)>, ApiError> {
    let invalid = |message: &str| Err(ApiError::new("InvalidTag", message));
    if tags.len() > most {
        return Err(ApiError::new(
            "BadRequest",
            format!("Object tags cannot be greater than {most}"),
        ));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 {
            return invalid("The TagKey you have provided is invalid");
        }
        if value.chars().count() > 256 {
            return invalid("The TagValue you have provided is invalid");
        }
        if tags[..index].iter().any(|(other, _)| other == key) {
            return invalid("Cannot provide multiple Tags with the same key");
        }
        if key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester");
        }
    }
    Ok(tags)
}
