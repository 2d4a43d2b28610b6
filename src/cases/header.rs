//! A table of cases in the comment at the head of a playbook.
//!
//! Its columns are the options of `test(name, options)`; a row is a case.

/// The word over the column of the names.
const CASE: &str = "case";

/// The table as it is written.
pub struct Table {
    /// What stands over the columns behind the first one.
    pub options: Vec<Cell>,
    /// The cases.
    pub rows: Vec<Row>,
}

/// One case.
pub struct Row {
    /// Its line, from 1.
    pub line: usize,
    /// What it is called.
    pub name: Cell,
    /// Its options, as many as there are columns at most; some are empty.
    pub cells: Vec<Cell>,
}

/// What stands between two bars.
pub struct Cell {
    /// Where it begins in its line, from 1.
    pub column: usize,
    /// Without the space around it.
    pub text: String,
}

/// The lines of the comment at the head of a playbook, with their numbers from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .skip_while(|(_, line)| line.trim().is_empty() || line.starts_with("#!"))
        .take_while(|(_, line)| line.starts_with("//"))
}

/// The first table of cases in the comment at the head of `text`, if there is one.
#[must_use]
pub fn table(text: &str) -> Option<Table> {
    let mut rows = lines(text)
        .map(|(line, text)| (line, cells(text)))
        .skip_while(|(_, cells)| !is_head(cells.as_deref()))
        .map_while(|(line, cells)| Some((line, cells?)));
    let (_, mut options) = rows.next()?;
    options.remove(0);
    let rows = rows.filter(|(_, cells)| !cells.iter().all(is_rule));
    let rows = rows.map(|(line, mut cells)| Row {
        line,
        name: cells.remove(0),
        cells,
    });
    Some(Table {
        options,
        rows: rows.collect(),
    })
}

/// Whether a line of a header belongs to a table of whatever kind.
#[must_use]
pub fn is_row(line: &str) -> bool {
    cells(line).is_some()
}

fn is_head(cells: Option<&[Cell]>) -> bool {
    cells.is_some_and(|cells| cells[0].text.eq_ignore_ascii_case(CASE))
}

/// Whether a cell only draws the line below the head.
fn is_rule(cell: &Cell) -> bool {
    !cell.text.is_empty() && cell.text.chars().all(|letter| matches!(letter, '-' | ':'))
}

/// The cells of a line `// | … | … |`, at least one; nothing if it is no row.
fn cells(line: &str) -> Option<Vec<Cell>> {
    let inside = line.trim_start_matches(['/', '!']).trim_start();
    inside.strip_prefix('|')?;
    let mut column = line.chars().count() - inside.chars().count() + 1;
    let mut cells = Vec::new();
    for part in inside.split('|') {
        let before = part.chars().take_while(|letter| letter.is_whitespace());
        let said = part.trim();
        let code = code(said);
        cells.push(Cell {
            column: column + before.count() + usize::from(code.is_some()),
            text: code.unwrap_or(said).to_owned(),
        });
        column += part.chars().count() + 1;
    }
    // In front of the first bar is nothing, and behind the last one if the row is closed.
    cells.remove(0);
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.text.is_empty()) {
        cells.pop();
    }
    Some(cells)
}

/// What is in the marks of Markdown for code.
fn code(text: &str) -> Option<&str> {
    text.strip_prefix('`')?.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TEXT: &str = "#!/usr/bin/env opsh\n\
        //! Makes queues.\n\
        //!\n\
        //! | Case | params  | `check` |\n\
        //! | ---- | :-----: | ------- |\n\
        //! | one  | count=1 | `a == 1` |\n\
        //! | zwei für |     |\n\
        //!\n\
        //! More.\n\
        let a = 1;\n";

    #[test]
    fn a_table_is_read_with_the_places_of_its_cells() {
        let table = table(TEXT).unwrap();
        let options: Vec<_> = table.options.iter().map(|cell| &cell.text).collect();
        assert_eq!(options, ["params", "check"]);
        let row = &table.rows[0];
        assert_eq!((row.line, row.name.text.as_str()), (6, "one"));
        let cells = row.cells.iter().map(|cell| (cell.column, &*cell.text));
        assert_eq!(cells.collect::<Vec<_>>(), [(14, "count=1"), (25, "a == 1")]);
        assert_eq!(table.rows[1].name.text, "zwei für");
        assert_eq!(table.rows.len(), 2);
    }

    #[test]
    fn other_tables_and_other_comments_declare_nothing() {
        assert!(table("// | name | what |\nlet a = 1;\n").is_none());
        assert!(table("let a = 1;\n// | case |\n").is_none());
        assert!(table("// A case | or two\n").is_none());
    }
}
