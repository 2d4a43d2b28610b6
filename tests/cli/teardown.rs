//! Removing a stack: everything, at the same time where it can be, and with proof.

use serde_json::Value;

use super::{shipped, user};
use crate::support::opsh::{Ended, User, writes};

fn teardown(user: &User, options: &[&str]) -> Ended {
    let playbook = shipped("teardown");
    let arguments = ["run", &playbook, "stack=p", "--local", "--yes"];
    user.opsh(arguments.iter().chain(options))
}

fn make(user: &User) {
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
}

#[test]
fn a_bucket_goes_with_what_others_put_there() {
    let user = user(
        r#"s3::create_bucket(#{ bucket: "logs-of-mine" });
s3::put_bucket_tagging(#{ bucket: "logs-of-mine", tagging: #{ tag_set: #{ "opsh:stack": "p" } } });
s3::put_bucket_versioning(#{ bucket: "logs-of-mine", versioning_configuration: #{ status: "Enabled" } });
s3::put_object(#{ bucket: "logs-of-mine", key: "mine", body: "first" });
s3::put_object(#{ bucket: "logs-of-mine", key: "mine", body: "second" });"#,
    );
    make(&user);
    let other = r#"s3::put_object(#{ bucket: "logs-of-mine", key: "theirs", body: "one" });
s3::delete_object(#{ bucket: "logs-of-mine", key: "theirs" });
s3::put_object(#{ bucket: "logs-of-mine", key: "log", body: "two" });
s3::create_multipart_upload(#{ bucket: "logs-of-mine", key: "half" });"#;
    std::fs::write(user.home().join("other.rhai"), other).unwrap();
    user.opsh(["run", "other.rhai", "--local", "-q"]).done();

    teardown(&user, &[]).done();
    let list = "s3::list_buckets(#{}).buckets.len()";
    std::fs::write(user.home().join("look.rhai"), list).unwrap();
    assert_eq!(user.opsh(["run", "look.rhai", "--local"]).done().out, "0\n");
}

#[test]
fn the_second_teardown_writes_nothing_and_says_so() {
    let user = user(r#"sns::create_topic(#{ name: "news" });"#);
    make(&user);
    let first = teardown(&user, &["--output", "json"]).done();
    assert_eq!(writes(&first), ["sns::delete_topic"]);
    let second = teardown(&user, &["--output", "json"]).done();
    assert_eq!(writes(&second), [""; 0]);
    let said = second
        .events()
        .iter()
        .any(|event| event["message"] == "the stack p has nothing to remove");
    assert!(said, "{}", second.out);
}

#[test]
fn what_the_ledger_does_not_know_is_found_by_its_tag() {
    let user = user(r#"sns::create_topic(#{ name: "news" });"#);
    make(&user);
    let other = r#"ec2::create_volume(#{ availability_zone: "us-east-1a", size: 8, tags: #{ "opsh:stack": "p" } });
ec2::create_tags(#{ resources: [ec2::describe_volumes(#{}).volumes[0].volume_id], tags: #{ "opsh:stack": "p" } });"#;
    std::fs::write(user.home().join("other.rhai"), other).unwrap();
    user.opsh(["run", "other.rhai", "--local", "-q"]).done();
    let ended = teardown(&user, &[]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(
        ended.err.contains("the cloud still has ec2:volume vol-")
            && ended.err.contains("opsh adopt --stack p finds them again"),
        "{}",
        ended.err
    );
}

#[test]
fn where_one_cannot_be_removed_the_rest_still_is() {
    let user = user(
        r#"sns::create_topic(#{ name: "news" });
let group = ec2::create_security_group(#{ group_name: "kept", description: "Kept." }).group_id;
cloudwatch::put_metric_alarm(#{ alarm_name: "busy", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average", period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold" });"#,
    );
    make(&user);
    let ended = teardown(&user, &["--deny", "sns:DeleteTopic"]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(
        ended
            .err
            .contains("the stack p still has sns:topic arn:aws:sns:"),
        "{}",
        ended.err
    );
    let left = user.opsh(["ls", "p", "--local", "--output", "json"]).done();
    let kinds: Vec<Value> = left
        .events()
        .into_iter()
        .map(|mut event| event["kind"].take())
        .collect();
    assert_eq!(kinds, ["sns:topic"]);
    teardown(&user, &[]).done();
}

/// How long the removal of `count` instances takes, on the cloud's clock.
fn seconds_of(count: u32) -> i64 {
    let text = format!(
        r#"let image = ssm::get_parameter(#{{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }}).parameter.value;
let group = ec2::create_security_group(#{{ group_name: "web", description: "Web." }}).group_id;
for number in 0..{count} {{
    let id = ec2::run_instances(#{{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1, security_group_ids: [group], tags: #{{ Name: `web-${{number}}` }} }}).instances[0].instance_id;
    ec2::wait_until_instance_running(#{{ instance_ids: [id] }});
}}
let begin = time::now();
if !stack::remove_all().all(|resource| resource.removed) {{ throw "something is left"; }}
(time::now() - begin).to_int()"#
    );
    let ended = user(&text).opsh(["run", "p.rhai", "--local", "-q"]).done();
    ended.out.trim().parse().unwrap()
}

#[test]
fn ten_instances_are_gone_as_soon_as_one() {
    // Each takes a while of its own to end.
    let (one, ten) = (seconds_of(1), seconds_of(10));
    assert!(one > 10 && ten < 2 * one, "one: {one} s, ten: {ten} s");
}
