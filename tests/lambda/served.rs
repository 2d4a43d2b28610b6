//! Functions in a cloud that is served: what other processes do there sets them off.

use serde_json::{Value, json};

use super::deploy::{TRIGGERS, user};
use crate::support::opsh::{Ended, User, result, writes};
use crate::support::served::Served;

/// How often the function has been called.
const COUNT: &str =
    r#"parse_int(s3::get_object(#{ bucket: "opsh-counted", key: "count" }).body.as_string())"#;

/// Runs a playbook of the user on the cloud that is served.
fn run(served: &Served, playbook: &str, parameters: &[&str]) -> Ended {
    let at = format!("--local-at={}", served.url());
    let words = ["run", playbook, &at, "--output=json"];
    served.user.opsh(words.iter().chain(parameters)).done()
}

fn look(served: &Served, text: &str) -> Value {
    std::fs::write(served.user.home().join("look.rhai"), text).unwrap();
    result(&run(served, "look.rhai", &[]))
}

/// What a served cloud has when the function was deployed there with all its triggers.
fn deployed(options: &[&str]) -> Served {
    let served = Served::of(user(), options);
    let first = run(&served, "p.rhai", &TRIGGERS);
    assert!(writes(&first).contains(&"lambda::create_function".to_owned()));
    assert_eq!(writes(&run(&served, "p.rhai", &TRIGGERS)), [""; 0]);
    served
}

#[test]
fn its_triggers_call_a_function_in_a_served_cloud() {
    let served = deployed(&["--time=virtual"]);
    let asked = look(
        &served,
        r#"text::json_decode(lambda::invoke(#{ function_name: "counter", payload: `{"by": "hand"}` }).payload.as_string()).event.by"#,
    );
    assert_eq!(asked, "hand");
    for (what, action, times) in [
        (
            "an object",
            r#"s3::put_object(#{ bucket: "opsh-counted", key: "in/a", body: "x" }); sleep(5);"#,
            1,
        ),
        (
            "another object",
            r#"s3::put_object(#{ bucket: "opsh-counted", key: "out/a", body: "x" }); sleep(5);"#,
            0,
        ),
        (
            "a message",
            r#"sns::publish(#{ topic_arn: sns::list_topics(#{}).topics[0].topic_arn, message: "hello" }); sleep(5);"#,
            1,
        ),
        ("ten minutes", "sleep(600);", 10),
    ] {
        let text = format!("let before = {COUNT}; {action} {COUNT} - before");
        assert_eq!(look(&served, &text), times, "{what}");
    }
}

#[test]
fn the_time_of_a_served_cloud_is_let_go_on_from_outside() {
    let served = deployed(&["--time=real"]);
    let advance = |user: &User, by: &str| {
        let words = ["local", "advance", by, "--output=json"];
        user.opsh(words).done().events()
    };
    let happened = advance(&served.user, "10m");
    let runs = happened.iter().filter(|event| event["kind"] == "run");
    let runs = runs.count();
    // The real time has gone on meanwhile: a minute more may have come to its end.
    assert!([10, 11].contains(&runs), "{happened:#?}");
    let end = happened.last().unwrap();
    assert_eq!(end["event"], "advanced");
    assert_eq!(end["runs"], json!({"counter": runs}));
    let refused = served.user.opsh(["local", "exec", "nobody", "--", "true"]);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.err, "error: there is no instance 'nobody'\n");
}
