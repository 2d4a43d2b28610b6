//! One run at a time on a stack, between real processes.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::user;
use crate::support::opsh::User;

/// Holds its stack until a file appears; needs no cloud.
const HOLDER: &str = r#"let mine = param("mine", #{ type: "text" });
file::write(mine, "held");
while !file::exists("go") { sleep(0.01); }"#;

/// A machine under load starts processes late; the refusal itself does not wait.
const SOON: Duration = Duration::from_secs(5);

fn start(user: &User, mine: &str) -> Child {
    user.command(["run", "p.rhai", &format!("mine={mine}")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn of_two_processes_one_wins_a_hundred_times() {
    let user = user(HOLDER);
    let go = user.home().join("go");
    for round in 0..100 {
        let mut both = [start(&user, "a"), start(&user, "b")];
        let begin = Instant::now();
        let loser = loop {
            let ended = both
                .iter_mut()
                .position(|child| child.try_wait().unwrap().is_some());
            if let Some(ended) = ended {
                break ended;
            }
            assert!(begin.elapsed() < SOON, "round {round}: nobody was refused");
            std::thread::sleep(Duration::from_millis(2));
        };
        let winner = 1 - loser;
        let pid = both[winner].id();
        let refusal = said(&mut both[loser]);
        assert_eq!(both[loser].wait().unwrap().code(), Some(1), "{refusal}");
        assert!(
            refusal.contains(&format!("the stack 'p' is in use: process {pid} on "))
                && refusal.contains(" runs p.rhai"),
            "round {round}: {refusal}"
        );
        std::fs::write(&go, "").unwrap();
        let status = both[winner].wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", said(&mut both[winner]));
        std::fs::remove_file(&go).unwrap();
    }
}

#[test]
fn the_refusal_names_the_run_and_a_killed_holder_frees_the_stack() {
    let user = user(HOLDER);
    let mut holder = start(&user, "a");
    let begin = Instant::now();
    while !user.home().join("a").exists() {
        assert!(begin.elapsed() < SOON, "the holder does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    let listed = user.opsh(["history", "--output", "json"]).done();
    let run = listed.events()[0]["run"].as_str().unwrap().to_owned();
    let begin = Instant::now();
    let refused = user.opsh(["run", "p.rhai", "mine=b"]);
    assert!(begin.elapsed() < SOON);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains(&format!("runs p.rhai (run {run})")),
        "{}",
        refused.err
    );
    // By whatever name the ledger goes.
    std::os::unix::fs::symlink(".opsh/ledger.db", user.home().join("linked.db")).unwrap();
    for ledger in [".opsh/ledger.db", "linked.db"] {
        let refused = user.opsh(["run", "p.rhai", "mine=b", "--ledger", ledger]);
        assert!(
            refused.err.contains("the stack 'p' is in use"),
            "{}",
            refused.err
        );
    }
    // An undo works on the stack too.
    let refused = user.opsh(["undo", &run, "--yes"]);
    assert_ne!(refused.code, 0);

    holder.kill().unwrap();
    holder.wait().unwrap();
    std::fs::write(user.home().join("go"), "").unwrap();
    user.opsh(["run", "p.rhai", "mine=b"]).done();
}
