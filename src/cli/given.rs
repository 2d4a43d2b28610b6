//! Parameters from the file and, winning, from the command line.

use std::collections::BTreeMap;
use std::path::Path;

use opsh_operation::Value;

use crate::script::error::{Class, ScriptError};
use crate::script::param;
use crate::script::run::plain_io;

/// Reads `words`, each `key=value`, and the JSON object in `file`.
///
/// # Errors
/// What cannot be read, is of another form, or is given twice.
pub fn parameters(
    words: &[String],
    file: Option<&Path>,
) -> Result<BTreeMap<String, Value>, ScriptError> {
    let mut values = BTreeMap::new();
    if let Some(path) = file {
        let failed = |why: String| {
            ScriptError::plain(
                Class::Start,
                format!("cannot read --params-file '{}': {why}", path.display()),
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(plain_io(&error)))?;
        match serde_json::from_str(&text).map_err(|error| failed(error.to_string()))? {
            serde_json::Value::Object(entries) => {
                for (name, value) in &entries {
                    values.insert(name.clone(), Value::from_json(value));
                }
            }
            _ => return Err(failed("it must hold one JSON object".into())),
        }
    }
    values.extend(param::of_words(words)?);
    Ok(values)
}
