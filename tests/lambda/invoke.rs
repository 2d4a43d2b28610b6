//! `opsh lambda invoke`.

use serde_json::json;

use crate::support::opsh::User;

const SCRIPT: &str = r#"
let tag = param("tag", #{ default: "none" });
fn handler(event, context) {
    log::info(`${context.function_name} ${context.memory}`);
    let topic = sns::create_topic(#{ name: event.name }).topic_arn;
    #{ topic: topic, function: context.function_arn }
}"#;

fn user() -> User {
    let user = User::new();
    std::fs::write(user.home().join("alert.rhai"), SCRIPT).unwrap();
    std::fs::write(user.home().join("event.json"), r#"{"name": "news"}"#).unwrap();
    user
}

#[test]
fn a_function_is_tried_in_any_world() {
    let user = user();
    for world in ["--dry-run", "--local"] {
        let words = [
            "lambda",
            "invoke",
            "alert.rhai",
            "--event",
            "event.json",
            "-q",
            world,
        ];
        let ended = user.opsh(words).done();
        let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(
            value,
            json!({
                "topic": "arn:aws:sns:us-east-1:123456789012:news",
                "function": "arn:aws:lambda:us-east-1:000000000000:function:alert",
            })
        );
    }
    // What it made belongs to its stack, as of any playbook.
    let listed = user.opsh(["ls", "alert", "--local"]).done();
    assert!(listed.out.contains("sns:topic"), "{}", listed.out);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_done() {
    let user = user();
    let ended = user.opsh([
        "lambda",
        "invoke",
        "alert.rhai",
        "--event",
        "no.json",
        "--local",
    ]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (2, "error: cannot read --event 'no.json': no such file\n")
    );
    let ended = user.opsh(["lambda", "invoke", "alert.rhai", "tga=x", "--local"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            2,
            "error: alert.rhai has no parameter 'tga'; did you mean 'tag'?\n"
        )
    );
    let ended = user.opsh(["lambda", "invoke", "alert.rhai", "--local"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("alert.rhai:5:"), "{}", ended.err);
}
