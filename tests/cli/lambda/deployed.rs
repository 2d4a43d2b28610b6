//! The functions where they belong: deployed, and called by what happens on the cloud.

use std::fs;

use serde_json::{Value, json};

use super::log_watch::{KEY, attack, packed};
use super::{read, run};
use crate::support::opsh::User;

/// Keeps what a topic says in a bucket, to be looked at.
const RECORDER: &str = r#"const BUCKET = param("bucket", #{ type: "text" });
fn handler(event, context) {
    for record in event.Records {
        s3::put_object(#{ bucket: global::BUCKET, key: record.Sns.Subject, body: record.Sns.Message });
    }
}"#;

/// A topic whose messages are kept, and what was said there.
const SAID: &str = r#"
s3::create_bucket(#{ bucket: "opsh-shop-said" });
let topic = sns::create_topic(#{ name: "alerts" }).topic_arn;
lambda::deploy(#{ name: "recorder", script: "recorder.rhai", sns_trigger: topic, env: #{ bucket: "opsh-shop-said" } });
"#;
const HEARD: &str = r#"
let heard = #{};
for object in s3::list_objects_v2(#{ bucket: "opsh-shop-said" }).contents {
    heard[object.key] = s3::get_object(#{ bucket: "opsh-shop-said", key: object.key }).body.as_string();
}
"#;

/// A user with the shipped functions beside the playbook.
fn user() -> User {
    let user = User::new();
    fs::create_dir(user.home().join("lambda")).unwrap();
    for name in ["log_watch", "health_check"] {
        let script = read(&format!("playbooks/lambda/{name}.rhai"));
        fs::write(user.home().join(format!("lambda/{name}.rhai")), script).unwrap();
    }
    fs::write(user.home().join("recorder.rhai"), RECORDER).unwrap();
    user
}

#[test]
fn a_log_that_lands_in_the_bucket_is_watched() {
    let user = user();
    fs::write(user.home().join("access.log.gz"), packed(&attack())).unwrap();
    let text = format!(
        r#"{SAID}
        s3::create_bucket(#{{ bucket: "opsh-shop-logs" }});
        lambda::deploy(#{{
            name: "log-watch", script: "lambda/log_watch.rhai",
            s3_trigger: #{{ bucket: "opsh-shop-logs", suffix: ".log.gz" }},
            env: #{{ topic: topic, client_requests: 300, probes: "/.env,/.git/" }},
        }});
        s3::put_object(#{{ bucket: "opsh-shop-logs", key: "{KEY}", body: #{{ file: "access.log.gz" }} }});
        sleep(300);
        {HEARD}
        heard"#
    );
    let heard = run(&user, "p", &text, &[]).result();
    let subjects: Vec<&String> = heard.as_object().unwrap().keys().collect();
    assert_eq!(
        subjects,
        [
            "errors: 1 target gives more than 10 answers of 5xx",
            "rate: 1 client asks more than 300 times a minute",
            "scan: 1 client tries doors",
        ]
    );
    let scan = heard["scan: 1 client tries doors"].as_str().unwrap();
    assert!(scan.contains("198.51.100.66: 40 missing paths"), "{scan}");
}

#[test]
fn a_failing_instance_is_replaced_on_schedule() {
    let user = user();
    let application = read("tests/cli/lambda/application.rhai");
    let made = run(
        &user,
        "application",
        &application,
        &["desired=2".to_owned()],
    )
    .result();
    let broken = &made["instances"][0];
    let text = format!(
        r#"import "instances" as instances;
        {SAID}
        lambda::deploy(#{{
            name: "health-check", script: "lambda/health_check.rhai", schedule: "rate(1 minute)",
            env: #{{ url: {url}, target_group: {target_group}, group: "shop", topic: topic, share: 50 }},
        }});
        let host = #{{ host: instances::describe({broken}).public_ip_address, user: "ec2-user", key_file: "shop.key", host_key: "accept-new" }};
        ssh::run(host, "sudo systemctl stop httpd");
        sleep(1200);
        {HEARD}
        let group = autoscaling::describe_auto_scaling_groups(#{{ auto_scaling_group_names: ["shop"] }}).auto_scaling_groups[0];
        #{{
            heard: heard,
            state: instances::describe({broken}).state.name,
            snapshots: ec2::describe_snapshots(#{{ owner_ids: ["self"], filters: #{{ "tag:opsh:failed-instance": {broken} }} }}).snapshots.len(),
            health: elbv2::describe_target_health(#{{ target_group_arn: {target_group} }}).target_health_descriptions.map(|target| target.target_health.state),
            serving: group.instances.filter(|member| member.lifecycle_state == "InService").len(),
        }}"#,
        url = made["url"],
        target_group = made["target_group"],
    );
    let after = run(&user, "p", &text, &[]).result();
    let subject = format!("health: {} is replaced", broken.as_str().unwrap());
    let heard = after["heard"].as_object().unwrap();
    assert_eq!(heard.keys().collect::<Vec<_>>(), [&subject]);
    assert!(
        heard[&subject]
            .as_str()
            .unwrap()
            .contains("failed 3 checks in a row")
    );
    assert_eq!(after["state"], "terminated");
    assert_eq!(after["snapshots"], 1);
    assert_eq!(after["health"], json!(["healthy", "healthy"]));
    assert_eq!(after["serving"], Value::from(2));
}

#[test]
fn what_another_stack_has_deployed_is_left_alone() {
    let user = user();
    let deploy = r#"let role = param("role", #{ default: "" });
        let options = #{ name: "recorder", script: "recorder.rhai" };
        if role != "" { options.role = role; }
        lambda::deploy(options).changed"#;
    fs::write(user.home().join("deploy.rhai"), deploy).unwrap();
    let run = |stack: &str, more: &[&str]| {
        let words = ["run", "deploy.rhai", "--local", "--stack", stack];
        user.opsh(words.iter().chain(more))
    };
    run("shop", &[]).done();
    let role = "role=arn:aws:iam::123456789012:role/recorder-function";
    for (more, said) in [
        (
            &[][..],
            "the role 'recorder-function' exists, but belongs to the stack 'shop'\n",
        ),
        (
            &[role][..],
            "the function 'recorder' exists, but belongs to the stack 'shop'\n",
        ),
    ] {
        let refused = run("other", more);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    let listed = user.opsh(["ls", "other", "--local"]).done();
    assert_eq!(listed.out, "the stack 'other' has no resources\n");
    let again = run("shop", &["--output", "json"]).done();
    assert_eq!(again.events().last().unwrap()["value"], json!([]));
}
