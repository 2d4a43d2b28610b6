//! Answers in XML, as EC2 words them: `<fooSet><item>…</item></fooSet>`.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::region::Tags;
use crate::api;

/// The inside of an answer, written from the front.
#[derive(Debug, Clone, Default)]
pub struct Xml {
    out: String,
}

impl Xml {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer that many actions give: `<return>true</return>`.
    pub fn done() -> Self {
        let mut xml = Self::new();
        xml.leaf("return", true);
        xml
    }

    /// `<name>value</name>`.
    pub fn leaf(&mut self, name: &str, value: impl Display) -> &mut Self {
        let text = value.to_string();
        // Writing to a string cannot fail.
        let _ = write!(self.out, "<{name}>{}</{name}>", api::xml::escape(&text));
        self
    }

    /// `<name>value</name>` where there is a value.
    pub fn maybe(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.leaf(name, value),
            None => self,
        }
    }

    /// A moment, to the second.
    pub fn time(&mut self, name: &str, at: Timestamp) -> &mut Self {
        self.leaf(name, stamp(at))
    }

    /// `<name>…</name>`.
    pub fn node(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.out, "<{name}>");
        fill(self);
        let _ = write!(self.out, "</{name}>");
        self
    }

    /// `<name><item>…</item>…</name>`.
    pub fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.node("item", |xml| fill(xml, item));
            }
        })
    }

    /// `<name><item>text</item>…</name>`.
    pub fn texts<T: Display>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.leaf("item", item);
            }
        })
    }

    /// The tags of a resource, as `tagSet`; nothing where there are none.
    pub fn tags(&mut self, tags: Option<&Tags>) -> &mut Self {
        match tags {
            Some(tags) if !tags.is_empty() => self.list("tagSet", tags, |xml, (key, value)| {
                xml.leaf("key", key).leaf("value", value);
            }),
            _ => self,
        }
    }

    /// What goes into the answer's envelope.
    pub fn into_inside(self) -> api::xml::Xml {
        api::xml::Xml::new().raw(&self.out)
    }
}

/// A moment as EC2 prints it, e.g. `2026-11-21T08:00:00.000Z`.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_lists_have_items() {
        let mut xml = Xml::new();
        xml.texts("nameSet", ["a<b", "c"])
            .maybe("gone", None::<&str>);
        assert_eq!(
            xml.into_inside().into_string(),
            "<nameSet><item>a&lt;b</item><item>c</item></nameSet>"
        );
    }
}
