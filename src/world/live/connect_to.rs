//! `--connect-to HOST:PORT:ADDR:PORT`, curl's idea: where a connection really goes.
//!
//! Either of the first two may be empty and then matches everything; an empty
//! ADDR or the last PORT keeps what was asked for. IPv6 addresses stand in
//! brackets (<https://curl.se/docs/manpage.html#--connect-to>).

use std::fmt;
use std::str::FromStr;

/// One redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from_host: Option<String>,
    from_port: Option<u16>,
    to_host: Option<String>,
    to_port: Option<u16>,
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--connect-to '{text}' is not HOST:PORT:ADDR:PORT: {reason}")]
pub struct Malformed {
    text: String,
    reason: String,
}

impl ConnectTo {
    /// Where a connection to `host` and `port` goes; `None` if this rule does not match.
    #[must_use]
    pub fn redirect(&self, host: &str, port: u16) -> Option<(String, u16)> {
        let host = bare(host);
        let hosts = self
            .from_host
            .as_ref()
            .is_none_or(|from| from.eq_ignore_ascii_case(host));
        let ports = self.from_port.is_none_or(|from| from == port);
        (hosts && ports).then(|| {
            (
                self.to_host.clone().unwrap_or_else(|| host.to_owned()),
                self.to_port.unwrap_or(port),
            )
        })
    }
}

/// Where a connection goes by the first rule that matches; `None` without one.
#[must_use]
pub fn redirect(rules: &[ConnectTo], host: &str, port: u16) -> Option<(String, u16)> {
    rules.iter().find_map(|rule| rule.redirect(host, port))
}

/// A host without the brackets that URLs put around IPv6 addresses.
#[must_use]
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

impl FromStr for ConnectTo {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = |reason: &str| Malformed {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let parts = split(text).ok_or_else(|| malformed("a bracket is not closed"))?;
        let [from_host, from_port, to_host, to_port] = parts.as_slice() else {
            return Err(malformed(&format!(
                "it has {} parts, not 4 (IPv6 addresses go in brackets)",
                parts.len()
            )));
        };
        let host = |part: &str| (!part.is_empty()).then(|| bare(part).to_owned());
        let port = |part: &str| match part {
            "" => Ok(None),
            number => number
                .parse()
                .map(Some)
                .map_err(|_| malformed(&format!("'{number}' is not a port"))),
        };
        Ok(Self {
            from_host: host(from_host),
            from_port: port(from_port)?,
            to_host: host(to_host),
            to_port: port(to_port)?,
        })
    }
}

/// At colons outside of brackets.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!inside).then_some(parts)
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Option<String>| match host {
            None => String::new(),
            Some(address) if address.contains(':') => format!("[{address}]"),
            Some(name) => name.clone(),
        };
        let port = |port: Option<u16>| port.map_or(String::new(), |number| number.to_string());
        write!(
            f,
            "{}:{}:{}:{}",
            host(&self.from_host),
            port(self.from_port),
            host(&self.to_host),
            port(self.to_port)
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rules(texts: &[&str]) -> Vec<ConnectTo> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let rules = rules(&[
            "example.com:443:127.0.0.1:8443",
            ":80:[::1]:8080",
            "203.0.113.10::localhost:",
        ]);
        let to = |host, port| redirect(&rules, host, port);
        assert_eq!(to("Example.COM", 443), Some(("127.0.0.1".into(), 8443)));
        assert_eq!(to("example.com", 80), Some(("::1".into(), 8080)));
        assert_eq!(to("203.0.113.10", 22), Some(("localhost".into(), 22)));
        assert_eq!(to("example.com", 22), None);
    }

    #[test]
    fn addresses_of_version_six_stand_in_brackets() {
        let rules = rules(&["[2001:db8::1]:22:[::1]:2222"]);
        assert_eq!(
            redirect(&rules, "2001:db8::1", 22),
            Some(("::1".into(), 2222))
        );
        assert_eq!(
            redirect(&rules, "[2001:db8::1]", 22),
            Some(("::1".into(), 2222))
        );
        assert_eq!(rules[0].to_string(), "[2001:db8::1]:22:[::1]:2222");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| text.parse::<ConnectTo>().unwrap_err().to_string();
        assert_eq!(
            wrong("a:1:b"),
            "--connect-to 'a:1:b' is not HOST:PORT:ADDR:PORT: it has 3 parts, not 4 (IPv6 addresses go in brackets)"
        );
        assert_eq!(
            wrong("a:http:b:1"),
            "--connect-to 'a:http:b:1' is not HOST:PORT:ADDR:PORT: 'http' is not a port"
        );
        assert_eq!(
            wrong("[::1:1:b:1"),
            "--connect-to '[::1:1:b:1' is not HOST:PORT:ADDR:PORT: a bracket is not closed"
        );
    }
}
