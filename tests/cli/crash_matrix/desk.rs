//! Somebody whose runs die and go on: on a cloud in the process, or in another one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shipped;
use super::world::world;
use crate::support::opsh::{Ended, User};
use crate::support::served::Served;

/// A shipped playbook, and where its cloud is.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, and its stack's.
    pub playbook: &'static str,
    /// Whether another process has the cloud.
    pub served: bool,
}

/// Its user.
pub struct Desk {
    setting: Setting,
    place: Place,
}

enum Place {
    Here(User),
    Served(Served),
}

/// A step of a run: its number and what it is.
#[derive(Debug, Clone)]
pub struct Step {
    /// As `--fault 'crash STEP …'` takes it.
    pub number: String,
    /// `module::name`.
    pub operation: String,
    /// Whether it changes anything.
    pub writes: bool,
}

/// A run that nothing has disturbed.
pub struct Undisturbed {
    /// Its steps.
    pub steps: Vec<Step>,
    /// What there is after it.
    pub world: Vec<String>,
    /// What the ledger knows of it.
    pub resources: BTreeSet<String>,
}

impl Setting {
    /// Somebody at the beginning.
    pub fn desk(self) -> Desk {
        let user = User::in_memory();
        let place = if self.served {
            Place::Served(Served::of(user, &["--time=virtual"]))
        } else {
            Place::Here(user)
        };
        Desk {
            setting: self,
            place,
        }
    }

    /// The steps of its plan.
    pub fn plan(self) -> Vec<Step> {
        let playbook = shipped(self.playbook);
        let words = ["run", &playbook, "--dry-run", "--output", "json"];
        steps(&User::in_memory().opsh(words).done())
    }

    /// Runs it to its end.
    pub fn undisturbed(self) -> Undisturbed {
        let desk = self.desk();
        let ended = desk.run(&["--output", "json"]).done();
        Undisturbed {
            steps: steps(&ended),
            world: world(desk.user()),
            resources: desk.resources(),
        }
    }

    /// Runs until the crash, and gives the user whose run died.
    pub fn crashed(self, step: &Step, point: &str) -> Desk {
        let desk = self.desk();
        let crash = format!("crash {} {point}", step.number);
        let killed = desk.run(&["-q", "--fault", &crash]);
        assert_eq!(
            killed.code, -1,
            "{crash}: it was not killed: {}",
            killed.err
        );
        desk
    }
}

/// The steps that a run tells of in JSON.
pub fn steps(ended: &Ended) -> Vec<Step> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ended
        .events()
        .iter()
        .filter(|event| event["event"] == "step")
        .map(|event| Step {
            number: text(&event["step"]),
            operation: text(&event["operation"]),
            writes: event["effect"] == "write",
        })
        .collect()
}

impl Desk {
    /// Whose it is.
    pub fn user(&self) -> &User {
        match &self.place {
            Place::Here(user) => user,
            Place::Served(served) => &served.user,
        }
    }

    /// A command about runs on the cloud.
    pub fn opsh(&self, words: &[&str], more: &[&str]) -> Ended {
        let at = match &self.place {
            Place::Here(_) => "--local".to_owned(),
            Place::Served(served) => format!("--local-at={}", served.url()),
        };
        self.user().opsh(
            words
                .iter()
                .copied()
                .chain([at.as_str()])
                .chain(more.iter().copied()),
        )
    }

    /// Runs the playbook.
    pub fn run(&self, more: &[&str]) -> Ended {
        self.opsh(&["run", &shipped(self.setting.playbook)], more)
    }

    /// What the ledger says that the stack has; nothing is there twice.
    pub fn resources(&self) -> BTreeSet<String> {
        let words = ["ls", self.setting.playbook, "--local", "--output", "json"];
        let events = self.user().opsh(words).done().events();
        let ids: BTreeSet<String> = events
            .iter()
            .map(|event| format!("{} {}", event["kind"], event["id"]))
            .collect();
        assert_eq!(ids.len(), events.len(), "a resource is there twice");
        ids
    }

    /// What there is when what was terminated is not listed any more.
    pub fn world_later(&self) -> Vec<String> {
        std::fs::write(self.user().home().join("later.rhai"), "sleep(7200);").unwrap();
        self.opsh(&["run", "later.rhai"], &[]).done();
        world(self.user())
    }
}
