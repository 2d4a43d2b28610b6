//! The reference as a book: sources of mdBook, a page a module.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::page::{Block, Page};
use super::{Module, Origin, describe, modules};

const CONFIG: &str = "\
[book]
title = \"opsh: the reference\"
language = \"en\"
src = \"src\"

[output.html]
default-theme = \"light\"
preferred-dark-theme = \"navy\"
";

const NOTE: &str = "<!-- Written by `opsh doc --book`; do not edit. -->\n\n";

/// Every file by its path in the book's folder; `help` is the page about the command line.
#[must_use]
pub fn files(help: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([("book.toml".to_owned(), CONFIG.to_owned())]);
    let mut summary = format!("# Summary\n\n{NOTE}[What there is](index.md)\n\n");
    let mut page = |name: &str, text: &str| {
        files.insert(format!("src/{name}.md"), format!("{NOTE}{text}"));
        format!("- [{name}]({name}.md)\n")
    };
    let mut index = describe::index();
    let title = Block::Heading(1, "What there is".to_owned());
    index.blocks.insert(0, title);
    page("index", &index.markdown(0));
    for (title, origin) in [
        ("Modules", Origin::Registry),
        ("Standard library", Origin::Library),
        ("Everywhere", Origin::Builtin),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(summary, "# {title}\n");
        for module in modules().filter(|module| module.origin == origin) {
            summary.push_str(&page(&module.name, &of_module(module)));
        }
        if origin == Origin::Builtin {
            summary.push_str(&page("language", &describe::of_language().markdown(0)));
            summary.push_str(&page("errors", &describe::errors().markdown(0)));
            summary.push_str(&page("cli", help));
        }
        summary.push('\n');
    }
    files.insert(
        "src/SUMMARY.md".to_owned(),
        summary.trim_end().to_owned() + "\n",
    );
    files
}

/// The page of a module: every function, and each structure once at the end.
fn of_module(module: &Module) -> String {
    let mut page = describe::module(module);
    if !module.doc.setup.is_empty() {
        page.text("The examples below stand on this:");
        page.add(Block::Code("rhai", module.doc.setup.to_string()));
    }
    let mut text = page.markdown(0);
    let mut types = BTreeMap::new();
    for callable in &module.callables {
        let mut page = describe::callable(callable, 0);
        if module.origin == Origin::Library {
            short(&mut page, &callable.doc.example);
        }
        text.push('\n');
        text.push_str(&page.markdown(1));
        if let Some(operation) = callable.declared() {
            for field in operation.input.fields {
                describe::types(&field.shape, &mut types);
            }
            describe::types(&operation.output, &mut types);
        }
    }
    if !types.is_empty() {
        let mut page = Page::default();
        page.add(Block::Heading(1, "Types".to_owned()));
        for (name, mut lines) in types {
            // What they mean is a question to `opsh doc`: it would fill the book.
            for line in &mut lines {
                line.doc.clear();
                line.values = (Vec::new(), 0);
            }
            page.part(name, lines);
        }
        text.push('\n');
        text.push_str(&page.markdown(1));
    }
    text
}

/// The example without what all examples of the module stand on.
fn short(page: &mut Page, example: &str) {
    if let Some(Block::Code(_, text)) = page.blocks.last_mut() {
        example.clone_into(text);
    }
}
