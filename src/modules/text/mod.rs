//! `text`: templates, encodings, hashes. Nothing here looks outside; what is
//! made of a secret is a secret again.

mod content;
mod encode;
mod shape;
mod template;

use opsh_operation::{Effect, Fault, FaultKind, Shape};

use super::declare::{entry, int, optional, required};
use super::{Entry, Handler};

pub use content::content_type;

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "text" "template" "text:Template" Effect::Pure, Handler::Native(template::template),
        ("text", "values") [
            required("text", Shape::Text, "The template, in Jinja's syntax: {{ name }}, {% for x in list %}…{% endfor %}, {% if … %}."),
            required("values", Shape::MapOf(&Shape::Any), "What the template can name; a missing variable is an error."),
            optional("html", Shape::Bool, "Whether values are escaped for HTML. Default: no."),
        ] -> Shape::Text,
        "Fills a Jinja template with values.",
        r#"let page = text::template("<h1>{{ title }}</h1>", #{ title: "Fish & chips" }, #{ html: true });
    if page != "<h1>Fish &amp; chips</h1>" { throw page; }"#,
    },
    entry! {
        "text" "base64_encode" "text:Base64Encode" Effect::Pure, Handler::Native(encode::base64_encode),
        ("data") [required("data", Shape::Bytes, "Text or bytes.")] -> Shape::Text,
        "Encodes text or bytes in base64 (RFC 4648, with padding).",
        r#"if text::base64_encode("hello") != "aGVsbG8=" { throw "wrong"; }"#,
    },
    entry! {
        "text" "base64_decode" "text:Base64Decode" Effect::Pure, Handler::Native(encode::base64_decode),
        ("text") [
            required("text", Shape::Text, "Base64; spaces and line ends are ignored."),
            optional("bytes", Shape::Bool, "Whether to return bytes instead of text. Default: no."),
        ] -> Shape::Any,
        "Decodes base64 to text, or to bytes.",
        r#"if text::base64_decode("aGVsbG8=") != "hello" { throw "wrong"; }"#,
    },
    entry! {
        "text" "json_encode" "text:JsonEncode" Effect::Pure, Handler::Native(encode::json_encode),
        ("value") [
            required("value", Shape::Any, "Any value; times become RFC 3339 text, bytes base64."),
            optional("pretty", Shape::Bool, "Whether to indent it. Default: no."),
        ] -> Shape::Text,
        "Writes a value as JSON, with the keys in alphabetical order.",
        r#"if text::json_encode(#{ b: 1, a: [true, ()] }) != `{"a":[true,null],"b":1}` { throw "wrong"; }"#,
    },
    entry! {
        "text" "json_decode" "text:JsonDecode" Effect::Pure, Handler::Native(encode::json_decode),
        ("text") [required("text", Shape::Text, "JSON.")] -> Shape::Any,
        "Reads JSON as a value.",
        r#"if text::json_decode(`{"a": [1, 2.5, "x"]}`).a[1] != 2.5 { throw "wrong"; }"#,
    },
    entry! {
        "text" "url_encode" "text:UrlEncode" Effect::Pure, Handler::Native(encode::url_encode),
        ("text") [required("text", Shape::Text, "One part of a URL: a path segment, a name or a value of a query.")] -> Shape::Text,
        "Percent-encodes a part of a URL (RFC 3986: all but unreserved characters).",
        r#"if text::url_encode("a b/c") != "a%20b%2Fc" { throw "wrong"; }"#,
    },
    entry! {
        "text" "url_decode" "text:UrlDecode" Effect::Pure, Handler::Native(encode::url_decode),
        ("text") [required("text", Shape::Text, "A percent-encoded part of a URL.")] -> Shape::Text,
        "Decodes a percent-encoded part of a URL.",
        r#"if text::url_decode("a%20b%2Fc") != "a b/c" { throw "wrong"; }"#,
    },
    entry! {
        "text" "html_escape" "text:HtmlEscape" Effect::Pure, Handler::Native(encode::html_escape),
        ("text") [required("text", Shape::Text, "Any text.")] -> Shape::Text,
        "Escapes text for HTML's content and quoted attributes.",
        r#"if text::html_escape("<a & 'b'>") != "&lt;a &amp; &#39;b&#39;&gt;" { throw "wrong"; }"#,
    },
    entry! {
        "text" "sha256" "text:Sha256" Effect::Pure, Handler::Native(encode::sha256),
        ("data") [required("data", Shape::Bytes, "Text or bytes.")] -> Shape::Text,
        "The SHA-256 hash of text or bytes in hexadecimal.",
        r#"if text::sha256("").sub_string(0, 8) != "e3b0c442" { throw "wrong"; }"#,
    },
    entry! {
        "text" "md5" "text:Md5" Effect::Pure, Handler::Native(encode::md5),
        ("data") [required("data", Shape::Bytes, "Text or bytes.")] -> Shape::Text,
        "The MD5 checksum of text or bytes in hexadecimal; protects nothing against intent.",
        r#"if text::md5("") != "d41d8cd98f00b204e9800998ecf8427e" { throw "wrong"; }"#,
    },
    entry! {
        "text" "hmac" "text:Hmac" Effect::Pure, Handler::Native(encode::hmac),
        ("key", "data") [
            required("key", Shape::Bytes, "The key: text, bytes or a secret."),
            required("data", Shape::Bytes, "What is signed: text or bytes."),
        ] -> Shape::Text,
        "The HMAC-SHA-256 of text or bytes in hexadecimal.",
        r#"let signature = text::hmac("key", "The quick brown fox jumps over the lazy dog");
    if !signature.starts_with("f7bc83f4") { throw signature; }"#,
    },
    entry! {
        "text" "content_type_of" "text:ContentTypeOf" Effect::Pure, Handler::Native(content::content_type_of),
        ("data") [required("data", Shape::Bytes, "The first bytes of a file suffice.")] -> Shape::Text,
        "The content type of data, told from what it begins with.",
        r#"if text::content_type_of("<!DOCTYPE html><p>Hi") != "text/html" { throw "wrong"; }"#,
    },
    entry! {
        "text" "lines" "text:Lines" Effect::Pure, Handler::Native(shape::lines),
        ("text") [
            required("text", Shape::Text, "Any text."),
            optional("last", int(1, i64::MAX), "Only so many lines from the end."),
        ] -> Shape::List(&Shape::Text),
        "The lines of a text without their ends.",
        r#"if text::lines("a\nb\r\nc\n", #{ last: 2 }) != ["b", "c"] { throw "wrong"; }"#,
    },
    entry! {
        "text" "slug" "text:Slug" Effect::Pure, Handler::Native(shape::slug),
        ("text") [
            required("text", Shape::Text, "Any text."),
            optional("max", int(1, 255), "The most characters. Default: 63, what buckets and host names allow."),
        ] -> Shape::Text,
        "A name of lower-case letters, digits and single hyphens, made of a text.",
        r#"if text::slug("My Web Server #1!") != "my-web-server-1" { throw "wrong"; }"#,
    },
    entry! {
        "text" "trim_indent" "text:TrimIndent" Effect::Pure, Handler::Native(shape::trim_indent),
        ("text") [required("text", Shape::Text, "Lines with a common indentation.")] -> Shape::Text,
        "Takes the common indentation off all lines, and a blank first and last line.",
        r#"if text::trim_indent("\n    a\n      b\n    ") != "a\n  b" { throw "wrong"; }"#,
    },
];

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

#[cfg(test)]
mod tests;
