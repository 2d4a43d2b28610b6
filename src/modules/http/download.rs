//! `http::download`: a URL's body into a file.

use std::fs::File;
use std::path::Path;

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Value};
use sha2::{Digest as _, Sha256};

use super::request::{self, request_fields};
use super::with_site;
use crate::modules::Context;
use crate::modules::declare::{optional, plain_write, required};
use crate::modules::given;

/// Larger bodies are refused, unless the playbook says otherwise.
const LIMIT: u64 = 64 * 1024 * 1024;

static INPUT: Structure = Structure {
    name: "http::download",
    fields: request_fields![
        required(
            "path",
            Shape::Output,
            "Where the file goes; an existing one is replaced."
        ),
        optional(
            "check",
            Shape::Bool,
            "Whether a status other than 2xx is an error; true by default. No file is written for one.",
        ),
    ],
};

static OUTPUT: Structure = Structure {
    name: "http::download",
    fields: &[
        optional(
            "path",
            Shape::Path,
            "The file; absent where none was written.",
        ),
        optional("status", Shape::INT64, "The status code."),
        optional(
            "url",
            Shape::Text,
            "The URL that answered, after redirects.",
        ),
        optional("headers", Shape::MapOf(&Shape::Text), "By lower-case name."),
        optional("content_type", Shape::Text, "The header of that name."),
        optional("length", Shape::INT64, "How many bytes the body has."),
        optional(
            "sha256",
            Shape::Text,
            "The body's SHA-256 in hexadecimal digits.",
        ),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

/// Downloads.
pub static DOWNLOAD: Operation = Operation {
    module: "http",
    name: "download",
    action: "http:Download",
    summary: "Fetches a URL into a local file, which appears whole or not at all.",
    input: &INPUT,
    positional: &["url", "path"],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what the file held before is not kept"),
        Settle::Repeat,
    )),
    raises: super::REQUEST,
    example: with_site!(
        r#"let page = http::download("http://" + address + "/", "page.html");
assert(page.length == 15);
"#
    ),
};

/// Does it.
pub fn download(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut request = request::of(context.world.files(), "GET", input)?;
    let path = given::text(input, "path");
    request.limit = given::count(input, "limit", LIMIT);
    request.download_to = Some(path.into());
    let (mut result, response) = request::send(context, &request)?;
    if given::flag(input, "check", true) {
        request::check(&request, &response)?;
    }
    let successful = (200..300).contains(&response.status);
    let sum = if successful {
        result.insert("path".to_owned(), context.shown(path).into());
        sum_of(Path::new(path))?
    } else {
        hex::encode(Sha256::digest(&response.body))
    };
    result.insert("sha256".to_owned(), sum.into());
    Ok(result.into())
}

fn sum_of(path: &Path) -> Result<String, Fault> {
    let unreadable = |error: std::io::Error| {
        Fault::new(
            FaultKind::Failed,
            format!("cannot read the file {}: {error}", path.display()),
        )
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut sum = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match std::io::Read::read(&mut file, &mut chunk).map_err(unreadable)? {
            0 => return Ok(hex::encode(sum.finalize())),
            count => sum.update(&chunk[..count]),
        }
    }
}
