//! Secrets are never seen: not in plain, base64, URL or JSON form.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use opsh_operation::value::REDACTED;
use opsh_operation::{Fault, Secret, Value};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Secrets shorter than this are only redacted where their type is known:
/// blotting out every "1" would hide more than it protects.
const SHORTEST: usize = 4;
/// Secrets shorter than this make no secret of a longer text that holds them: `prod` as a
/// password must not make one of every name that begins with it.
const SHORTEST_WITHIN: usize = 6;

/// Knows every secret of the run and blots it out of any text.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Every form of every secret, longest first.
    forms: RwLock<Vec<String>>,
}

impl Redactor {
    /// Blots out `secret` from now on.
    pub fn add(&self, secret: &Secret) {
        let plain = secret.reveal();
        if plain.len() < SHORTEST {
            return;
        }
        let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeSet<String> = forms.drain(..).collect();
        all.insert(plain.to_owned());
        // A key file has many lines; each is as secret as the whole.
        all.extend(
            plain
                .lines()
                .filter(|line| line.len() >= 16)
                .map(str::to_owned),
        );
        all.insert(utf8_percent_encode(plain, NON_ALPHANUMERIC).to_string());
        all.insert(url::form_urlencoded::byte_serialize(plain.as_bytes()).collect());
        let json = serde_json::Value::from(plain).to_string();
        all.insert(json[1..json.len() - 1].to_owned());
        all.extend(base64_forms(plain.as_bytes()));
        *forms = all
            .into_iter()
            .filter(|form| form.len() >= SHORTEST)
            .collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// `value` with every text that holds a secret marked as one, also one in bytes: what
    /// came back from the world may repeat what was sent.
    #[must_use]
    pub fn mark(&self, value: Value) -> Value {
        match value {
            Value::Text(text) if self.tells(&text) => Secret::new(text).into(),
            Value::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) if self.tells(&text) => Secret::new(text).into(),
                Ok(text) => text.into_bytes().into(),
                Err(other) => other.into_bytes().into(),
            },
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| self.mark(item)).collect())
            }
            Value::Map(map) => Value::Map(
                map.into_iter()
                    .map(|(name, item)| (name, self.mark(item)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// Whether `text` is a secret or holds one.
    fn tells(&self, text: &str) -> bool {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        forms.iter().any(|form| {
            text == form || form.len() >= SHORTEST_WITHIN && text.contains(form.as_str())
        })
    }

    /// `fault` with every secret blotted out of its words.
    #[must_use]
    pub fn clean(&self, mut fault: Fault) -> Fault {
        fault.message = self.scrub(&fault.message);
        fault.hint = fault.hint.map(|hint| self.scrub(&hint));
        if let Value::Map(details) = self.mark(Value::Map(std::mem::take(&mut fault.details))) {
            fault.details = details;
        }
        fault
    }

    /// `text` with every form of every secret blotted out.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        if !forms.iter().any(|form| text.contains(form.as_str())) {
            return text.to_owned();
        }
        let mut clean = text.to_owned();
        for form in forms.iter() {
            if clean.contains(form.as_str()) {
                clean = clean.replace(form.as_str(), REDACTED);
            }
        }
        clean
    }
}

/// What stays the same of a secret's base64 wherever it stands in a longer
/// text (`user:secret`): one form for each of the three alignments.
fn base64_forms(plain: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for lead in 0..3_usize {
        let mut padded = vec![0_u8; lead];
        padded.extend_from_slice(plain);
        // The first characters mix with what stands before, the last with what follows.
        let skip = [0, 2, 3][lead];
        let whole = padded.len() / 3 * 4;
        for encoded in [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ] {
            if whole > skip {
                forms.push(encoded[skip..whole].to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn every_form_is_blotted_out() {
        let redactor = Redactor::default();
        let plain = "p\"ss wörd/+?9";
        redactor.add(&Secret::new(plain));
        let shown = [
            plain.to_owned(),
            STANDARD.encode(plain),
            STANDARD.encode(format!("user:{plain}")),
            STANDARD.encode(format!("u:{plain}:tail")),
            utf8_percent_encode(plain, NON_ALPHANUMERIC).to_string(),
            serde_json::Value::from(plain).to_string(),
        ];
        for text in shown {
            let clean = redactor.scrub(&format!("<{text}>"));
            assert!(clean.contains(REDACTED), "{text} → {clean}");
            assert!(!clean.contains("ss w"), "{text} → {clean}");
        }
    }

    #[test]
    fn bytes_that_hold_a_secret_are_one() {
        let redactor = Redactor::default();
        redactor.add(&Secret::new("hunter2"));
        let marked = |bytes: &[u8]| redactor.mark(Value::List(vec![bytes.to_vec().into()]));
        assert_eq!(
            marked(b"password=hunter2\n"),
            Value::List(vec![Secret::new("password=hunter2\n").into()])
        );
        for plain in [&b"hunter"[..], &[0xff, 0]] {
            assert_eq!(marked(plain), Value::List(vec![plain.to_vec().into()]));
        }
    }

    #[test]
    fn short_secrets_do_not_blot_out_everything() {
        let redactor = Redactor::default();
        redactor.add(&Secret::new("1"));
        assert_eq!(redactor.scrub("10:01"), "10:01");
    }

    #[test]
    fn a_text_is_a_secret_if_it_holds_more_of_one_than_a_word() {
        let redactor = Redactor::default();
        redactor.add(&Secret::new("prod"));
        redactor.add(&Secret::new("hunter2"));
        let is_marked = |text: &str| matches!(redactor.mark(text.into()), Value::Secret(_));
        assert_eq!(
            ["prod", "prod-web", "hunter2", "user:hunter2"].map(is_marked),
            [true, false, true, true]
        );
        // It is blotted out wherever it is shown, all the same.
        assert_eq!(redactor.scrub("prod-web"), "[secret]-web");
    }
}
