//! `opsh undo`: a run's writes backwards.

mod listing;

use serde_json::Value;

use super::{shipped, user};
use crate::support::opsh::{Ended, User, writes};

const TOPICS: &str =
    r#"for name in ["one", "two", "three"] { sns::create_topic(#{ name: name }); }"#;

fn made(text: &str) -> User {
    let user = user(text);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    user
}

fn undo(user: &User, options: &[&str]) -> Ended {
    user.opsh(["undo", "--local"].iter().chain(options))
}

/// The ids of the ledger's runs, the newest first.
fn runs(user: &User) -> Vec<String> {
    let listed = user.opsh(["history", "--local", "--output", "json"]).done();
    let id = |run: &Value| run["run"].as_str().unwrap().to_owned();
    listed.events().iter().map(id).collect()
}

#[test]
fn newwebserver_is_undone_to_nothing() {
    let user = User::new();
    user.opsh(["run", &shipped("newwebserver"), "--local", "-q"])
        .done();
    undo(&user, &["--yes"]).done();
    let listed = user.opsh(["ls", "newwebserver", "--local"]);
    assert_eq!(listed.out, "the stack 'newwebserver' has no resources\n");
    // The teardown asks the cloud itself for what is left.
    let teardown = user.opsh([
        "run",
        &shipped("teardown"),
        "stack=newwebserver",
        "--local",
        "--output",
        "json",
    ]);
    assert_eq!(writes(&teardown.done()), [""; 0]);
    let again = undo(&user, &["--yes"]);
    assert_eq!(again.code, 2);
    assert!(
        again.err.contains("no run has anything left to undo"),
        "{}",
        again.err
    );
}

#[test]
fn nobody_is_undone_without_being_asked() {
    let user = made(TOPICS);
    let ended = undo(&user, &[]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        "error: there is nobody to ask whether to undo this: this is no terminal\n  next: add --yes to undo without asking, or --dry-run to look only\n"
    );
    assert_eq!(runs(&user).len(), 1, "what is not begun is no run");
}

#[test]
fn what_is_left_is_listed_and_undone_by_the_next_undo() {
    let user = made(
        r#"let bucket = "opsh-undo"; s3::create_bucket(#{ bucket: bucket });
s3::put_object(#{ bucket: bucket, key: "a", body: "a" });
sns::create_topic(#{ name: "news" });"#,
    );
    let first = undo(&user, &["--yes", "--deny", "s3:DeleteBucket"]);
    assert_eq!(first.code, 1, "{}", first.out);
    assert!(first.out.contains("undone: 2 writes\n"), "{}", first.out);
    assert!(
        first.err.contains("s3:bucket opsh-undo") && first.err.contains("s3:DeleteBucket"),
        "{}",
        first.err
    );
    let second = undo(&user, &["--yes", "--output", "json"]).done();
    // The bucket was emptied before; it is not again.
    assert_eq!(writes(&second), ["s3::delete_bucket"]);
    let result = second.events().pop().unwrap();
    assert_eq!(result["value"]["undone"], 1);
}

#[test]
fn what_a_failed_undo_keeps_keeps_what_it_depends_on() {
    let user = made(
        r#"let group = ec2::create_security_group(#{ group_name: "web", description: "Web." }).group_id;
ec2::authorize_security_group_ingress(#{ group_id: group, ip_permissions: [#{ ip_protocol: "tcp", from_port: 80, to_port: 80, ip_ranges: [#{ cidr_ip: "0.0.0.0/0" }] }] });
sns::create_topic(#{ name: "news" });"#,
    );
    let ended = undo(
        &user,
        &["--yes", "--deny", "ec2:RevokeSecurityGroupIngress"],
    );
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.out.contains("undone: 1 write\n"), "{}", ended.out);
    assert!(
        ended.err.contains("step 1 must be undone first"),
        "{}",
        ended.err
    );
    undo(&user, &["--yes"]).done();
}

#[test]
fn what_another_run_made_is_not_undone() {
    let user = made(r#"sqs::create_queue(#{ queue_name: "work" });"#);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    let runs = runs(&user);
    let ended = undo(&user, &[&runs[0], "--yes"]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    assert!(
        ended
            .err
            .contains("has nothing left to undo: of its writes, 1 cannot be undone"),
        "{}",
        ended.err
    );
    // Without a name it is the run that made it.
    let plan = undo(&user, &["--dry-run"]).done();
    assert!(plan.out.contains(&runs[1]), "{}", plan.out);
}

#[test]
fn an_undo_is_not_undone_and_a_teardown_cannot_be() {
    let user = made(TOPICS);
    let made = runs(&user).remove(0);
    undo(&user, &["--yes"]).done();
    let undone = runs(&user).remove(0);
    let ended = undo(&user, &[&undone, "--yes"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains(&format!(
            "the run {undone} is itself the undo of run {made}"
        )),
        "{}",
        ended.err
    );

    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    user.opsh(["run", &shipped("teardown"), "stack=p", "--local", "--yes"])
        .done();
    let all = runs(&user);
    let (torn_down, maker) = (&all[0], &all[1]);
    let ended = undo(&user, &[torn_down, "--yes"]);
    assert_eq!(ended.code, 2);
    let said = format!(
        "of its writes, 3 cannot be undone (the topic and its subscriptions are gone; run {maker} had made it)\n"
    );
    assert!(ended.err.contains(&said), "{}", ended.err);
    // And what the teardown removed, the run that made it need not undo.
    let ended = undo(&user, &["--yes"]);
    assert!(
        ended.err.contains("no run has anything left to undo"),
        "{}",
        ended.err
    );
}

#[test]
fn one_of_several_that_is_gone_does_not_keep_the_others() {
    let user = made(
        r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 2, max_count: 2 });"#,
    );
    // Long ago: what was terminated is not even listed any more.
    let other = r#"let id = ec2::describe_instances(#{}).reservations[0].instances[0].instance_id;
ec2::terminate_instances(#{ instance_ids: [id] });
ec2::wait_until_instance_terminated(#{ instance_ids: [id] });
sleep(7200);"#;
    std::fs::write(user.home().join("other.rhai"), other).unwrap();
    user.opsh(["run", "other.rhai", "--local", "-q"]).done();
    undo(&user, &["--yes"]).done();
    let look = r#"ec2::describe_instances(#{ filters: #{ "instance-state-name": "running" } }).reservations.len()"#;
    std::fs::write(user.home().join("look.rhai"), look).unwrap();
    assert_eq!(user.opsh(["run", "look.rhai", "--local"]).done().out, "0\n");
}

const INSTANCE: &str = r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let id = ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1 }).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [id] });"#;

const RESTART: &str = r#"let id = ec2::describe_instances(#{}).reservations[0].instances[0].instance_id;
ec2::stop_instances(#{ instance_ids: [id] });
ec2::wait_until_instance_stopped(#{ instance_ids: [id] });
ec2::start_instances(#{ instance_ids: [id] });"#;

#[test]
fn what_changed_a_thing_is_undone_backwards() {
    let user = made(INSTANCE);
    std::fs::write(user.home().join("restart.rhai"), RESTART).unwrap();
    let arguments = ["run", "restart.rhai", "--local", "-q", "--stack", "p"];
    user.opsh(arguments).done();
    std::fs::write(user.home().join("later.rhai"), "sleep(600);").unwrap();
    user.opsh(["run", "later.rhai", "--local"]).done();
    let ended = undo(&user, &["--yes", "--output", "json"]).done();
    assert_eq!(
        writes(&ended),
        ["ec2::stop_instances", "ec2::start_instances"]
    );
}

#[test]
fn what_changed_a_thing_of_the_same_run_goes_with_it() {
    let user = made(&format!("{INSTANCE}\n{RESTART}"));
    let ended = undo(&user, &["--yes", "--output", "json"]).done();
    assert_eq!(writes(&ended), ["ec2::terminate_instances"]);
    let events = ended.events();
    let whys: Vec<&Value> = events
        .iter()
        .filter(|event| event["fate"] == "over")
        .map(|event| &event["why"])
        .collect();
    assert_eq!(whys, ["goes with step 1", "goes with step 1"]);
}

#[test]
fn settings_of_what_the_same_run_made_go_with_it_but_messages_have_left() {
    let user = made(
        r#"let vpc = ec2::describe_vpcs(#{}).vpcs[0].vpc_id;
let target = elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: vpc }).target_groups[0].target_group_arn;
elbv2::modify_target_group_attributes(#{ target_group_arn: target, attributes: [#{ key: "deregistration_delay.timeout_seconds", value: "30" }] });
let queue = sqs::create_queue(#{ queue_name: "work" }).queue_url;
sqs::send_message(#{ queue_url: queue, message_body: "hello" });
sqs::purge_queue(#{ queue_url: queue });"#,
    );
    let ended = undo(&user, &["--yes", "--output", "json"]).done();
    let events = ended.events();
    let fates: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event["fate"] == "over" || event["fate"] == "impossible")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap();
            (text("operation"), text("why"))
        })
        .collect();
    assert_eq!(
        fates,
        [
            ("sqs::purge_queue", "goes with step 3"),
            ("sqs::send_message", "who receives the message has it"),
            ("elbv2::modify_target_group_attributes", "goes with step 1"),
        ]
    );
}

#[test]
fn what_has_the_name_of_something_that_is_gone_is_still_undone() {
    let user = made(
        r#"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
iam::create_role(#{ role_name: "shop", assume_role_policy_document: trust });
cloudwatch::put_metric_alarm(#{ alarm_name: "shop", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average", period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold" });"#,
    );
    let first = undo(&user, &["--yes", "--deny", "iam:DeleteRole"]);
    assert_eq!(first.code, 1, "{}", first.out);
    let second = undo(&user, &["--yes", "--output", "json"]).done();
    assert_eq!(writes(&second), ["iam::delete_role"]);
}

/// The service answers 200, and says inside that it is left.
#[test]
fn what_an_answer_says_is_left_is_not_undone() {
    let user = user("");
    let run = |name: &str, text: &str| {
        let file = format!("{name}.rhai");
        std::fs::write(user.home().join(&file), text).unwrap();
        user.opsh(["run", &file, "--local", "-q"]).done()
    };
    let image = r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;"#;
    run(
        "made",
        &format!(
            r#"{image}
ec2::create_launch_template(#{{ launch_template_name: "web", launch_template_data: #{{ image_id: image, instance_type: "t3.nano" }} }});"#
        ),
    );
    let version = r#"ec2::create_launch_template_version(#{ launch_template_name: "web", source_version: "1", launch_template_data: #{ instance_type: "t3.micro" } });"#;
    let default = |version: u32| {
        format!(
            "ec2::modify_launch_template(#{{ launch_template_name: \"web\", default_version: \"{version}\" }});"
        )
    };
    // What the run itself has made the default is it no more when its version goes.
    run("p", &format!("{version}\n{}", default(2)));
    undo(&user, &["--stack", "p", "--yes"]).done();

    run("p", version);
    run("others", &default(3));
    let left = undo(&user, &["--stack", "p", "--yes"]);
    assert_eq!(left.code, 1, "{}", left.out);
    assert!(
        left.err.contains(
            "not all of it was done: lt-06dafa8fc747cf5d5 web 3: The default version of a launch \
             template cannot be deleted. (unexpectedError)"
        ),
        "{}",
        left.err
    );
    run("others", &default(1));
    let undone = undo(&user, &["--stack", "p", "--yes"]).done();
    assert!(undone.out.ends_with("undone: 1 write\n"), "{}", undone.out);
    // Gone already is as good as undone.
    let none = run(
        "look",
        r#"print(ec2::describe_launch_template_versions(#{ launch_template_name: "web" }).launch_template_versions.len());
try { ec2::delete_launch_template_versions(#{ launch_template_name: "web", versions: ["3"] }); } catch (error) { print(error.kind); }"#,
    );
    assert_eq!(none.out, "1\nnot_found\n");
}

/// Sent again it would be refused, since it is so already.
#[test]
fn a_call_of_an_undo_that_was_cut_off_is_found_by_the_next() {
    let user = user("");
    let run = |stack: &str, text: &str| {
        std::fs::write(user.home().join("p.rhai"), text).unwrap();
        user.opsh(["run", "p.rhai", "--local", "-q", "--stack", stack])
            .done()
    };
    run(
        "others",
        r#"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
iam::create_role(#{ role_name: "web", assume_role_policy_document: trust });
iam::create_instance_profile(#{ instance_profile_name: "web" });
iam::add_role_to_instance_profile(#{ instance_profile_name: "web", role_name: "web" });
"#,
    );
    run(
        "own",
        "iam::remove_role_from_instance_profile(#{ instance_profile_name: \"web\", role_name: \"web\" });\n",
    );
    let own = ["--stack", "own", "--yes"];
    let again = undo(&user, &["--stack", "own", "--dry-run", "--output", "json"]).done();
    let step = again
        .events()
        .iter()
        .find(|event| event["operation"] == "iam::add_role_to_instance_profile")
        .and_then(|event| event["step"].as_str().map(str::to_owned))
        .unwrap();
    let crash = format!("crash {step} accepted");
    let killed = undo(&user, &[&own[..], &["--fault", &crash]].concat());
    assert_eq!(killed.code, -1, "{}", killed.err);
    undo(&user, &own).done();
    let roles = run(
        "look",
        "print(iam::get_instance_profile(#{ instance_profile_name: \"web\" }).instance_profile.roles.len());\n",
    );
    assert_eq!(roles.out, "1\n");
    let nothing = undo(&user, &own);
    assert_eq!(nothing.code, 2, "{}", nothing.out);
}
