//! Never two at once: whoever scales a pool has its turn, and where it runs does not matter.

use crate::cli::shipped;
use crate::support::component::file;
use crate::support::opsh::{Ended, User};

/// Somebody whose pool has a base that runs and two machines that are stopped.
fn pool() -> User {
    let user = User::new();
    let workers = file("tests/alarms/workers.rhai").display().to_string();
    user.opsh(["run", &workers, "--local", "-q"]).done();
    user
}

fn admin(user: &User, options: &[&str]) -> Ended {
    let playbook = shipped("admin");
    let told = ["run", &playbook, "worker_port=80", "--local"];
    user.opsh(told.iter().chain(options))
}

/// How many machines of the pool run.
fn up(user: &User) -> usize {
    let listed = admin(user, &["tag=pool=web", "columns=name,state"]).done();
    listed.out.matches("running").count()
}

/// Somebody whose admin was killed right after a machine was asked to start.
fn killed_while_starting(user: &User) {
    let plan = admin(user, &["do=scale-up", "--dry-run", "--output", "json"]).done();
    let events = plan.events();
    let start = events
        .iter()
        .find(|event| event["operation"] == "ec2::start_instances")
        .unwrap();
    let crash = format!("crash {} accepted", start["step"].as_str().unwrap());
    let killed = admin(user, &["do=scale-up", "--fault", &crash]);
    assert_eq!(killed.code, -1, "{}", killed.err);
}

/// Runs `text` on the cloud, as the stack `by`.
fn run(user: &User, by: &str, text: &str) -> Ended {
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user.opsh(["run", "p.rhai", "--local", "--stack", by])
}

#[test]
fn the_plans_of_scaling_by_hand() {
    let user = pool();
    let plan = |name: &str, options: &[&str]| {
        let ended = admin(&user, &[options, &["--dry-run"]].concat()).done();
        let shown = format!("{}--- messages\n{}", ended.out, ended.err);
        insta::assert_snapshot!(name.to_owned(), shown);
    };
    plan("scale-up", &["do=scale-up", "target_group=workers"]);
    admin(&user, &["do=scale-up", "target_group=workers", "-q"]).done();
    assert_eq!(up(&user), 2);
    plan("scale-down", &["do=scale-down", "target_group=workers"]);
}

#[test]
fn by_hand_the_bounds_hold_and_the_cooldown_if_it_is_wished() {
    let user = pool();
    let says = |options: &[&str], words: &str| {
        let ended = admin(&user, options).done();
        assert!(ended.err.contains(words), "{}", ended.err);
    };
    says(
        &["do=scale-down"],
        "nothing is done: 1 of at least 1 machines run",
    );
    says(&["do=scale-up"], "asked for by hand: starting worker-2 (");
    says(
        &["do=scale-up", "cooldown=1h"],
        "nothing is done: cooling down for another",
    );
    says(
        &["do=scale-up", "maximum=2"],
        "nothing is done: 2 of at most 2 machines run already",
    );
    says(&["do=scale-up"], "starting worker-3 (");
    says(
        &["do=scale-up"],
        "nothing is done: 3 of at most 3 machines run already",
    );
    says(&["do=scale-down"], "stopping worker-2 (");
    assert_eq!(up(&user), 2);
    let ended = admin(&user, &["do=scale-up", "pool=pool=none"]).done();
    assert!(
        ended.err.contains("no machine has the tag pool=none"),
        "{}",
        ended.err
    );
    // Nobody has the turn afterwards.
    let left = user.opsh(["ls", "admin", "--local"]).done();
    assert!(!left.out.contains("ssm:parameter"), "{}", left.out);
}

/// Two want one more at the same instant: one of them starts it, the other is told who does.
const BOTH: &str = r#"
import "pool" as pool;
let web = pool::new_pool(#{ tag: "pool=web", port: 80, cooldown: 0.0 });
let done = parallel::map([1, 2], |one| pool::react(web, "up", `visitor ${one}`));
assert_eq(done.map(|one| one.action), ["up", "none"]);
assert_eq(done.map(|one| one.busy), [false, true]);
"#;

/// Two who want one more at the same instant: one of them starts one, the other is told who does.
#[test]
fn of_two_at_once_one_has_its_turn() {
    let user = pool();
    let ended = run(&user, "crowd", BOTH).done();
    assert!(
        ended
            .err
            .contains("nothing is done: the stack crowd is scaling the pool just now"),
        "{}",
        ended.err
    );
    assert_eq!(up(&user), 2);
}

#[test]
fn a_turn_of_somebody_who_never_ended_is_over_after_a_while() {
    let user = pool();
    killed_while_starting(&user);
    let again = |options: &[&str]| {
        let playbook = shipped("admin");
        let told = [
            "run",
            &playbook,
            "worker_port=80",
            "--local",
            "--stack",
            "other",
        ];
        user.opsh(told.iter().chain(&["do=scale-up"]).chain(options))
    };
    let refused = again(&[]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused
            .err
            .contains("the stack admin is scaling the pool just now")
            && refused
                .err
                .contains("never two at once: ask again when it is done"),
        "{}",
        refused.err
    );
    user.opsh(["local", "advance", "1h"]).done();
    let ended = again(&[]).done();
    assert!(
        ended.err.contains(
            "warning: the stack admin began to scale the pool and never ended: its turn is over"
        ),
        "{}",
        ended.err
    );
    assert_eq!(up(&user), 3, "one by the crashed one, one by the other");
}

/// Two find it over at once; one removes it late, and so the turn that the other has taken
/// meanwhile, who is slow.
#[test]
fn a_turn_that_was_lost_is_seen_before_anything_is_done() {
    let user = pool();
    killed_while_starting(&user);
    user.opsh(["local", "advance", "1h"]).done();
    let stop = r#"
import "pool" as pool;
let ids = pool::machines(pool::new_pool(#{ tag: "pool=web" })).filter(|one| one.name == "worker-2").map(|one| one.id);
ec2::stop_instances(#{ instance_ids: ids });
ec2::wait_until_instance_stopped(#{ instance_ids: ids });
"#;
    run(&user, "somebody", stop).done();
    std::fs::write(user.home().join("p.rhai"), BOTH).unwrap();
    let late = [
        "--fault",
        "delay 8s ssm:DeleteParameter 1",
        "--fault",
        "delay 20s ec2:DescribeInstances 3",
    ];
    let told = ["run", "p.rhai", "--local", "--stack", "crowd"];
    let ended = user.opsh(told.iter().chain(&late));
    assert_eq!(ended.code, 0, "{}", ended.err);
}

/// What was cut off in its turn gives it back when it is gone on with.
#[test]
fn a_turn_that_was_cut_off_ends_with_its_resumed_run() {
    let user = pool();
    killed_while_starting(&user);
    user.opsh(["resume", "--local"]).done();
    assert_eq!(up(&user), 2);
    let ended = admin(&user, &["do=scale-up"]).done();
    assert!(ended.err.contains("starting worker-3 ("), "{}", ended.err);
    assert!(!ended.err.contains("warning"), "{}", ended.err);
}
