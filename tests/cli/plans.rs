//! Dry runs of the shipped playbooks: snapshots, and the same bytes everywhere.

use super::shipped;
use crate::support::opsh::User;

#[test]
fn the_plan_of_newwebserver() {
    let ended = User::new().opsh(["run", &shipped("newwebserver"), "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("newwebserver", ended.out);
    insta::assert_snapshot!("newwebserver-messages", ended.err);
}

#[test]
fn the_plan_of_fullstack() {
    let playbook = shipped("fullstack");
    let ended = User::new().opsh(["run", &playbook, "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("fullstack", ended.out);
    insta::assert_snapshot!("fullstack-messages", ended.err);
    let lines = User::new().opsh(["run", &playbook, "--dry-run", "--output", "json"]);
    assert_eq!(lines.code, 0, "{}", lines.err);
    let folder = playbook.trim_end_matches("fullstack.rhai");
    insta::assert_snapshot!("fullstack-json", lines.out.replace(folder, ""));
}

#[test]
fn the_plan_of_teardown_on_a_copy_of_a_cloud_where_the_stack_exists() {
    let user = User::new();
    let made = user.opsh(["run", &shipped("newwebserver"), "--local", "-q"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let teardown = shipped("teardown");
    let arguments = ["run", &teardown, "stack=newwebserver", "--local"];
    let plan = user.opsh(arguments.iter().chain(&["--dry-run"]));
    assert_eq!(plan.code, 0, "{}", plan.err);
    insta::assert_snapshot!("teardown", plan.out);
    // The copy was torn down, the cloud itself was not.
    let listed = user.opsh(["ls", "newwebserver", "--local"]);
    assert_eq!(listed.out.lines().count(), 10, "{}", listed.out);

    let done = user.opsh(arguments.iter().chain(&["--yes"]));
    assert_eq!(done.code, 0, "{}", done.err);
    let listed = user.opsh(["ls", "newwebserver", "--local"]);
    assert_eq!(listed.out, "the stack 'newwebserver' has no resources\n");
    let again = user.opsh(arguments.iter().chain(&["--yes", "--output", "json"]));
    assert!(!again.out.contains(r#""effect":"write""#), "{}", again.out);
}

#[test]
fn the_plan_of_attack_on_a_copy_of_a_cloud_where_the_stack_exists() {
    let user = User::new();
    user.opsh(["run", &shipped("fullstack"), "--local", "-q"])
        .done();
    let attack = shipped("attack");
    let plan = user.opsh(["run", &attack, "--local", "--dry-run"]).done();
    insta::assert_snapshot!("attack", plan.out);
}

#[test]
fn the_plan_of_loadtest_on_a_copy_of_a_cloud_where_the_server_exists() {
    let user = User::new();
    let made = user
        .opsh(["run", &shipped("newwebserver"), "--local", "-q"])
        .done();
    let (_, rest) = made.out.split_once("http://").unwrap();
    let address = rest.split(['/', ' ', '\n', '"']).next().unwrap();
    let url = format!("url=http://{address}/");
    let loadtest = shipped("loadtest");
    let load = ["run", &loadtest, &url, "rate=2", "duration=10s"];
    let plan = user
        .opsh(load.iter().chain(&["--local", "--dry-run"]))
        .done();
    insta::assert_snapshot!("loadtest", plan.out);
}

#[test]
fn the_plan_of_teardown_of_the_whole_application() {
    let user = User::in_memory();
    user.opsh(["run", &shipped("fullstack"), "--local", "-q"])
        .done();
    let teardown = shipped("teardown");
    let words = ["run", &teardown, "stack=fullstack", "--local", "--dry-run"];
    let plan = user.opsh(words).done();
    insta::assert_snapshot!("teardown-fullstack", plan.out);
    // It was a copy.
    let listed = user.opsh(["ls", "fullstack", "--local"]).done();
    assert!(listed.out.contains("autoscaling:group"), "{}", listed.out);
}

#[test]
fn the_plan_of_undo_on_a_copy_of_a_cloud_where_the_run_was() {
    let user = User::new();
    let playbook = shipped("newwebserver");
    user.opsh(["run", &playbook, "--local", "-q"]).done();
    let plan = user.opsh(["undo", "--local", "--dry-run"]).done();
    insta::assert_snapshot!("undo", plan.out.replace(&playbook, "newwebserver.rhai"));
    let listed = user.opsh(["ls", "newwebserver", "--local"]);
    assert_eq!(listed.out.lines().count(), 10, "{}", listed.out);
}

#[test]
fn a_second_run_makes_nothing_twice() {
    let user = User::new();
    let arguments = [
        "run",
        &shipped("newwebserver"),
        "--local",
        "--output",
        "json",
    ];
    let first = user.opsh(arguments);
    assert_eq!(first.code, 0, "{}", first.err);
    let second = user.opsh(arguments);
    assert_eq!(second.code, 0, "{}", second.err);
    let writes: Vec<&str> = second
        .out
        .lines()
        .filter(|line| line.contains(r#""effect":"write""#))
        .collect();
    // Page views are measured anew; nothing else is written.
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert!(
        writes[0].contains("cloudwatch::put_metric_data"),
        "{}",
        writes[0]
    );
}

#[test]
fn a_plan_is_the_same_bytes_whatever_home_zone_and_directory() {
    let arguments = [
        "run",
        &shipped("newwebserver"),
        "--dry-run",
        "--output",
        "json",
    ];
    let here = User::new().opsh(arguments);
    let there = User::new()
        .with("TZ", "Pacific/Auckland")
        .with("LANG", "de_DE.UTF-8")
        .with("LC_ALL", "de_DE.UTF-8")
        .with("AWS_REGION", "eu-central-1")
        .opsh(arguments);
    assert_eq!(here.code, 0, "{}", here.err);
    assert_eq!(here.out, there.out);
    assert_eq!(here.err, there.err);
}

#[test]
fn another_seed_gives_other_ids() {
    let plan = |seed: &str| {
        User::new()
            .opsh(["run", &shipped("newwebserver"), "--dry-run", "--seed", seed])
            .out
    };
    assert_ne!(plan("1"), plan("2"));
    assert_eq!(plan("1"), plan("1"));
}

#[test]
fn the_watch_launches_a_second_instance_when_the_threshold_is_exceeded() {
    let ended = User::new().opsh([
        "run",
        &shipped("newwebserver"),
        "--dry-run",
        "watch=30m",
        "cpu_threshold=0",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(
        ended.out.matches("→ ec2:instance").count(),
        2,
        "{}",
        ended.out
    );
    assert!(
        ended.err.contains("launching a second instance"),
        "{}",
        ended.err
    );
}

#[test]
fn an_image_is_refused_for_what_it_is() {
    let user = User::new();
    let url = "http://example.com/image.jpg";
    let fixture = |name: &str, content: &[u8]| {
        std::fs::write(user.home().join(name), content).unwrap();
        let ended = user.opsh([
            "run",
            &shipped("newwebserver"),
            "--dry-run",
            &format!("image_url={url}"),
            "image_limit=1000",
            "--fixture",
            &format!("{url}={name}"),
        ]);
        (ended.code, ended.err)
    };
    let (code, error) = fixture("page.html", b"<!doctype html><p>Not here");
    assert_eq!(code, 1);
    assert!(
        error.contains("http://example.com/image.jpg is text/html, not an image"),
        "{error}"
    );
    let (code, error) = fixture("empty.jpg", b"");
    assert_eq!(code, 1);
    assert!(
        error.contains("http://example.com/image.jpg is empty"),
        "{error}"
    );
    let (code, error) = fixture("large.jpg", &[0; 2000]);
    assert_eq!(code, 1);
    assert!(error.contains("1000"), "{error}");
}
