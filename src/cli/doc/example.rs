//! What an example gives: it is run on an embedded cloud of its own, the same every time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Value};
use serde_json::json;

use super::stage::Stage;
use crate::cli::show;
use crate::gate::event::{Event, Observer};
use crate::lock::lock;
use crate::modules::Terminal;
use crate::surface::Callable;
use crate::surface::page::{Block, Page};
use crate::world::Cancel;

/// Longer than any example takes; whoever reads does not wait for one that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many lines of a result are shown to people.
const LINES: usize = 16;

/// What was seen while an example ran.
#[derive(Default)]
pub struct Shown {
    printed: Vec<String>,
    /// What the operation gave that the example is about.
    gave: Option<Result<Value, Fault>>,
    /// The value of the example's last expression.
    value: Value,
}

/// Runs the example of `callable`, if it has one that can be run here.
#[must_use]
pub fn run(callable: &Callable) -> Option<Shown> {
    if callable.doc.example.is_empty() {
        return None;
    }
    let eye = Arc::new(Eye {
        name: callable.full_name(),
        ..Eye::default()
    });
    let (observer, terminal) = (Arc::clone(&eye), Arc::clone(&eye));
    let stage = Stage::new(observer, terminal, PATIENCE, Vec::new()).ok()?;
    // One that fails shows what it gave until then: some are about an error.
    let value = stage.run(&callable.doc.playbook(), BTreeMap::new());
    let printed = std::mem::take(&mut *lock(&eye.printed));
    let gave = lock(&eye.gave).take();
    Some(Shown {
        printed,
        gave,
        value: value.unwrap_or_default(),
    })
}

impl Shown {
    /// Puts it behind the example on `page`.
    pub fn add_to(&self, page: &mut Page) {
        if !self.printed.is_empty() {
            page.text("It prints:");
            page.add(Block::Code("text", self.printed.join("\n")));
        }
        match &self.gave {
            Some(Ok(Value::Null)) => {}
            Some(Ok(value)) => {
                page.text("The call gives:");
                page.add(Block::Code("text", cut(&show::result(value))));
            }
            Some(Err(fault)) => {
                page.text("The call fails:");
                let kind = fault.kind.word();
                page.add(Block::Code("text", format!("{kind}: {}", fault.message)));
            }
            None if self.value.is_null() => {}
            None => {
                page.text("It gives:");
                page.add(Block::Code("text", cut(&show::result(&self.value))));
            }
        }
    }

    /// The same for programs, whole.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        json!({
            "printed": self.printed,
            "result": match &self.gave {
                Some(Ok(value)) => value.to_json(),
                Some(Err(fault)) => fault.to_value().to_json(),
                None => self.value.to_json(),
            },
        })
    }
}

/// The first lines of a long text.
fn cut(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= LINES {
        return text.to_owned();
    }
    let more = lines.len() - LINES;
    format!("{}\n… and {more} more lines", lines[..LINES].join("\n"))
}

/// Sees what an example prints, and what its operation gives.
#[derive(Default)]
struct Eye {
    name: String,
    printed: Mutex<Vec<String>>,
    gave: Mutex<Option<Result<Value, Fault>>>,
}

impl Observer for Eye {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Finished(step) = event
            && step.operation.full_name() == self.name
        {
            let mut gave = lock(&self.gave);
            if gave.is_none() {
                *gave = Some(step.outcome.clone());
            }
        }
    }
}

impl Terminal for Eye {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        true
    }

    fn ask(&self, question: &str, _: bool, _: &Cancel) -> Result<String, Fault> {
        let message = format!("nobody can be asked: {question}");
        Err(Fault::new(FaultKind::Failed, message))
    }

    fn print(&self, text: &str) {
        lock(&self.printed).push(text.to_owned());
    }

    fn log(&self, _: tracing::Level, _: &str) {}

    fn width(&self) -> u16 {
        80
    }
}
