//! Workers behind a real nginx.

use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::Value;

use super::{Scene, report};

#[test]
fn workers_are_set_up_left_alone_updated_in_turn_and_not_all_broken() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let workers = |more: &[&str]| {
        let words = ["role=worker", "pool=pool=web"];
        scene.bootstrap(&[&words[..], more].concat())
    };
    let settings = "settings=work=0.01";
    let first = workers(&[settings]).done();
    let all = "installed: user, code, unit, proxy";
    assert_eq!(report(&first, "web-"), [all, all], "{}", first.err);
    let asked = "curl -s http://127.0.0.1:30000/ping; curl -s http://127.0.0.1:30000/work";
    for index in [0, 1] {
        let work = scene.on(index, asked);
        let expected = "OK\n{\"burnt\":0.01,\"seconds\":0.";
        assert!(work.starts_with(expected), "{work}");
    }
    scene.is_humble(0, "opsh-worker");

    let second = workers(&[settings]).done();
    assert_eq!(report(&second, "web-"), ["unchanged: -", "unchanged: -"]);
    let said = "all 2 machines are as wanted: nothing was changed";
    assert!(second.err.contains(said), "{}", second.err);
    assert!(!second.err.contains("ssh::run"), "{}", second.err);

    // A newer program, while the old one runs: it comes to one after the other.
    let program = scene.user.home().join("opsh");
    let mut binary = OpenOptions::new().append(true).open(program).unwrap();
    binary.write_all(b"newer").unwrap();
    drop(binary);
    let third = workers(&[settings, "--output=json"]).done();
    let events = third.events();
    assert_eq!(updates(&events, &scene.addresses), [0, 1], "{}", third.out);
    for index in [0, 1] {
        let there = scene.on(index, "tail -c 5 /opt/opsh-worker/opsh");
        assert_eq!(there, "newer\n");
    }

    // One that is killed comes again by itself.
    scene.on(0, "sudo kill -9 $(cat /run/opsh-worker.pid)");
    let again =
        "for i in $(seq 100); do curl -fs http://127.0.0.1:30000/ping && break; sleep 0.1; done";
    assert_eq!(scene.on(0, again), "OK\n\n");

    // One that cannot run is an error with its log, and the other machine is spared.
    let broken = workers(&["settings=work=fast", "patience=5s"]);
    assert_eq!(broken.code, 1);
    for words in [
        "opsh-worker does not answer within 5 s",
        "parameter 'work'",
        "the other machines are as they were",
    ] {
        assert!(broken.err.contains(words), "{}", broken.err);
    }
    assert!(scene.on(1, asked).starts_with("OK\n"));

    scene.leaves_nothing();
}

/// The machines in the order in which the program was changed on them, each once.
fn updates(events: &[Value], addresses: &[String]) -> Vec<usize> {
    let writes = events
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write");
    let hosts = writes.filter_map(|event| event["input"]["host"]["host"].as_str());
    let mut order: Vec<usize> = hosts
        .filter_map(|host| addresses.iter().position(|address| address == host))
        .collect();
    order.dedup();
    order
}
