//! What a value must look like, as static tables.

/// A named set of fields: an input, a result, or a part of one.
#[derive(Debug)]
pub struct Structure {
    /// The name in its API, e.g. `RunInstancesInput`.
    pub name: &'static str,
    /// The fields in the API's order.
    pub fields: &'static [Field],
}

impl Structure {
    /// The field `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One parameter or one result field.
#[derive(Debug)]
pub struct Field {
    /// Its name in a playbook, in `snake_case`.
    pub name: &'static str,
    /// What its value must look like.
    pub shape: Shape,
    /// Whether a call without it is refused.
    pub required: bool,
    /// Whether its value is secret: [`crate::Secret`] in results, redacted in inputs.
    pub sensitive: bool,
    /// One sentence for people.
    pub doc: &'static str,
}

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Nothing is returned.
    Nothing,
    /// Any value.
    Any,
    /// True or false.
    Bool,
    /// A whole number in the given closed range.
    Int {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// A number; integers are taken too.
    Float,
    /// Text.
    Text,
    /// Bytes; text is taken as its UTF-8.
    Bytes,
    /// A body to send: text, bytes, or `#{ file: "path" }`.
    Body,
    /// A point in time; RFC 3339 text is taken too.
    Time,
    /// A duration: text like `"5m"`, or whole seconds.
    Duration,
    /// A path of a local file that is read or looked at.
    Path,
    /// A path of a local file that is written, changed or removed: a dry run
    /// does that elsewhere.
    Output,
    /// An open enumeration: other text is a warning, not an error.
    Enum(&'static [&'static str]),
    /// A list of one shape.
    List(&'static Shape),
    /// A map from text to one shape.
    MapOf(&'static Shape),
    /// Tags: a map from text to text (the API's list of key and value).
    Tags,
    /// Filters: a map from a filter's name to a text or a list of texts.
    Filters,
    /// A structure of its own.
    Struct(&'static Structure),
    /// Exactly one field of a structure.
    Union(&'static Structure),
    /// A function of the playbook.
    Function,
}

impl Shape {
    /// A whole number of 32 bits, AWS's usual integer.
    pub const INT32: Self = Self::Int {
        min: i32::MIN as i64,
        max: i32::MAX as i64,
    };
    /// A whole number of 64 bits.
    pub const INT64: Self = Self::Int {
        min: i64::MIN,
        max: i64::MAX,
    };

    /// Whether a text can stand there, whichever text that is.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        matches!(
            self,
            Self::Any
                | Self::Function
                | Self::Text
                | Self::Bytes
                | Self::Body
                | Self::Time
                | Self::Duration
                | Self::Path
                | Self::Output
                | Self::Enum(_)
        )
    }

    /// What a person calls this shape, e.g. `list of text`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Nothing => "nothing".into(),
            Self::Any => "any".into(),
            Self::Bool => "bool".into(),
            Self::Int { .. } => "integer".into(),
            Self::Float => "float".into(),
            Self::Text => "text".into(),
            Self::Bytes => "bytes".into(),
            Self::Body => "text, bytes or #{ file: \"path\" }".into(),
            Self::Time => "time".into(),
            Self::Duration => "duration".into(),
            Self::Path | Self::Output => "path".into(),
            Self::Enum(_) => "text (enum)".into(),
            Self::List(item) => format!("list of {}", item.describe()),
            Self::MapOf(item) => format!("map of {}", item.describe()),
            Self::Tags => "map of text (tags)".into(),
            Self::Filters => "map of text or list of text (filters)".into(),
            Self::Struct(structure) => format!("map ({})", structure.name),
            Self::Union(structure) => format!("map with one entry ({})", structure.name),
            Self::Function => "function".into(),
        }
    }
}
