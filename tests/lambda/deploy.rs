//! `lambda::deploy` on the embedded cloud, and its functions running there.

use serde_json::{Value, json};

use crate::cli::shipped;
use crate::support::opsh::{Ended, User, result, writes};

/// Counts in an object how often it was called, and tells for what.
const COUNTER: &str = r#"
const BUCKET = param("bucket", #{ type: "text", doc: "The bucket to count in." });
fn handler(event, context) {
    let before = 0;
    try { before = parse_int(s3::get_object(#{ bucket: global::BUCKET, key: "count" }).body.as_string()); } catch (problem) {
        if problem.kind != "not_found" { throw problem; }
    }
    s3::put_object(#{ bucket: global::BUCKET, key: "count", body: `${before + 1}` });
    log::info(`call ${before + 1}`);
    #{ event: event, function: context.function_name, left: context.deadline - time::now() }
}"#;

/// Deploys `counter` with the triggers that the playbook's parameters say, and gives what changed.
const DEPLOY: &str = r#"
let limit = param("limit", #{ default: 30 });
let schedule = param("schedule", #{ default: "" });
let objects = param("objects", #{ default: false });
let messages = param("messages", #{ default: false });
let role = param("role", #{ default: "" });
let bucket = "opsh-counted";
try { s3::head_bucket(#{ bucket: bucket }); } catch { s3::create_bucket(#{ bucket: bucket }); }
let topics = sns::list_topics(#{}).topics;
let topic = if topics.is_empty() { sns::create_topic(#{ name: "news" }) } else { topics[0] }.topic_arn;
let options = #{ name: "counter", script: "counter.rhai", timeout: limit, env: #{ bucket: bucket } };
if schedule != "" { options.schedule = schedule; }
if role != "" { options.role = role; }
if objects { options.s3_trigger = #{ bucket: bucket, prefix: "in/" }; }
if messages { options.sns_trigger = topic; }
lambda::deploy(options).changed"#;

/// Everything that can call it.
pub(super) const TRIGGERS: [&str; 3] = ["schedule=rate(1 minute)", "objects=true", "messages=true"];

pub(super) fn user() -> User {
    let user = User::new();
    for (name, text) in [("counter.rhai", COUNTER), ("p.rhai", DEPLOY)] {
        std::fs::write(user.home().join(name), text).unwrap();
    }
    user
}

fn deploy(user: &User, parameters: &[&str]) -> Ended {
    let words = ["run", "p.rhai", "--local", "--output", "json"];
    user.opsh(words.iter().chain(parameters)).done()
}

/// The result of another playbook on the same cloud.
fn look(user: &User, text: &str) -> Value {
    std::fs::write(user.home().join("look.rhai"), text).unwrap();
    let words = ["run", "look.rhai", "--local", "--output", "json"];
    result(&user.opsh(words).done())
}

#[test]
fn what_is_deployed_again_is_left_alone() {
    let user = user();
    let first = deploy(&user, &TRIGGERS);
    assert_eq!(
        writes(&first),
        [
            "s3::create_bucket",
            "sns::create_topic",
            "iam::create_role",
            "iam::put_role_policy",
            "lambda::create_function",
            "iam::create_role",
            "iam::put_role_policy",
            "scheduler::create_schedule",
            "lambda::add_permission",
            "lambda::add_permission",
            "s3::put_bucket_notification_configuration",
            "sns::subscribe",
        ]
    );
    let again = deploy(&user, &TRIGGERS);
    assert_eq!(result(&again), json!([]));
    assert!(writes(&again).is_empty());
}

#[test]
fn the_role_may_do_what_the_script_can_reach() {
    let user = user();
    deploy(&user, &[]);
    let policy = look(
        &user,
        r#"let policy = iam::get_role_policy(#{ role_name: "counter-function", policy_name: "opsh" }).policy_document;
        text::json_decode(text::url_decode(policy))"#,
    );
    let log = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/counter";
    assert_eq!(
        policy["Statement"],
        json!([
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": [log, format!("{log}:*")],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::opsh-counted/*"],
            },
        ])
    );
}

#[test]
fn only_what_differs_is_changed() {
    let user = user();
    deploy(&user, &["schedule=rate(1 minute)"]);
    let longer = deploy(&user, &["schedule=rate(1 minute)", "limit=60"]);
    assert_eq!(writes(&longer), ["lambda::update_function_configuration"]);
    let script = format!("// Better.{COUNTER}");
    std::fs::write(user.home().join("counter.rhai"), script).unwrap();
    let better = deploy(&user, &["schedule=rate(1 minute)", "limit=60"]);
    assert_eq!(writes(&better), ["lambda::update_function_code"]);
    let slower = deploy(&user, &["schedule=rate(1 hour)", "limit=60"]);
    assert_eq!(writes(&slower), ["scheduler::update_schedule"]);
    let other = deploy(&user, &["messages=true", "limit=60"]);
    assert_eq!(
        writes(&other),
        [
            "iam::delete_role_policy",
            "iam::delete_role",
            "scheduler::delete_schedule",
            "lambda::add_permission",
            "sns::subscribe"
        ]
    );
    let none = deploy(&user, &["limit=60"]);
    assert_eq!(
        writes(&none),
        ["sns::unsubscribe", "lambda::remove_permission"]
    );
}

#[test]
fn the_role_that_was_made_goes_when_another_is_given() {
    let user = user();
    deploy(&user, &[]);
    let own = look(
        &user,
        r#"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
        iam::create_role(#{ role_name: "own", assume_role_policy_document: trust }).role.arn"#,
    );
    let given = format!("role={}", own.as_str().unwrap());
    let other = deploy(&user, &[&given]);
    assert_eq!(
        writes(&other),
        [
            "lambda::update_function_configuration",
            "iam::delete_role_policy",
            "iam::delete_role"
        ]
    );
    assert_eq!(writes(&deploy(&user, &[&given])), [""; 0]);
    let roles = r#"iam::list_roles(#{}).roles.map(|role| role.role_name)
            .filter(|name| name == "own" || name.starts_with("counter"))"#;
    assert_eq!(look(&user, roles), json!(["own"]));
    // Without one it is made again, and the one that was given stays its owner's.
    let back = deploy(&user, &[]);
    assert_eq!(
        writes(&back),
        [
            "iam::create_role",
            "iam::put_role_policy",
            "lambda::update_function_configuration"
        ]
    );
    assert_eq!(look(&user, roles), json!(["counter-function", "own"]));
    // The one that was made is not dropped for being given by its name.
    let made = r#"iam::get_role(#{ role_name: "counter-function" }).role.arn"#;
    let made = format!("role={}", look(&user, made).as_str().unwrap());
    assert_eq!(writes(&deploy(&user, &[&made])), [""; 0]);
}

#[test]
fn a_function_runs_when_its_triggers_say() {
    let user = user();
    deploy(&user, &TRIGGERS);
    // Asked, it answers.
    let answer = look(
        &user,
        r#"let answer = lambda::invoke(#{ function_name: "counter", payload: `{"by": "hand"}` });
        text::json_decode(answer.payload.as_string())"#,
    );
    assert_eq!(answer["event"]["by"], "hand");
    assert_eq!(answer["function"], "counter");
    assert!(answer["left"].as_f64().unwrap() > 29.0, "{answer}");
    let count =
        r#"parse_int(s3::get_object(#{ bucket: "opsh-counted", key: "count" }).body.as_string())"#;
    // An object, and another that is none of its business.
    let after = look(
        &user,
        &format!(
            r#"let before = {count};
            s3::put_object(#{{ bucket: "opsh-counted", key: "in/a", body: "x" }});
            s3::put_object(#{{ bucket: "opsh-counted", key: "out/a", body: "x" }});
            sleep(5);
            {count} - before"#
        ),
    );
    assert_eq!(after, 1);
    let after = look(
        &user,
        &format!(
            r#"let before = {count};
            let topic = sns::list_topics(#{{}}).topics[0].topic_arn;
            sns::publish(#{{ topic_arn: topic, message: "hello" }});
            sleep(5);
            {count} - before"#
        ),
    );
    assert_eq!(after, 1);
    let after = look(
        &user,
        &format!("let before = {count}; sleep(600); {count} - before"),
    );
    assert_eq!(after, 10);
}

#[test]
fn what_goes_wrong_in_a_function_is_told_to_who_asked() {
    let user = user();
    let script = r#"fn handler(event, context) {
        if event.how == "throw" { throw #{ kind: "unhealthy", message: "two targets are down" }; }
        if event.how == "wait" { sleep(120); }
    }"#;
    std::fs::write(user.home().join("counter.rhai"), script).unwrap();
    deploy(&user, &[]);
    let ask = |how: &str| {
        look(
            &user,
            &format!(
                r#"let answer = lambda::invoke(#{{ function_name: "counter", payload: `{{"how": "{how}"}}`, log_type: "Tail" }});
                #{{ error: answer.function_error, said: text::json_decode(answer.payload.as_string()), log: text::base64_decode(answer.log_result) }}"#
            ),
        )
    };
    let thrown = ask("throw");
    assert_eq!(thrown["said"]["errorType"], "unhealthy");
    assert_eq!(
        thrown["said"]["errorMessage"],
        "counter.rhai:2:35: two targets are down"
    );
    let log = thrown["log"].as_str().unwrap();
    assert!(
        log.contains("ERROR error: counter.rhai:2:35: two targets are down"),
        "{log}"
    );
    assert_eq!(ask("wait")["said"]["errorType"], "Sandbox.Timedout");
}

#[test]
fn a_teardown_leaves_nothing_of_it() {
    let user = user();
    deploy(&user, &TRIGGERS);
    let teardown = shipped("teardown");
    let words = [
        "run", &teardown, "stack=p", "--local", "--yes", "--output", "json",
    ];
    let ended = user.opsh(words).done();
    assert_eq!(result(&ended)["left"], json!([]));
    let left = look(
        &user,
        r#"lambda::list_functions(#{}).functions.len() + scheduler::list_schedules(#{}).schedules.len()
            + iam::list_roles(#{}).roles.filter(|role| role.role_name.starts_with("counter")).len()"#,
    );
    assert_eq!(left, 0);
}

#[test]
fn a_dry_run_shows_the_whole_plan() {
    let user = user();
    let words = ["run", "p.rhai", "--dry-run", "schedule=rate(1 minute)"];
    let ended = user.opsh(words).done();
    insta::assert_snapshot!(ended.out);
    assert!(!user.home().join(".opsh").exists());
}

#[test]
fn options_are_checked_before_anything_is_done() {
    let user = user();
    for (options, code, message) in [
        (
            r#"name: "a", scirpt: "b.rhai", memory: 64"#,
            2,
            "p.rhai:1:30: lambda::deploy: unknown parameter 'scirpt'; did you mean 'script'?",
        ),
        (
            r#"name: "a", script: "b.rhai""#,
            1,
            "lambda::package: cannot read the playbook 'b.rhai': no such file",
        ),
    ] {
        let text = format!("lambda::deploy(#{{ {options} }})");
        std::fs::write(user.home().join("p.rhai"), text).unwrap();
        let ended = user.opsh(["run", "p.rhai", "--dry-run"]);
        assert_eq!(ended.code, code);
        assert!(ended.err.contains(message), "{}", ended.err);
    }
}
