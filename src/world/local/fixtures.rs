//! What a dry run answers for sites that it must not ask.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;

/// A file that stands for a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The answer's body.
    pub body: Bytes,
    /// Its type.
    pub content_type: String,
}

/// Files by the URL that they answer for.
#[derive(Debug, Clone, Default)]
pub struct Fixtures {
    by_url: BTreeMap<String, Fixture>,
}

impl Fixtures {
    /// Lets `body` answer for `url`; its type is found out from its content, then
    /// from the file's name.
    pub fn insert(&mut self, url: &str, file: &std::path::Path, body: Vec<u8>) {
        let content_type = infer::get(&body).map_or_else(
            || by_name(&PathBuf::from(file)).to_owned(),
            |kind| kind.mime_type().to_owned(),
        );
        self.by_url.insert(
            normal(url),
            Fixture {
                body: Bytes::from(body),
                content_type,
            },
        );
    }

    /// The fixture for a URL.
    #[must_use]
    pub fn get(&self, url: &str) -> Option<&Fixture> {
        self.by_url.get(&normal(url))
    }
}

/// The URL as the parser writes it, without its fragment.
fn normal(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            parsed.set_fragment(None);
            parsed.into()
        }
        Err(_) => url.to_owned(),
    }
}

fn by_name(file: &std::path::Path) -> &'static str {
    match file.extension().and_then(|end| end.to_str()) {
        Some("html" | "htm") => "text/html",
        Some("json") => "application/json",
        Some("txt" | "md" | "rhai") => "text/plain",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
