//! Files of cases that say what makes no sense.

use super::{ends, test, user, write};
use crate::support::opsh::User;

#[track_caller]
fn refused(cases: &str, err: &str) {
    ends(&test(&user(cases), &[]), 2, "", err);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    refused(
        "test(\"two\", #{ parms: #{} });\n",
        "error: queues.test.rhai:1:1: test \"two\": unknown option 'parms'; did you mean 'params'?
   |
 1 | test(\"two\", #{ parms: #{} });
   | ^^^^
",
    );
    for (options, why) in [
        ("params: 2", "'params' must be a map, not 2"),
        (
            "seed: -1",
            "'seed' must be a whole number, 0 or more, not -1",
        ),
        ("given: 3", "'given' must be a function, not i64"),
        (
            "faults: \"crash after 7\"",
            "'faults' must be an array of texts, not \"crash after 7\"",
        ),
        (
            "faults: [\"explode\"]",
            "'faults': 'explode' is no fault; there are throttle, server STATUS, refuse CODE, capacity, \
             reset, lost, delay DURATION and crash STEP POINT",
        ),
        (
            "lasts: \"long\"",
            "'lasts': 'long' is no duration such as 90s or 10m",
        ),
        ("events: \"none\"", "'events': none: no such file"),
        (
            "fixtures: #{ \"http://a/\": \"none\" }",
            "'fixtures': cannot read 'none': no such file",
        ),
        (
            "playbook: \"none.rhai\"",
            "cannot read the playbook 'none.rhai': no such file",
        ),
        ("after: \"one\"", "there is no case \"one\" before it"),
        (
            "after: \"one\", given: || 1",
            "'after' begins with what another case leaves, so there is no 'given'",
        ),
        (
            "after: \"one\", files: \"folder\"",
            "'after' begins with what another case leaves, so there is no 'files'",
        ),
    ] {
        let ended = test(&user(&format!("test(\"two\", #{{ {options} }});\n")), &[]);
        let first = ended.err.lines().next().unwrap().to_owned();
        assert_eq!(
            first,
            format!("error: queues.test.rhai:1:1: test \"two\": {why}")
        );
        assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    }
    let twice = test(&user("test(\"Two\");\ntest(\"two!\");\n"), &[]);
    assert!(
        twice.err.starts_with(
            "error: queues.test.rhai:2:1: test \"two!\": its snapshot would be that of the case \
             \"Two\", two.snap; give it another name\n"
        ),
        "{}",
        twice.err
    );
}

#[test]
fn what_no_case_would_see_is_refused() {
    refused(
        "sqs::create_queue(#{ queue_name: \"a\" });\ntest(\"two\");\n",
        "error: queues.test.rhai:1:1: no case sees what is called beside the cases
   |
 1 | sqs::create_queue(#{ queue_name: \"a\" });
   | ^^^^^^^^^^^^^^^^^
  next: call it within 'given', which furnishes a case's account, or within 'check'
",
    );
}

#[test]
fn one_file_that_cannot_be_read_stops_no_other() {
    let user = user("test(\"two\");\n");
    write(&user, "bad/p.test.rhai", "test(\"two\";\n");
    let ended = test(&user, &["--accept"]);
    ends(
        &ended,
        2,
        "queues.test.rhai\n  accepted  two\n\n1 passed in … s\n",
        "error: bad/p.test.rhai:1:11: syntax error: Expecting ',' to separate the arguments to function call 'test'
   |
 1 | test(\"two\";
   |           ^
",
    );
}

#[test]
fn there_must_be_something_to_run() {
    let nobody = User::new();
    ends(
        &test(&nobody, &[]),
        2,
        "",
        "error: there are no cases in .\n  next: `opsh test --init demo.rhai` writes a first one for demo.rhai\n",
    );
    ends(
        &test(&nobody, &["nowhere"]),
        2,
        "",
        "error: nowhere: no such file\n",
    );
    ends(
        &test(&user("test(\"two\");\n"), &["--filter", "three"]),
        2,
        "",
        "error: no case has \"three\" in its name\n  next: `opsh test --list` lists the cases\n",
    );
    ends(
        &test(&user("let nothing = 1;\n"), &[]),
        2,
        "",
        "error: no case is declared\n  next: `opsh test --list` lists the cases\n",
    );
}

#[test]
fn a_parameter_that_there_is_not_fails_its_case() {
    let user = user("test(\"two\", #{ params: #{ cuont: 2 } });\n");
    let told = "queues.test.rhai
  FAILED    two
      the playbook fails
      error: queues.rhai has no parameter 'cuont'; did you mean 'count'?

0 passed, 1 failed in … s
";
    ends(&test(&user, &[]), 1, told, "");
}

#[test]
fn given_that_fails_is_said() {
    let user = user("test(\"two\", #{ given: || { throw \"no machine\"; } });\n");
    let told = "queues.test.rhai
  FAILED    two
      it cannot be tried
      error: queues.test.rhai:1:28: no machine
         |
       1 | test(\"two\", #{ given: || { throw \"no machine\"; } });
         |                            ^^^^^
        in a closure called at queues.test.rhai:1:1

0 passed, 1 failed in … s
";
    ends(&test(&user, &[]), 1, told, "");
}

#[test]
fn a_check_finds_what_no_case_can_take() {
    let cases = r#"let options = #{ parms: #{ count: 1 } };
test("one", options);
test("two", #{ seed: "x", given: 3 });
test();
"#;
    let user = user(cases);
    let ended = user.opsh(["check", "queues.test.rhai"]);
    let said: Vec<&str> = ended.out.lines().chain(ended.err.lines()).collect();
    let errors = said.iter().filter(|line| line.starts_with("error"));
    let errors: Vec<&str> = errors.copied().collect();
    assert_eq!(
        errors,
        [
            "error[unknown-parameter]: queues.test.rhai:1:18: test: unknown parameter 'parms'; did you mean 'params'?",
            "error[parameter-type]: queues.test.rhai:3:16: test: parameter 'seed' must be an integer, not text",
            "error[argument-count]: queues.test.rhai:4:1: test takes 1 to 2 arguments (name, the map of parameters), not 0",
        ]
    );
    assert_eq!(ended.code, 2);
}
