//! A stack whose ledger is lost is found again by its tags.

use super::{shipped, user};
use crate::support::opsh::User;

/// What the embedded cloud has, in numbers, when what was terminated is not listed any more.
fn counts(user: &User) -> serde_json::Value {
    std::fs::write(user.home().join("later.rhai"), "sleep(7200);").unwrap();
    user.opsh(["run", "later.rhai", "--local"]).done();
    let status = user.opsh(["local", "status", "--output", "json"]).done();
    status.events()[0]["counts"].clone()
}

fn lose_the_ledger(user: &User) {
    for name in [
        "ledger.db",
        "ledger.db-wal",
        "ledger.db-shm",
        "ledger.db-head",
    ] {
        // A closed ledger has no log beside it.
        std::fs::remove_file(user.home().join(".opsh/local").join(name)).ok();
    }
}

fn adopt(user: &User, stack: &str) -> serde_json::Value {
    let arguments = ["adopt", "--stack", stack, "--local", "--output", "json"];
    let ended = user.opsh(arguments).done();
    ended.events().pop().unwrap()["value"].take()
}

fn teardown(user: &User, stack: &str) {
    let stack = format!("stack={stack}");
    user.opsh(["run", &shipped("teardown"), &stack, "--local", "--yes"])
        .done();
}

#[test]
fn an_adopted_stack_is_torn_down_to_nothing() {
    let user = User::new();
    let before = counts(&user);
    user.opsh(["run", &shipped("newwebserver"), "--local", "-q"])
        .done();
    assert_ne!(counts(&user), before);
    lose_the_ledger(&user);

    let shown = user.opsh(["adopt", "--stack", "newwebserver", "--local", "--dry-run"]);
    let shown = shown.done();
    for kind in [
        "s3:bucket",
        "ec2:instance",
        "ec2:security-group",
        "cloudwatch:alarm",
    ] {
        assert!(shown.out.contains(kind), "{}", shown.out);
    }
    let first = adopt(&user, "newwebserver");
    assert_eq!(first["adopted"], first["found"]);
    assert_eq!(first["unseen"], serde_json::json!([]));
    let second = adopt(&user, "newwebserver");
    assert_eq!(second["found"], first["found"]);
    assert_eq!(second["adopted"], 0);

    teardown(&user, "newwebserver");
    assert_eq!(counts(&user), before);
}

/// Something of everything that depends on something else.
const WHOLE: &str = r#"
let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let vpc = ec2::describe_vpcs(#{ filters: #{ "is-default": "true" } }).vpcs[0].vpc_id;
let subnets = ec2::describe_subnets(#{ filters: #{ "default-for-az": "true" } }).subnets.map(|subnet| subnet.subnet_id);
let front = ec2::create_security_group(#{ group_name: "front", description: "Front." }).group_id;
let back = ec2::create_security_group(#{ group_name: "back", description: "Back." }).group_id;
ec2::authorize_security_group_ingress(#{ group_id: back, ip_permissions: [#{ ip_protocol: "tcp", from_port: 80, to_port: 80, user_id_group_pairs: [#{ group_id: front }] }] });
ec2::create_key_pair(#{ key_name: "mine", key_type: "ed25519" });
let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
iam::create_role(#{ role_name: "web", assume_role_policy_document: trust, tags: #{} });
iam::attach_role_policy(#{ role_name: "web", policy_arn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" });
iam::put_role_policy(#{ role_name: "web", policy_name: "read", policy_document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}` });
iam::create_instance_profile(#{ instance_profile_name: "web" });
iam::add_role_to_instance_profile(#{ instance_profile_name: "web", role_name: "web" });
let one = ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1, security_group_ids: [back], key_name: "mine" }).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [one] });
let golden = ec2::create_image(#{ instance_id: one, name: "golden" }).image_id;
ec2::wait_until_image_available(#{ image_ids: [golden] });
let address = ec2::allocate_address(#{ domain: "vpc" }).allocation_id;
ec2::associate_address(#{ allocation_id: address, instance_id: one });
let template = ec2::create_launch_template(#{ launch_template_name: "web", launch_template_data: #{ image_id: golden, instance_type: "t3.nano", security_group_ids: [back] } }).launch_template.launch_template_id;
let target = elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: vpc }).target_groups[0].target_group_arn;
let balancer = elbv2::create_load_balancer(#{ name: "web", subnets: subnets, security_groups: [front] }).load_balancers[0].load_balancer_arn;
elbv2::create_listener(#{ load_balancer_arn: balancer, protocol: "HTTP", port: 80, default_actions: [#{ type: "forward", target_group_arn: target }] });
autoscaling::create_auto_scaling_group(#{ auto_scaling_group_name: "web", launch_template: #{ launch_template_id: template, version: "$Latest" }, min_size: 2, max_size: 3, vpc_zone_identifier: subnets[0], target_group_arns: [target] });
autoscaling::wait_until_group_in_service(#{ auto_scaling_group_names: ["web"] }, #{ timeout: "10m" });
let policy = autoscaling::put_scaling_policy(#{ auto_scaling_group_name: "web", policy_name: "more", adjustment_type: "ChangeInCapacity", scaling_adjustment: 1 }).policy_arn;
let topic = sns::create_topic(#{ name: "news" }).topic_arn;
sns::subscribe(#{ topic_arn: topic, protocol: "email", endpoint: "ops@example.com", return_subscription_arn: true });
cloudwatch::put_metric_alarm(#{ alarm_name: "busy", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average", period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold", alarm_actions: [topic, policy] });
ssm::put_parameter(#{ name: "/web/color", value: "blue", type: "String" });
"#;

#[test]
fn kinds_that_depend_on_each_other_go_in_order() {
    let user = user(WHOLE);
    let before = counts(&user);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    lose_the_ledger(&user);
    adopt(&user, "p");
    teardown(&user, "p");
    assert_eq!(counts(&user), before);
}

#[test]
fn the_stack_must_be_named() {
    let ended = user("").opsh(["adopt", "--local"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        "error: which stack is to be found?\n  next: name it with --stack NAME: its resources carry the tag opsh:stack=NAME\n"
    );
}

#[test]
fn an_undone_stack_is_gone_too() {
    let user = user(WHOLE);
    let before = counts(&user);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    user.opsh(["undo", "--local", "--yes"]).done();
    assert_eq!(counts(&user), before);
}
