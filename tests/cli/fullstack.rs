//! The whole application: deployed, again, changed, failing, visited, removed.

mod by_hand;
mod uploads;

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{read, shipped};
use crate::support::closed::ClosedPort;
use crate::support::component::file;
use crate::support::opsh::{Ended, User, result, writes};

/// Runs the shipped playbook on the user's embedded cloud.
fn deploy(user: &User, parameters: &[&str]) -> Ended {
    let playbook = shipped("fullstack");
    let words = ["run", &playbook, "--local", "--output", "json"];
    user.opsh(words.iter().chain(parameters)).done()
}

/// The input of the only write of a run.
fn only_write(ended: &Ended) -> (String, Value) {
    let events = ended.events();
    let found: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write")
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    (
        found[0]["operation"].as_str().unwrap().to_owned(),
        found[0]["input"].clone(),
    )
}

/// Runs `text` beside the stack, as another stack's playbook.
fn look(user: &User, text: &str, parameters: &[&str]) -> Value {
    std::fs::write(user.home().join("look.rhai"), text).unwrap();
    let words = ["run", "look.rhai", "--local", "--output", "json"];
    result(&user.opsh(words.iter().chain(parameters)).done())
}

/// How many requests for the page a compressed access log tells of.
fn visits(log: &Path) -> usize {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(log).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .filter(|line| line.starts_with("http ") && line.contains("\"GET http://fullstack-"))
        .count()
}

fn copy(from: &str, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(file(from)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn again_it_writes_nothing_and_otherwise_exactly_what_differs() {
    let user = User::new();
    let site = user.home().join("site");
    copy("playbooks/assets/site", &site);
    let run = |parameters: &[&str]| {
        let always = ["golden=false", "functions=", "site=site"];
        deploy(&user, &[&always, parameters].concat())
    };
    run(&[]);

    let again = run(&[]);
    assert_eq!(writes(&again), [""; 0]);
    let said = "fullstack is as its parameters want it: nothing was changed";
    assert!(again.out.contains(said), "{}", again.out);
    assert_eq!(result(&again)["writes"], 0);

    let larger = run(&["max_size=4"]);
    let (operation, input) = only_write(&larger);
    assert_eq!(operation, "autoscaling::update_auto_scaling_group");
    let only = json!({"auto_scaling_group_name": "fullstack", "max_size": 4});
    assert_eq!(input, only);

    std::fs::write(site.join("style.css"), "body { margin: 0 }").unwrap();
    let (operation, input) = only_write(&run(&["max_size=4"]));
    assert_eq!(operation, "s3::put_object");
    assert_eq!(input["key"], "static/style.css");

    // A new version of the template; who runs stays until a refresh is asked for.
    let typed = ["max_size=4", "instance_type=t3.small"];
    let (operation, _) = only_write(&run(&typed));
    assert_eq!(operation, "ec2::create_launch_template_version");
    let refreshed = [&typed[..], &["refresh=true"]].concat();
    let (operation, _) = only_write(&run(&refreshed));
    assert_eq!(operation, "autoscaling::start_instance_refresh");
    assert_eq!(writes(&run(&refreshed)), [""; 0]);

    let told = [
        "max_size=4",
        "instance_type=t3.small",
        "mail=ops@example.com",
    ];
    assert_eq!(writes(&run(&told)), ["sns::subscribe"; 3]);
    assert_eq!(writes(&run(&told)), [""; 0]);
    let steady = [&told[..], &["scaling=cpu"]].concat();
    assert_eq!(
        writes(&run(&steady)),
        ["autoscaling::delete_policy", "cloudwatch::delete_alarms"]
    );
}

#[test]
fn the_group_is_launched_from_the_image_of_the_golden_instance() {
    let user = User::new();
    let first = deploy(&user, &[]);
    let image = result(&first)["image"].clone();
    assert_eq!(writes(&deploy(&user, &[])), [""; 0]);

    // The golden instance gone, the others serve what was put on it.
    let served = look(
        &user,
        r#"
let url = param("url");
let golden = param("golden");
let group = autoscaling::describe_auto_scaling_groups(#{}).auto_scaling_groups[0];
ec2::terminate_instances(#{ instance_ids: [golden] });
ec2::wait_until_instance_terminated(#{ instance_ids: [golden] });
let images = ec2::describe_instances(#{ instance_ids: group.instances.map(|one| one.instance_id) })
    .reservations.map(|one| one.instances[0].image_id);
#{ images: images, pages: [http::get(url).body, http::get(url).body] }
"#,
        &[
            &format!("url={}", result(&first)["url"].as_str().unwrap()),
            &format!(
                "golden={}",
                result(&first)["golden_instance"].as_str().unwrap()
            ),
        ],
    );
    assert_eq!(served["images"], json!([image, image]));
    for page in served["pages"].as_array().unwrap() {
        let page = page.as_str().unwrap();
        assert!(page.contains("<h1>It works</h1>"), "{page}");
    }

    // Another page, another golden image: the group's next instances have it.
    let other = deploy(&user, &["title=It still works"]);
    assert_ne!(result(&other)["image"], image);
    let done = writes(&other);
    assert_eq!(
        done.iter()
            .filter(|name| !name.starts_with("ssh::"))
            .collect::<Vec<_>>(),
        [
            "ec2::run_instances",
            "ec2::create_tags",
            "elbv2::register_targets",
            "ec2::create_image",
            "ec2::create_launch_template_version"
        ]
    );
}

#[test]
fn what_aws_would_refuse_late_is_refused_before_anything_is_made() {
    let user = User::in_memory();
    let playbook = shipped("fullstack");
    for (wrong, said) in [
        (
            "min_size=5",
            "parameter 'min_size' is 5, more than max_size, which is 3\n",
        ),
        (
            "desired=9",
            "parameter 'desired' is 9, which is not between min_size 2 and max_size 3\n",
        ),
        (
            "mail=ops",
            "parameter 'mail' has 'ops', which is no mail address\n",
        ),
        (
            "sms=555",
            "parameter 'sms' has '555', which is no telephone number such as +15551234567\n",
        ),
        (
            "mail=ops@example",
            "parameter 'mail' has 'ops@example', which is no mail address\n",
        ),
        (
            "sms=+1555abc4567",
            "parameter 'sms' has '+1555abc4567', which is no telephone number such as +15551234567\n",
        ),
        (
            "scaling=network network_high=100 network_low=100",
            "parameter 'network_low' is 100, not less than network_high, which is 100\n",
        ),
        (
            "ssh_from=home",
            "parameter 'ssh_from' is 'home', which is no IPv4 address or CIDR block\n",
        ),
        (
            "uploads_from=all",
            "parameter 'uploads_from' is 'all', which is no IPv4 address or CIDR block\n",
        ),
        (
            "key_file=nothing",
            "parameter 'key_file' is 'nothing', which is not there\n",
        ),
        (
            "function_binary=nothing",
            "parameter 'function_binary' is 'nothing', which is not there\n",
        ),
        (
            "site=nothing",
            "cannot list the file nothing: it is not there\n",
        ),
        (
            "bucket=ab",
            "parameter 'bucket' is 'ab': a bucket's name has 3 to 63 characters\n",
        ),
        (
            "--stack=internal-shop",
            "the stack's name 'internal-shop' cannot be part of the names of roles, topics and templates\n",
        ),
        (
            "--stack=ab",
            "the stack's name 'ab' cannot be part of the names of roles, topics and templates\n",
        ),
        (
            "bucket=My_files",
            "parameter 'bucket' is 'My_files': a bucket's name has lower-case letters, digits, dots and hyphens\n",
        ),
        (
            "--stack=a/b",
            "the stack's name 'a/b' cannot be part of the names of roles, topics and templates\n",
        ),
    ] {
        let words = ["run", &playbook, "--local"];
        let refused = user.opsh(words.into_iter().chain(wrong.split(' ')));
        assert_eq!(refused.code, 1, "{wrong}");
        assert!(refused.err.contains(said), "{wrong}: {}", refused.err);
        let made = user.opsh(["ls", "--local", "--output", "json"]).done();
        let empty = made.events().iter().all(|stack| stack["resources"] == 0);
        assert!(empty, "{wrong}: {}", made.out);
    }
}

/// Live it is the program itself, which an ordinary build does not make for Lambda.
#[test]
fn a_program_that_lambda_would_not_run_is_refused_before_anything_is_made() {
    let nobody = ClosedPort::take();
    let user = User::of(&format!("http://127.0.0.1:{}", nobody.port), "us-east-1");
    std::fs::write(user.home().join("program"), "no program").unwrap();
    let playbook = shipped("fullstack");
    let refused = user.opsh(["run", &playbook, "function_binary=program"]);
    assert_eq!(refused.code, 1);
    let said =
        "the program 'program' would not run in Lambda: it is no 64-bit Linux program (ELF)\n";
    assert!(refused.err.contains(said), "{}", refused.err);
}

/// Its policy would be replaced, and its files shown to everybody.
#[test]
fn a_bucket_of_somebody_else_is_left_alone() {
    let user = User::in_memory();
    let theirs = r#"s3::create_bucket(#{ bucket: "opsh-theirs" });
        let policy = #{ Version: "2012-10-17", Statement: [#{ Effect: "Deny", Principal: "*", Action: "s3:DeleteBucket", Resource: "arn:aws:s3:::opsh-theirs" }] };
        s3::put_bucket_policy(#{ bucket: "opsh-theirs", policy: text::json_encode(policy) });
        0"#;
    look(&user, theirs, &[]);
    let policy = r#"s3::get_bucket_policy(#{ bucket: "opsh-theirs" }).policy"#;
    let before = look(&user, policy, &[]);
    let playbook = shipped("fullstack");
    let refused = user.opsh(["run", &playbook, "--local", "bucket=opsh-theirs"]);
    assert_eq!(refused.code, 1);
    let said = "the bucket 'opsh-theirs' exists, but carries no stack's tag\n";
    assert!(refused.err.contains(said), "{}", refused.err);
    assert_eq!(look(&user, policy, &[]), before);
}

/// What a run wrote to AWS.
fn writes_to_aws(ended: &Ended) -> Vec<String> {
    let mut all = writes(ended);
    all.retain(|name| !name.starts_with("ssh::"));
    all
}

/// Its image was taken while it was off: its console does not show its host keys again.
#[test]
fn another_page_goes_to_the_golden_instance_that_is_there() {
    let user = User::in_memory();
    let first = result(&deploy(&user, &[]));
    let other = deploy(&user, &["title=R&D's <page>"]);
    assert_eq!(result(&other)["golden_instance"], first["golden_instance"]);
    assert_ne!(result(&other)["image"], first["image"]);
    assert_eq!(
        writes_to_aws(&other),
        [
            "ec2::create_tags",
            "ec2::create_image",
            "ec2::create_launch_template_version"
        ]
    );

    // The former page has its image still, and the golden instance shows it again, too.
    let back = deploy(&user, &[]);
    assert_eq!(result(&back)["image"], first["image"]);
    assert_eq!(
        writes_to_aws(&back),
        ["ec2::create_tags", "ec2::create_launch_template_version"]
    );
    let visits = r#"let url = param("url"); let all = []; for visit in 0..9 { all.push(http::get(url).body.contains("<h1>It works</h1>")); } all"#;
    let url = format!("url={}", first["url"].as_str().unwrap());
    assert_eq!(look(&user, visits, &[&url]), json!(vec![true; 9]));
    assert_eq!(writes(&deploy(&user, &[])), [""; 0]);
}

#[test]
fn what_its_parameters_no_longer_want_goes() {
    let user = User::in_memory();
    let golden = |user: &User| {
        let text = r#"let all = []; for one in ec2::describe_instances(#{ filters: #{ "tag:Name": "fullstack-golden-*", "instance-state-name": "running" } }).reservations { all.push(one.instances[0].tags.Name); } all"#;
        look(user, text, &[])
    };
    deploy(&user, &[]);
    assert_eq!(golden(&user), json!(["fullstack-golden-x86_64"]));

    let plain = ["golden=false", "functions="];
    let without = deploy(&user, &plain);
    assert_eq!(
        writes(&without),
        [
            "elbv2::deregister_targets",
            "ec2::terminate_instances",
            "ec2::create_launch_template_version",
            "autoscaling::update_auto_scaling_group",
            "iam::delete_role_policy",
            "iam::delete_role",
            "scheduler::delete_schedule",
            "iam::delete_role_policy",
            "iam::delete_role",
            "lambda::delete_function",
            "s3::put_bucket_notification_configuration",
            "lambda::remove_permission",
            "iam::delete_role_policy",
            "iam::delete_role",
            "lambda::delete_function",
        ]
    );
    assert_eq!(golden(&user), json!([]));
    let functions =
        "[lambda::list_functions(#{}).functions.len(), iam::list_roles(#{}).roles.len()]";
    assert_eq!(look(&user, functions, &[]), json!([0, 0]));
    assert_eq!(writes(&deploy(&user, &plain)), [""; 0]);

    // Another processor, another golden instance; the way back has its image still.
    let arm = ["functions=", "instance_type=t4g.micro"];
    deploy(&user, &arm);
    assert_eq!(golden(&user), json!(["fullstack-golden-arm64"]));
    let back = deploy(&user, &["functions="]);
    assert_eq!(
        writes(&back),
        [
            "elbv2::deregister_targets",
            "ec2::terminate_instances",
            "ec2::create_launch_template_version",
        ]
    );
    assert_eq!(golden(&user), json!([]));
}

/// Deploys, lets something happen, and tells what came of it.
fn incident(user: &User, parameters: &[&str]) -> Value {
    let made = result(&deploy(user, parameters));
    let seen = look(
        user,
        &read("tests/cli/fullstack/incident.rhai"),
        &[
            &format!("url={}", made["url"].as_str().unwrap()),
            &format!("bucket={}", made["bucket"].as_str().unwrap()),
        ],
    );
    assert_eq!(seen["replaced"], true, "{seen:#}");
    assert_eq!(seen["healthy"], 3, "{seen:#}");
    // It has come back to what the parameters want by itself.
    assert_eq!(writes(&deploy(user, parameters)), [""; 0]);
    seen
}

#[test]
fn a_failing_instance_is_replaced_and_visits_are_counted_and_logged() {
    let user = User::new();
    let seen = incident(&user, &["functions=", "requests_high=20"]);
    let cause = seen["cause"].as_str().unwrap();
    let why = "an ELB system health check failure";
    assert!(cause.contains(why), "{cause}");
    assert_eq!(seen["kept"], 0, "{seen:#}");
    assert_eq!(
        seen["alarms"],
        json!(["fullstack-requests-high", "fullstack-unhealthy-targets"])
    );
    let visits: usize = (0..seen["logs"].as_u64().unwrap())
        .map(|index| visits(&user.home().join(format!("access-{index}.log.gz"))))
        .sum();
    // Those of the incident, and the deployment's own.
    assert_eq!(visits, 41);
}

#[test]
fn the_health_check_keeps_what_fails_before_it_is_replaced() {
    let user = User::new();
    let seen = incident(&user, &[]);
    let cause = seen["cause"].as_str().unwrap();
    assert!(cause.ends_with("in response to a user request."), "{cause}");
    assert_eq!(seen["kept"], 1, "{seen:#}");

    // What it kept carries the stack's tag, and goes with the stack.
    let removed = deploy(&user, &["do=teardown", "--yes"]);
    assert_eq!(result(&removed)["left"], json!([]));
    let kept = r#"ec2::describe_snapshots(#{ owner_ids: ["self"] }).snapshots.len()"#;
    assert_eq!(look(&user, kept, &[]), 0);
}

#[test]
fn what_something_depends_on_stays_and_what_is_not_there_is_not_updated() {
    let user = User::new();
    let playbook = shipped("fullstack");
    let ended = user.opsh(["run", &playbook, "--local", "do=update"]);
    assert_eq!(ended.code, 1);
    let said = "the stack fullstack has nothing to update";
    assert!(ended.err.contains(said), "{}", ended.err);

    deploy(&user, &[]);
    let refused = look(&user, &read("tests/cli/fullstack/dependencies.rhai"), &[]);
    let expected = json!({
        "bucket": "BucketNotEmpty",
        "group": "ResourceInUse",
        "security group of the application": "DependencyViolation",
        "security group of the balancer": "DependencyViolation",
        "security group of the golden instance": "DependencyViolation",
        "snapshot": "InvalidSnapshot.InUse",
        "target group": "ResourceInUse",
        "volume": "VolumeInUse",
    });
    assert_eq!(refused, expected);
}

#[test]
fn the_teardown_leaves_what_a_fresh_cloud_has() {
    let counts = |user: &User| {
        let status = user.opsh(["local", "status", "--output", "json"]).done();
        status.events()[0]["counts"].clone()
    };
    let fresh = User::new();
    look(&fresh, "ec2::describe_vpcs(#{}).vpcs.len()", &[]);

    let user = User::new();
    let made = result(&deploy(&user, &["mail=ops@example.com"]));
    // Visits that are logged: the bucket has files that no run knows of.
    let visit = r#"let url = param("url"); http::get(url); sleep(600); 0"#;
    let url = format!("url={}", made["url"].as_str().unwrap());
    look(&user, visit, &[&url]);
    assert_ne!(counts(&user), counts(&fresh));

    let plan = deploy(&user, &["do=teardown", "--dry-run"]);
    assert_eq!(result(&plan)["left"], json!([]));
    assert_ne!(counts(&user), counts(&fresh), "the plan removed something");

    let removed = result(&deploy(&user, &["do=teardown", "--yes"]));
    assert_eq!(removed["left"], json!([]));
    // Terminated instances are shown for an hour.
    look(&user, "sleep(7200); 0", &[]);
    assert_eq!(counts(&user), counts(&fresh));
    let again = deploy(&user, &["do=teardown", "--yes"]);
    assert_eq!(writes(&again), [""; 0]);
}
