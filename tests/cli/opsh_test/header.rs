//! A table of cases in the header of a playbook.

use serde_json::json;

use super::{QUEUES, ends, exists, read, test, write};
use crate::support::opsh::User;

const TABLE: &str = "//! Makes queues.
//!
//! | case        | params          | given                                      | faults               | check                       | fails    |
//! | ----------- | --------------- | ------------------------------------------ | -------------------- | --------------------------- | -------- |
//! | as it is    |                 |                                            |                      |                             |          |
//! | three       | `count=3`       | `sqs::create_queue(#{ queue_name: \"x\" })` |                      | outcome.writes.len() == 3   |          |
//! | slow        | count=1         |                                            | throttle every 2; delay 5s sqs:* | outcome.steps.len() == 1 |   |
//! | none        | count=0         |                                            |                      |                             | at least |
//!
//! That is all.
";

/// Somebody with a playbook whose header begins with `header`.
fn user(header: &str) -> User {
    let user = User::new();
    write(&user, "queues.rhai", &format!("{header}{QUEUES}"));
    user
}

#[test]
fn each_row_is_a_case() {
    let user = user(TABLE);
    let told = "queues.rhai
  accepted  as it is
  accepted  three
  accepted  slow
  accepted  none

4 passed in … s
";
    ends(&test(&user, &["--accept"]), 0, told, "");
    assert!(exists(&user, "queues.snapshots/as-it-is.snap"));
    let three = read(&user, "queues.snapshots/three.snap");
    assert!(three.contains("3 writes, 0 reads"), "{three}");
    for path in [".", "queues.rhai"] {
        test(&user, &["--ci", path]).done();
    }
    let listed = test(&user, &["--list", "--output", "json"]).done().events();
    assert_eq!(
        listed[1],
        json!({
            "event": "declared", "file": "queues.rhai", "name": "three",
            "playbook": "queues.rhai", "at": "queues.rhai:6:7",
        })
    );
    // The table is none of the lines that are counted.
    let covered = test(&user, &["--ci", "-q", "--coverage"]).done();
    assert!(
        covered.out.contains("queues.rhai  100 %  7 of 7\n"),
        "{}",
        covered.out
    );
}

#[test]
fn the_playbooks_page_lists_them() {
    let user = user(TABLE);
    let page = user.opsh(["doc", "queues.rhai"]).done().out;
    assert!(page.contains("as it is; three; slow; none"), "{page}");
    assert!(page.contains("That is all."), "{page}");
    assert!(!page.contains("| case"), "{page}");
}

#[test]
fn a_check_that_does_not_hold_is_shown_at_its_cell() {
    let user = user(
        "// | case | check                                 |
// | two  | assert_eq(outcome.result.count, 2)    |
// | one  | assert_eq(outcome.writes.len(), 1)    |
",
    );
    let told = "queues.rhai
  accepted  two
  FAILED    one
      its check fails
      error: queues.rhai:3:13: not equal:
        left:  2
        right: 1
         |
       3 | // | one  | assert_eq(outcome.writes.len(), 1)    |
         |             ^^^^^^^^^
        in a closure called at queues.rhai:3:50

1 passed, 1 failed in … s
";
    ends(&test(&user, &["--accept"]), 1, told, "");
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_place() {
    let first = |header: &str| {
        let ended = test(&user(header), &[]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        ended.err.lines().next().unwrap_or_default().to_owned()
    };
    for (row, why) in [
        (
            "| case | parms |\n// | one | a=1 |",
            "2:6: test \"one\": unknown option 'parms'; did you mean 'params'?",
        ),
        (
            "| case | params |\n// | one | 7 |",
            "2:6: test \"one\": 'params' must be words such as name=value, not '7'",
        ),
        (
            "| case | params |\n// | one | a='7 |",
            "2:6: test \"one\": 'params': a quotation mark is not closed",
        ),
        (
            "| case | seed |\n// | one | x |",
            "2:6: test \"one\": 'seed' must be a whole number, 0 or more, not \"x\"",
        ),
        (
            "| case | seed |\n// | one | 1 | 2 |",
            "2:6: test \"one\": it has 3 cells in a table of 2",
        ),
        (
            "| case |\n// | one |\n// | One! |",
            "3:6: test \"One!\": its snapshot would be that of the case \"one\", one.snap; give it another name",
        ),
        (
            "| case | given |\n// | one | given::instanze(\"x\") + |",
            "2:35: syntax error: Unexpected ';'",
        ),
        (
            "| case | given |\n// | one | gibven::instance(\"x\") |",
            "2:12: there is no module 'gibven'; did you mean given::instance?",
        ),
    ] {
        assert_eq!(
            first(&format!("// {row}\n")),
            format!("error: queues.rhai:{why}")
        );
    }
}

#[test]
fn cases_stand_in_one_place() {
    let user = user(TABLE);
    write(&user, "queues.test.rhai", "test(\"two\");\n");
    let told = "error: there are cases of queues.rhai in its header and in queues.test.rhai
  next: keep them in one place: they share their snapshots
";
    for path in [".", "queues.rhai", "queues.test.rhai"] {
        ends(&test(&user, &[path]), 2, "", told);
    }
    std::fs::remove_file(user.home().join("queues.test.rhai")).unwrap();
    ends(
        &test(&user, &["--init", "queues.rhai"]),
        2,
        "",
        "error: queues.rhai: there are cases in its header already\n  next: add a row to the table\n",
    );
}
