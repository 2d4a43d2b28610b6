//! Writing XML.

use std::fmt::{Display, Write as _};

/// The inside of an element, written in order.
///
/// ```
/// use opsh_cloud::api::xml::Xml;
///
/// let xml = Xml::new()
///     .text("instanceId", "i-1")
///     .list("tagSet", "item", &["a"], |tag, xml| xml.text("key", tag));
/// assert_eq!(
///     xml.into_string(),
///     "<instanceId>i-1</instanceId><tagSet><item><key>a</key></item></tagSet>"
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Xml(String);

impl Xml {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An element with text, escaped.
    #[must_use]
    pub fn text(mut self, name: &str, text: impl Display) -> Self {
        let text = escape(&text.to_string());
        let _ = write!(self.0, "<{name}>{text}</{name}>");
        self
    }

    /// An element with text if there is any.
    #[must_use]
    pub fn optional(self, name: &str, text: Option<impl Display>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// An element with elements in it.
    #[must_use]
    pub fn node(mut self, name: &str, inside: impl FnOnce(Self) -> Self) -> Self {
        let inside = inside(Self::new()).0;
        let _ = write!(self.0, "<{name}>{inside}</{name}>");
        self
    }

    /// An element with one `item` element for each of `values`.
    #[must_use]
    pub fn list<T>(
        self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
        mut each: impl FnMut(T, Self) -> Self,
    ) -> Self {
        self.node(name, |xml| {
            values
                .into_iter()
                .fold(xml, |xml, value| xml.node(item, |xml| each(value, xml)))
        })
    }

    /// What was written elsewhere, as it is.
    #[must_use]
    pub fn raw(mut self, xml: &str) -> Self {
        self.0.push_str(xml);
        self
    }

    /// What has been written.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Escapes text for the inside of an element or an attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}
