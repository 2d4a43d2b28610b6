//! What programs read: JSON and `JUnit`; and what people read besides.

use serde_json::json;

use super::{ends, read, test, user};
use crate::support::opsh::User;

const CASES: &str = r#"test("two <queues>");
test("one", #{ params: #{ count: 1 }, check: |outcome| assert_eq(outcome.writes.len(), 2) });
"#;

/// `text` with every time as `…`.
fn without_times(text: &str) -> String {
    let mut parts = text.split(" time=\"");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').unwrap();
        out += " time=\"…\"";
        out += rest;
    }
    out
}

#[test]
fn ci_reads_junit() {
    let user = user(CASES);
    assert_eq!(test(&user, &["--junit", "report.xml"]).code, 1);
    assert_eq!(
        without_times(&read(&user, "report.xml")),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="opsh test" tests="2" failures="1" errors="0" skipped="1" time="…">
  <testsuite name="queues.test.rhai" tests="2" failures="1" errors="0" skipped="1" time="…">
    <testcase name="two &lt;queues&gt;" classname="queues.test.rhai" time="…">
      <skipped message="its snapshot is proposed, not accepted"/>
    </testcase>
    <testcase name="one" classname="queues.test.rhai" time="…">
      <failure message="its check fails">its check fails
error: queues.test.rhai:2:56: not equal:
  left:  1
  right: 2
   |
 2 | test(&quot;one&quot;, #{ params: #{ count: 1 }, check: |outcome| assert_eq(outcome.writes.len(), 2) });
   |                                                        ^^^^^^^^^
  in a closure called at queues.test.rhai:2:1</failure>
    </testcase>
  </testsuite>
</testsuites>
"#
    );
    let ended = test(&user, &["-q", "--junit", "no/where.xml"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (2, "error: --junit no/where.xml: no such file\n")
    );
}

#[test]
fn programs_read_json() {
    let user = user(CASES);
    let mut events = test(&user, &["--output", "json"]).events();
    for event in &mut events {
        let value = if event["event"] == "result" {
            &mut event["value"]
        } else {
            &mut *event
        };
        if let Some(seconds) = value.get_mut("seconds") {
            assert!(seconds.as_f64().unwrap() > 0.0);
            *seconds = json!("…");
        }
    }
    let difference = events[0]["difference"].as_str().unwrap().to_owned();
    assert!(
        difference.starts_with("there is no snapshot queues.snapshots/two-queues.snap yet"),
        "{difference}"
    );
    let problem = events[1]["problems"][0].as_str().unwrap().to_owned();
    assert!(
        problem.starts_with("its check fails\nerror: queues.test.rhai:2:56: "),
        "{problem}"
    );
    assert_eq!(
        events,
        [
            json!({
                "event": "case", "file": "queues.test.rhai", "name": "two <queues>",
                "playbook": "queues.rhai", "status": "new", "accepted": false, "seconds": "…",
                "steps": 2, "writes": 2, "problems": [],
                "snapshot": "queues.snapshots/two-queues.snap", "difference": difference,
            }),
            json!({
                "event": "case", "file": "queues.test.rhai", "name": "one",
                "playbook": "queues.rhai", "status": "failed", "accepted": false, "seconds": "…",
                "steps": 1, "writes": 1, "problems": [problem], "snapshot": null, "difference": null,
            }),
            json!({
                "event": "result",
                "value": { "passed": 0, "failed": 1, "new": 1, "seconds": "…" },
            }),
        ]
    );
    let listed = test(&user, &["--list", "--output", "json"]).done().events();
    assert_eq!(
        listed[1],
        json!({
            "event": "declared", "file": "queues.test.rhai", "name": "one",
            "playbook": "queues.rhai", "at": "queues.test.rhai:2:1",
        })
    );
}

/// A playbook and a file that it imports, with lines of every kind that no case reaches.
fn with_branches() -> User {
    let user = user("test(\"two\");\ntest(\"one\", #{ params: #{ count: 1 } });\n");
    super::write(
        &user,
        "queues.rhai",
        r#"import "lib/names" as names;
let count = param("count", #{ default: 2 });
let made = [];
for n in 0..count {
    made += sqs::create_queue(#{
        queue_name: names::of(n),
    }).queue_url;
}
if count > 2 {
    print("many");
    print("very many");
} else if count == 1 { print("one"); }
let short = made.map(|url| {
    url.split("/").pop()
});
try {
    if count == 7 {
        throw "seven";
    }
} catch (problem) {
    print(problem);
}
parallel::map(short, |name| {
    if name == "work-9" {
        return ();
    }
    name
}, #{ threads: 2 });
short
    .len()
"#,
    );
    super::write(
        &user,
        "lib/names.rhai",
        "/// A name.\nfn of(n) {\n    if n > 5 {\n        return `many-${n}`;\n    }\n    `work-${n}`\n}\nfn unused() {\n    1\n}\n",
    );
    user
}

#[test]
fn the_lines_that_no_case_reaches_are_said() {
    let user = with_branches();
    let told = "queues.test.rhai
  accepted  two
  accepted  one

lines reached
  lib/names.rhai   50 %  2 of 4, not 4, 9
  queues.rhai      75 %  15 of 20, not 10-11, 18-21, 25
  all              70 %  17 of 24

2 passed in … s
";
    let ended = test(&user, &["--accept", "--coverage", "--junit", "report.xml"]);
    ends(&ended, 0, told, "");
    let report = read(&user, "report.xml");
    let properties = r#"    <properties>
      <property name="coverage lib/names.rhai" value="50"/>
      <property name="coverage queues.rhai" value="75"/>
      <property name="coverage" value="70"/>
    </properties>
"#;
    assert!(report.contains(properties), "{report}");
}

#[test]
fn programs_read_the_lines_that_no_case_reaches() {
    let user = with_branches();
    test(&user, &["--accept"]).done();
    let once = test(&user, &["--ci", "--coverage", "--output", "json"]).done();
    let covered = once.events().remove(2);
    assert_eq!(
        covered,
        json!({
            "event": "coverage", "lines": 24, "reached": 17, "percent": 70,
            "files": [
                { "file": "lib/names.rhai", "lines": 4, "reached": 2, "missed": [[4, 4], [9, 9]] },
                {
                    "file": "queues.rhai", "lines": 20, "reached": 15,
                    "missed": [[10, 11], [18, 21], [25, 25]],
                },
            ],
        })
    );
    let words = [
        "--ci",
        "--coverage",
        "--output",
        "json",
        "--filter",
        "one",
        "--jobs",
        "1",
    ];
    let alone = test(&user, &words).done().events().remove(1);
    assert_eq!(
        (&alone["reached"], &alone["lines"]),
        (&json!(17), &json!(24))
    );
}

#[test]
fn the_steps_are_shown_with_their_numbers() {
    let user = user("test(\"two\");\n");
    let ended = test(&user, &["-v", "--accept"]);
    let told = "queues.test.rhai
  accepted  two
          0 + sqs::create_queue
          1 + sqs::create_queue

1 passed in … s
";
    ends(&ended, 0, told, "");
}

#[test]
fn cases_are_told_in_their_order_however_many_run_at_a_time() {
    let names: Vec<String> = (0..12).map(|n| format!("case {n}")).collect();
    let cases: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            format!(
                "test(\"{name}\", #{{ params: #{{ count: {} }} }});\n",
                12 - n
            )
        })
        .collect();
    let user = user(&cases.concat());
    test(&user, &["--accept", "--jobs", "1"]).done();
    let ended = test(&user, &["--ci", "--jobs", "8"]);
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("  ok        {name}\n"))
        .collect();
    ends(
        &ended,
        0,
        &format!("queues.test.rhai\n{}\n12 passed in … s\n", lines.concat()),
        "",
    );
}
