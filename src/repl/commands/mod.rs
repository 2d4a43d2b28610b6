//! The shell's own commands: each is declared once, in [`COMMANDS`].

mod place;
mod run;
mod undo;
mod written;

use opsh_operation::suggest::closest;

use super::help;
use super::save;
use super::session::{Session, Told};
use crate::script::error::{Class, ScriptError};

/// One command.
pub struct Command {
    /// What is typed, with its colon.
    pub name: &'static str,
    /// What else it is called.
    pub aliases: &'static [&'static str],
    /// What may come behind it.
    pub takes: Takes,
    /// What it does.
    pub doc: &'static str,
    /// Does it with what came behind its name.
    act: fn(&mut Session, &str) -> Result<Told, ScriptError>,
}

/// What comes behind a command's name.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// One of these, or nothing.
    Choice(&'static [&'static str]),
    /// A stack, or nothing.
    Stack,
    /// The name of what can be called, or nothing.
    Name,
    /// What this says.
    Words(&'static str),
}

impl Takes {
    /// Whether nothing comes behind the name.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn shown(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Choice(choices) => format!(" [{}]", choices.join("|")),
            Self::Stack => " [STACK]".to_owned(),
            Self::Name => " [NAME]".to_owned(),
            Self::Words(words) => format!(" {words}"),
        }
    }
}

/// All commands.
pub static COMMANDS: &[Command] = &[
    Command {
        name: ":help",
        aliases: &[":h", ":?", "help"],
        takes: Takes::Name,
        doc: "This list; with a name what ?NAME says",
        act: |session, name| match name {
            "" => Ok(Told::Text(list())),
            name => help::answer(session, name).map(Told::Text),
        },
    },
    Command {
        name: ":plan",
        aliases: &[],
        takes: Takes::Nothing,
        doc: "What this session has written, and whether it can be undone",
        act: |session, _| written::show(session),
    },
    Command {
        name: ":undo",
        aliases: &[],
        takes: Takes::Choice(&["all"]),
        doc: "Undo the last write of this session, or all of them",
        act: undo::undo,
    },
    Command {
        name: ":stack",
        aliases: &[],
        takes: Takes::Stack,
        doc: "What the stack has; with a name, work on that one",
        act: place::stack,
    },
    Command {
        name: ":mode",
        aliases: &[],
        takes: Takes::Choice(&["local", "live", "dry-run"]),
        doc: "Where things land, or land from now on",
        act: place::mode,
    },
    Command {
        name: ":region",
        aliases: &[],
        takes: Takes::Words("[REGION]"),
        doc: "The region, or another one from now on",
        act: place::region,
    },
    Command {
        name: ":profile",
        aliases: &[],
        takes: Takes::Words("[PROFILE]"),
        doc: "The profile of the AWS configuration, or another one from now on",
        act: place::profile,
    },
    Command {
        name: ":time",
        aliases: &[],
        takes: Takes::Choice(&["on", "off"]),
        doc: "Say how long each input takes",
        act: time,
    },
    Command {
        name: ":save",
        aliases: &[],
        takes: Takes::Words("FILE"),
        doc: "Write the session as a playbook, its literals as parameters, its plan beside it",
        act: save::save,
    },
    Command {
        name: ":run",
        aliases: &[],
        takes: Takes::Nothing,
        doc: "Run the playbook that the shell was started with",
        act: run::run,
    },
    Command {
        name: ":quit",
        aliases: &[":q", ":exit", "quit", "exit"],
        takes: Takes::Nothing,
        doc: "End the shell (Ctrl-D)",
        act: |_, _| Ok(Told::End),
    },
];

/// A command that is being typed, from its colon on; nothing if `input` is none.
#[must_use]
pub fn typed(input: &str) -> Option<&str> {
    let input = input.trim_start();
    input.starts_with(':').then_some(input)
}

/// Whether `input` is a command's name without its colon, as other shells take it.
#[must_use]
pub fn is_word(input: &str) -> bool {
    typed(input).is_none() && find(input.trim()).is_some()
}

/// The command of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .find(|command| command.name == name || command.aliases.contains(&name))
}

/// Does what `input` says.
///
/// # Errors
/// There is no such command; the command's own.
pub fn act(session: &mut Session, input: &str) -> Result<Told, ScriptError> {
    let (name, argument) = input
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((input.trim(), ""));
    match find(name) {
        Some(command) => (command.act)(session, argument.trim()),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> ScriptError {
    let near = closest(name, COMMANDS.iter().map(|command| command.name));
    let tail = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    refused(format!("there is no command {name}{tail}")).hint(":help lists the commands")
}

/// A command that was not understood.
fn refused(message: impl Into<String>) -> ScriptError {
    ScriptError::plain(Class::Start, message)
}

fn time(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    session.times = match argument {
        "on" => true,
        "off" => false,
        "" => !session.times,
        other => return Err(refused(format!(":time is on or off, not '{other}'"))),
    };
    let state = if session.times { "is" } else { "is no longer" };
    Ok(Told::Text(format!("the time of each input {state} said")))
}

fn list() -> String {
    let left: Vec<String> = COMMANDS
        .iter()
        .map(|command| format!("{}{}", command.name, command.takes.shown()))
        .collect();
    let width = left.iter().map(String::len).max().unwrap_or_default();
    let mut lines: Vec<String> = left
        .iter()
        .zip(COMMANDS)
        .map(|(left, command)| format!("{left:width$}  {}", command.doc))
        .collect();
    lines.push(format!(
        "{:width$}  What something is and takes, e.g. ?ec2::run_instances; also help(\"…\")",
        "?NAME"
    ));
    lines.push(format!(
        "{:width$}  What has to do with some words, e.g. ?launch instance",
        "?WORDS"
    ));
    lines.push(String::new());
    lines.push(
        "Everything else is Rhai: ec2::describe_vpcs(#{}), let x = 5, fn f(n) { n + 1 }.\n\
         _ is the last result. Tab completes: names, parameters, values, ids that are there."
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart() {
        let mut names: Vec<_> = COMMANDS
            .iter()
            .flat_map(|command| command.aliases.iter().chain([&command.name]))
            .collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(COMMANDS.iter().all(|command| command.name.starts_with(':')));
    }

    #[test]
    fn a_near_name_is_suggested() {
        let error = unknown(":pln");
        assert_eq!(
            error.summary(),
            "there is no command :pln; did you mean :plan?"
        );
    }
}
