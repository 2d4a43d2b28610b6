//! Whether somebody has agreed that writes are sent.
//!
//! Running a playbook is an agreement; what is typed into a shell by and by is not:
//! there the first write on the real AWS is asked about, once.

use std::sync::{Mutex, PoisonError};

use opsh_operation::{Fault, FaultKind, Operation};

use crate::modules::Terminal;
use crate::world::Cancel;

/// An agreement to write, given or still to be asked for.
#[derive(Debug, Default)]
pub struct Consent(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Given,
    /// To be asked for; says where writes would land.
    Missing(String),
}

impl Consent {
    /// Still to be asked for, before the first write; `place` says where it would land.
    #[must_use]
    pub fn missing(place: impl Into<String>) -> Self {
        Self(Mutex::new(State::Missing(place.into())))
    }

    /// Lets a write pass, or asks once for all that follow.
    ///
    /// # Errors
    /// It was refused, or there is nobody to ask; the cancellation's.
    pub fn check(
        &self,
        operation: &Operation,
        terminal: &dyn Terminal,
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        // Held while the question stands: other branches wait for the answer.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Missing(place) = &*state else {
            return Ok(());
        };
        if terminal.consents() {
            *state = State::Given;
            return Ok(());
        }
        if !terminal.interactive() {
            return Err(Fault::new(
                FaultKind::Policy,
                format!("nobody can be asked whether to write {place}: this is no terminal"),
            )
            .hint("add --yes to write without a question"));
        }
        let name = operation.full_name();
        let question = format!("{name} writes {place}. Let this session write there?");
        if terminal.agrees(&question, cancel)? {
            *state = State::Given;
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Policy,
            format!("the write {place} was not agreed to"),
        )
        .hint("--dry-run and --local write nothing there"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::modules::registry::registry;
    use crate::modules::testing::TestTerminal;

    fn ask(consent: &Consent, terminal: &TestTerminal) -> Result<(), String> {
        let operation = registry().get("sns::create_topic").unwrap().operation;
        consent
            .check(operation, terminal, &Cancel::new(None))
            .map_err(|fault| fault.message)
    }

    #[test]
    fn a_missing_consent_is_asked_for_until_it_is_given() {
        let terminal = TestTerminal::answering(&["", "Yes"]);
        let consent = Consent::missing("on AWS");
        assert_eq!(
            ask(&consent, &terminal),
            Err("the write on AWS was not agreed to".to_owned())
        );
        assert_eq!(ask(&consent, &terminal), Ok(()));
        assert_eq!(ask(&consent, &terminal), Ok(()));
        let question =
            "sns::create_topic writes on AWS. Let this session write there? [y/N] ".to_owned();
        assert_eq!(
            *terminal.asked.lock().unwrap(),
            [question.clone(), question]
        );
    }

    #[test]
    fn where_nobody_can_be_asked_nothing_is_written() {
        let terminal = TestTerminal::default();
        assert_eq!(
            ask(&Consent::missing("on AWS"), &terminal),
            Err("nobody can be asked whether to write on AWS: this is no terminal".to_owned())
        );
        assert_eq!(ask(&Consent::default(), &terminal), Ok(()));
    }
}
