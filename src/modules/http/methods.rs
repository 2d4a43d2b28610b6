//! `http::get`, `head`, `post`, `put`, `delete`.

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, Inverse, Map, Operation, Settle, Value, Write};

use super::request::{self, body_fields, request_fields};
use super::with_site;
use crate::modules::Context;
use crate::modules::declare::optional;
use crate::modules::{answer, given};

static LOOK_INPUT: Structure = Structure {
    name: "http::get",
    fields: request_fields![optional(
        "check",
        Shape::Bool,
        "Whether a status other than 2xx is an error; false by default.",
    )],
};

static SEND_INPUT: Structure = Structure {
    name: "http::post",
    fields: body_fields!(),
};

static OUTPUT: Structure = Structure {
    name: "http::response",
    fields: &[
        optional("status", Shape::INT64, "The status code."),
        optional(
            "url",
            Shape::Text,
            "The URL that answered, after redirects.",
        ),
        optional(
            "headers",
            Shape::MapOf(&Shape::Text),
            "By lower-case name; repeated ones joined by commas.",
        ),
        optional("content_type", Shape::Text, "The header of that name."),
        optional("body", Shape::Any, "The body; bytes if it is not UTF-8."),
        optional(
            "json",
            Shape::Any,
            "The body as a value, where the content type says JSON and it is.",
        ),
        optional(
            "length",
            Shape::INT64,
            "How many bytes the body has; what the server announces for HEAD.",
        ),
        optional("seconds", Shape::Float, "How long it took."),
    ],
};

const fn look(
    name: &'static str,
    action: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Operation {
    Operation {
        module: "http",
        name,
        action,
        summary,
        input: &LOOK_INPUT,
        positional: &["url"],
        output: Shape::Struct(&OUTPUT),
        effect: Effect::Read,
        raises: super::REQUEST,
        example,
    }
}

const fn change(
    name: &'static str,
    action: &'static str,
    summary: &'static str,
    settle: Settle,
    example: &'static str,
) -> Operation {
    Operation {
        module: "http",
        name,
        action,
        summary,
        input: &SEND_INPUT,
        positional: &["url"],
        output: Shape::Struct(&OUTPUT),
        effect: Effect::Write(Write::plain(
            Inverse::Impossible("what a request changed on its server is not known"),
            settle,
        )),
        raises: super::REQUEST,
        example,
    }
}

/// Fetches.
pub static GET: Operation = look(
    "get",
    "http:Get",
    "Fetches a URL; any status is a result, not an error, unless check says otherwise.",
    with_site!(
        r#"let page = http::get("http://" + address + "/");
assert(page.status == 200);
assert(page.body == "<h1>hello</h1>\n");
"#
    ),
);

/// Asks for the headers.
pub static HEAD: Operation = look(
    "head",
    "http:Head",
    "Asks for the status and headers of a URL without its body.",
    with_site!(
        r#"let page = http::head("http://" + address + "/");
assert(page.status == 200);
assert(page.body == "");
"#
    ),
);

/// Posts; sent twice it may act twice.
pub static POST: Operation = change(
    "post",
    "http:Post",
    "Sends a body to a URL by POST.",
    Settle::Ask,
    with_site!(
        r#"let answer = http::post("http://" + address + "/", #{ json: #{ name: "web" } });
assert(answer.status >= 200);
"#
    ),
);

/// Puts; sending it again is the same as sending it once (RFC 9110, section 9.2.2).
pub static PUT: Operation = change(
    "put",
    "http:Put",
    "Sends a body to a URL by PUT.",
    Settle::Repeat,
    with_site!(
        r#"let answer = http::put("http://" + address + "/note.txt", #{ body: "hello" });
assert(answer.status >= 400);
"#
    ),
);

/// Deletes; a second time finds nothing (RFC 9110, section 9.2.2).
pub static DELETE: Operation = change(
    "delete",
    "http:Delete",
    "Deletes what is at a URL.",
    Settle::Repeat,
    with_site!(
        r#"let answer = http::delete("http://" + address + "/note.txt");
assert(answer.status >= 400);
"#
    ),
);

/// `http::get`.
pub fn get(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    exchange(context, "GET", input)
}

/// `http::head`.
pub fn head(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    exchange(context, "HEAD", input)
}

/// `http::post`.
pub fn post(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    exchange(context, "POST", input)
}

/// `http::put`.
pub fn put(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    exchange(context, "PUT", input)
}

/// `http::delete`.
pub fn delete(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    exchange(context, "DELETE", input)
}

fn exchange(context: &Context<'_>, method: &str, input: &Map) -> Result<Value, Fault> {
    let request = request::of(context.world.files(), method, input)?;
    let (mut result, response) = request::send(context, &request)?;
    if given::flag(input, "check", false) {
        request::check(&request, &response)?;
    }
    if method == "HEAD"
        && let Some(announced) = announced(&response.headers)
    {
        result.insert("length".to_owned(), announced.into());
    }
    let json = is_json(result.get("content_type"))
        .then(|| serde_json::from_slice(&response.body).ok())
        .flatten()
        .map_or(Value::Null, |json| Value::from_json(&json));
    result.insert("json".to_owned(), json);
    result.insert("body".to_owned(), answer::text_or_bytes(response.body));
    Ok(result.into())
}

fn announced(headers: &[(String, String)]) -> Option<i64> {
    headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
}

/// `application/json` and `application/…+json`, whatever the parameters (RFC 6839).
fn is_json(content_type: Option<&Value>) -> bool {
    content_type
        .and_then(Value::as_text)
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase())
        .is_some_and(|kind| kind.ends_with("/json") || kind.ends_with("+json"))
}
