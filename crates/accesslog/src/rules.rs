//! What an analysis looks for.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

/// What the caller wants to know.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Texts that a path or query contains only if somebody is trying doors; the case of
    /// letters and percent-encoding do not matter.
    pub probes: Vec<String>,
    /// Statuses that say that a path is not there.
    pub missing: Vec<u16>,
    /// Sample lines are kept of clients who reach a quarter of this many requests a minute
    /// (a quarter, because their requests may be spread over several logs).
    pub requests_per_minute: u64,
    /// How many clients, targets and suspects are listed.
    pub top: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            probes: Vec::new(),
            missing: vec![404],
            requests_per_minute: 300,
            top: 10,
        }
    }
}

/// Rules as they are applied to a line.
pub(crate) struct Compiled {
    pub(crate) rules: Rules,
    probes: Option<AhoCorasick>,
    missing: [bool; 1000],
}

impl Compiled {
    pub(crate) fn new(rules: Rules) -> Result<Self, BuildError> {
        let probes = (!rules.probes.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .kind(Some(AhoCorasickKind::DFA))
                    .build(&rules.probes)
            })
            .transpose()?;
        let mut missing = [false; 1000];
        for status in &rules.missing {
            if let Some(flag) = missing.get_mut(usize::from(*status)) {
                *flag = true;
            }
        }
        Ok(Self {
            rules,
            probes,
            missing,
        })
    }

    /// Whether a status says that the path is not there.
    #[inline]
    pub(crate) fn is_missing(&self, status: u16) -> bool {
        self.missing
            .get(usize::from(status))
            .copied()
            .unwrap_or_default()
    }

    /// The number of the probe that a path with its query contains.
    #[inline]
    pub(crate) fn probe(&self, path: &[u8], scratch: &mut Vec<u8>) -> Option<usize> {
        let probes = self.probes.as_ref()?;
        let path = if memchr::memchr(b'%', path).is_some() {
            decode(path, scratch);
            scratch
        } else {
            path
        };
        probes.find(path).map(|found| found.pattern().as_usize())
    }
}

/// Percent-decodes `path` into `decoded`.
fn decode(path: &[u8], decoded: &mut Vec<u8>) {
    let digit = |at: usize| {
        let digit = char::from(*path.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    decoded.clear();
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let escaped = (*byte == b'%').then(|| digit(at + 1).zip(digit(at + 2)));
        if let Some((high, low)) = escaped.flatten() {
            decoded.push(high << 4 | low);
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn probes_are_found_however_they_are_written() {
        let rules = Rules {
            probes: vec!["/.env".into(), "../".into()],
            ..Rules::default()
        };
        let compiled = Compiled::new(rules).unwrap();
        let mut scratch = Vec::new();
        let mut probe = |path: &str| compiled.probe(path.as_bytes(), &mut scratch);
        assert_eq!(probe("/.env"), Some(0));
        assert_eq!(probe("/app/.ENV.bak?x"), Some(0));
        assert_eq!(probe("/%2eenv"), Some(0));
        assert_eq!(probe("/%2Eenv%"), Some(0));
        assert_eq!(probe("/show?file=..%2f..%2fetc"), Some(1));
        assert_eq!(probe("/environment"), None);
        assert_eq!(probe("/100%"), None);
        assert_eq!(probe(""), None);
        assert!(!Compiled::new(Rules::default()).unwrap().is_missing(200));
        assert!(compiled.is_missing(404) && !compiled.is_missing(0));
    }
}
