//! Content types, told from what data begins with.

use opsh_operation::{Fault, Map, Value};

use crate::modules::{Context, given};

/// How much of the data is looked at to tell text from bytes.
const LOOK: usize = 8192;

pub(super) fn content_type_of(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    Ok(content_type(&given::bytes(input, "data")).into())
}

/// The content type of what begins with `data`.
///
/// Magic bytes decide; without any, text is `image/svg+xml`, `text/html` or
/// `text/plain`, and all else `application/octet-stream`.
#[must_use]
pub fn content_type(data: &[u8]) -> &'static str {
    let start = &data[..data.len().min(LOOK)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => Some(text),
        // A letter cut in half at the end of what is looked at.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    if let Some(text) = text.filter(|text| !text.contains('\0')) {
        return text_type(text);
    }
    infer::get(start).map_or("application/octet-stream", |kind| kind.mime_type())
}

fn text_type(text: &str) -> &'static str {
    let body = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |with: &str| {
        body.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins("<svg") || (begins("<?xml") && body.contains("<svg")) {
        "image/svg+xml"
    } else if begins("<!doctype html") || begins("<html") {
        "text/html"
    } else if begins("<?xml") {
        "text/xml"
    } else {
        // Some formats of plain letters have magic of their own, e.g. PDF and PostScript.
        infer::get(text.as_bytes()).map_or("text/plain", |kind| kind.mime_type())
    }
}
