//! `term`: the person at the terminal. Answers are recorded, so that a resumed
//! run does not ask again.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};
use opsh_operation::{Effect, Fault, FaultKind, Map, Secret, Shape, Value};

use super::declare::{entry, int, optional, required};
use super::log::shown;
use super::{Context, Entry, Handler, given};

pub mod progress;

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "term" "prompt" "term:Prompt" Effect::Read, Handler::Native(prompt),
        ("question") [
            required("question", Shape::Text, "What is asked."),
            optional("default", Shape::Text, "The answer if there is none, or nobody to ask."),
        ] -> Shape::Text,
        "Asks the person at the terminal for a text.",
        r#"let name = term::prompt("Name of the server", #{ default: "web" });"#,
    },
    entry! {
        "term" "confirm" "term:Confirm" Effect::Read, Handler::Native(confirm),
        ("question") [
            required("question", Shape::Text, "What is asked."),
            optional("default", Shape::Bool, "The answer if there is none, or nobody to ask."),
        ] -> Shape::Bool,
        "Asks the person at the terminal for yes or no; with --yes and in a dry run it is yes.",
        r#"if !term::confirm("Go on?", #{ default: true }) { throw "stopped"; }"#,
    },
    entry! {
        "term" "secret" "term:Secret" Effect::Read, Handler::Native(secret),
        ("question") [required("question", Shape::Text, "What is asked.")] -> Shape::Text,
        "Asks the person at the terminal for a secret, without showing it.",
        r#"try { term::secret("Token") } catch (error) { log::info(error.hint) }"#,
    },
    entry! {
        "term" "print" "term:Print" Effect::Pure, Handler::Native(print),
        ("value") [required("value", Shape::Any, "A text, or any value.")] -> Shape::Nothing,
        "Prints a value on standard output; secrets are redacted.",
        r#"term::print(term::table([#{ name: "web", state: "running" }]));"#,
    },
    entry! {
        "term" "progress" "term:Progress" Effect::Pure, Handler::Native(progress::show),
        ("label", "percent", "note") [
            required("label", Shape::Text, "What it is about; each label has a bar of its own."),
            required("percent", int(0, 100), "How far it is; with 100 its bar ends."),
            optional("note", Shape::Text, "What else is to be said of it."),
        ] -> Shape::Nothing,
        "Shows how far something is: on a terminal as a bar that moves, elsewhere as a line when it has changed, on standard error.",
        r#"for percent in [0, 50, 100] { term::progress("snapshot", percent, "of 8 GiB"); }"#,
    },
    entry! {
        "term" "table" "term:Table" Effect::Pure, Handler::Native(table),
        ("rows") [
            required("rows", Shape::List(&Shape::MapOf(&Shape::Any)), "The rows: maps from a column to its value."),
            optional("columns", Shape::List(&Shape::Text), "The columns in order. Default: all that a row has, in alphabetical order."),
            optional("title", Shape::Text, "A line above the table."),
            optional("whole", Shape::Bool, "Whether every cell is shown whole, even if the table is wider than the terminal then. Default: false."),
        ] -> Shape::Text,
        "Aligns rows as a table that fits the terminal; numbers stand to the right.",
        r#"let rows = [#{ name: "web", cpu: 12.5 }, #{ name: "db", cpu: 3.0 }];
let text = term::table(rows, #{ columns: ["name", "cpu"] });
if text != "name   cpu\nweb   12.5\ndb       3" { throw text; }"#,
    },
];

fn nobody(question: &str) -> Fault {
    Fault::new(
        FaultKind::Failed,
        format!("there is nobody to ask {question:?}: this is no terminal"),
    )
    .hint(
        "run it on a terminal, give the question a default, or make it a parameter of the playbook",
    )
}

fn prompt(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let question = given::text(input, "question");
    let default = input.get("default").and_then(Value::as_text);
    if !context.terminal.interactive() {
        return default.map(Value::from).ok_or_else(|| nobody(question));
    }
    let question = match default {
        Some(default) => format!("{question} [{default}]: "),
        None => format!("{question}: "),
    };
    loop {
        let answer = context.terminal.ask(&question, false, context.cancel)?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Ok(default.into()),
            ("", None) => {}
            (answer, _) => return Ok(answer.into()),
        }
        context.cancel.check()?;
    }
}

fn confirm(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let question = given::text(input, "question");
    let default = input.get("default").and_then(Value::as_bool);
    if context.terminal.consents() {
        return Ok(true.into());
    }
    if !context.terminal.interactive() {
        return default.map(Value::from).ok_or_else(|| {
            nobody(question).hint("run it on a terminal, or say yes to all questions: --yes")
        });
    }
    let choices = match default {
        Some(true) => "Y/n",
        Some(false) => "y/N",
        None => "y/n",
    };
    loop {
        let answer =
            context
                .terminal
                .ask(&format!("{question} [{choices}] "), false, context.cancel)?;
        match (answer.trim().to_lowercase().as_str(), default) {
            ("y" | "yes", _) => return Ok(true.into()),
            ("n" | "no", _) => return Ok(false.into()),
            ("", Some(default)) => return Ok(default.into()),
            _ => context.cancel.check()?,
        }
    }
}

fn secret(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let question = given::text(input, "question");
    if !context.terminal.interactive() {
        return Err(nobody(question).hint(
            "run it on a terminal, or take the secret from the environment with secret(\"NAME\")",
        ));
    }
    let answer = context
        .terminal
        .ask(&format!("{question}: "), true, context.cancel)?;
    Ok(Secret::new(answer).into())
}

fn print(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    context
        .terminal
        .print(&shown(input.get("value").unwrap_or(&Value::Null)));
    Ok(Value::Null)
}

fn table(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let rows: Vec<&Map> = given::list(input, "rows")
        .iter()
        .filter_map(Value::as_map)
        .collect();
    let mut columns: Vec<&str> = given::list(input, "columns")
        .iter()
        .filter_map(Value::as_text)
        .collect();
    if columns.is_empty() {
        columns = rows
            .iter()
            .flat_map(|row| row.keys().map(String::as_str))
            .collect();
        columns.sort_unstable();
        columns.dedup();
    }
    let cells: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|column| row.get(*column).cloned().unwrap_or_default())
                .collect()
        })
        .collect();
    let whole = input.get("whole").and_then(Value::as_bool) == Some(true);
    let width = if whole {
        u16::MAX
    } else {
        context.terminal.width()
    };
    let text = aligned(&columns, &cells, width);
    Ok(match input.get("title").and_then(Value::as_text) {
        Some(title) => format!("{title}\n{text}"),
        None => text,
    }
    .into())
}

/// Rows under their columns' names, two spaces between them, one line each, no
/// wider than `width`; numbers stand to the right.
#[must_use]
pub fn aligned(columns: &[&str], rows: &[Vec<Value>], width: u16) -> String {
    let numeric: Vec<bool> = (0..columns.len())
        .map(|column| {
            let mut cells = rows.iter().map(|row| &row[column]).peekable();
            cells.peek().is_some()
                && cells.all(|cell| matches!(cell, Value::Int(_) | Value::Float(_) | Value::Null))
        })
        .collect();
    let row = |cells: Vec<String>| {
        let mut row = Row::new();
        for (text, numeric) in cells.into_iter().zip(&numeric) {
            let side = if *numeric {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            // One line a row: a line end inside of a cell would break the table.
            let text = text.replace(['\n', '\r', '\t'], " ");
            row.add_cell(Cell::new(text).set_alignment(side));
        }
        row.max_height(1);
        row
    };
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_truncation_indicator("…")
        .set_width(width)
        .set_header(row(columns.iter().map(ToString::to_string).collect()));
    for cells in rows {
        table.add_row(row(cells.iter().map(cell).collect()));
    }
    let last = columns.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 2 }));
    }
    table.trim_fmt()
}

/// A number keeps its fraction, so that a column of numbers lines up.
fn cell(value: &Value) -> String {
    match value {
        Value::Float(number) => super::metrics::number(*number),
        other => shown(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::modules::testing::{Bench, TestTerminal};

    fn row(cells: &[(&str, Value)]) -> Value {
        Value::Map(
            cells
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }

    #[test]
    fn questions_are_asked_until_they_are_answered() {
        let terminal = TestTerminal::answering(&["", " blue ", "maybe", "Yes", "", "hunter2"]);
        let bench = Bench::with(ENTRIES, terminal);
        let question = || ("question", "Colour?".into());
        assert_eq!(bench.call("prompt", [question()]), Ok("blue".into()));
        assert_eq!(bench.call("confirm", [question()]), Ok(true.into()));
        let default = bench.call("prompt", [question(), ("default", "red".into())]);
        assert_eq!(default, Ok("red".into()));
        assert_eq!(
            bench.call("secret", [question()]),
            Ok(Secret::new("hunter2").into())
        );
        assert_eq!(
            *bench.terminal.asked.lock().unwrap(),
            [
                "Colour?: ",
                "Colour?: ",
                "Colour? [y/n] ",
                "Colour? [y/n] ",
                "Colour? [red]: ",
                "(secret) Colour?: "
            ]
        );
    }

    #[test]
    fn nobody_to_ask_is_said() {
        let bench = Bench::new(ENTRIES);
        let question = || ("question", "Colour?".into());
        for name in ["prompt", "confirm", "secret"] {
            let fault = bench.call(name, [question()]).unwrap_err();
            assert_eq!(
                fault.message,
                "there is nobody to ask \"Colour?\": this is no terminal"
            );
            assert!(fault.hint.is_some());
        }
        let default = bench.call("confirm", [question(), ("default", false.into())]);
        assert_eq!(default, Ok(false.into()));
    }

    #[test]
    fn tables_are_aligned_and_cut() {
        let bench = Bench::new(ENTRIES);
        let rows = vec![
            row(&[("name", "web".into()), ("cpu", 12.5.into())]),
            row(&[("name", "database\nserver".into()), ("cpu", Value::Null)]),
        ];
        let table = bench
            .call("table", [("rows", rows.into()), ("title", "Hosts".into())])
            .unwrap();
        assert_eq!(
            table.as_text(),
            Some("Hosts\n cpu  name\n12.5  web\n      database server")
        );
        let rows = vec![row(&[("a", "x".repeat(80).into()), ("b", "y".into())])];
        let table = bench.call("table", [("rows", rows.into())]).unwrap();
        let text = table.as_text().unwrap();
        assert!(text.contains('…'), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 40),
            "{text}"
        );
        assert_eq!(
            bench.call("table", [("rows", Value::List(vec![]))]),
            Ok("".into())
        );
    }

    #[test]
    fn progress_is_told_in_lines_where_there_are_no_bars() {
        let bench = Bench::new(ENTRIES);
        let tell = |percent: i64| {
            let input = [
                ("label", "disk".into()),
                ("percent", percent.into()),
                ("note", "8 GiB".into()),
            ];
            bench.call("progress", input)
        };
        tell(5).unwrap();
        tell(100).unwrap();
        assert_eq!(
            *bench.terminal.said.lock().unwrap(),
            ["INFO: disk   5 %  8 GiB", "INFO: disk 100 %  8 GiB"]
        );
    }

    #[test]
    fn what_is_printed_has_no_secrets() {
        let bench = Bench::new(ENTRIES);
        bench
            .call("print", [("value", Secret::new("x").into())])
            .unwrap();
        bench
            .call("print", [("value", vec![1_i64, 2].into())])
            .unwrap();
        assert_eq!(*bench.terminal.said.lock().unwrap(), ["[secret]", "[1,2]"]);
    }
}
