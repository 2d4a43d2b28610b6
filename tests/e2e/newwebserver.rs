//! The main job against moto's server and a machine with real sshd and Apache behind its instance.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::component::{demand, file};
use crate::support::machine::Machine;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;
use crate::support::resources::{Resources, planned, removable, witnessed};
use crate::support::site::{Page, Site};

/// Where the caller comes from in both worlds: the embedded cloud's own idea of it (RFC 5737).
const CALLER: &str = "198.51.100.7\n";

/// A user, the endpoint and the machine, and what the playbook may fetch.
struct Scene {
    moto: Moto,
    machine: Machine,
    site: Site,
    user: User,
}

impl Scene {
    fn set() -> Option<Self> {
        let moto = demand(Moto::take())?;
        let machine = demand(Machine::behind(&moto))?;
        let image = Page::ok(
            "application/octet-stream", // what it is, the playbook is to find out
            std::fs::read(file("playbooks/assets/image.png")).unwrap(),
        );
        let address = Page::ok("text/plain", CALLER);
        let pages = BTreeMap::from([("/image.jpg", image), ("/address", address)]);
        Some(Self {
            user: User::of(&moto.endpoint, REGION),
            site: Site::start(pages),
            moto,
            machine,
        })
    }

    fn run(&self, options: Vec<String>) -> Vec<Value> {
        let site = &self.site.url;
        let mut words = vec![
            "run".to_owned(),
            file("playbooks/newwebserver.rhai").display().to_string(),
            "--output=json".to_owned(),
            format!("image_url={site}/image.jpg"),
            format!("address_service={site}/address"),
            "host_key=accept-new".to_owned(), // moto's consoles show no keys
            "bucket=opsh-end-to-end".to_owned(),
        ];
        words.extend(options);
        self.user.opsh(words).done().events()
    }

    fn dry(&self) -> Vec<Value> {
        let address = self.user.home().join("address.txt");
        std::fs::write(&address, CALLER).unwrap();
        let site = &self.site.url;
        let image = file("playbooks/assets/image.png");
        self.run(vec![
            "--dry-run".to_owned(),
            format!("--region={REGION}"),
            format!("--fixture={site}/image.jpg={}", image.display()),
            format!("--fixture={site}/address={}", address.display()),
        ])
    }

    fn live(&self) -> Vec<Value> {
        self.run(self.machine.connect_to())
    }

    fn tear_down(&self) {
        let playbook = file("playbooks/teardown.rhai").display().to_string();
        let words = ["run", &playbook, "stack=newwebserver", "--yes"];
        self.user.opsh(words).done();
    }

    fn exists(&self) -> Resources {
        witnessed(&self.moto.witness("resources"))
    }
}

#[test]
fn what_exists_is_what_was_planned_and_teardown_leaves_none() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let plan = planned(&scene.dry(), "newwebserver");
    scene.live();
    let first = scene.exists();
    assert_same(&lines(&plan), &lines(&first));

    let again = scene.live();
    assert_eq!(made(&again), "", "the second run made something");
    assert_same(&lines(&first), &lines(&scene.exists()));

    scene.tear_down();
    assert_eq!(lines(&removable(&scene.exists())), "");
}

/// Fails with what only one of two sets of lines has.
#[track_caller]
fn assert_same(left: &str, right: &str) {
    let only = |here: &str, there: &str| -> String {
        let there: Vec<_> = there.lines().collect();
        let missing: Vec<_> = here.lines().filter(|line| !there.contains(line)).collect();
        missing.join("\n")
    };
    let (gone, new) = (only(left, right), only(right, left));
    assert!(
        gone.is_empty() && new.is_empty(),
        "only planned:\n{gone}\nonly there:\n{new}"
    );
}

fn lines(resources: &Resources) -> String {
    let lines: Vec<_> = resources.iter().map(String::as_str).collect();
    lines.join("\n")
}

/// What the steps of a run say that they made in AWS, a line each.
fn made(events: &[Value]) -> String {
    let all: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "step")
        .flat_map(|event| event["made"].as_array().cloned().unwrap_or_default())
        .map(|made| made.to_string())
        .collect();
    all.join("\n")
}
