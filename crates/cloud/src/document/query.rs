//! The tree of a query-protocol request (`Tags.member.1.Key=Name`).
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>: lists are numbered
//! below `member`, maps below `entry` with `key`/`value` (SNS also `Name`/`Value`).

use std::collections::BTreeMap;

use super::Document;

/// The tree of `params`.
#[must_use]
pub fn document(params: &BTreeMap<String, String>) -> Document {
    if params.is_empty() {
        return Document::empty();
    }
    let mut root = Branch::default();
    for (name, value) in params {
        root.insert(name.split('.'), value);
    }
    root.document()
}

#[derive(Default)]
struct Branch {
    value: Option<String>,
    children: BTreeMap<String, Branch>,
}

impl Branch {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, value: &str) {
        match path.next() {
            None => self.value = Some(value.to_owned()),
            Some(name) => self
                .children
                .entry(name.to_owned())
                .or_default()
                .insert(path, value),
        }
    }

    fn document(self) -> Document {
        if self.children.is_empty() {
            return Document::Text(self.value.unwrap_or_default());
        }
        let only = (self.children.len() == 1)
            .then(|| self.children.keys().next().cloned())
            .flatten();
        let numbered = |branch: &Branch| branch.children.keys().all(|key| is_number(key));
        match only.as_deref() {
            Some(name @ ("member" | "entry")) if numbered(&self.children[name]) => {
                let items = self
                    .children
                    .into_values()
                    .flat_map(Branch::in_order)
                    .map(Branch::document);
                if only.as_deref() == Some("entry") {
                    Document::Entries(items.filter_map(entry).collect())
                } else {
                    Document::List(items.collect())
                }
            }
            _ => Document::Fields(
                self.children
                    .into_iter()
                    .map(|(name, branch)| (name, branch.document()))
                    .collect(),
            ),
        }
    }

    fn in_order(self) -> Vec<Branch> {
        let mut items: Vec<(u64, Branch)> = self
            .children
            .into_iter()
            .map(|(key, branch)| (key.parse().unwrap_or(u64::MAX), branch))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, branch)| branch).collect()
    }
}

fn is_number(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name and the value of one entry of a map.
fn entry(document: Document) -> Option<(String, Document)> {
    let Document::Fields(fields) = document else {
        return None;
    };
    let (mut name, mut value) = (None, None);
    for (field, document) in fields {
        match (field.as_str(), document) {
            ("key" | "Name", Document::Text(text)) => name = Some(text),
            ("value" | "Value", document) => value = Some(document),
            _ => {}
        }
    }
    Some((name?, value.unwrap_or(Document::Text(String::new()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn members_are_ordered_by_number_not_by_text() {
        let tree = document(&params(&[
            ("Names.member.10", "j"),
            ("Names.member.2", "b"),
        ]));
        assert_eq!(
            tree,
            Document::Fields(vec![("Names".to_owned(), Document::list(["b", "j"]))])
        );
    }

    #[test]
    fn entries_become_a_map() {
        let tree = document(&params(&[
            ("Attributes.entry.1.key", "DisplayName"),
            ("Attributes.entry.1.value", "Alerts"),
            ("More.entry.1.Name", "kind"),
            ("More.entry.1.Value.StringValue", "x"),
        ]));
        assert_eq!(
            tree,
            Document::Fields(vec![
                (
                    "Attributes".to_owned(),
                    Document::entries([("DisplayName", "Alerts")])
                ),
                (
                    "More".to_owned(),
                    Document::Entries(vec![(
                        "kind".to_owned(),
                        Document::fields([("StringValue", Some("x".into()))])
                    )])
                ),
            ])
        );
    }
}
