//! What an undo says before it begins: what is undone, what goes with that, what cannot be.

use super::{made, runs, undo, user};

/// An archive that a function can be made of.
const CODE: &str = r#"let code = text::base64_decode("UEsDBBQAAAAAAAAAIVwdnfsECgAAAAoAAAAJAAAAYm9vdHN0cmFwIyEvYmluL3NoClBLAQIUAxQAAAAAAAAAIVwdnfsECgAAAAoAAAAJAAAAAAAAAAAAAADtgQAAAABib290c3RyYXBQSwUGAAAAAAEAAQA3AAAAMQAAAAAA", #{ bytes: true });"#;

#[test]
fn what_has_the_name_of_something_that_the_run_made_does_not_go_with_it() {
    let user = made(
        &r#"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
let role = iam::create_role(#{ role_name: "worker", assume_role_policy_document: trust }).role.arn;
CODE
lambda::create_function(#{ function_name: "shop", runtime: "provided.al2023", handler: "main", role: role, code: #{ zip_file: code } });
lambda::put_function_concurrency(#{ function_name: "shop", reserved_concurrent_executions: 1 });"#
            .replace("CODE", CODE),
    );
    let own = r#"cloudwatch::put_metric_alarm(#{ alarm_name: "shop", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average", period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold" });
lambda::delete_function_concurrency(#{ function_name: "shop" });
cloudwatch::disable_alarm_actions(#{ alarm_names: ["shop"] });"#;
    std::fs::write(user.home().join("own.rhai"), own).unwrap();
    user.opsh(["run", "own.rhai", "--local", "-q"]).done();
    let plan = undo(&user, &["--dry-run", "-v"]).done();
    let run = runs(&user).remove(0);
    let expected = format!(
        "undo of run {run} (own.rhai, stack own, done)

STEP  OPERATION                     UNDONE BY                  WHAT
0     cloudwatch::put_metric_alarm  cloudwatch::delete_alarms  cloudwatch:alarm shop

cannot be undone:

STEP  OPERATION                            WHY                                  WHAT
1     lambda::delete_function_concurrency  the former reservation is not known  function_name=shop

nothing to do for:

STEP  OPERATION                          WHY               WHAT
2     cloudwatch::disable_alarm_actions  goes with step 0  alarm_names=[shop]
"
    );
    assert!(plan.out.starts_with(&expected), "{}", plan.out);
}

/// What somebody else has.
const OTHERS: &str = r#"let vpc = ec2::describe_vpcs(#{ filters: #{ "is-default": "true" } }).vpcs[0].vpc_id;
let subnets = ec2::describe_subnets(#{ filters: #{ "default-for-az": "true" } }).subnets.map(|subnet| subnet.subnet_id);
elbv2::create_load_balancer(#{ name: "web", subnets: subnets });
elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: vpc });
let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
let role = iam::create_role(#{ role_name: "worker", assume_role_policy_document: trust }).role.arn;
CODE
lambda::create_function(#{ function_name: "shop", runtime: "provided.al2023", handler: "main", role: role, code: #{ zip_file: code } });
lambda::wait_until_function_active_v2(#{ function_name: "shop" });
ssm::put_parameter(#{ name: "/color", value: "theirs", type: "String" });
s3::create_bucket(#{ bucket: "opsh-shared" });
s3::put_object(#{ bucket: "opsh-shared", key: "a", body: "theirs" });"#;

/// What a run changes of it, and one thing that it makes.
const OWN: &str = r#"let balancer = elbv2::describe_load_balancers(#{ names: ["web"] }).load_balancers[0].load_balancer_arn;
let target = elbv2::describe_target_groups(#{ names: ["web"] }).target_groups[0].target_group_arn;
CODE
sns::create_topic(#{ name: "news" });
elbv2::modify_load_balancer_attributes(#{ load_balancer_arn: balancer, attributes: [#{ key: "idle_timeout.timeout_seconds", value: "30" }] });
elbv2::modify_target_group_attributes(#{ target_group_arn: target, attributes: [#{ key: "deregistration_delay.timeout_seconds", value: "30" }] });
lambda::update_function_code(#{ function_name: "shop", zip_file: code });
lambda::wait_until_function_updated_v2(#{ function_name: "shop" });
lambda::update_function_configuration(#{ function_name: "shop", memory_size: 256 });
ssm::put_parameter(#{ name: "/color", value: "mine", type: "String", overwrite: true });
s3::put_object(#{ bucket: "opsh-shared", key: "a", body: "mine" });"#;

#[test]
fn what_has_no_inverse_is_listed_before_it_starts() {
    let user = made(&OTHERS.replace("CODE", CODE));
    std::fs::write(user.home().join("own.rhai"), OWN.replace("CODE", CODE)).unwrap();
    user.opsh(["run", "own.rhai", "--local", "-q"]).done();
    let run = runs(&user).remove(0);
    let elb = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
    let listed = format!(
        "undo of run {run} (own.rhai, stack own, done)

STEP  OPERATION          UNDONE BY          WHAT
2     sns::create_topic  sns::delete_topic  sns:topic arn:aws:sns:us-east-1:123456789012:news

cannot be undone:

STEP  OPERATION                               WHY                                               WHAT
9     s3::put_object                          it was there before, and what it was is not kept  body=mine bucket=opsh-shared key=a
8     ssm::put_parameter                      it was there before, and what it was is not kept  name=/color overwrite=true type=String value=[secret]
7     lambda::update_function_configuration   the former configuration is not known             function_name=shop memory_size=256
5     lambda::update_function_code            the former code is not known                      function_name=shop zip_file=(126 bytes)
4     elbv2::modify_target_group_attributes   the attributes' former values are not known       target_group_arn={elb}:targetgroup/web/6455cc4efdfd8a46 attribu…
3     elbv2::modify_load_balancer_attributes  the attributes' former values are not known       load_balancer_arn={elb}:loadbalancer/app/web/d5fc769b334667d7 a…
"
    );
    // Where nobody can be asked, it has been listed all the same, and nothing was done.
    let refused = undo(&user, &[]);
    assert_eq!((refused.code, refused.out), (2, listed.clone()));
    let undone = undo(&user, &["--yes"]).done();
    assert_eq!(undone.out, format!("{listed}\nundone: 1 write\n"));
}

#[test]
fn what_has_the_name_of_something_that_is_gone_is_not_gone_with_it() {
    let user = user("");
    let run = |stack: &str, text: &str| {
        std::fs::write(user.home().join("p.rhai"), text).unwrap();
        user.opsh(["run", "p.rhai", "--local", "-q", "--stack", stack])
            .done()
    };
    run("others", "s3::create_bucket(#{ bucket: \"news-room\" });\n");
    run(
        "own",
        r#"let policy = text::json_encode(#{ Version: "2012-10-17", Statement: [#{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::news-room/*" }] });
s3::put_public_access_block(#{ bucket: "news-room", public_access_block_configuration: #{ block_public_policy: false } });
s3::put_bucket_policy(#{ bucket: "news-room", policy: policy });
ssm::put_parameter(#{ name: "news-room", value: "x", type: "String" });
"#,
    );
    let made = runs(&user)[0].clone();
    run("own", "ssm::delete_parameter(#{ name: \"news-room\" });\n");
    undo(&user, &[&made, "--yes"]).done();
    let left = run(
        "look",
        "try { s3::get_bucket_policy(#{ bucket: \"news-room\" }) } catch (error) { print(error.code); }\n",
    );
    assert_eq!(left.out, "NoSuchBucketPolicy\n");
}

/// It stays removed, and whoever undoes the rest should know.
#[test]
fn what_a_run_removed_that_another_had_made_is_listed() {
    let user = made(
        r#"for name in ["kept", "old"] { sns::create_topic(#{ name: name }); }
sns::list_topics(#{}).topics.len()"#,
    );
    let maker = runs(&user).remove(0);
    let own = r#"let arn = |name| sns::list_topics(#{}).topics.map(|one| one.topic_arn).find(|arn| arn.ends_with(name));
sns::delete_topic(#{ topic_arn: arn.call("old") });
sns::create_topic(#{ name: "short-lived" });
sns::delete_topic(#{ topic_arn: arn.call("short-lived") });
sns::create_topic(#{ name: "news" });"#;
    std::fs::write(user.home().join("own.rhai"), own).unwrap();
    user.opsh(["run", "own.rhai", "--local", "-q", "--stack", "p"])
        .done();
    let run = runs(&user).remove(0);
    let plan = undo(&user, &["--dry-run", "-v"]).done();
    let topic = "arn:aws:sns:us-east-1:123456789012:";
    let expected = format!(
        "undo of run {run} (own.rhai, stack p, done)

STEP  OPERATION          UNDONE BY          WHAT
5     sns::create_topic  sns::delete_topic  sns:topic {topic}news

cannot be undone:

STEP  OPERATION          WHY                                                                                  WHAT
1     sns::delete_topic  the topic and its subscriptions are gone; run {maker} had made it  topic_arn={topic}old

nothing to do for:

STEP  OPERATION          WHY                                       WHAT
4     sns::delete_topic  the topic and its subscriptions are gone  topic_arn={topic}short-lived
2     sns::create_topic  removed since                             sns:topic {topic}short-lived
"
    );
    assert!(plan.out.starts_with(&expected), "{}", plan.out);
}
