//! The terminal of a case: nobody sits there, and what is said is kept.

use std::sync::{Mutex, PoisonError};

use opsh_operation::{Fault, FaultKind};
use tracing::Level;

use crate::modules::Terminal;
use crate::world::Cancel;

/// Everything that was said.
#[derive(Default)]
pub(super) struct Heard {
    printed: Mutex<Vec<String>>,
    logged: Mutex<Vec<(Level, String)>>,
}

impl Heard {
    /// What was printed, in order.
    pub fn printed(&self) -> Vec<String> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.clone()
    }

    /// What was logged, in order.
    pub fn logged(&self) -> Vec<(Level, String)> {
        let logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.clone()
    }
}

impl Terminal for Heard {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        true
    }

    fn ask(&self, question: &str, _: bool, _: &Cancel) -> Result<String, Fault> {
        let fault = Fault::new(
            FaultKind::Failed,
            format!("nobody can be asked: {question}"),
        );
        Err(fault.hint("give the answer among the case's 'params'"))
    }

    fn print(&self, text: &str) {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.push(text.to_owned());
    }

    fn log(&self, level: Level, message: &str) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.push((level, message.to_owned()));
    }

    fn progress(&self, _: &str, _: i64, _: &str) {}

    fn width(&self) -> u16 {
        80
    }
}
