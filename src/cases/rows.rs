//! The rows of a table of cases, read as the options of `test` are.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use opsh_operation::{Map, Shape, Value};
use rhai::{AST, Engine, FnPtr, NativeCallContext};

use super::declaration::{self, CHECK};
use super::header::{Cell, Row, Table};
use super::options::{self, Functions, Said};
use crate::script::engine;
use crate::script::error::{Class, ScriptError};
use crate::service::Handler;

/// What hands a function of a row over; no cell can name it, it is registered for one run.
const HANDS: &str = "opsh_case_hands";

/// The functions of all rows, by the number of the row.
#[derive(Default)]
pub(super) struct Handed(Mutex<Vec<(usize, &'static str, Handler)>>);

/// A program that hands the functions of the table's rows over, each cell at its own place
/// in the text `source`.
///
/// # Errors
/// A cell is no Rhai.
pub(super) fn program(source: &str, table: &Table) -> Result<AST, ScriptError> {
    let mut program = AST::empty();
    for (number, row) in table.rows.iter().enumerate() {
        for (option, shape, cell) in given(table, row) {
            if matches!(shape, Some(Shape::Function)) {
                let text = text(number, row.line, option, cell);
                let ast = engine::bare()
                    .compile(text)
                    .map_err(|error| ScriptError::parse(source, &error))?;
                program.combine(ast);
            }
        }
    }
    program.set_source(source);
    Ok(program)
}

/// The program of one cell: what begins its function stands on the line above it.
fn text(number: usize, line: usize, option: &str, cell: &Cell) -> String {
    let takes = if option == CHECK { "|outcome|" } else { "||" };
    let mut text = "\n".repeat(line.saturating_sub(2));
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "import \"given\" as given; let of = {takes}\n{}{} ; {HANDS}({number}, {option:?}, of);",
        " ".repeat(cell.column - 1),
        cell.text
    );
    text
}

impl Handed {
    /// Gives `engine` what hands a function over.
    pub fn bind(self: &Arc<Self>, engine: &mut Engine) {
        let handed = Arc::clone(self);
        let hand = move |context: NativeCallContext, number: i64, option: &str, of: FnPtr| {
            let known = declaration::options().find(|(known, _)| *known == option);
            if let (Some((option, _)), Ok(number)) = (known, usize::try_from(number)) {
                let function = Handler::new(&context, &of);
                let mut all = handed.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.push((number, option, function));
            }
        };
        engine.register_fn(HANDS, hand);
    }

    /// Those of one row.
    fn of(&self, number: usize) -> Functions {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.iter().filter(|(of, ..)| *of == number);
        own.map(|(_, option, function)| (*option, function.clone()))
            .collect()
    }
}

/// Reads one row; files are named from `folder` on.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn read(
    table: &Table,
    number: usize,
    handed: &Handed,
    folder: &Path,
) -> Result<Said, String> {
    let row = &table.rows[number];
    if row.cells.len() > table.options.len() {
        let (cells, columns) = (row.cells.len() + 1, table.options.len() + 1);
        return Err(format!("it has {cells} cells in a table of {columns}"));
    }
    let mut options = Map::new();
    for (option, shape, cell) in given(table, row) {
        if !matches!(shape, Some(Shape::Function)) {
            options.insert(option.to_owned(), value(option, shape, &cell.text)?);
        }
    }
    options::read(&row.name.text, handed.of(number), options, folder)
}

/// The options that are said in a row.
fn given<'a>(
    table: &'a Table,
    row: &'a Row,
) -> impl Iterator<Item = (&'a str, Option<Shape>, &'a Cell)> {
    let columns = table.options.iter().map(|option| option.text.as_str());
    let said = columns
        .zip(&row.cells)
        .filter(|(_, cell)| !cell.text.is_empty());
    said.map(|(option, cell)| {
        let known = declaration::options().find(|(known, _)| *known == option);
        (option, known.map(|(_, shape)| shape), cell)
    })
}

/// What a cell says, as people write it on a command line: lists with `;` in between, maps
/// as words `name=value`.
fn value(option: &str, shape: Option<Shape>, text: &str) -> Result<Value, String> {
    match shape {
        Some(Shape::List(_)) => {
            let items = text.split(';').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            Ok(Value::List(items.map(Value::from).collect()))
        }
        Some(Shape::MapOf(_)) => {
            let words = shlex::split(text)
                .ok_or_else(|| format!("'{option}': a quotation mark is not closed"))?;
            let pairs = words.iter().map(|word| {
                let (name, value) = word.split_once('=').ok_or_else(|| {
                    format!("'{option}' must be words such as name=value, not '{word}'")
                })?;
                Ok((name.to_owned(), value.into()))
            });
            Ok(Value::Map(pairs.collect::<Result<Map, String>>()?))
        }
        Some(Shape::Int { .. }) => Ok(text
            .parse::<i64>()
            .map_or_else(|_| text.into(), Value::from)),
        _ => Ok(text.into()),
    }
}

/// That a playbook has cases in two places.
pub(super) fn in_both(playbook: &str, cases: &str) -> ScriptError {
    let why = format!("there are cases of {playbook} in its header and in {cases}");
    ScriptError::plain(Class::Start, why).hint("keep them in one place: they share their snapshots")
}
