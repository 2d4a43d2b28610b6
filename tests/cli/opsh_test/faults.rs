//! What goes wrong on purpose.

use super::{ends, test, user, write};
use crate::support::opsh::User;

#[test]
fn requests_go_wrong_and_are_sent_again_or_fail() {
    let user = user(
        r#"
test("throttled", #{ params: #{ count: 6 }, faults: ["throttle every 3"] });
test("no queue", #{ faults: ["refuse QueueNameExists step 1"], fails: "QueueNameExists" });
test("not refused", #{ faults: ["refuse QueueNameExists step 1"] });
test("too sure", #{ fails: "QueueNameExists" });
test("another word", #{ faults: ["refuse QueueNameExists step 1"], fails: "capacity" });
"#,
    );
    let failure = "error: queues.rhai:3:5: sqs::create_queue: This is refused (a rehearsed fault). (QueueNameExists)
         |
       3 |     sqs::create_queue(#{ queue_name: `work-${n}` });
         |     ^^^^^^^^^^^^^^^^^";
    let told = format!(
        "queues.test.rhai
  accepted  throttled
  accepted  no queue
  FAILED    not refused
      the playbook fails
      {failure}
  FAILED    too sure
      it was to fail and to say \"QueueNameExists\", but comes to its end
  FAILED    another word
      it was to fail and to say \"capacity\", but says:
      {failure}

2 passed, 3 failed in … s
"
    );
    ends(&test(&user, &["--accept"]), 1, &told, "");
    let failed = super::read(&user, "queues.snapshots/no-queue.snap");
    assert!(
        failed.contains("    fails: This is refused (a rehearsed fault). (QueueNameExists)\n"),
        "{failed}"
    );
    assert!(
        failed.ends_with(
            "\n\nerror: sqs::create_queue: This is refused (a rehearsed fault). (QueueNameExists)\n"
        ),
        "{failed}"
    );
}

#[test]
fn a_fault_that_never_strikes_rehearses_nothing() {
    let user = user(
        r#"test("never", #{ faults: ["throttle every 30", "capacity step 7", "crash after 9 then resume", "throttle sqs:* 1%"] });"#,
    );
    let told = "queues.test.rhai
  FAILED    never
      the fault 'throttle every 30' never struck; the run has steps up to 1
      the fault 'capacity step 7' never struck; the run has steps up to 1
      the fault 'crash after 9 then resume' never struck; the run has steps up to 1

0 passed, 1 failed in … s
";
    ends(&test(&user, &[]), 1, told, "");
}

#[test]
fn a_run_that_dies_at_any_point_of_any_step_is_gone_on_with() {
    let mut cases = Vec::new();
    for point in [
        "before-intent",
        "after-intent",
        "accepted",
        "answered",
        "recorded",
    ] {
        for step in 0..3 {
            cases.push(format!(
                "test(\"{point} {step}\", #{{ params: #{{ count: 3 }}, faults: [\"crash {step} {point} then resume\"], check: |outcome| {{\n    assert_eq(outcome.resumed, 1);\n    assert_eq(outcome.made[\"sqs:queue\"].len(), 3);\n    assert_eq(outcome.printed, [\"many\", \"3 queues\"]);\n}} }});\n"
            ));
        }
    }
    cases.push("test(\"twice\", #{ faults: [\"crash after 0\", \"crash 1 accepted\"], check: |outcome| assert_eq(outcome.resumed, 2) });\n".to_owned());
    let user = user(&cases.concat());
    let ended = test(&user, &["--accept", "-q"]);
    ends(&ended, 0, "\n16 passed in … s\n", "");
}

#[test]
fn a_crash_in_parallel_branches_and_of_what_nobody_can_look_for_is_gone_on_with() {
    let user = User::new();
    write(
        &user,
        "p.rhai",
        r#"
let made = parallel::map(["a", "b", "c"], |name| sns::create_topic(#{ name: name }).topic_arn);
for topic in made { sns::publish(#{ topic_arn: topic, message: "hello" }); }
file::write("done", "yes");
made.len()
"#,
    );
    let mut cases = Vec::new();
    for step in ["0.1.0", "1", "2", "4"] {
        for point in ["after-intent", "accepted", "recorded"] {
            cases.push(format!(
                "test(\"{step} {point}\", #{{ faults: [\"crash {step} {point}\"] }});\n"
            ));
        }
    }
    write(&user, "p.test.rhai", &cases.concat());
    let ended = test(&user, &["--accept", "-q"]);
    ends(&ended, 0, "\n12 passed in … s\n", "");
}
