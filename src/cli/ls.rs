//! `opsh ls [STACK]`: stacks, or what one has.

use std::process::ExitCode;

use clap::Args;

use super::records::{self, AtWork, Found, Which};
use crate::ledger::{Error, Ledger, Resource};

/// List stacks, or the resources of one.
#[derive(Args)]
pub struct Arguments {
    /// A stack
    #[arg(value_parser = super::settings::stack)]
    stack: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Shows the list.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let which = &arguments.which;
    match &arguments.stack {
        None => which.show("there are no stacks", stacks),
        Some(stack) => {
            let nothing = format!("the stack '{stack}' has no resources");
            which.show(&nothing, |ledger, _| {
                let resources = ledger.resources(stack)?;
                Ok(Found {
                    json: resources.iter().map(Resource::to_json).collect(),
                    text: records::resources(&resources),
                })
            })
        }
    }
}

fn stacks(ledger: &mut Ledger, at_work: &mut AtWork) -> Result<Found, Error> {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for stack in ledger.stacks()? {
        rows.push(vec![
            stack.name.clone(),
            stack.resources.to_string(),
            records::moment(stack.last.started),
            at_work.outcome(ledger, &stack.last).to_owned(),
        ]);
        let mut object = stack.to_json();
        object["last_run"] = at_work.tell(ledger, &stack.last, stack.last.to_json());
        json.push(object);
    }
    Ok(Found {
        json,
        text: records::held(&["stack", "resources", "last run", "outcome"], &rows),
    })
}
