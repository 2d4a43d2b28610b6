//! Only what a run has made is removed by its undo and by a teardown: what was there
//! before is put back, or listed as what cannot be.

use serde_json::{Value, json};

use super::{shipped, user};
use crate::support::opsh::{Ended, User};

/// What both playbooks may name.
const NAMES: &str = r#"let bucket = "opsh-shared";
let alarm = |threshold| cloudwatch::put_metric_alarm(#{ alarm_name: "busy", alarm_description: "Too busy.", namespace: "AWS/EC2", metric_name: "CPUUtilization", dimensions: [#{ name: "InstanceId", value: "i-0123456789abcdef0" }], statistic: "Average", period: 60, evaluation_periods: 2, threshold: threshold, comparison_operator: "GreaterThanThreshold" });
let policy = |who| text::json_encode(#{ Version: "2012-10-17", Statement: [#{ Effect: "Allow", Principal: #{ AWS: `arn:aws:iam::123456789012:${who}` }, Action: "s3:GetObject", Resource: "arn:aws:s3:::opsh-shared/*" }] });
let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
let may = |action| text::json_encode(#{ Version: "2012-10-17", Statement: [#{ Effect: "Allow", Action: action, Resource: "*" }] });
"#;

/// What somebody else has.
const OTHERS: &str = r#"s3::create_bucket(#{ bucket: bucket });
s3::put_object(#{ bucket: bucket, key: "a", body: "theirs" });
s3::put_bucket_policy(#{ bucket: bucket, policy: policy.call("root") });
s3::put_bucket_tagging(#{ bucket: bucket, tagging: #{ tag_set: #{ team: "theirs" } } });
s3::put_public_access_block(#{ bucket: bucket, public_access_block_configuration: #{ block_public_acls: false, ignore_public_acls: true, block_public_policy: false, restrict_public_buckets: false } });
alarm.call(80.0);
ssm::put_parameter(#{ name: "/color", value: "theirs", type: "String" });
sqs::create_queue(#{ queue_name: "work" });
iam::create_role(#{ role_name: "web", assume_role_policy_document: trust });
iam::put_role_policy(#{ role_name: "web", policy_name: "read", policy_document: may.call("s3:GetObject") });
let topic = sns::create_topic(#{ name: "news" }).topic_arn;
sns::subscribe(#{ topic_arn: topic, protocol: "email", endpoint: "ops@example.com" });
"#;

/// What a run changes of that.
const OWN: &str = r#"s3::create_bucket(#{ bucket: bucket }); // which us-east-1 answers as if it were new
s3::put_object(#{ bucket: bucket, key: "a", body: "mine" });
s3::put_bucket_policy(#{ bucket: bucket, policy: policy.call("user/me") });
s3::put_bucket_tagging(#{ bucket: bucket, tagging: #{ tag_set: #{ team: "mine" } } });
s3::put_public_access_block(#{ bucket: bucket, public_access_block_configuration: #{ block_public_acls: true, ignore_public_acls: true, block_public_policy: true, restrict_public_buckets: true } });
alarm.call(10.0);
ssm::put_parameter(#{ name: "/color", value: "mine", type: "String", overwrite: true });
sqs::create_queue(#{ queue_name: "work" });
iam::put_role_policy(#{ role_name: "web", policy_name: "read", policy_document: may.call("s3:PutObject") });
sns::subscribe(#{ topic_arn: sns::list_topics(#{}).topics[0].topic_arn, protocol: "email", endpoint: "ops@example.com" });
"#;

/// What there is of all that.
const LOOK: &str = r#"#{
    object: s3::get_object(#{ bucket: bucket, key: "a" }).body.as_string(),
    policy: text::json_decode(s3::get_bucket_policy(#{ bucket: bucket }).policy).Statement[0].Principal.AWS,
    team: s3::get_bucket_tagging(#{ bucket: bucket }).tag_set.team,
    blocked: s3::get_public_access_block(#{ bucket: bucket }).public_access_block_configuration,
    alarms: cloudwatch::describe_alarms(#{}).metric_alarms.map(|alarm| [alarm.alarm_name, alarm.alarm_description, alarm.threshold, alarm.evaluation_periods, alarm.dimensions]),
    color: ssm::get_parameter(#{ name: "/color" }).parameter.value,
    queues: sqs::list_queues(#{}).queue_urls.len(),
    role: text::url_decode(iam::get_role_policy(#{ role_name: "web", policy_name: "read" }).policy_document).contains("PutObject"),
    subscriptions: sns::list_subscriptions_by_topic(#{ topic_arn: sns::list_topics(#{}).topics[0].topic_arn }).subscriptions.len(),
}
"#;

fn run(user: &User, name: &str, text: &str) -> Ended {
    let file = format!("{name}.rhai");
    std::fs::write(user.home().join(&file), format!("{NAMES}{text}")).unwrap();
    user.opsh(["run", &file, "--local", "--output", "json"])
        .done()
}

fn looked(user: &User) -> Value {
    run(user, "look", LOOK).events().pop().unwrap()["value"].take()
}

fn undo(user: &User, options: &[&str]) -> Ended {
    let words = ["undo", "--local", "--stack", "own"];
    user.opsh(words.iter().chain(options))
}

fn resources(user: &User) -> Vec<Value> {
    user.opsh(["ls", "own", "--local", "--output", "json"])
        .done()
        .events()
}

#[test]
fn what_others_had_is_put_back_or_listed() {
    let user = user("");
    run(&user, "others", OTHERS);
    let before = looked(&user);
    run(&user, "own", OWN);
    let changed = looked(&user);
    assert_ne!(changed, before);
    assert!(resources(&user).is_empty(), "nothing of it was made");

    let plan = undo(&user, &["--dry-run", "--output=json"]).done();
    let fates = |fate: &str| -> Vec<(String, Value)> {
        let events = plan.events();
        events
            .iter()
            .filter(|event| event["fate"] == fate)
            .map(|event| {
                let operation = event["operation"].as_str().unwrap();
                (operation.to_owned(), event["why"].clone())
            })
            .collect()
    };
    let names = |all: Vec<(String, Value)>| -> Vec<String> {
        all.into_iter().map(|(operation, _)| operation).collect()
    };
    let impossible = fates("impossible");
    for (operation, why) in &impossible {
        assert_eq!(
            *why, "it was there before, and what it was is not kept",
            "{operation}"
        );
    }
    assert_eq!(
        names(impossible),
        [
            "sns::subscribe",
            "iam::put_role_policy",
            "sqs::create_queue",
            "ssm::put_parameter",
            "s3::put_object",
            "s3::create_bucket"
        ]
    );
    undo(&user, &["--yes"]).done();
    let mut after = looked(&user);
    for kept in ["object", "color", "role"] {
        assert_eq!(after[kept], changed[kept], "{kept}");
        after[kept] = before[kept].clone();
    }
    assert_eq!(after, before);
}

/// Settings of what somebody else has.
const SETTINGS: &str = r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let subnet = ec2::describe_subnets(#{}).subnets[0];
ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1, metadata_options: #{ http_tokens: "required" } });
let template = ec2::create_launch_template(#{ launch_template_name: "web", launch_template_data: #{ image_id: image, instance_type: "t3.nano" } }).launch_template.launch_template_id;
autoscaling::create_auto_scaling_group(#{ auto_scaling_group_name: "web", launch_template: #{ launch_template_id: template, version: "1" }, min_size: 0, max_size: 3, desired_capacity: 0, vpc_zone_identifier: subnet.subnet_id });
elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: subnet.vpc_id, health_check_path: "/health" });
s3::create_bucket(#{ bucket: bucket });
s3::put_bucket_policy(#{ bucket: bucket, policy: policy.call("root") });
s3::put_bucket_tagging(#{ bucket: bucket, tagging: #{ tag_set: #{ team: "theirs" } } });
trust.replace("ec2.", "scheduler.");
let role = iam::create_role(#{ role_name: "schedule", assume_role_policy_document: trust }).role.arn;
scheduler::create_schedule(#{ name: "nightly", schedule_expression: "cron(0 3 * * ? *)", flexible_time_window: #{ mode: "OFF" }, target: #{ arn: "arn:aws:lambda:us-east-1:123456789012:function:none", role_arn: role } });
"#;

/// What a run changes of them.
const CHANGES: &str = r#"let id = ec2::describe_instances(#{}).reservations[0].instances[0].instance_id;
ec2::modify_instance_metadata_options(#{ instance_id: id, http_tokens: "optional" });
autoscaling::update_auto_scaling_group(#{ auto_scaling_group_name: "web", max_size: 5, health_check_grace_period: 60 });
autoscaling::set_desired_capacity(#{ auto_scaling_group_name: "web", desired_capacity: 1 });
elbv2::modify_target_group(#{ target_group_arn: elbv2::describe_target_groups(#{}).target_groups[0].target_group_arn, health_check_path: "/" });
s3::delete_bucket_policy(#{ bucket: bucket });
s3::delete_bucket_tagging(#{ bucket: bucket });
let schedule = scheduler::get_schedule(#{ name: "nightly" });
scheduler::update_schedule(#{ name: "nightly", schedule_expression: "rate(1 hour)", flexible_time_window: #{ mode: "OFF" }, target: schedule.target, state: "DISABLED" });
"#;

/// How they are.
const SET: &str = r#"let group = autoscaling::describe_auto_scaling_groups(#{}).auto_scaling_groups[0];
let target_group = elbv2::describe_target_groups(#{}).target_groups[0];
let schedule = scheduler::get_schedule(#{ name: "nightly" });
let allowed = ();
try { allowed = s3::get_bucket_policy(#{ bucket: bucket }).policy; } catch {}
let tags = ();
try { tags = s3::get_bucket_tagging(#{ bucket: bucket }).tag_set; } catch {}
#{
    tokens: ec2::describe_instances(#{}).reservations[0].instances[0].metadata_options.http_tokens,
    group: [group.min_size, group.max_size, group.desired_capacity, group.health_check_grace_period, group.launch_template],
    health_check: target_group.health_check_path,
    policy: allowed,
    tags: tags,
    schedule: [schedule.schedule_expression, schedule.state],
}
"#;

#[test]
fn settings_that_a_run_has_changed_are_put_back() {
    let user = user("");
    let set = |user: &User| run(user, "set", SET).events().pop().unwrap()["value"].take();
    run(&user, "others", SETTINGS);
    let before = set(&user);
    run(&user, "own", CHANGES);
    let changed = set(&user);
    for (name, value) in before.as_object().unwrap() {
        assert_ne!(changed[name], *value, "{name}");
    }
    let plan = undo(&user, &["--dry-run"]).done();
    assert!(!plan.out.contains("cannot be undone"), "{}", plan.out);
    undo(&user, &["--yes"]).done();
    assert_eq!(set(&user), before);
}

/// Such a group has no subnets to put back.
#[test]
fn a_group_of_zones_gets_back_what_a_run_has_changed_of_it() {
    let user = user("");
    run(
        &user,
        "others",
        r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
ec2::create_launch_template(#{ launch_template_name: "web", launch_template_data: #{ image_id: image, instance_type: "t3.nano" } });
autoscaling::create_auto_scaling_group(#{ auto_scaling_group_name: "web", launch_template: #{ launch_template_name: "web", version: "1" }, min_size: 0, max_size: 3, desired_capacity: 0, default_cooldown: 100, availability_zones: ["us-east-1a"] });
"#,
    );
    let set = |user: &User| {
        let text = r#"let group = autoscaling::describe_auto_scaling_groups(#{}).auto_scaling_groups[0];
[group.max_size, group.default_cooldown, group.health_check_grace_period, group.availability_zones]
"#;
        run(user, "set", text).events().pop().unwrap()["value"].take()
    };
    let before = set(&user);
    let changes = r#"autoscaling::update_auto_scaling_group(#{ auto_scaling_group_name: "web", max_size: 4, health_check_grace_period: 60 });
"#;
    run(&user, "own", changes);
    // Somebody else's setting stays.
    run(
        &user,
        "others",
        r#"autoscaling::update_auto_scaling_group(#{ auto_scaling_group_name: "web", default_cooldown: 200 });
"#,
    );
    assert_eq!(set(&user), json!([4, 200, 60, ["us-east-1a"]]));
    undo(&user, &["--yes"]).done();
    let mut expected = before;
    expected[1] = json!(200);
    assert_eq!(set(&user), expected);
}

/// Machines of which one is stopped, one of them registered, and a bucket that blocks in part.
const STATES: &str = r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let ids = ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 2, max_count: 2 }).instances.map(|instance| instance.instance_id);
ec2::wait_until_instance_running(#{ instance_ids: ids });
ec2::monitor_instances(#{ instance_ids: [ids[1]] });
ec2::stop_instances(#{ instance_ids: [ids[0]] });
ec2::wait_until_instance_stopped(#{ instance_ids: [ids[0]] });
let subnet = ec2::describe_subnets(#{}).subnets[0];
let group = elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: subnet.vpc_id }).target_groups[0].target_group_arn;
elbv2::register_targets(#{ target_group_arn: group, targets: [#{ id: ids[1], port: 8080 }] });
s3::create_bucket(#{ bucket: bucket });
s3::put_public_access_block(#{ bucket: bucket, public_access_block_configuration: #{ block_public_acls: false, ignore_public_acls: true, block_public_policy: false, restrict_public_buckets: false } });
"#;

/// How they are.
const STATE: &str = r#"let targets = elbv2::describe_target_health(#{ target_group_arn: elbv2::describe_target_groups(#{}).target_groups[0].target_group_arn }).target_health_descriptions;
let block = ();
try { block = s3::get_public_access_block(#{ bucket: bucket }).public_access_block_configuration; } catch {}
#{
    machines: ec2::describe_instances(#{}).reservations[0].instances.map(|instance| [instance.state.name, instance.monitoring.state]),
    targets: targets.map(|target| [target.target.port, target.target_health.state == "draining"]),
    block: block,
}
"#;

/// What is so already, a call about several things does not change.
#[test]
fn only_what_was_otherwise_is_changed_back() {
    let user = user("");
    let state = |user: &User| run(user, "state", STATE).events().pop().unwrap()["value"].take();
    run(&user, "others", STATES);
    let before = state(&user);
    let all = "let ids = ec2::describe_instances(#{}).reservations[0].instances.map(|instance| instance.instance_id);\n";
    let changes = format!(
        r#"{all}ec2::start_instances(#{{ instance_ids: ids }});
ec2::wait_until_instance_running(#{{ instance_ids: ids }});
ec2::monitor_instances(#{{ instance_ids: ids }});
let group = elbv2::describe_target_groups(#{{}}).target_groups[0].target_group_arn;
elbv2::deregister_targets(#{{ target_group_arn: group, targets: ids.map(|id| #{{ id: id }}) }});
s3::delete_public_access_block(#{{ bucket: bucket }});
"#
    );
    run(&user, "own", &changes);
    assert_ne!(state(&user), before);
    let plan = undo(&user, &["--dry-run"]).done();
    assert!(!plan.out.contains("cannot be undone"), "{}", plan.out);
    undo(&user, &["--yes"]).done();
    let mut after = state(&user);
    assert_eq!(after["targets"][0], json!([8080, false]));
    after["targets"] = before["targets"].clone();
    assert_eq!(after, before);

    let unchanged = format!(
        "{all}ec2::start_instances(#{{ instance_ids: [ids[1]] }});\n\
         s3::delete_bucket_policy(#{{ bucket: bucket }});\n"
    );
    run(&user, "own", &unchanged);
    let own = run_of(&user, "own");
    let refused = undo(&user, &[&own, "--yes"]);
    assert_eq!(
        (refused.code, refused.err),
        (
            2,
            format!(
                "error: the run {own} has nothing left to undo: of its writes, 2 left nothing behind\n  \
                 next: `opsh history {own} --local` lists its steps\n"
            )
        )
    );
    assert_eq!(state(&user)["machines"], before["machines"]);
}

/// The last run of a stack that is not an undo.
fn run_of(user: &User, stack: &str) -> String {
    let words = ["history", "--local", "--output", "json", "--stack", stack];
    let runs = user.opsh(words).done().events();
    runs[0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn what_another_stack_had_made_and_has_removed_is_not_made_again() {
    let user = user("");
    run(&user, "others", "alarm.call(50.0);\n");
    let others = run_of(&user, "others");
    run(&user, "own", "alarm.call(60.0);\n");
    let own = run_of(&user, "own");
    user.opsh(["undo", "--local", "--yes", "--stack", "others"])
        .done();
    let refused = undo(&user, &[&own, "--yes"]);
    assert_eq!(
        (refused.code, refused.err),
        (
            2,
            format!(
                "error: the run {own} has nothing left to undo: of its writes, 1 undone or removed \
                 already\n  next: `opsh history {own} --local` lists its steps\n"
            )
        ),
        "{others}"
    );
    let alarms = "cloudwatch::describe_alarms(#{}).metric_alarms.len()\n";
    let left = run(&user, "look", alarms).events().pop().unwrap()["value"].take();
    assert_eq!(left, json!(0));
}

#[test]
fn what_a_later_run_has_set_is_not_taken_away() {
    let user = user("");
    let now = |user: &User| {
        let threshold = "cloudwatch::describe_alarms(#{}).metric_alarms[0].threshold\n";
        run(user, "look", threshold).events().pop().unwrap()["value"].take()
    };
    let [_, middle, last] = [50.0, 60.0, 70.0].map(|threshold| {
        run(&user, "own", &format!("alarm.call({threshold:?});\n"));
        run_of(&user, "own")
    });
    let why = format!("changed since by run {last} (step 0): undo that run first");
    let refused = undo(&user, &[&middle, "--yes"]);
    assert_eq!(
        (refused.code, refused.err),
        (
            2,
            format!(
                "error: the run {middle} has nothing left to undo: of its writes, 1 cannot be undone \
                 ({why})\n  next: `opsh history {middle} --local` lists its steps\n"
            )
        )
    );
    assert_eq!(now(&user), json!(70.0));
    undo(&user, &[&last, "--yes"]).done();
    assert_eq!(now(&user), json!(60.0));
    undo(&user, &[&middle, "--yes"]).done();
    assert_eq!(now(&user), json!(50.0));
}

#[test]
fn a_teardown_leaves_what_others_had() {
    let user = user("");
    run(&user, "others", OTHERS);
    run(&user, "own", OWN);
    let changed = looked(&user);
    let teardown = shipped("teardown");
    user.opsh(["run", &teardown, "stack=own", "--local", "--yes"])
        .done();
    assert_eq!(looked(&user), changed);
}

#[test]
fn a_later_run_puts_back_what_the_run_before_had_made() {
    let user = user("");
    let made = "alarm.call(80.0);\n";
    run(&user, "own", made);
    let listed = resources(&user);
    run(&user, "own", "alarm.call(10.0);\n");
    assert_eq!(resources(&user), listed);
    let threshold = "cloudwatch::describe_alarms(#{}).metric_alarms[0].threshold\n";
    let now = |user: &User| run(user, "look", threshold).events().pop().unwrap()["value"].take();
    assert_eq!(now(&user), json!(10.0));
    undo(&user, &["--yes"]).done();
    assert_eq!(now(&user), json!(80.0));
    undo(&user, &["--yes"]).done();
    assert!(resources(&user).is_empty());
}

/// A run that dies is told by its intent what was there, not by what it has done itself.
#[test]
fn a_crash_makes_nothing_of_ones_own_out_of_what_was_there_nor_the_other_way() {
    for point in ["after-intent", "accepted", "answered"] {
        for there in [false, true] {
            let user = user("");
            run(&user, "others", "s3::create_bucket(#{ bucket: bucket });\n");
            if there {
                run(
                    &user,
                    "first",
                    "alarm.call(80.0);\ns3::put_object(#{ bucket: bucket, key: \"a\", body: \"theirs\" });\n",
                );
            }
            for operation in [
                "alarm.call(10.0);\n",
                "s3::put_object(#{ bucket: bucket, key: \"a\", body: \"mine\" });\n",
            ] {
                let text = format!("{NAMES}{operation}");
                std::fs::write(user.home().join("own.rhai"), text).unwrap();
                let crash = format!("crash 0 {point}");
                let killed = user.opsh(["run", "own.rhai", "--local", "--fault", &crash]);
                assert_eq!(killed.code, -1, "{}", killed.err);
                user.opsh(["resume", "--local"]).done();
                assert_eq!(resources(&user).len(), usize::from(!there), "{point}");
                let undone = undo(&user, &["--yes"]);
                assert!([0, 2].contains(&undone.code), "{}", undone.err);
            }
            let left = run(
                &user,
                "look",
                r#"[cloudwatch::describe_alarms(#{}).metric_alarms.map(|alarm| alarm.threshold),
                (s3::list_objects_v2(#{ bucket: bucket }).contents ?? []).len()]
"#,
            );
            let left = left.events().pop().unwrap()["value"].take();
            let expected = if there {
                json!([[80.0], 1])
            } else {
                json!([[], 0])
            };
            assert_eq!(left, expected, "{point}");
        }
    }
}

#[test]
fn what_may_not_be_looked_at_counts_as_there() {
    let user = user("");
    run(&user, "others", "s3::create_bucket(#{ bucket: bucket });\n");
    let text =
        format!("{NAMES}s3::put_object(#{{ bucket: bucket, key: \"a\", body: \"mine\" }});\n");
    std::fs::write(user.home().join("own.rhai"), text).unwrap();
    user.opsh(["run", "own.rhai", "--local", "--deny", "s3:GetObject"])
        .done();
    assert!(resources(&user).is_empty());
    let undo = undo(&user, &["--yes"]);
    assert_eq!(undo.code, 2);
}
