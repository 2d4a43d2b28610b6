//! `opsh doc`: what there is, what it takes and gives, and how it is called.

mod example;
mod paint;
pub mod stage;
mod write;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use opsh_operation::suggest::{closest, did_you_mean};

use super::console::Output;
use super::{pager, say};
use crate::script::error::{Class, ScriptError};
use crate::script::run::Playbook;
use crate::script::source::Sources;
use crate::surface::page::{Block, Page};
use crate::surface::playbook::Described;
use crate::surface::search::search;
use crate::surface::{self, Callable, Origin, describe, json, language};

/// Show what modules, operations, functions and playbooks do, take and give.
///
/// `opsh doc` lists the modules; `opsh doc ec2` what is in one; `opsh doc ec2::run_instances`
/// all about an operation, its example and what that gives on the embedded cloud;
/// `opsh doc ec2::run_instances.placement` what is in a parameter; `opsh doc P.rhai` what a
/// playbook takes and what it can reach.
#[derive(Args)]
pub struct Arguments {
    /// A module, a function, a field of its parameters or result, or a playbook's file
    name: Option<String>,
    /// List what has to do with these words, the likeliest first
    #[arg(long, value_name = "WORDS", conflicts_with = "name")]
    search: Option<String>,
    /// Show what is in maps down to this depth
    #[arg(long, value_name = "N", default_value_t = 0)]
    depth: usize,
    /// In which form the answer comes
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Write definitions for editors with the Rhai language server into this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "search"])]
    definitions: Option<PathBuf>,
    /// Write the whole reference as a book, sources of mdBook, into this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "search"])]
    book: Option<PathBuf>,
    /// Write the manual pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "search"])]
    man: Option<PathBuf>,
}

/// Shows what is asked for.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let wanted = [
        arguments.definitions.as_deref().map(write::definitions),
        arguments.book.as_deref().map(write::book),
        arguments.man.as_deref().map(write::man),
    ];
    let mut written = wanted.into_iter().flatten().peekable();
    if written.peek().is_some() {
        for outcome in written {
            match outcome {
                Ok(told) => say::out(told),
                Err(why) => {
                    let error = ScriptError::plain(Class::Failed, why);
                    return say::error(&error, arguments.output, &Sources::default());
                }
            }
        }
        return ExitCode::SUCCESS;
    }
    match answer(arguments) {
        Ok(answer) => {
            match arguments.output {
                Output::Human => pager::show(&paint::page(&answer.page)),
                Output::Json => say::out(answer.json),
            }
            ExitCode::SUCCESS
        }
        Err(error) => say::error(&error, arguments.output, &Sources::default()),
    }
}

/// The same for people and for programs.
struct Answer {
    page: Page,
    json: serde_json::Value,
}

fn answer(arguments: &Arguments) -> Result<Answer, ScriptError> {
    if let Some(words) = &arguments.search {
        return searched(words);
    }
    match arguments.name.as_deref() {
        None => Ok(all()),
        Some(name) if is_file(name) => playbook(name),
        Some(name) => named(name, arguments.depth),
    }
}

/// Whether a name means a playbook's file.
fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    name.contains('/') || path.extension().is_some_and(|ending| ending == "rhai")
}

fn all() -> Answer {
    let mut page = describe::index();
    page.text("`opsh doc MODULE` shows what is in one, `opsh doc --search WORDS` finds things.");
    let modules: Vec<_> = surface::modules()
        .map(|module| {
            serde_json::json!({
                "module": module.name,
                "origin": match module.origin {
                    Origin::Registry => "registry",
                    Origin::Library => "library",
                    Origin::Builtin => "builtin",
                },
                "summary": module.doc.summary,
            })
        })
        .collect();
    Answer {
        page,
        json: modules.into(),
    }
}

fn searched(words: &str) -> Result<Answer, ScriptError> {
    let found = search(words);
    if found.is_empty() {
        return Err(
            ScriptError::plain(Class::Start, format!("nothing has to do with '{words}'"))
                .hint("try fewer words, or `opsh doc` for all modules"),
        );
    }
    let mut page = Page::default();
    let names = found.iter().take(MOST).map(|callable| {
        let summary = callable.doc.summary.to_string();
        (callable.full_name(), summary)
    });
    page.add(Block::Names(names.collect()));
    if found.len() > MOST {
        page.text(&format!("… and {} more", found.len() - MOST));
    }
    let json: Vec<_> = found
        .iter()
        .map(|callable| {
            serde_json::json!({ "name": callable.full_name(), "summary": callable.doc.summary })
        })
        .collect();
    Ok(Answer {
        page,
        json: json.into(),
    })
}

/// So many finds are shown to people.
const MOST: usize = 30;

fn playbook(name: &str) -> Result<Answer, ScriptError> {
    let playbook = Playbook::load(Path::new(name), &Sources::default())?;
    let text = std::fs::read_to_string(name).map_err(|error| {
        let why = crate::script::run::plain_io(&error);
        ScriptError::plain(Class::Start, format!("cannot read '{name}': {why}"))
    })?;
    let described = Described::of(&playbook, &text);
    Ok(Answer {
        page: described.page(),
        json: described.json(),
    })
}

/// The page about `name` as a text for standard output.
///
/// # Errors
/// There is nothing of that name.
pub fn about(name: &str) -> Result<String, ScriptError> {
    named(name, 0).map(|answer| paint::page(&answer.page).trim_end().to_owned())
}

/// What has to do with `words`, as a text for standard output; nothing if nothing has.
#[must_use]
pub fn found(words: &str) -> Option<String> {
    let answer = searched(words).ok()?;
    Some(paint::page(&answer.page).trim_end().to_owned())
}

fn named(name: &str, depth: usize) -> Result<Answer, ScriptError> {
    if name == describe::ERRORS {
        let kinds = opsh_operation::FaultKind::ALL
            .map(|kind| serde_json::json!({ "kind": kind.word(), "doc": kind.meaning() }));
        return Ok(Answer {
            page: describe::errors(),
            json: kinds.to_vec().into(),
        });
    }
    if name == language::MODULE {
        let all: Vec<_> = language::functions().iter().map(json::callable).collect();
        return Ok(Answer {
            page: describe::of_language(),
            json: all.into(),
        });
    }
    if let Some(module) = surface::module(name) {
        return Ok(Answer {
            page: describe::module(module),
            json: json::module(module),
        });
    }
    let (called, field) = name.split_once('.').unwrap_or((name, ""));
    let found = of_name(called);
    let Some(first) = found.first() else {
        return Err(unknown(called));
    };
    if !field.is_empty() {
        let page = describe::field(first, field, depth).map_err(|(missing, known)| {
            let tail = did_you_mean(&missing, known);
            let message = format!("{called} has no parameter or result '{missing}'{tail}");
            ScriptError::plain(Class::Start, message)
        })?;
        let mut json = json::callable(first);
        json["field"] = field.into();
        return Ok(Answer { page, json });
    }
    let mut page = Page::default();
    let mut all = Vec::new();
    for callable in found {
        page.blocks
            .extend(describe::callable(callable, depth).blocks);
        let mut json = json::callable(callable);
        if let Some(shown) = example::run(callable) {
            shown.add_to(&mut page);
            json["output"] = shown.json();
        }
        all.push(json);
    }
    let json = if all.len() == 1 {
        all.remove(0)
    } else {
        all.into()
    };
    Ok(Answer { page, json })
}

/// What is called so: overloads are several.
fn of_name(name: &str) -> Vec<&'static Callable> {
    if let Some((module, name)) = name.split_once("::") {
        let all = surface::module(module).map(|module| module.all(name));
        return all.into_iter().flatten().collect();
    }
    let own = surface::unqualified().filter(|callable| callable.name == name);
    let rhais = language::functions()
        .iter()
        .filter(|callable| callable.name == name);
    let own: Vec<&Callable> = own.collect();
    if own.is_empty() { rhais.collect() } else { own }
}

fn unknown(name: &str) -> ScriptError {
    let (what, near) = if let Some((module, function)) = name.split_once("::") {
        in_module(module, function)
    } else {
        (format!("there is nothing called '{name}'"), elsewhere(name))
    };
    let tail = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    ScriptError::plain(Class::Start, format!("{what}{tail}"))
        .hint("`opsh doc` lists the modules, `opsh doc --search WORDS` finds things")
}

/// What is wrong with `module::function`, and what it may mean.
fn in_module(module: &str, function: &str) -> (String, Option<String>) {
    if let Some(found) = surface::module(module) {
        let near = closest(function, found.names());
        return (
            format!("{module} has no '{function}'"),
            near.map(|near| format!("{module}::{near}")),
        );
    }
    let names = surface::modules().map(|module| &*module.name);
    let near = closest(module, names).map(|near| {
        let there = format!("{near}::{function}");
        surface::find(&there).map_or_else(|| near.to_owned(), |_| there)
    });
    (format!("there is no module '{module}'"), near)
}

/// What a name without its module may mean: the same name in a module before what is near.
fn elsewhere(name: &str) -> Option<String> {
    let mut callables = surface::modules().flat_map(|module| &module.callables);
    if let Some(same) = callables.find(|callable| callable.name == name) {
        return Some(same.full_name());
    }
    let modules = surface::modules().map(|module| &*module.name);
    if let Some(near) = closest(name, modules) {
        return Some(near.to_owned());
    }
    let callables = || surface::modules().flat_map(|module| &module.callables);
    let near = closest(name, callables().map(|callable| &*callable.name))?;
    let meant = callables().find(|callable| callable.name == near);
    meant.map(Callable::full_name)
}
