//! Jinja templates, bounded in work and size.

use std::collections::BTreeMap;
use std::io::Write;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value as Jinja};
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::encode::escaped_for_html;
use super::invalid;
use crate::modules::{Context, given};

/// Instructions of the template's machine; a page of a thousand rows takes some ten thousand.
const FUEL: u64 = 2_000_000;
/// The largest text that a template may make.
const MOST_BYTES: usize = 16 << 20;

pub(super) fn template(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let source = given::text(input, "text");
    let values = input
        .get("values")
        .and_then(Value::as_map)
        .cloned()
        .unwrap_or_default();
    let html = given::flag(input, "html", false);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(move |_| {
        if html {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment.set_formatter(move |out, state, value| match value.as_str() {
        Some(text) if html && !value.is_safe() => Ok(out.write_str(&escaped_for_html(text))?),
        _ => minijinja::escape_formatter(out, state, value),
    });
    let template = environment
        .template_from_str(source)
        .map_err(|error| invalid(format!("the template cannot be read: {}", place(&error))))?;
    let mut output = Bounded(Vec::new());
    match template.render_captured_to(jinja(&Value::Map(values.clone())), &mut output) {
        Ok(_) => {
            let text = String::from_utf8(output.0)
                .map_err(|_| invalid("the template made text that is not UTF-8"))?;
            Ok(given::derived(input, text))
        }
        Err(error) if error.kind() == ErrorKind::UndefinedError => {
            let mut missing: Vec<String> = template
                .undeclared_variables(true)
                .into_iter()
                .filter(|path| !is_there(&values, path))
                .collect();
            missing.sort();
            let names = match missing.as_slice() {
                [] => place(&error),
                [one] => format!("'{one}' has no value"),
                many => format!("'{}' have no value", many.join("', '")),
            };
            Err(invalid(format!("the template cannot be filled: {names}")).hint(
                "give it in the map of values, or write {{ name | default(\"…\") }} in the template",
            ))
        }
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(Fault::new(
            FaultKind::Limit,
            format!("the template takes more than {FUEL} steps"),
        )),
        Err(error) if error.kind() == ErrorKind::WriteFailure => Err(Fault::new(
            FaultKind::Limit,
            format!("the template makes more than {} MiB", MOST_BYTES >> 20),
        )),
        Err(error) => Err(invalid(format!(
            "the template cannot be filled: {}",
            place(&error)
        ))),
    }
}

/// What went wrong, with the line.
fn place(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

fn is_there(values: &Map, path: &str) -> bool {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|name| values.get(name));
    steps
        .fold(first, |value, step| value.and_then(|value| value.get(step)))
        .is_some()
}

fn jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::Int(number) => Jinja::from(*number),
        Value::Float(number) => Jinja::from(*number),
        Value::Text(text) => Jinja::from(text.as_str()),
        Value::Bytes(bytes) => Jinja::from_bytes(bytes.clone()),
        Value::Time(time) => Jinja::from(time.to_string()),
        Value::Secret(secret) => Jinja::from(secret.reveal()),
        Value::List(items) => items.iter().map(jinja).collect(),
        Value::Map(map) => Jinja::from_object(
            map.iter()
                .map(|(name, item)| (name.clone(), jinja(item)))
                .collect::<BTreeMap<String, Jinja>>(),
        ),
    }
}

/// A buffer that refuses to grow beyond [`MOST_BYTES`].
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
