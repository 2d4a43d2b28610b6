//! `opsh ls [STACK]`: stacks, or what one has.

use std::process::ExitCode;

use clap::Args;

use super::records::{Found, Which, table};

/// List stacks, or the resources of one.
#[derive(Args)]
pub struct Arguments {
    /// A stack
    stack: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Shows the list.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    match &arguments.stack {
        None => arguments.which.show("there are no stacks", |ledger| {
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
                        stack.last.outcome().to_owned(),
                    ]
                })
                .collect();
            Ok(Found {
                json: stacks.iter().map(crate::ledger::Stack::to_json).collect(),
                text: table(&["stack", "resources", "last run", "outcome"], &rows),
            })
        }),
        Some(stack) => {
            arguments
                .which
                .show(&format!("the stack '{stack}' has no resources"), |ledger| {
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
                        text: table(&["kind", "id", "name", "made", "run"], &rows),
                    })
                })
        }
    }
}
