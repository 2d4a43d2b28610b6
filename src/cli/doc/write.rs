//! The reference as files: definitions for editors, a book, manual pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use crate::script::run::plain_io;
use crate::surface::{book as book_of, definitions as definitions_of};

/// Writes the definitions; says how many.
///
/// # Errors
/// The file that could not be written, and why.
pub fn definitions(folder: &Path) -> Result<String, String> {
    let files = definitions_of::files();
    all(folder, &files)?;
    Ok(format!(
        "{} definitions are in {}",
        files.len(),
        folder.display()
    ))
}

/// Writes the book; pages that are no more are removed.
///
/// # Errors
/// The file that could not be written, and why.
pub fn book(folder: &Path) -> Result<String, String> {
    let files = book_of::files(&help());
    let pages: BTreeSet<&str> = files
        .keys()
        .filter_map(|name| name.strip_prefix("src/"))
        .collect();
    for entry in std::fs::read_dir(folder.join("src")).into_iter().flatten() {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let page = name.to_string_lossy();
        if page.ends_with(".md") && !pages.contains(&*page) {
            std::fs::remove_file(entry.path())
                .map_err(|error| failed(&entry.path(), "removed", &error))?;
        }
    }
    all(folder, &files)?;
    Ok(format!("{} files are in {}", files.len(), folder.display()))
}

/// Writes a manual page for each command.
///
/// # Errors
/// The folder that could not be written to, and why.
pub fn man(folder: &Path) -> Result<String, String> {
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, "made", &error))?;
    clap_mangen::generate_to(crate::cli::Arguments::command(), folder)
        .map_err(|error| failed(folder, "written to", &error))?;
    Ok(format!("the manual pages are in {}", folder.display()))
}

fn all(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, "made", &error))?;
        }
        std::fs::write(&path, text).map_err(|error| failed(&path, "written", &error))?;
    }
    Ok(())
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> String {
    format!("{} cannot be {what}: {}", path.display(), plain_io(error))
}

/// The help of every command, as a page of the book.
#[must_use]
pub fn help() -> String {
    let mut out = "# Commands\n\n".to_owned();
    let mut command = crate::cli::Arguments::command()
        .term_width(100)
        .disable_version_flag(true);
    command.build();
    one(&mut out, &mut command, "opsh");
    out.trim_end().to_owned() + "\n"
}

fn one(out: &mut String, command: &mut clap::Command, name: &str) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    // Writing to a String cannot fail.
    let _ = write!(out, "## {name}\n\n```text\n{}\n```\n\n", text.trim_end());
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
        .map(|inner| inner.get_name().to_owned())
        .collect();
    for inner in names {
        if let Some(found) = command.find_subcommand_mut(&inner) {
            one(out, found, &format!("{name} {inner}"));
        }
    }
}
