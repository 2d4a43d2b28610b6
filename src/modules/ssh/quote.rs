//! `ssh::quote`: a value as one word of a POSIX shell.

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Map, Operation, Value};

use crate::modules::Context;
use crate::modules::declare::required;
use crate::modules::given;

static INPUT: Structure = Structure {
    name: "ssh::quote",
    fields: &[required("text", Shape::Text, "Any text without NUL.")],
};

/// Quotes a text.
pub static QUOTE: Operation = Operation {
    module: "ssh",
    name: "quote",
    action: "ssh:Quote",
    summary: "Quotes a text so that a POSIX shell takes it as one word, whatever is in it.",
    input: &INPUT,
    positional: &["text"],
    output: Shape::Text,
    effect: Effect::Pure,
    raises: &[],
    example: r#"assert(ssh::quote("it's; rm -rf /") == "\"it's; rm -rf /\"");
assert(ssh::quote("plain") == "plain");
"#,
};

/// Does it; what was secret stays secret.
pub fn quote(_context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let quoted = posix(given::text(input, "text"))?;
    Ok(match input.get("text") {
        Some(Value::Secret(_)) => Value::Secret(opsh_operation::Secret::new(quoted)),
        _ => quoted.into(),
    })
}

/// `text` as one word.
pub(super) fn posix(text: &str) -> Result<String, Fault> {
    shlex::try_quote(text)
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| {
            Fault::new(
                FaultKind::Invalid,
                "a text with a NUL character cannot be quoted for a shell",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in [
            "",
            "plain",
            "it's",
            "$(reboot) `id` \"x\" \\ ;|&\n!",
            "ümläut",
        ] {
            let quoted = posix(text).unwrap_or_default();
            let output = std::process::Command::new("sh")
                .arg("-c")
                .arg(format!("printf %s {quoted}"))
                .output()
                .map(|output| output.stdout)
                .unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&output), text);
        }
        assert!(posix("a\0b").is_err());
    }
}
