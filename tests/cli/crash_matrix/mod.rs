//! Killed by SIGKILL at every point of a step's passage, and gone on with or undone.
//!
//! `OPSH_CRASH_MATRIX` says how much of it: `all` takes every step of both playbooks at
//! every point, on a cloud in the process and on one in another; `ci` every step of
//! `newwebserver` and a sample of the rest; without it a few cases of each are taken.
//! `OPSH_CRASH_SEED` draws another sample.

mod cases;
mod desk;
mod world;

use serde_json::Value;

use super::shipped;
use crate::support::opsh::Ended;
use cases::{Taken, cases, each, taken};
use desk::{Desk, Setting, Step, Undisturbed};
use world::{difference, world};

const NEWWEBSERVER: Setting = Setting {
    playbook: "newwebserver",
    served: false,
};
const FULLSTACK: Setting = Setting {
    playbook: "fullstack",
    served: false,
};

impl Setting {
    fn in_another_process(self) -> Self {
        Self {
            served: true,
            ..self
        }
    }
}

/// Killed at each case, it is gone on with, and nobody is asked anything: then there is
/// what an undisturbed run leaves, and nothing twice.
fn resumes(name: &str, setting: Setting, taken: Taken) {
    let Undisturbed {
        steps,
        world: expected,
        resources,
    } = setting.undisturbed();
    let same = |left: &[Step], right: &[Step]| {
        let names = |steps: &[Step]| -> Vec<_> {
            let name = |step: &Step| format!("{} {}", step.number, step.operation);
            steps.iter().map(name).collect()
        };
        assert_eq!(names(left), names(right), "the plan is not what is done");
    };
    same(&setting.plan(), &steps);
    each(name, cases(&steps, taken), |step, point| {
        let desk = setting.crashed(step, point);
        let mut resumed = desk.opsh(&["resume"], &["-q"]);
        if resumed.code == 2 && is_before_all(&resumed) {
            resumed = desk.run(&["-q"]);
        }
        if resumed.code != 0 {
            return vec![resumed.err];
        }
        let mut wrong = difference(&world(desk.user()), &expected);
        let made = desk.resources().len();
        if made != resources.len() {
            wrong.push(format!("{made} resources, not {}", resources.len()));
        }
        wrong
    });
}

/// Whether there was nothing to go on with or to undo: the run had died before it came
/// to its first write.
fn is_before_all(ended: &Ended) -> bool {
    [
        "nothing has been run",
        "there is nothing to resume",
        "has anything left to undo",
    ]
    .iter()
    .any(|what| ended.err.contains(what))
}

/// Killed at each case, it is undone: then there is nothing.
fn is_undone(name: &str, setting: Setting, taken: Taken) {
    let nothing = setting.desk().world_later();
    each(name, cases(&setting.plan(), taken), |step, point| {
        let desk = setting.crashed(step, point);
        let undone = desk.opsh(&["undo"], &["--yes", "-q"]);
        let mut wrong = Vec::new();
        if undone.code != 0 && !(undone.code == 2 && is_before_all(&undone)) {
            wrong.push(undone.err);
        }
        wrong.extend(desk.resources());
        wrong.extend(difference(&desk.world_later(), &nothing));
        wrong
    });
}

/// An undo of a whole run is killed at each case, and goes on.
fn its_undo_goes_on(name: &str, setting: Setting, taken: Taken) {
    let undone =
        |desk: &Desk, more: &[&str]| desk.opsh(&["undo", "--yes", "--output", "json"], more);
    let made = || {
        let desk = setting.desk();
        desk.run(&["-q"]).done();
        desk
    };
    let nothing = setting.desk().world_later();
    let whole = undone(&made(), &[]).done();
    each(name, cases(&desk::steps(&whole), taken), |step, point| {
        let desk = made();
        let crash = format!("crash {} {point}", step.number);
        let killed = undone(&desk, &["--fault", &crash]);
        if killed.code != -1 {
            return vec![format!("it was not killed: {}", killed.err)];
        }
        let again = undone(&desk, &[]);
        let mut wrong = Vec::new();
        let said = format!("{}{}", again.out, again.err);
        if again.code != 0 && !said.contains("left to undo") {
            wrong.push(said);
        }
        // What the first had recorded as done, the second does not do again.
        let before = done(&killed);
        for what in done(&again).iter().filter(|what| before.contains(what)) {
            wrong.push(format!("it did twice {what}"));
        }
        wrong.extend(difference(&desk.world_later(), &nothing));
        wrong
    });
}

/// What a run has written, and how it came out well.
fn done(ended: &Ended) -> Vec<String> {
    let mut events = ended.events();
    events.retain(|event| event["effect"] == "write" && event["ok"] == true);
    let what = |event: &Value| format!("{} {}", event["operation"], event["input"]);
    events.iter().map(what).collect()
}

#[test]
fn the_steps_are_those_of_the_plan() {
    for (setting, steps, writes) in [(NEWWEBSERVER, 72, 17), (FULLSTACK, 138, 51)] {
        let plan = setting.plan();
        assert_eq!(plan.len(), steps, "steps of {}", setting.playbook);
        let operations: Vec<&str> = plan
            .iter()
            .filter(|step| step.writes)
            .map(|step| step.operation.as_str())
            .collect();
        assert_eq!(operations.len(), writes, "{operations:#?}");
    }
}

#[test]
fn newwebserver_ends_as_if_nothing_had_happened() {
    let taken = taken(Taken::Some(6), Taken::All);
    resumes("newwebserver resumed", NEWWEBSERVER, taken);
}

#[test]
fn newwebserver_is_undone_to_nothing() {
    let taken = taken(Taken::Some(4), Taken::All);
    is_undone("newwebserver undone", NEWWEBSERVER, taken);
}

#[test]
fn an_undo_of_newwebserver_goes_on() {
    let taken = taken(Taken::Some(3), Taken::Writes(0));
    its_undo_goes_on("undo of newwebserver", NEWWEBSERVER, taken);
}

#[test]
fn fullstack_ends_as_if_nothing_had_happened() {
    let taken = taken(Taken::Some(4), Taken::Some(30));
    resumes("fullstack resumed", FULLSTACK, taken);
}

#[test]
fn fullstack_is_undone_to_nothing() {
    let taken = taken(Taken::Some(3), Taken::Some(20));
    is_undone("fullstack undone", FULLSTACK, taken);
}

#[test]
fn an_undo_of_fullstack_goes_on() {
    let taken = taken(Taken::Some(1), Taken::Some(10));
    its_undo_goes_on("undo of fullstack", FULLSTACK, taken);
}

#[test]
fn with_the_cloud_in_another_process_they_end_as_if_nothing_had_happened() {
    let taken = taken(Taken::Some(2), Taken::Some(15));
    let name = "newwebserver resumed on a served cloud";
    resumes(name, NEWWEBSERVER.in_another_process(), taken);
    let name = "fullstack resumed on a served cloud";
    resumes(name, FULLSTACK.in_another_process(), taken);
}

#[test]
fn with_the_cloud_in_another_process_they_are_undone_to_nothing() {
    let taken = taken(Taken::Some(1), Taken::Some(10));
    let name = "newwebserver undone on a served cloud";
    is_undone(name, NEWWEBSERVER.in_another_process(), taken);
    let name = "fullstack undone on a served cloud";
    is_undone(name, FULLSTACK.in_another_process(), taken);
}
