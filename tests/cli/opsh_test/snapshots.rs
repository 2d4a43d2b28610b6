//! Snapshots: proposed, accepted, reviewed, compared.

use super::{QUEUES, ends, exists, listed, read, test, user, write};

const TWO: &str = "plan on a freshly furnished embedded cloud (us-east-1, seed 0)

+ sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/work-0
    queue_name  work-0
+ sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/work-1
    queue_name  work-1

2 writes, 0 reads

2 queues

count  2
";

const NEXT: &str =
    "  next: opsh test --review shows each difference and asks, --accept takes all\n";

fn indented(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("      {line}").trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

#[test]
fn one_that_is_missing_is_proposed_and_with_ci_a_failure() {
    let user = user(r#"test("Two queues");"#);
    let told = |word: &str, count: &str| {
        format!(
            "queues.test.rhai\n  {word}  Two queues\n      there is no snapshot \
             queues.snapshots/two-queues.snap yet; what the run did:\n{}\n{count} in … s\n",
            indented(TWO)
        )
    };
    let ended = test(&user, &["--ci"]);
    ends(&ended, 1, &told("FAILED  ", "0 passed, 1 failed"), NEXT);
    assert!(!exists(&user, "queues.snapshots"));
    let ended = test(&user, &[]);
    ends(&ended, 0, &told("new     ", "0 passed, 1 new"), NEXT);
    assert_eq!(read(&user, "queues.snapshots/two-queues.snap.new"), TWO);
    let ended = test(&user, &["--accept"]);
    let accepted = "queues.test.rhai\n  accepted  Two queues\n\n1 passed in … s\n";
    ends(&ended, 0, accepted, "");
    assert_eq!(listed(&user, "queues.snapshots"), ["two-queues.snap"]);
    assert_eq!(read(&user, "queues.snapshots/two-queues.snap"), TWO);
    let passed = "queues.test.rhai\n  ok        Two queues\n\n1 passed in … s\n";
    ends(&test(&user, &["--ci"]), 0, passed, "");
    ends(&test(&user, &["-q"]), 0, "\n1 passed in … s\n", "");
}

#[test]
fn it_is_what_a_dry_run_shows() {
    let user = user(r#"test("two");"#);
    test(&user, &["--accept"]).done();
    let shown = user.opsh(["run", "queues.rhai", "--dry-run"]).done();
    assert_eq!(read(&user, "queues.snapshots/two.snap"), shown.out);
}

#[test]
fn what_a_changed_playbook_does_otherwise_is_shown() {
    let user = user(r#"test("two");"#);
    test(&user, &["--accept"]).done();
    write(&user, "queues.rhai", &QUEUES.replace("work-", "job-"));
    let changed = "queues.test.rhai
  FAILED    two
      the run (+) differs from the snapshot queues.snapshots/two.snap (-):
        plan on a freshly furnished embedded cloud (us-east-1, seed 0)

      - + sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/work-0
      -     queue_name  work-0
      - + sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/work-1
      -     queue_name  work-1
      + + sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/job-0
      +     queue_name  job-0
      + + sqs::create_queue → sqs:queue https://sqs.us-east-1.amazonaws.com/123456789012/job-1
      +     queue_name  job-1

        2 writes, 0 reads

      …

0 passed, 1 failed in … s
";
    ends(&test(&user, &[]), 1, changed, NEXT);
    assert_eq!(
        listed(&user, "queues.snapshots"),
        ["two.snap", "two.snap.new"]
    );
    // As it was, the proposal is void.
    write(&user, "queues.rhai", QUEUES);
    assert_eq!(test(&user, &[]).code, 0);
    assert_eq!(listed(&user, "queues.snapshots"), ["two.snap"]);
}

#[test]
fn a_person_is_asked_about_each() {
    let user = user(
        "test(\"one\", #{ params: #{ count: 1 } });\ntest(\"two\");\ntest(\"three\", #{ params: #{ count: 3 } });\n",
    );
    let mut terminal = user.at_terminal(["test", "--review"]);
    terminal.sees("1 of 3: queues.test.rhai: one");
    terminal.sees("(a)ccept, (r)eject or (s)kip?");
    terminal.enter("what?");
    terminal.sees("(s)kip? what?\n(a)ccept, (r)eject or (s)kip?");
    terminal.enter("a");
    terminal.sees("2 of 3: queues.test.rhai: two");
    terminal.enter("r");
    terminal.sees("3 of 3: queues.test.rhai: three");
    terminal.enter("s");
    terminal.sees("1 passed, 1 failed, 1 new in");
    let left = terminal.left();
    assert_eq!(left.code, 1, "{}", left.screen);
    // Each difference is shown once, when it is asked about.
    let shown = left.ever.matches("what the run did:").count();
    assert_eq!(shown, 3, "{}", left.ever);
    assert_eq!(
        listed(&user, "queues.snapshots"),
        ["one.snap", "three.snap.new"]
    );
    let ended = test(&user, &["--review"]);
    ends(
        &ended,
        2,
        "",
        "error: --review asks, and nobody sits at a terminal\n  \
         next: run it on a terminal, or take all with --accept\n",
    );
}

#[test]
fn one_that_no_case_has_is_named_and_goes_with_accept() {
    let user = user("test(\"two\");\ntest(\"one\", #{ params: #{ count: 1 } });\n");
    test(&user, &["--accept"]).done();
    write(&user, "queues.test.rhai", "test(\"two\");\n");
    // Also where only some are run.
    let passed = "queues.test.rhai\n  ok        two\n\n1 passed in … s\n";
    ends(
        &test(&user, &["--filter", "two"]),
        0,
        passed,
        "warning: no case has the snapshot queues.snapshots/one.snap; --accept removes it\n",
    );
    ends(
        &test(&user, &["--accept"]),
        0,
        passed,
        "removed queues.snapshots/one.snap: no case has it\n",
    );
    assert_eq!(listed(&user, "queues.snapshots"), ["two.snap"]);
}

#[test]
fn a_playbook_gets_its_first_case() {
    let user = user("");
    std::fs::remove_file(user.home().join("queues.test.rhai")).unwrap();
    let ended = test(&user, &["--init", "queues.rhai"]);
    let told = "queues.test.rhai\n  accepted  as it is\n\n1 passed in … s\n";
    ends(&ended, 0, told, "");
    assert_eq!(
        read(&user, "queues.test.rhai"),
        "// Cases of queues.rhai; see `opsh test --help`.\n\ntest(\"as it is\");\n"
    );
    assert_eq!(read(&user, "queues.snapshots/as-it-is.snap"), TWO);
    let ended = test(&user, &["--init", "queues.rhai"]);
    ends(
        &ended,
        2,
        "",
        "error: queues.test.rhai: there are cases already\n  next: add one: test(\"another\", #{ params: #{ … } });\n",
    );
}
