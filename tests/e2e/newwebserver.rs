//! The main job against moto's server and a machine with real sshd and Apache behind its instance.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::component::{demand, file};
use crate::support::machine::Machine;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;
use crate::support::resources::{Resources, planned, removable, witnessed};
use crate::support::site::{Page, Site};

/// A user, the endpoint and the machine, and how the playbook is asked for.
struct Scene {
    moto: Moto,
    user: User,
    arguments: Vec<String>,
    machine: Machine,
}

impl Scene {
    fn set() -> Option<Self> {
        let moto = demand(Moto::take())?;
        let machine = demand(Machine::behind(&moto))?;
        let image = Page {
            content_type: "application/octet-stream", // what it is, the playbook is to find out
            body: std::fs::read(file("playbooks/assets/image.png")).unwrap(),
        };
        let site = Site::start(BTreeMap::from([("/image.jpg", image)]));
        let arguments = [
            format!("image_url={}/image.jpg", site.url),
            "host_key=accept-new".to_owned(),
            "ssh_from=192.0.2.7".to_owned(),
            "bucket=opsh-end-to-end".to_owned(),
        ];
        Some(Self {
            user: User::of(&moto.endpoint, REGION),
            arguments: arguments.into(),
            moto,
            machine,
        })
    }

    fn run(&self, options: &[&str]) -> Vec<Value> {
        let playbook = file("playbooks/newwebserver.rhai").display().to_string();
        let mut words = vec!["run".to_owned(), playbook, "--output=json".to_owned()];
        words.extend(self.arguments.iter().cloned());
        words.extend(options.iter().map(ToString::to_string));
        self.user.opsh(words).done().events()
    }

    fn live(&self) -> Vec<Value> {
        let connect = self.machine.connect_to();
        self.run(&connect.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn exists(&self) -> Resources {
        witnessed(&self.moto.witness("resources"))
    }
}

#[test]
#[ignore = "until the playbook is on main"]
fn what_exists_is_what_was_planned_and_teardown_leaves_none() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let fixture = format!(
        "{}={}",
        &scene.arguments[0]["image_url=".len()..],
        file("playbooks/assets/image.png").display()
    );
    let plan = planned(
        &scene.run(&["--dry-run", "--region", REGION, "--fixture", &fixture]),
        "newwebserver",
    );

    scene.live();
    let first = scene.exists();
    assert_eq!(
        lines(&plan),
        lines(&first),
        "left: the plan, right: what boto3 lists"
    );

    let again = scene.live();
    assert_eq!(
        made(&again),
        Vec::<String>::new(),
        "the second run made something"
    );
    assert_eq!(lines(&first), lines(&scene.exists()));

    let teardown = file("playbooks/teardown.rhai").display().to_string();
    scene
        .user
        .opsh([
            "run",
            &teardown,
            "stack=newwebserver",
            "--stack=newwebserver",
            "--yes",
        ])
        .done();
    assert_eq!(lines(&removable(&scene.exists())), "");
}

fn lines(resources: &Resources) -> String {
    resources.iter().map(|line| format!("{line}\n")).collect()
}

/// What the steps of a run say that they made in AWS.
fn made(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .filter(|event| event["event"] == "step")
        .flat_map(|event| event["made"].as_array().cloned().unwrap_or_default())
        .map(|made| made.to_string())
        .collect()
}
