#![allow(clippy::unwrap_used)]

use opsh_operation::{FaultKind, Map, Secret, Value};

use super::ENTRIES;
use crate::modules::testing::Bench;

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

#[test]
fn templates_are_filled() {
    let bench = Bench::new(ENTRIES);
    let template = "{% for host in hosts %}<li>{{ host.name }}</li>\n{% endfor %}";
    let hosts = Value::List(vec![
        map([("name", "a & b".into())]),
        map([("name", "c".into())]),
    ]);
    let values = map([("hosts", hosts)]);
    let filled = |html: bool| {
        bench.call(
            "template",
            [
                ("text", template.into()),
                ("values", values.clone()),
                ("html", html.into()),
            ],
        )
    };
    assert_eq!(filled(false), Ok("<li>a & b</li>\n<li>c</li>\n".into()));
    assert_eq!(filled(true), Ok("<li>a &amp; b</li>\n<li>c</li>\n".into()));
}

#[test]
fn templates_escape_as_html_escape_does() {
    let bench = Bench::new(ENTRIES);
    let title = "R&D's <a href=\"/b\">";
    let input = [
        ("text", "{{ title }}".into()),
        ("values", map([("title", title.into())])),
        ("html", true.into()),
    ];
    let escaped = Ok("R&amp;D&#39;s &lt;a href=&quot;/b&quot;&gt;".into());
    assert_eq!(bench.call("template", input), escaped);
    assert_eq!(bench.call("html_escape", [("text", title.into())]), escaped);
    // What a template says is safe is left alone.
    let input = [
        ("text", "{{ title|safe }}".into()),
        ("values", map([("title", title.into())])),
        ("html", true.into()),
    ];
    assert_eq!(bench.call("template", input), Ok(title.into()));
}

#[test]
fn a_missing_variable_is_named() {
    let bench = Bench::new(ENTRIES);
    let message = |text: &str| {
        let values = map([("server", map([("name", "web".into())]))]);
        let input = [("text", text.into()), ("values", values)];
        bench.call("template", input).unwrap_err().message
    };
    assert_eq!(
        message("{{ server.name }} {{ server.url }}"),
        "the template cannot be filled: 'server.url' has no value"
    );
    assert_eq!(
        message("{{ title }} {{ body }}"),
        "the template cannot be filled: 'body', 'title' have no value"
    );
    assert!(message("{% if %}").starts_with("the template cannot be read: "));
}

#[test]
fn a_template_is_bounded() {
    let bench = Bench::new(ENTRIES);
    let message = |text: &str| {
        let values = map([("long", "x".repeat(1 << 20).into())]);
        let input = [("text", text.into()), ("values", values)];
        let fault = bench.call("template", input).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Limit, "{fault}");
        fault.message
    };
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    assert_eq!(
        message(nested),
        "the template takes more than 2000000 steps"
    );
    assert_eq!(
        message("{% for a in range(100) %}{{ long }}{% endfor %}"),
        "the template makes more than 16 MiB"
    );
}

#[test]
fn what_is_made_of_a_secret_is_a_secret() {
    let bench = Bench::new(ENTRIES);
    let secret = || Value::Secret(Secret::new("hunter2"));
    let calls = [
        bench.call("base64_encode", [("data", secret())]),
        bench.call("url_encode", [("text", secret())]),
        bench.call("html_escape", [("text", secret())]),
        bench.call("sha256", [("data", secret())]),
        bench.call("json_encode", [("value", map([("key", secret())]))]),
        bench.call(
            "template",
            [
                ("text", "{{ p }}".into()),
                ("values", map([("p", secret())])),
            ],
        ),
    ];
    for result in calls {
        assert!(matches!(result, Ok(Value::Secret(_))), "{result:?}");
    }
    let decoded = |base64: &str| {
        let input = [("text", Secret::new(base64).into()), ("bytes", true.into())];
        bench.call("base64_decode", input)
    };
    assert_eq!(decoded("aHVudGVyMg=="), Ok(secret()));
    let fault = decoded("/w==").unwrap_err();
    assert_eq!(
        (fault.message.as_str(), fault.hint.as_deref()),
        (
            "the secret holds bytes that are not UTF-8 text, and only text can be kept secret",
            Some("decode it where it is used, e.g. with `base64 --decode` on the host")
        )
    );
    let json = bench.call("json_encode", [("value", map([("key", secret())]))]);
    assert_eq!(json.unwrap().as_text(), Some(r#"{"key":"hunter2"}"#));
    let decoded = bench
        .call(
            "json_decode",
            [("text", Secret::new(r#"{"key":"x","n":1}"#).into())],
        )
        .unwrap();
    assert_eq!(
        decoded,
        map([("key", Secret::new("x").into()), ("n", 1.into())])
    );
}

#[test]
fn encodings_go_both_ways() {
    let bench = Bench::new(ENTRIES);
    let text = "ü/ö? &=\n";
    for (there, back, name) in [
        ("base64_encode", "base64_decode", "data"),
        ("url_encode", "url_decode", "text"),
    ] {
        let encoded = bench.call(there, [(name, text.into())]).unwrap();
        assert_eq!(bench.call(back, [("text", encoded)]), Ok(text.into()));
    }
    let bytes = bench.call(
        "base64_decode",
        [("text", "/w ==".into()), ("bytes", true.into())],
    );
    assert_eq!(bytes, Ok(vec![255_u8].into()));
    let error = bench
        .call("base64_decode", [("text", "/w==".into())])
        .unwrap_err();
    assert_eq!(
        error.message,
        "the base64 holds bytes that are not UTF-8 text"
    );
    let error = bench
        .call("json_decode", [("text", "{".into())])
        .unwrap_err();
    assert_eq!(
        error.message,
        "that is not JSON: EOF while parsing an object at line 1 column 1"
    );
}

#[test]
fn hashes_are_the_standards() {
    let bench = Bench::new(ENTRIES);
    let hash = |name: &str| bench.call(name, [("data", "abc".into())]).unwrap();
    assert_eq!(
        hash("sha256"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()
    );
    assert_eq!(hash("md5"), "900150983cd24fb0d6963f7d28e17f72".into());
    // RFC 4231, test case 2.
    let input = [
        ("key", "Jefe".into()),
        ("data", "what do ya want for nothing?".into()),
    ];
    assert_eq!(
        bench.call("hmac", input),
        Ok("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843".into())
    );
}

#[test]
fn content_types_are_told_by_content() {
    let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 0x10, b'J', b'F', b'I', b'F'];
    for (data, expected) in [
        (jpeg.as_slice(), "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF89a\x01\0", "image/gif"),
        (
            b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>",
            "image/svg+xml",
        ),
        (b"\xef\xbb\xbf\n<!doctype HTML><p>", "text/html"),
        (b"<?xml version=\"1.0\"?><a/>", "text/xml"),
        (b"%PDF-1.7", "application/pdf"),
        ("grüße".as_bytes(), "text/plain"),
        (b"", "text/plain"),
        (b"\x00\x01\x02\x03\xfe", "application/octet-stream"),
    ] {
        assert_eq!(super::content_type(data), expected, "{data:?}");
    }
    let mut long = "ü".repeat(5000).into_bytes();
    long.insert(0, b'x');
    assert_eq!(super::content_type(&long), "text/plain");
}

#[test]
fn names_and_lines() {
    let bench = Bench::new(ENTRIES);
    let slug =
        |text: &str, max: i64| bench.call("slug", [("text", text.into()), ("max", max.into())]);
    assert_eq!(
        slug("  My Web__Server (2)  ", 63),
        Ok("my-web-server-2".into())
    );
    assert_eq!(slug("abc-def", 4), Ok("abc".into()));
    assert_eq!(
        slug("äöü", 63).unwrap_err().message,
        "no name can be made of \"äöü\": it has no letter from a to z and no digit"
    );
    assert_eq!(
        bench.call("lines", [("text", "".into())]),
        Ok(Value::List(vec![]))
    );
    let text = "\n\t\ta\n\n\t\t\tb\n\t";
    assert_eq!(
        bench.call("trim_indent", [("text", text.into())]),
        Ok("a\n\n\tb".into())
    );
    let empty: Map = Map::new();
    assert_eq!(
        bench.call("json_encode", [("value", empty.into())]),
        Ok("{}".into())
    );
}
