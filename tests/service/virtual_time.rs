//! Services in virtual time: no socket, the same bytes every time.

use std::time::{Duration, Instant};

use crate::support::opsh::User;

fn user(text: &str) -> User {
    let user = User::new();
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user
}

#[test]
fn an_hour_takes_no_time() {
    let user = user(
        "let begun = time::now();\n\
         every(\"10s\", || { if time::since(begun) % 600.0 == 0.0 { print(`${time::now()}`); } });\n\
         run_forever()\n",
    );
    let begun = Instant::now();
    let ended = user
        .opsh(["run", "p.rhai", "--dry-run", "--for", "1h"])
        .done();
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    insta::assert_snapshot!(ended.out);
    let again = user
        .opsh(["run", "p.rhai", "--dry-run", "--for", "1h"])
        .done();
    assert_eq!(ended.out, again.out);
    assert_eq!(ended.err, again.err);
}

#[test]
fn timers_go_on_beside_each_other_and_late_ones_skip() {
    let user = user(
        "let begun = time::now();\n\
         every(\"20s\", || { print(`slow at ${time::since(begun)}`); sleep(50); }, #{ name: \"slow\" });\n\
         every(\"30s\", || { print(`quick at ${time::since(begun)}`); }, #{ at_once: true });\n\
         run_forever();\n",
    );
    let ended = user
        .opsh(["run", "p.rhai", "--local", "--for", "2m"])
        .done();
    insta::assert_snapshot!(format!("{}\n{}", ended.out, ended.err));
}

#[test]
fn a_dry_run_lets_each_timer_come_once() {
    let ended = user(
        "every(\"60s\", || sns::create_topic(#{ name: \"a\" }));\n\
         every(\"1h\", || sns::create_topic(#{ name: \"b\" }));\n\
         serve(#{ port: 8080, routes: #{ \"GET /\": |request| \"OK\" } });\n\
         run_forever().events\n",
    )
    .opsh(["run", "p.rhai", "--dry-run"])
    .done();
    insta::assert_snapshot!(ended.out);
}

const EVENTS: &str = r#"
# What comes, and when.
{"at": "5m", "request": {"method": "POST", "path": "/add?by=2", "json": {"name": "x"}}}
{"at": "90s", "request": {"path": "/none"}}
{"at": "5m", "request": {"method": "POST", "path": "/add", "body": "plain"}}
{"at": 600, "request": {"path": "/throw"}}
"#;

const SERVES: &str = r#"
let begun = time::now();
serve(#{ port: 8080, routes: #{
    "POST /add": |request| {
        print(`${time::since(begun)}: ${request.query} ${request.json} ${request.body} ${request.remote}`);
        sns::create_topic(#{ name: `topic-${request.query.by ?? "none"}` });
        sleep(20);
        print(`${time::since(begun)}: done`);
        #{ status: 201 }
    },
    "GET /throw": |request| { throw "oh"; },
} });
every("4m", || print(`${time::since(begun)}: ${http::get("http://127.0.0.1:8080/none", #{ check: false }).status}`));
run_forever()
"#;

#[test]
fn events_come_from_a_file() {
    let user = user(SERVES);
    std::fs::write(user.home().join("events"), EVENTS).unwrap();
    let local = user
        .opsh(["run", "p.rhai", "--local", "--events", "events"])
        .done();
    insta::assert_snapshot!(format!("{}\n{}", local.out, local.err));
    let plan = [
        "run",
        "p.rhai",
        "--dry-run",
        "--events",
        "events",
        "--for",
        "6m",
    ];
    let (one, other) = (user.opsh(plan).done(), user.opsh(plan).done());
    assert_eq!((&one.out, &one.err), (&other.out, &other.err));
    insta::assert_snapshot!(one.out);
}

#[test]
fn an_events_file_that_is_none_is_refused() {
    let user = user(SERVES);
    for (text, options, why) in [
        (
            "{\"at\": \"x\", \"request\": {}}",
            &["--local"][..],
            "--events 'events': line 1: 'at' is no duration",
        ),
        (
            "{\"at\": 1, \"alarm\": {}}",
            &["--local"],
            "line 1 of the events: the playbook has no source of 'alarm' events; it takes request",
        ),
        (
            "{\"at\": 1, \"request\": {}}",
            &[],
            "--events needs --local or --dry-run",
        ),
    ] {
        std::fs::write(user.home().join("events"), text).unwrap();
        let words = ["run", "p.rhai", "--events", "events"];
        let ended = user.opsh(words.iter().chain(options));
        assert_ne!(ended.code, 0);
        assert!(ended.err.contains(why), "{}", ended.err);
    }
    std::fs::write(
        user.home().join("events"),
        "{\"at\": 1, \"request\": {\"pat\": \"/\"}}",
    )
    .unwrap();
    let odd = user.opsh(["run", "p.rhai", "--local", "--events", "events"]);
    assert!(
        odd.err
            .contains("line 1 of the events: the request: it has no 'pat'"),
        "{}",
        odd.err
    );
}

#[test]
fn the_cloud_itself_reaches_a_server() {
    let ended = user(
        "serve(#{ port: 8080, routes: #{ \"GET /ping\": |request| \"OK\" } });\n\
         every(\"10s\", || print(http::get(\"http://127.0.0.1:8080/ping\").body));\n\
         run_forever(#{ keep: 1 });\n",
    )
    .opsh(["run", "p.rhai", "--dry-run", "--for", "20s"])
    .done();
    assert!(ended.out.contains("OK\nOK\n"), "{}", ended.out);
}

#[test]
fn services_belong_at_the_top() {
    for (text, why) in [
        (
            "run_forever();",
            "run_forever: there is nothing to wait for",
        ),
        (
            "every(\"1s\", || every(\"1s\", || 1));\nrun_forever().failed",
            "a handler of an event cannot open another source",
        ),
        ("every(\"soon\" + \"er\", || 1);", "every: write a duration"),
        ("every(\"1ms\", || 1);", "every: it must be at least 10ms"),
        (
            "every(\"1s\", || 1, #{ nam: \"x\" });",
            "every: unknown parameter 'options.nam'; did you mean 'name'?",
        ),
        (
            "service::evry(\"1s\", || 1);",
            "there is no operation service::evry; did you mean service::every?",
        ),
    ] {
        let ended = user(text).opsh(["run", "p.rhai", "--local", "--for", "2s"]);
        assert!(ended.err.contains(why), "{text}: {}", ended.err);
    }
}
