//! Ids that were typed although an earlier result holds them: in another run they would
//! be others, so the playbook takes them from that result.

use std::collections::BTreeMap;

use opsh_operation::Value;

/// Expressions by the texts that they give.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<String, String>);

impl Found {
    /// Notes every text in `value`, which the playbook knows as `name`.
    pub fn note(&mut self, name: &str, value: &Value) {
        match value {
            Value::Text(text) if is_made_up(text) => {
                // The first place is where it was made.
                self.0
                    .entry(text.clone())
                    .or_insert_with(|| name.to_owned());
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.note(&format!("{name}[{index}]"), item);
                }
            }
            Value::Map(map) => {
                for (key, item) in map {
                    if is_name(key) {
                        self.note(&format!("{name}.{key}"), item);
                    } else {
                        let key = serde_json::Value::from(key.as_str());
                        self.note(&format!("{name}[{key}]"), item);
                    }
                }
            }
            _ => {}
        }
    }

    /// The expression that gives `text`.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&str> {
        self.0.get(text).map(String::as_str)
    }
}

/// Whether a text is one that nobody would choose: an id, an ARN, an address, a URL.
fn is_made_up(text: &str) -> bool {
    const SHORTEST: usize = 8;
    text.len() >= SHORTEST
        && text.contains(|letter: char| letter.is_ascii_digit())
        && text.contains(['-', ':', '.', '/'])
        && !text.contains(char::is_whitespace)
}

fn is_name(key: &str) -> bool {
    let mut letters = key.chars();
    letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
        && rhai::Token::lookup_symbol_from_syntax(key).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_by_where_they_stand() {
        let value = Value::from_json(&serde_json::json!({
            "instances": [{"instance_id": "i-0abc12345", "state": {"name": "running"}}],
            "tags": {"opsh:run": "20260101-000000-abc"},
        }));
        let mut found = Found::default();
        found.note("made", &value);
        assert_eq!(
            found.get("i-0abc12345"),
            Some("made.instances[0].instance_id")
        );
        assert_eq!(
            found.get("20260101-000000-abc"),
            Some("made.tags[\"opsh:run\"]")
        );
        assert_eq!(found.get("running"), None);
    }
}
