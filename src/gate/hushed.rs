//! A terminal that says again only to whoever wants to hear all: what a playbook
//! logs while it comes back to where it was.

use opsh_operation::Fault;
use tracing::Level;

use crate::modules::Terminal;
use crate::world::Cancel;

/// Makes every message a detail.
pub struct Hushed<'a>(pub &'a dyn Terminal);

impl Terminal for Hushed<'_> {
    fn interactive(&self) -> bool {
        self.0.interactive()
    }

    fn consents(&self) -> bool {
        self.0.consents()
    }

    fn ask(&self, question: &str, secret: bool, cancel: &Cancel) -> Result<String, Fault> {
        self.0.ask(question, secret, cancel)
    }

    fn print(&self, text: &str) {
        self.0.print(text);
    }

    fn log(&self, _: Level, message: &str) {
        self.0.log(Level::DEBUG, message);
    }

    fn width(&self) -> u16 {
        self.0.width()
    }
}
