//! A session with a person at a terminal.

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::assistant::Assistant;
use super::complete::Completion;
use super::history::History;
use super::session::{Session, Told};
use super::{complain, highlight, present, tell};

/// Reads, runs and shows until the person ends it.
pub fn talk(session: &mut Session) {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .build();
    let mut editor: Editor<Assistant, FileHistory> = match Editor::with_config(config) {
        Ok(editor) => editor,
        Err(error) => {
            return session
                .console()
                .err(&format!("error: no line editor: {error}"));
        }
    };
    let completion = Completion::new(session.memory(), session.listed());
    editor.set_helper(Some(Assistant::new(session.memory(), completion)));
    let history = History::load(&mut editor);
    loop {
        let prompt = format!("opsh {}> ", session.kind().word());
        if let Some(assistant) = editor.helper_mut() {
            assistant.prompt = prompt.len();
        }
        let styled = highlight::prompt(&prompt, session.is_live());
        let line = session.at_rest(|| editor.readline(&(prompt, styled)));
        match line {
            Ok(line) => {
                let goes_on = respond(session, &line);
                let redactor = &session.gate().redactor;
                if let Err(why) = history.keep(&mut editor, &line, redactor) {
                    session.console().err(&format!("warning: {why}"));
                }
                if !goes_on {
                    return;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return,
            Err(error) => {
                return session.console().err(&format!("error: {error}"));
            }
        }
    }
}

/// Does what one complete input says; false at the end.
fn respond(session: &mut Session, input: &str) -> bool {
    match session.tell(input) {
        Ok(Told::End) => return false,
        Ok(Told::Text(text)) => session.at_rest(|| tell(session.console(), &text)),
        Ok(Told::Value(value)) => session.at_rest(|| present(session.console(), &value)),
        Err(error) => complain(session, &error),
    }
    true
}
