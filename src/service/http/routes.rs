//! Which route a request takes.
//!
//! `GET /users/{id}`: a method and a path whose segments are literal or, in braces, take
//! anything. A literal segment goes before a name; a folder takes all paths below its own
//! that no other route takes.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// The methods that a route may have.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A method and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    method: String,
    segments: Vec<Segment>,
    /// Whether it takes all paths below its own, too.
    below: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Name(String),
}

impl Pattern {
    /// Reads `GET /users/{id}`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str, below: bool) -> Result<Self, String> {
        const FORM: &str = "write a method and a path, such as \"GET /users/{id}\"";
        let (method, path) = text
            .split_once(' ')
            .ok_or_else(|| format!("the route '{text}' is not understood; {FORM}"))?;
        if !METHODS.contains(&method) {
            let methods = METHODS.join(", ");
            return Err(format!(
                "the route '{text}' has the method '{method}'; it can be one of {methods}"
            ));
        }
        let inner = path
            .strip_prefix('/')
            .ok_or_else(|| format!("the path of the route '{text}' must begin with '/'; {FORM}"))?;
        let mut segments = Vec::new();
        for part in inner.split('/').filter(|part| !part.is_empty()) {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            segments.push(match name {
                Some(name) if is_name(name) => Segment::Name(name.to_owned()),
                None if !part.contains(['{', '}', '?', '#', '*']) => {
                    Segment::Literal(part.to_owned())
                }
                _ => {
                    return Err(format!(
                        "the segment '{part}' of the route '{text}' is not understood; {FORM}"
                    ));
                }
            });
        }
        Ok(Self {
            method: method.to_owned(),
            segments,
            below,
        })
    }

    /// Whether both take the same requests.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> bool {
        let shape = |pattern: &Self| -> Vec<Option<String>> {
            pattern
                .segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => Some(text.clone()),
                    Segment::Name(_) => None,
                })
                .collect()
        };
        self.method == other.method && self.below == other.below && shape(self) == shape(other)
    }

    /// How many segments it has: those behind are the rest.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    fn takes(&self, path: &[String]) -> Option<BTreeMap<String, String>> {
        if path.len() < self.segments.len() || (path.len() > self.segments.len() && !self.below) {
            return None;
        }
        let mut names = BTreeMap::new();
        for (segment, part) in self.segments.iter().zip(path) {
            match segment {
                Segment::Literal(text) if text == part => {}
                Segment::Literal(_) => return None,
                Segment::Name(name) => {
                    names.insert(name.clone(), part.clone());
                }
            }
        }
        Some(names)
    }

    /// Smaller: goes first.
    fn rank(&self) -> (bool, std::cmp::Reverse<usize>, Vec<bool>) {
        let names = self
            .segments
            .iter()
            .map(|segment| matches!(segment, Segment::Name(_)))
            .collect();
        (self.below, std::cmp::Reverse(self.segments.len()), names)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.method)?;
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Name(name) => write!(f, "/{{{name}}}")?,
            }
        }
        if self.segments.is_empty() || self.below {
            f.write_str("/")?;
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// To this route, with the values of the names in its path.
    Route(usize, BTreeMap<String, String>),
    /// There are only these methods.
    Methods(Vec<String>),
    /// Nowhere.
    Nothing,
}

/// Finds the route of a request with `method` to `path`.
#[must_use]
pub fn find<'a>(
    patterns: impl Iterator<Item = &'a Pattern>,
    method: &str,
    path: &[String],
) -> Found {
    let mut fitting: Vec<_> = patterns
        .enumerate()
        .filter_map(|(index, pattern)| Some((pattern, index, pattern.takes(path)?)))
        .collect();
    fitting.sort_by_key(|(pattern, index, _)| (pattern.rank(), *index));
    // Who can be got can be asked for its head.
    let wanted = if method == "HEAD" { "GET" } else { method };
    let mut methods: Vec<String> = fitting
        .iter()
        .map(|(pattern, _, _)| pattern.method.clone())
        .collect();
    let own = fitting
        .into_iter()
        .find(|(pattern, _, _)| pattern.method == wanted);
    if let Some((_, index, names)) = own {
        return Found::Route(index, names);
    }
    if methods.is_empty() {
        return Found::Nothing;
    }
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.sort();
    methods.dedup();
    Found::Methods(methods)
}

/// The decoded segments of a request's path; nothing if one could mean another place than
/// it says: `..`, an encoded slash, a backslash, a control character.
#[must_use]
pub fn segments(path: &str) -> Option<Vec<String>> {
    let decode = |part: &str| -> Option<String> {
        let text = percent_decode_str(part).decode_utf8().ok()?;
        let odd = text.contains(['/', '\\']) || text.chars().any(char::is_control);
        (!odd && text != ".." && text != ".").then(|| text.into_owned())
    };
    path.strip_prefix('/')?
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decode)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(routes: &[&str], method: &str, path: &str) -> Found {
        let patterns: Vec<_> = routes
            .iter()
            .map(|text| {
                let below = text.ends_with('/') && text.len() > "GET /".len();
                Pattern::read(text, below).unwrap()
            })
            .collect();
        find(patterns.iter(), method, &segments(path).unwrap())
    }

    #[test]
    fn literal_segments_go_before_names_and_folders_come_last() {
        let routes = ["GET /{any}/b", "GET /a/{any}", "GET /a/b", "GET /a/"];
        let route = |path| match found(&routes, "GET", path) {
            Found::Route(index, names) => (index, names.into_values().collect::<Vec<_>>()),
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(route("/a/b"), (2, vec![]));
        assert_eq!(route("/a/c%20d"), (1, vec!["c d".to_owned()]));
        assert_eq!(route("/x/b"), (0, vec!["x".to_owned()]));
        assert_eq!(route("/a/c/d"), (3, vec![]));
        assert_eq!(route("/a"), (3, vec![]));
        assert_eq!(found(&routes, "GET", "/"), Found::Nothing);
        assert_eq!(found(&routes, "GET", "/x"), Found::Nothing);
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let routes = ["GET /a", "POST /a"];
        let allowed = |methods: &[&str]| {
            Found::Methods(methods.iter().map(|method| (*method).to_owned()).collect())
        };
        assert_eq!(
            found(&routes, "PUT", "/a"),
            allowed(&["GET", "HEAD", "POST"])
        );
        assert_eq!(found(&["POST /a"], "HEAD", "/a"), allowed(&["POST"]));
        assert!(matches!(found(&routes, "HEAD", "/a"), Found::Route(0, _)));
    }

    #[test]
    fn segments_that_could_lead_elsewhere_are_no_path() {
        for path in [
            "/..",
            "/a/../b",
            "/%2e%2e/x",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/%ff",
            "/.",
            "x",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
        assert_eq!(segments("//a//b/").unwrap(), ["a", "b"]);
    }

    #[test]
    fn routes_that_are_none_are_refused_in_words() {
        for (text, why) in [
            ("/ping", "the route '/ping' is not understood"),
            ("get /ping", "has the method 'get'"),
            ("GET ping", "must begin with '/'"),
            ("GET /{a", "the segment '{a'"),
            ("GET /{a-b}", "the segment '{a-b}'"),
            ("GET /*", "the segment '*'"),
        ] {
            let error = Pattern::read(text, false).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
