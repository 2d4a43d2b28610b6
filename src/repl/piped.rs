//! A session that is read from a pipe or a file.

use super::session::{Session, Told};
use super::{complain, is_complete, present, tell};

/// Reads input after input; says whether any failed.
pub fn read(session: &mut Session) -> bool {
    let mut pending = String::new();
    let mut failed = false;
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        pending.push_str(&line);
        pending.push('\n');
        if is_complete(&pending) {
            let input = std::mem::take(&mut pending);
            if !take(session, &input, &mut failed) {
                return failed;
            }
        }
    }
    if !pending.trim().is_empty() {
        take(session, &pending, &mut failed);
    }
    failed
}

/// Runs one input; false at the end.
fn take(session: &mut Session, input: &str, failed: &mut bool) -> bool {
    match session.tell(input) {
        Ok(Told::End) => return false,
        Ok(Told::Text(text)) => tell(session.console(), &text),
        Ok(Told::Value(value)) => present(session.console(), &value),
        Err(error) => {
            complain(session, &error);
            *failed = true;
        }
    }
    true
}
