//! `opsh ls [STACK]`: stacks, or what one has.

use std::process::ExitCode;

use clap::Args;

use super::records::{Found, Which, held};

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
    match &arguments.stack {
        None => arguments
            .which
            .show("there are no stacks", |ledger, at_work| {
                let stacks = ledger.stacks()?;
                let rows: Vec<_> = stacks
                    .iter()
                    .map(|stack| {
                        vec![
                            stack.name.clone(),
                            stack.resources.to_string(),
                            stack
                                .last
                                .started
                                .strftime("%Y-%m-%d %H:%M:%SZ")
                                .to_string(),
                            at_work.outcome(ledger, &stack.last),
                        ]
                    })
                    .collect();
                Ok(Found {
                    json: stacks
                        .iter()
                        .map(|stack| {
                            let mut json = stack.to_json();
                            json["last_run"] =
                                at_work.tell(ledger, &stack.last, stack.last.to_json());
                            json
                        })
                        .collect(),
                    text: held(&["stack", "resources", "last run", "outcome"], &rows),
                })
            }),
        Some(stack) => arguments.which.show(
            &format!("the stack '{stack}' has no resources"),
            |ledger, _| {
                let resources = ledger.resources(stack)?;
                let rows: Vec<_> = resources
                    .iter()
                    .map(|resource| {
                        vec![
                            resource.kind.clone(),
                            resource.id.clone(),
                            resource.name.clone().unwrap_or_default(),
                            resource.made.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                            resource.run.to_string(),
                        ]
                    })
                    .collect();
                Ok(Found {
                    json: resources
                        .iter()
                        .map(crate::ledger::Resource::to_json)
                        .collect(),
                    text: held(&["kind", "id", "name", "made", "run"], &rows),
                })
            },
        ),
    }
}
