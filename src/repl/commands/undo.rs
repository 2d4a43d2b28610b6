//! `:undo`: the last write of the session, or all of them, as `opsh undo` does it.

use super::{refused, written};
use crate::cli::records::table;
use crate::cli::start;
use crate::gate::event::Site;
use crate::gate::undo::{self, Outcome, flight, plan};
use crate::modules::Terminal as _;
use crate::repl::session::{Session, Told};
use crate::script::error::{Class, ScriptError};

/// Undoes, after a question on the real AWS.
pub fn undo(session: &mut Session, argument: &str) -> Result<Told, ScriptError> {
    let all = match argument {
        "" => false,
        "all" => true,
        other => {
            return Err(refused(format!(
                ":undo takes nothing or 'all', not '{other}'"
            )));
        }
    };
    let Some(mut plan) = written::plan(session)?.filter(plan::Plan::is_pending) else {
        return Ok(Told::Text(
            "nothing that this session wrote is left to undo".to_owned(),
        ));
    };
    plan.items.retain(|item| item.fate.is_pending());
    if !all {
        plan.items.truncate(1);
    }
    if !agreed(session, &plan)? {
        return Ok(Told::Text("nothing was undone".to_owned()));
    }
    let site = Site {
        source: ":undo".to_owned(),
        ..Site::default()
    };
    let kept: Vec<_> = plan.items.iter().map(|item| item.step.id).collect();
    let gate = session.apart(&format!("undo {}", plan.run.id))?;
    let ended = session.at_work(|| {
        gate.journal.begin(gate.world.as_ref())?;
        let mut plan = flight::settle(&gate, plan, &site)?;
        plan.items.retain(|item| kept.contains(&item.step.id));
        let ended = undo::carry_out(&gate, &plan, &site)?;
        let left = ended
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Left(_)));
        Session::conclude(&gate, left)?;
        Ok((plan, ended))
    });
    session.forget_ids();
    let failed =
        |failure: crate::gate::Failure| start::stopped(&failure.into_fault(), Class::Failed);
    let (plan, ended) = ended.map_err(failed)?;
    Ok(report(&plan, &ended))
}

fn agreed(session: &Session, plan: &plan::Plan) -> Result<bool, ScriptError> {
    let console = session.console();
    if !session.is_live() || console.consents() {
        return Ok(true);
    }
    let rows: Vec<Vec<String>> = plan
        .items
        .iter()
        .map(|item| vec![item.step.operation.clone(), written::about(item)])
        .collect();
    console.out(&table(&["operation", "what"], &rows));
    console
        .agrees("Undo this on the real AWS?", &session.gate().cancel)
        .map_err(|fault| start::stopped(&fault, Class::Failed))
}

fn report(plan: &plan::Plan, ended: &[(usize, Outcome)]) -> Told {
    let mut undone = Vec::new();
    let mut left = Vec::new();
    for (place, outcome) in ended {
        let item = &plan.items[*place];
        let line = format!("{} {}", item.step.operation, written::about(item));
        match outcome {
            Outcome::Undone { .. } => undone.push(format!("undone: {line}")),
            Outcome::Left(why) => left.push(format!("left: {line}: {why}")),
        }
    }
    undone.append(&mut left);
    if undone.is_empty() {
        undone.push("it was not done in the first place".to_owned());
    }
    Told::Text(undone.join("\n"))
}
