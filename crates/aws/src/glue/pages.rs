//! Listings that page by themselves: all pages make one result.

use opsh_operation::{Map, Value};

use crate::Controls;

/// The pages so far.
pub struct Pages {
    items: &'static [&'static str],
    merge: Option<&'static str>,
    room: Option<usize>,
    result: Map,
}

impl Pages {
    /// Joins the lists `items` of pages; items with the same value at `merge` are one.
    pub fn new(
        controls: &Controls,
        items: &'static [&'static str],
        merge: Option<&'static str>,
    ) -> Self {
        Self {
            items,
            merge,
            room: controls.limit,
            result: Map::new(),
        }
    }

    /// Adds a page; false when the limit is reached.
    pub fn add(&mut self, page: Value) -> bool {
        let Value::Map(page) = page else { return true };
        for (name, value) in page {
            match value {
                Value::List(new) if self.items.contains(&name.as_str()) => self.extend(name, new),
                value => {
                    self.result.entry(name).or_insert(value);
                }
            }
        }
        self.room != Some(0)
    }

    fn extend(&mut self, name: String, new: Vec<Value>) {
        let list = self
            .result
            .entry(name)
            .or_insert_with(|| Value::List(Vec::new()));
        let Value::List(items) = list else { return };
        for item in new {
            let key = self.merge.and_then(|key| item.get(key).cloned());
            let same = key.and_then(|key| {
                items
                    .iter_mut()
                    .find(|old| self.merge.and_then(|name| old.get(name)) == Some(&key))
            });
            if let Some(old) = same {
                join(old, item);
            } else if self.room != Some(0) {
                items.push(item);
                self.room = self.room.map(|room| room - 1);
            }
        }
    }

    /// The one result; lists of items are there even when empty.
    pub fn finish(mut self) -> Value {
        for name in self.items {
            self.result
                .entry((*name).to_owned())
                .or_insert_with(|| Value::List(Vec::new()));
        }
        Value::Map(self.result)
    }
}

/// Appends the lists of a later page's item to those of the same item before.
fn join(old: &mut Value, new: Value) {
    let (Value::Map(old), Value::Map(new)) = (old, new) else {
        return;
    };
    for (name, value) in new {
        match (old.get_mut(&name), value) {
            (Some(Value::List(items)), Value::List(more)) => items.extend(more),
            // The last page knows best, e.g. whether the data is complete.
            (_, value) => {
                old.insert(name, value);
            }
        }
    }
}

/// Whether there is another page: a token, and not the one just used.
pub fn goes_on<const N: usize>(used: &[Option<String>; N], next: &[Option<String>; N]) -> bool {
    next.iter()
        .any(|token| token.as_ref().is_some_and(|token| !token.is_empty()))
        && used != next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(items: &[&str]) -> Value {
        Value::Map(Map::from([
            (
                "items".into(),
                Value::List(items.iter().map(|item| (*item).into()).collect()),
            ),
            ("owner".into(), "me".into()),
        ]))
    }

    fn limited(limit: Option<usize>) -> Pages {
        let controls = Controls {
            limit,
            ..Controls::default()
        };
        Pages::new(&controls, &["items"], None)
    }

    #[test]
    fn pages_make_one_list() {
        let mut pages = limited(None);
        assert!(pages.add(page(&["a", "b"])));
        assert!(pages.add(page(&["c"])));
        assert_eq!(
            pages.finish().to_json().to_string(),
            r#"{"items":["a","b","c"],"owner":"me"}"#
        );
    }

    #[test]
    fn the_limit_ends_early_and_exactly() {
        let mut pages = limited(Some(3));
        assert!(pages.add(page(&["a", "b"])));
        assert!(!pages.add(page(&["c", "d"])));
        assert_eq!(
            pages.finish().get("items"),
            Some(&vec!["a", "b", "c"].into())
        );
    }

    #[test]
    fn an_empty_listing_has_its_list() {
        let mut pages = limited(None);
        pages.add(Value::Map(Map::new()));
        assert_eq!(pages.finish().to_json().to_string(), r#"{"items":[]}"#);
    }

    #[test]
    fn series_of_two_pages_are_joined() {
        let series = |value: f64| {
            Value::Map(Map::from([(
                "items".into(),
                Value::List(vec![Value::Map(Map::from([
                    ("id".into(), "cpu".into()),
                    ("values".into(), vec![value].into()),
                ]))]),
            )]))
        };
        let mut pages = Pages::new(&Controls::default(), &["items"], Some("id"));
        pages.add(series(1.5));
        pages.add(series(2.5));
        assert_eq!(
            pages.finish().to_json().to_string(),
            r#"{"items":[{"id":"cpu","values":[1.5,2.5]}]}"#
        );
    }

    #[test]
    fn a_repeated_or_empty_token_ends() {
        let token = |text: &str| [Some(text.to_owned())];
        assert!(goes_on(&[None], &token("a")));
        assert!(!goes_on(&token("a"), &token("a")));
        assert!(!goes_on(&token("a"), &token("")));
        assert!(!goes_on(&token("a"), &[None]));
    }
}
