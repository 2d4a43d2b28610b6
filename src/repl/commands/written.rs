//! `:plan`: what the session has written, and what would become of it.

use crate::cli::records::table;
use crate::cli::start;
use crate::gate::undo::plan::{Fate, Item, Plan};
use crate::ledger::Secrets;
use crate::repl::session::{Session, Told};
use crate::script::error::{Class, ScriptError};

/// Shows it.
pub fn show(session: &mut Session) -> Result<Told, ScriptError> {
    let Some(plan) = plan(session)?.filter(|plan| !plan.items.is_empty()) else {
        return Ok(Told::Text("this session has written nothing".to_owned()));
    };
    let rows: Vec<Vec<String>> = plan
        .items
        .iter()
        .rev()
        .map(|item| vec![item.step.operation.clone(), about(item), fate(&item.fate)])
        .collect();
    Ok(Told::Text(table(
        &["operation", "what", "undone by"],
        &rows,
    )))
}

/// What this session has written, and what an undo would do with it; nothing if it has
/// not begun.
pub fn plan(session: &Session) -> Result<Option<Plan>, ScriptError> {
    let gate = session.gate();
    if gate.journal.run().is_none() {
        return Ok(None);
    }
    let plan = gate.journal.with_ledger(|ledger, run| {
        let run = ledger.run(run.as_str(), Secrets::Hidden)?;
        Plan::of(ledger, run)
    });
    plan.map(Some)
        .map_err(|fault| start::stopped(&fault, Class::Failed))
}

/// What a write was about.
pub fn about(item: &Item) -> String {
    crate::cli::undo::what(item, &str::to_owned)
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Undo { calls, .. } => calls
            .first()
            .map_or_else(String::new, |call| call.operation.clone()),
        Fate::InFlight => "was in flight: looked for first".to_owned(),
        Fate::Over(why) => why.clone(),
        Fate::Nothing(why) => format!("not needed: {why}"),
        Fate::Impossible(why) | Fate::Unknown(why) => format!("not possible: {why}"),
    }
}
