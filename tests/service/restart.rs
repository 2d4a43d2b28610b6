//! What a service leaves in the ledger, and what the next process makes of it.

use super::Service;
use crate::support::opsh::{Ended, User};

/// Each turn makes two topics, named after the turn, and counts.
const TURNS: &str = r#"
every("1m", || {
    let turn = state::get("turns", 0) + 1;
    sns::create_topic(#{ name: `first-${turn}` });
    sns::create_topic(#{ name: `second-${turn}` });
    state::set("turns", turn);
});
run_forever();
print(state::get("turns"));
"#;

fn user(text: &str) -> User {
    let user = User::new();
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    user
}

fn topics(user: &User) -> String {
    let text = "sns::list_topics().topics.map(|topic| topic.topic_arn.split(\":\")[5])";
    std::fs::write(user.home().join("list.rhai"), text).unwrap();
    let listed = user
        .opsh(["run", "list.rhai", "--local", "--output", "json"])
        .done();
    let result = listed.events().pop().unwrap();
    result["value"].to_string()
}

fn killed(user: &User, crash: &str) -> Ended {
    let ended = user.opsh([
        "run", "p.rhai", "--local", "--for", "150s", "--fault", crash,
    ]);
    assert_eq!(ended.code, -1, "{}", ended.err);
    ended
}

#[test]
fn an_event_that_was_killed_comes_to_its_end_with_the_next_process() {
    // In the middle of its second write, which had been done: run anew, and resumed.
    for again in [
        &["run", "p.rhai", "--for", "30s"][..],
        &["resume", "--for", "30s"],
    ] {
        for point in ["after-intent", "accepted", "recorded"] {
            let user = user(TURNS);
            killed(&user, &format!("crash 0.2.2 {point}"));
            let again = user.opsh(again.iter().chain(&["--local"]));
            assert_eq!(again.code, 0, "{again:?}", again = again.err);
            assert!(
                again
                    .err
                    .contains(".2 (every 1m), which was under way when its process ended"),
                "{point}: {}",
                again.err
            );
            assert_eq!(again.out, "2\n", "{point}");
            assert_eq!(
                topics(&user),
                r#"["first-1","first-2","second-1","second-2"]"#,
                "{point}"
            );
            let more = user.opsh(["run", "p.rhai", "--local", "--for", "70s"]);
            assert!(!more.err.contains("going on with"), "{}", more.err);
            assert_eq!(more.out, "3\n");
        }
    }
}

/// Longer than an event may take whose handler says nothing of it.
#[test]
fn an_event_that_is_gone_on_with_has_the_time_that_its_handler_has() {
    let text = r#"
every("1m", || {
    sns::create_topic(#{ name: "first" });
    time::sleep("30m");
    sns::create_topic(#{ name: "second" });
}, #{ timeout: "1h", name: "backup" });
run_forever();
"#;
    let user = user(text);
    killed(&user, "crash 0.1.0 accepted");
    let again = user.opsh(["run", "p.rhai", "--local", "--for", "30s"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.err.contains("going on with"), "{}", again.err);
    assert!(!again.err.contains("failed"), "{}", again.err);
    assert_eq!(topics(&user), r#"["first","second"]"#);
}

#[test]
fn a_service_that_goes_on_with_an_event_can_be_stopped() {
    let user = user(
        r#"
every("1h", || {
    state::set("begun", true);
    print("at work");
    sleep(600);
}, #{ at_once: true, timeout: "1h" });
run_forever(#{ grace: "300ms" });
"#,
    );
    let mut killed = user.begin(["run", "p.rhai"]);
    assert_eq!(killed.line(), "at work");
    drop(killed);
    let going_on = |more: &[&str]| {
        let mut again = user.begin(["run", "p.rhai"].iter().chain(more));
        again.hear(".1 (every 1h), which was under way when its process ended");
        again
    };
    let mut told = going_on(&[]);
    told.interrupt();
    let ended = told.stopped().ended;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let waits = "stopping: waiting for an event that is being handled, for at most 300ms";
    assert!(ended.err.contains(waits), "{}", ended.err);
    // It is not over yet, and the next process is about it, too.
    let late = going_on(&["--deadline", "2s"]).stopped().ended;
    assert_eq!(late.code, 124, "{}", late.err);
    going_on(&[]);
}

#[test]
fn an_event_of_a_changed_playbook_is_left_alone() {
    let user = user(TURNS);
    killed(&user, "crash 0.2.2 accepted");
    let changed = TURNS.replace("first-${turn}", "other-${turn}");
    std::fs::write(user.home().join("p.rhai"), changed).unwrap();
    let again = user.opsh(["run", "p.rhai", "--local", "--for", "30s"]);
    assert_eq!(
        (again.code, again.out.as_str()),
        (0, "1\n"),
        "{}",
        again.err
    );
    assert!(
        again
            .err
            .contains("the playbook changed in the part that already ran"),
        "{}",
        again.err
    );
    std::fs::write(
        user.home().join("p.rhai"),
        "every(\"5m\", || 1);\nrun_forever();\n",
    )
    .unwrap();
    let without = user.opsh(["run", "p.rhai", "--local", "--for", "30s"]);
    assert!(
        without
            .err
            .contains("nothing here handles it any more; `opsh undo "),
        "{}",
        without.err
    );
}

#[test]
fn a_service_is_one_run_whose_events_are_folded() {
    let user = user(TURNS);
    user.opsh(["run", "p.rhai", "--local", "--for", "150s"])
        .done();
    let history = user.opsh(["history", "--local"]).done();
    let lines: Vec<_> = history.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", history.out);
    assert!(lines[1].ends_with("done     2"), "{}", history.out);
    let run = lines[1].split(' ').next().unwrap().to_owned();
    let all = user.opsh(["history", "--local", "-v"]).done();
    assert!(
        all.out.contains("  .2") && all.out.contains("  .1"),
        "{}",
        all.out
    );
    let events = user.opsh(["history", "--local", &run]).done();
    assert!(
        events.out.contains(".2     every 1m  done"),
        "{}",
        events.out
    );
    let steps = user
        .opsh(["history", "--local", &format!("{run}.2")])
        .done();
    assert!(steps.out.contains("0.2.1"), "{}", steps.out);
    assert!(steps.out.contains("sns::create_topic"), "{}", steps.out);
    let json = user
        .opsh(["history", "--local", "-v", "--output", "json"])
        .done();
    let json = json.events();
    assert_eq!(json[0]["events"], 2);
    assert_eq!(json[1]["service"], run);
    assert_eq!(json[1]["label"], "every 1m");

    // Undone as a whole, its events' writes backwards.
    assert_eq!(topics(&user).matches('-').count(), 4);
    let undone = user.opsh(["undo", &run, "--local", "--yes"]).done();
    assert!(undone.out.contains("undone: 4 writes"), "{}", undone.out);
    assert_eq!(topics(&user), "[]");
}

#[test]
fn one_event_can_be_undone_alone() {
    let user = user(TURNS);
    user.opsh(["run", "p.rhai", "--local", "--for", "150s"])
        .done();
    let history = user.opsh(["history", "--local"]).done();
    let run = history
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    user.opsh(["undo", &format!("{run}.1"), "--local", "--yes"])
        .done();
    assert_eq!(topics(&user), r#"["first-2","second-2"]"#);
}

#[test]
fn old_events_leave_the_ledger_and_the_newest_stay() {
    let text = "every(\"1s\", || state::set(\"n\", state::get(\"n\", 0) + 1));\nrun_forever(#{ keep: 20 });\nstate::get(\"n\")\n";
    let user = user(text);
    let ended = user
        .opsh(["run", "p.rhai", "--local", "--for", "200s"])
        .done();
    assert_eq!(ended.out, "200\n");
    let history = user.opsh(["history", "--local", "-v"]).done();
    let events = history
        .out
        .lines()
        .filter(|line| line.starts_with("  ."))
        .count();
    assert!((20..20 + 64).contains(&events), "{events}");
    assert!(history.out.contains("  .200"), "{}", history.out);
}

#[test]
fn what_is_kept_lasts_over_restarts_and_secrets_are_sealed() {
    let user = user("let n = state::get(\"n\", 0);\nstate::set(\"n\", n + 1);\nstate::set(\"token\", secret(\"TOKEN\"));\nstate::all()\n")
        .with("TOKEN", "hunter2");
    for number in 1..=3 {
        let ended = user
            .opsh(["run", "p.rhai", "--local", "--output", "json"])
            .done();
        let result = ended.events().pop().unwrap();
        assert_eq!(result["value"]["n"], number);
        assert_eq!(result["value"]["token"], "[secret]");
    }
    let ledger = std::fs::read(user.home().join(".opsh/local/ledger.db")).unwrap();
    assert!(!ledger.windows(7).any(|bytes| bytes == b"hunter2"));
}

#[test]
fn a_service_holds_its_stack() {
    let service = Service::start(
        super::user("\"GET /\": |r| \"OK\",", ""),
        &["--stack", "web"],
    );
    let other = service.user.opsh(["run", "p.rhai", "--stack", "web"]);
    assert_eq!(other.code, 1, "{}", other.err);
    assert!(
        other.err.contains("the stack 'web' is in use"),
        "{}",
        other.err
    );
}

/// Events with large bodies: the ledger keeps no more bytes than it may.
#[test]
fn large_events_leave_the_ledger_before_many_small_ones_would() {
    let text = r#"
serve(#{ port: 8080, routes: #{ "POST /": |request| { state::set("last", request.body.len()); "" } } });
run_forever(#{ keep_bytes: 1000000 });
state::get("last")
"#;
    let user = user(text);
    let large = "x".repeat(200_000);
    let lines: Vec<String> = (1..=100)
        .map(|second| {
            let request = serde_json::json!({"method": "POST", "path": "/", "body": large});
            serde_json::json!({"at": format!("{second}s"), "request": request}).to_string()
        })
        .collect();
    std::fs::write(user.home().join("events.jsonl"), lines.join("\n")).unwrap();
    let ended = user
        .opsh(["run", "p.rhai", "--local", "--events", "events.jsonl"])
        .done();
    assert_eq!(ended.out, "200000\n");
    let size = std::fs::metadata(user.home().join(".opsh/local/ledger.db"))
        .unwrap()
        .len();
    assert!(size < 4_000_000, "{size} bytes for 20 MB of events");
    let history = user.opsh(["history", "--local", "-v"]).done();
    let kept = history.out.lines().filter(|line| line.starts_with("  ."));
    assert!((1..10).contains(&kept.count()), "{}", history.out);
    assert!(history.out.contains("  .100"), "{}", history.out);
    let wrong = text.replace("1000000", "\"much\"");
    std::fs::write(user.home().join("p.rhai"), wrong).unwrap();
    let ended = user.opsh(["run", "p.rhai", "--local", "--for", "1s"]);
    assert!(
        ended
            .err
            .contains("run_forever: parameter 'options.keep_bytes' must be an integer, not text"),
        "{}",
        ended.err
    );
}

/// A machine whose service counts, and how it is asked from then on.
const COUNTER: &str = r#"
import "fleet" as fleet;
import "instances" as instances;
let key = ".opsh/keys/counter";
if !file::exists(key) { ssh::generate_key(key, #{ comment: "counter" }); }
let group = instances::ensure_security_group("counter", instances::default_vpc(), "counter", [
    #{ port: 30000, from: "0.0.0.0/0", description: "counter" },
    #{ port: 22, from: "0.0.0.0/0", description: "ssh" },
]);
let id = instances::ensure_instance("counter", #{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano",
    key_name: instances::ensure_key_pair("counter", ssh::public_key(key)), security_group_ids: [group],
});
ec2::wait_until_instance_running(#{ instance_ids: [id] });
let address = || ec2::describe_instances(#{ instance_ids: [id] }).reservations[0].instances[0].public_ip_address;
let target = || fleet::targets("", address.call(), "ec2-user", key, "accept-new");
fleet::set_up(target.call(), fleet::work_of("counter", []));
let ask = || parse_int(http::get(`http://${address.call()}:30000/count`).body);
"#;

const SERVICE: &str = r#"
let port = param("port", #{ default: 8080, doc: "Where." });
let bind = param("bind", #{ default: "127.0.0.1", doc: "At which address." });
serve(#{ port: port, bind: bind, routes: #{
    "GET /ping": |request| "OK",
    "GET /count": |request| { let n = state::get("n", 0) + 1; state::set("n", n); `${n}` },
} });
run_forever();
"#;

#[test]
fn a_service_of_a_simulated_host_keeps_what_it_kept_over_restarts() {
    let first = format!(
        r#"{COUNTER}
assert_eq([ask.call(), ask.call()], [1, 2]);
let host = target.call()[0].ssh;
ssh::run(host, "sudo systemctl restart opsh-counter");
assert_eq(ask.call(), 3);
ssh::run(host, "sudo systemctl stop opsh-counter; sudo systemctl start opsh-counter");
assert_eq(ask.call(), 4);
ec2::reboot_instances(#{{ instance_ids: [id] }});
time::sleep("1m");
assert_eq(ask.call(), 5);
ec2::stop_instances(#{{ instance_ids: [id] }});
ec2::wait_until_instance_stopped(#{{ instance_ids: [id] }});
ec2::start_instances(#{{ instance_ids: [id] }});
ec2::wait_until_instance_running(#{{ instance_ids: [id] }});
time::sleep("1m");
assert_eq(ask.call(), 6);
"#
    );
    let user = user(&first);
    std::fs::write(user.home().join("counter.rhai"), SERVICE).unwrap();
    user.opsh(["run", "p.rhai", "--local"]).done();
    // In another process the unit has begun anew; a rehearsal counts for itself.
    let next = format!("{COUNTER}\nask.call()\n");
    std::fs::write(user.home().join("p.rhai"), next).unwrap();
    let value = |options: &[&str]| {
        let told = ["run", "p.rhai", "--local", "--output", "json"];
        let ended = user.opsh(told.iter().chain(options)).done();
        ended.events().pop().unwrap()["value"].clone()
    };
    assert_eq!(value(&[]), 7);
    assert_eq!(value(&["--dry-run"]), 8);
    assert_eq!(value(&[]), 8);
}
