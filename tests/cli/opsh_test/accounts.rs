//! What a case begins with, and what it looks at in the end.

use super::{ends, test, user, write};
use crate::support::opsh::User;

/// Somebody with the playbook `p.rhai` and these cases.
fn with(playbook: &str, cases: &str) -> User {
    let user = User::new();
    write(&user, "p.rhai", playbook);
    write(&user, "p.test.rhai", cases);
    user
}

#[test]
fn given_furnishes_the_account_before_the_run() {
    let user = with(
        r#"
let machines = ec2::describe_instances(#{ filters: #{ "tag:Name": "web" } }).reservations.map(|one| one.instances[0]);
let firing = cloudwatch::describe_alarms(#{ state_value: "ALARM" }).metric_alarms.map(|alarm| alarm.alarm_name);
sleep(3600);
let still = cloudwatch::describe_alarms(#{ state_value: "ALARM" }).metric_alarms.map(|alarm| alarm.alarm_name);
#{ machines: machines.map(|one| `${one.instance_type} ${one.state.name}`), firing: firing, still: still }
"#,
        r#"
import "given" as given;
let furnish = || {
    given::instance("web", #{ instance_type: "t3.small" });
    given::alarm("busy", "ALARM");
    given::alarm("calm", "OK");
};
test("nothing", #{ check: |outcome| assert_eq(outcome.result, #{ machines: [], firing: [], still: [] }) });
test("a machine and an alarm", #{
    given: furnish,
    check: |outcome| {
        assert_eq(outcome.result, #{ machines: ["t3.small running"], firing: ["busy"], still: ["busy"] });
        assert_eq(outcome.writes, []);
    },
});
test("the same again", #{
    given: furnish,
    check: |outcome| assert_eq(outcome.result.machines.len(), 1),
});
let kind = "t3.nano";
test("with what is captured", #{
    given: || given::instance("web", #{ instance_type: kind }),
    check: |outcome| outcome.result.machines == [`${kind} running`],
});
"#,
    );
    let ended = test(&user, &["--accept"]);
    ends(
        &ended,
        0,
        "p.test.rhai\n  accepted  nothing\n  accepted  a machine and an alarm\n  accepted  the same \
         again\n  accepted  with what is captured\n\n4 passed in … s\n",
        "",
    );
}

#[test]
fn a_case_begins_with_what_another_leaves() {
    let user = with(
        "import \"queues\" as queues;\nqueues::ensure_queue(\"work\", #{});\nfile::write(\"seen\", \"yes\");\n",
        r#"
test("first", #{ check: |outcome| assert_eq(outcome.made["sqs:queue"].len(), 1) });
test("second", #{
    after: "first",
    check: |outcome| {
        assert_eq(outcome.made, #{});
        assert_eq(file::read("seen"), "yes");
        assert_eq(sqs::list_queues(#{}).queue_urls.len(), 1);
    },
});
"#,
    );
    let ended = test(&user, &["--accept"]);
    let told = "p.test.rhai\n  accepted  first\n  accepted  second\n\n2 passed in … s\n";
    ends(&ended, 0, told, "");
    let base = super::read(&user, "p.snapshots/second.snap");
    assert!(
        base.starts_with("plan on what the case \"first\" leaves (us-east-1, seed 0)\n"),
        "{base}"
    );
    assert!(!super::exists(&user, "seen"));
}

#[test]
fn both_values_of_an_assertion_are_shown_with_the_place() {
    let user = user(
        r#"test("two", #{
    check: |outcome| {
        assert_eq(outcome.writes.len(), 3);
    },
});
test("printed", #{ check: |outcome| outcome.printed == [] });
test("said", #{ check: |outcome| assert(outcome.resumed > 0, "it has not been gone on with") });
"#,
    );
    let told = "queues.test.rhai
  FAILED    two
      its check fails
      error: queues.test.rhai:3:9: not equal:
        left:  2
        right: 3
         |
       3 |         assert_eq(outcome.writes.len(), 3);
         |         ^^^^^^^^^
        in a closure called at queues.test.rhai:1:1
  FAILED    printed
      its check gives false
  FAILED    said
      its check fails
      error: queues.test.rhai:7:34: it has not been gone on with
         |
       7 | test(\"said\", #{ check: |outcome| assert(outcome.resumed > 0, \"it has not been gone on with\") });
         |                                  ^^^^^^
        in a closure called at queues.test.rhai:7:1

0 passed, 3 failed in … s
";
    ends(&test(&user, &[]), 1, told, "");
}

#[test]
fn the_disk_and_the_environment_change_nothing() {
    let user = with(
        "#{ there: file::exists(\"notes\"), page: http::get(\"https://example.com/\").body, secret: secret(\"TOKEN\") == secret(\"TOKEN\") }\n",
        r#"
test("nowhere", #{ fixtures: #{ "https://example.com/": "page.txt" }, check: |outcome| !outcome.result.there });
test("in a folder", #{
    files: "folder",
    fixtures: #{ "https://example.com/": "page.txt" },
    check: |outcome| { assert(outcome.result.there); assert_eq(outcome.result.page, "hello"); },
});
"#,
    );
    write(&user, "notes", "mine");
    write(&user, "folder/notes", "ours");
    write(&user, "page.txt", "hello");
    let told = "p.test.rhai\n  accepted  nowhere\n  accepted  in a folder\n\n2 passed in … s\n";
    ends(&test(&user, &["--accept"]), 0, told, "");
}
