//! Rhai's own functions: what can be called on texts, lists, maps and numbers.

use std::sync::LazyLock;

use rhai::{Engine, FuncInfo};

use super::callable::{Argument, Callable, Kind};
use super::prose;
use crate::script::engine::NOT_TO_BE_USED;

/// What they stand under in lists.
pub const MODULE: &str = "language";

/// Rhai's own functions by name, overloads one after the other; operators are left out.
#[must_use]
pub fn functions() -> &'static [Callable] {
    static FUNCTIONS: LazyLock<Vec<Callable>> = LazyLock::new(|| {
        let with_types = |info: FuncInfo<'_>| {
            let described = info.metadata.params_info.iter();
            let described: Vec<String> = described.map(ToString::to_string).collect();
            Some((described, callable(&info)?))
        };
        let mut found = Engine::new().collect_fn_metadata(None, with_types, true);
        // Rhai gives them in another order in each build. To people a character is a text, too:
        // of two that look the same the first is shown, which is that for longer ones.
        found.sort_by_cached_key(|(described, callable)| {
            let types: Vec<String> = callable
                .parameters()
                .iter()
                .map(super::Parameter::takes)
                .collect();
            let of_characters = described.iter().filter(|info| info.ends_with("char"));
            let of_characters = of_characters.count();
            (
                callable.name.to_string(),
                types,
                of_characters,
                described.clone(),
            )
        });
        found.into_iter().map(|(_, callable)| callable).collect()
    });
    &FUNCTIONS
}

/// The properties of Rhai's own types, such as `tag` and `start`, read as `value.name`.
#[must_use]
pub fn properties() -> &'static [String] {
    static PROPERTIES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let getter = |info: FuncInfo<'_>| {
            let name = info.metadata.name.strip_prefix("get$");
            name.map(str::to_owned)
        };
        let mut found = Engine::new().collect_fn_metadata(None, getter, true);
        found.sort();
        found.dedup();
        found
    });
    &PROPERTIES
}

fn callable(info: &FuncInfo<'_>) -> Option<Callable> {
    let function = info.metadata;
    let name = function.name.as_str();
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !is_name || NOT_TO_BE_USED.contains(&name) {
        return None;
    }
    let comments: Vec<&str> = function.comments.iter().map(AsRef::as_ref).collect();
    let parameters = (0..function.num_params)
        .map(|index| argument(function.params_info.get(index).map(AsRef::as_ref)))
        .collect();
    Some(Callable {
        module: "".into(),
        name: name.to_owned().into(),
        doc: prose::comment(&comments.join("\n"), "///").doc,
        kind: Kind::Language {
            parameters,
            result: words(&function.return_type),
        },
    })
}

/// A parameter that Rhai describes as `name: type`.
fn argument(described: Option<&str>) -> Argument {
    let (name, of_type) = described
        .and_then(|text| text.split_once(':'))
        .unwrap_or((described.unwrap_or("_"), ""));
    Argument {
        name: name.trim().to_owned(),
        of_type: words(of_type),
        doc: String::new(),
    }
}

/// A type of Rust as people call it here.
fn words(of_type: &str) -> String {
    let inner = of_type.trim().trim_start_matches("&mut ");
    let inner = inner
        .strip_prefix("RhaiResultOf<")
        .or_else(|| inner.strip_prefix("Result<"))
        .map_or(inner, |rest| rest.split([',', '>']).next().unwrap_or(rest));
    match inner.rsplit("::").next().unwrap_or(inner) {
        "" => "",
        "()" => "nothing",
        "INT" | "i64" | "usize" => "integer",
        "FLOAT" | "f64" => "float",
        "bool" => "bool",
        "char" | "ImmutableString" | "String" | "&str" | "str" => "text",
        "Array" | "Vec<Dynamic>" => "list",
        "Map" => "map",
        "Blob" => "bytes",
        "FnPtr" => "function",
        "Dynamic" | "RhaiResult" => "any",
        other => return other.to_owned(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rhais_functions_are_known_with_their_documentation() {
        let split: Vec<_> = functions()
            .iter()
            .filter(|callable| callable.name == "split")
            .collect();
        assert!(split.len() > 2);
        let filter = functions()
            .iter()
            .find(|callable| callable.name == "filter")
            .unwrap();
        assert!(!filter.doc.summary.is_empty());
        assert_eq!(filter.parameters()[0].takes(), "list");
        assert_eq!(filter.parameters()[1].takes(), "function");
        assert!(functions().iter().all(|callable| callable.name != "eval"));
        assert!(properties().iter().any(|name| name == "tag"));
    }
}
