//! `sqlite3`: the real database engine on a file of the machine's disk.

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Statement};

use super::call::{Call, Reply, Stop, done, failure};
use super::options::Options;

/// How rows are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Values with a separator between them.
    List,
    /// One array of objects for each statement that gives rows.
    Json,
}

/// `sqlite3 [-json] [-header] [-separator X] [-cmd '.timeout N'] FILE [SQL…]`; without SQL
/// it reads statements.
pub fn sqlite3(call: &Call<'_>) -> Reply {
    // Its options are words with one dash.
    let args: Vec<String> = call
        .args
        .iter()
        .map(|arg| match arg.strip_prefix('-') {
            Some(word) if word.len() > 1 && !word.starts_with('-') => format!("--{word}"),
            _ => arg.clone(),
        })
        .collect();
    let known = "|json |list |header |noheader |batch |bail |readonly |separator= |cmd=";
    let options = Options::parse_from(call, &args, known, false)?;
    for command in options.all("cmd") {
        // Nobody else has the file open here, so there is never anything to wait for.
        if !command.starts_with(".timeout ") {
            return Err(call.not_modelled(&format!("the command '{command}'")));
        }
    }
    let Some((file, statements)) = options.operands.split_first() else {
        return Err(call.not_modelled("a database in memory"));
    };
    let script = if statements.is_empty() {
        String::from_utf8_lossy(call.stdin).into_owned()
    } else {
        statements.join(";\n")
    };
    if script.lines().any(|line| line.starts_with('.')) {
        return Err(call.not_modelled("a command that begins with a dot"));
    }
    let mode = if options.has("json") {
        Mode::Json
    } else {
        Mode::List
    };
    let printer = Printer {
        mode,
        header: options.has("header"),
        separator: options.value("separator").unwrap_or("|").to_owned(),
    };
    run(call, file, &script, &printer, options.has("readonly"))
}

fn run(call: &Call<'_>, file: &str, script: &str, printer: &Printer, read_only: bool) -> Reply {
    let path = call.path(file);
    let user = &call.session.user;
    let mut timeline = call.machine();
    let before = match timeline.present.disk.stat(user, &path, true) {
        Ok(_) => timeline.present.disk.read(user, &path).map_err(|reason| {
            failure(
                1,
                format!("Error: unable to open database \"{file}\": {reason}\n"),
            )
        })?,
        Err(_) => bytes::Bytes::new(),
    };
    let unusable = |error: &rusqlite::Error| failure(1, format!("Error: {}\n", said(error)));
    let mut database = Connection::open_in_memory().map_err(|error| unusable(&error))?;
    if !before.is_empty() {
        database
            .deserialize_read_exact("main", before.as_ref(), before.len(), read_only)
            .map_err(|error| unusable(&error))?;
    }
    let mut output = String::new();
    let outcome = execute(&database, script, printer, &mut output);
    // What succeeded before an error stays, as with the real program; nothing makes no file.
    let pages: i64 = database
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .map_err(|error| unusable(&error))?;
    let after = if pages == 0 {
        None
    } else {
        Some(
            database
                .serialize("main")
                .map_err(|error| unusable(&error))?,
        )
    };
    if let Some(after) = after
        && *after != *before
    {
        let at = timeline.present.clock;
        timeline
            .present
            .disk
            .write(user, &path, &*after, at)
            .map_err(|reason| {
                failure(
                    1,
                    format!("Error: unable to open database \"{file}\": {reason}\n"),
                )
            })?;
    }
    match outcome {
        Ok(()) => done(output),
        Err(complaint) => Err(Stop::Reply(crate::hosts::shell::Outcome {
            exit_code: 1,
            stdout: output.into_bytes(),
            stderr: complaint.into_bytes(),
        })),
    }
}

/// Executes all statements up to the first that fails.
fn execute(
    database: &Connection,
    script: &str,
    printer: &Printer,
    output: &mut String,
) -> Result<(), String> {
    let mut batch = Batch::new(database, script);
    loop {
        match batch.next() {
            Ok(None) => return Ok(()),
            Ok(Some(mut statement)) => printer
                .print(&mut statement, output)
                .map_err(|error| format!("Runtime error: {}\n", said(&error)))?,
            Err(error) => return Err(format!("Parse error: {}\n", said(&error))),
        }
    }
}

/// What the engine says, without what the library adds.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(message)) => {
            // Constraints are told with their code.
            if code.code == rusqlite::ErrorCode::ConstraintViolation {
                format!("{message} (19)")
            } else {
                message.clone()
            }
        }
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// How rows are printed.
struct Printer {
    mode: Mode,
    header: bool,
    separator: String,
}

impl Printer {
    fn print(&self, statement: &mut Statement<'_>, output: &mut String) -> rusqlite::Result<()> {
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.raw_query();
        let mut first = true;
        while let Some(row) = rows.next()? {
            let values = (0..names.len())
                .map(|column| row.get_ref(column))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            match self.mode {
                Mode::Json => {
                    output.push_str(if first { "[" } else { ",\n" });
                    output.push_str(&object(&names, &values));
                }
                Mode::List => {
                    if first && self.header {
                        output.push_str(&names.join(&self.separator));
                        output.push('\n');
                    }
                    let texts: Vec<String> = values.iter().map(text).collect();
                    output.push_str(&texts.join(&self.separator));
                    output.push('\n');
                }
            }
            first = false;
        }
        if self.mode == Mode::Json && !first {
            output.push_str("]\n");
        }
        Ok(())
    }
}

fn object(names: &[String], values: &[ValueRef<'_>]) -> String {
    let map: serde_json::Map<String, serde_json::Value> = names
        .iter()
        .zip(values)
        .map(|(name, value)| {
            let value = match value {
                ValueRef::Null => serde_json::Value::Null,
                ValueRef::Integer(number) => (*number).into(),
                ValueRef::Real(number) => (*number).into(),
                other => text(other).into(),
            };
            (name.clone(), value)
        })
        .collect();
    serde_json::Value::Object(map).to_string()
}

fn text(value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}
