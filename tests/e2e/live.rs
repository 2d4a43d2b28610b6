//! Small playbooks, live against moto's server.

use serde_json::{Value, json};

use crate::support::component::demand;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;
use crate::support::resources::{planned, witnessed};

/// Runs the text of a playbook as `small.rhai`, live, and gives its events.
fn live(user: &User, text: &str, options: &[&str]) -> Vec<Value> {
    std::fs::write(user.home().join("small.rhai"), text).unwrap();
    user.opsh(["run", "small.rhai", "--output=json"].iter().chain(options))
        .done()
        .events()
}

#[test]
fn what_a_playbook_makes_is_there_for_others_and_has_our_tags() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let events = live(
        &user,
        r#"
            let vpc = ec2::describe_vpcs(#{ filters: #{ "is-default": "true" } }).vpcs[0].vpc_id;
            let group = ec2::create_security_group(#{
                group_name: "small", description: "A small one.", vpc_id: vpc, tags: #{ team: "web" },
            }).group_id;
            ec2::authorize_security_group_ingress(#{
                group_id: group,
                ip_permissions: [#{
                    ip_protocol: "tcp", from_port: 80, to_port: 81,
                    ip_ranges: [#{ cidr_ip: "192.0.2.0/24", description: "two ports" }],
                }],
            });
        "#,
        &["--stack=tiny"],
    );
    let exists = witnessed(&moto.witness("resources"));
    let expected = witnessed(&json!([
        {"kind": "security group", "name": "small", "description": "A small one.",
         "tags": {"team": "web", "opsh:stack": "tiny"}},
        {"kind": "ingress rule", "group": "small", "protocol": "tcp", "from": 80, "to": 81,
         "source": "192.0.2.0/24", "description": "two ports"},
    ]));
    assert_eq!(exists, expected);
    assert_eq!(
        planned(&events, "tiny"),
        expected,
        "the steps say the same as boto3"
    );
}

/// Another region answers that it knows nothing of what is not there: no reason to forget it.
#[test]
fn what_was_made_in_a_region_is_removed_there_from_a_shell_that_is_set_to_another() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let make = r#"
        let alarm = |controls| cloudwatch::put_metric_alarm(#{
            alarm_name: "cpu", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average",
            period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold",
        }, controls);
        alarm.call(#{});
        alarm.call(#{ region: "us-west-2" });
        sns::create_topic(#{ name: "news" });
    "#;
    let look = r#"
        let left = |region| cloudwatch::describe_alarms(#{}, #{ region: region }).metric_alarms.len()
            + sns::list_topics(#{}, #{ region: region }).topics.len();
        [left.call("eu-west-1"), left.call("us-west-2")]
    "#;
    let user = User::of(&moto.endpoint, "eu-west-1");
    let there = |user: &User| live(user, look, &["--stack=look"]).pop().unwrap()["value"].take();
    live(&user, make, &["--stack=far"]);
    assert_eq!(there(&user), json!([2, 1]));
    let user = user.with("AWS_REGION", "us-east-1");
    user.opsh(["undo", "--stack=far", "--yes"]).done();
    assert_eq!(there(&user), json!([0, 0]));

    let user = user.with("AWS_REGION", "eu-west-1");
    live(&user, make, &["--stack=far"]);
    assert_eq!(there(&user), json!([2, 1]));
    let user = user.with("AWS_REGION", "us-east-1");
    let teardown = format!("{}/playbooks/teardown.rhai", env!("CARGO_MANIFEST_DIR"));
    user.opsh(["run", &teardown, "stack=far", "--yes"]).done();
    assert_eq!(there(&user), json!([0, 0]));
}

/// Nor does another account.
#[test]
fn what_was_made_in_an_account_is_not_forgotten_with_keys_of_another() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let folder = user.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let config =
        "[profile theirs]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = own\n";
    std::fs::write(folder.join("config"), config).unwrap();
    let keys = "[own]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = example\n";
    std::fs::write(folder.join("credentials"), keys).unwrap();
    let text = r#"sns::create_topic(#{ name: "news" }); throw "later";"#;
    std::fs::write(user.home().join("small.rhai"), text).unwrap();
    assert_eq!(user.opsh(["run", "small.rhai"]).code, 1);

    let teardown = format!("{}/playbooks/teardown.rhai", env!("CARGO_MANIFEST_DIR"));
    for (words, code) in [
        (&["resume"][..], 2),
        (&["undo", "--yes"], 2),
        (&["run", &teardown, "stack=small", "--yes"], 1),
    ] {
        let refused = user.opsh(words.iter().chain(&["--profile", "theirs"]));
        assert_eq!(refused.code, code, "{}", refused.err);
        let said =
            "it was made in the account 123456789012, and these are credentials of 111122223333\n";
        assert!(refused.err.contains(said), "{}", refused.err);
        let next = "  next: use keys of that account, or its profile with --profile";
        assert!(refused.err.contains(next), "{}", refused.err);
    }
    user.opsh(["undo", "--yes"]).done();
    assert_eq!(witnessed(&moto.witness("resources")), witnessed(&json!([])));
}

#[test]
fn listings_page_by_themselves() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let events = live(
        &user,
        r"
            for part in 0..6 { // each small enough that the SDK does not compress it: moto cannot read that
                let data = [];
                for i in 0..100 { data.push(#{ metric_name: `m${part}-${i}`, value: 1.0 }); }
                cloudwatch::put_metric_data(#{ namespace: `many`, metric_data: data });
            }
            #{
                all: cloudwatch::list_metrics(#{ namespace: `many` }).metrics.len(),
                limited: cloudwatch::list_metrics(#{ namespace: `many` }, #{ limit: 3 }).metrics.len(),
            }
        ",
        &[],
    );
    let result = &events.last().unwrap()["value"];
    assert_eq!(result, &json!({"all": 600, "limited": 3}));
}

/// An access log of so many requests of one client, compressed.
fn access_log(requests: u32, client: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut log = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..requests {
        writeln!(
            log,
            "http 2026-09-17T05:{:02}:{:02}.000000Z app/shop/50dc6c495c0c9188 {client}:41000 10.0.0.1:80 0.000 0.020 0.000 \
             200 200 100 2000 \"GET http://shop.example:80/{number} HTTP/1.1\" \"curl/8.5.0\" - - arn:aws:x \"Root=1-{number:x}\" \
             \"-\" \"-\" 0 2026-09-17T05:21:00.000000Z \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\" TID_1 \
             \"-\" \"-\" \"-\" 203.0.113.7",
            number / 60 % 60,
            number % 60
        )
        .unwrap();
    }
    log.finish().unwrap()
}

#[test]
fn access_logs_are_read_from_s3_as_from_files() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    for (name, requests, client) in [
        ("a", 30_000, "192.0.2.1"),
        ("b", 9_000, "192.0.2.2"),
        ("c", 1, "192.0.2.3"),
    ] {
        let log = access_log(requests, client);
        std::fs::write(user.home().join(format!("{name}.log.gz")), log).unwrap();
    }
    let events = live(
        &user,
        r#"
            s3::create_bucket(#{ bucket: "opsh-logs" });
            let objects = [];
            for name in ["a", "b", "c"] {
                let object = #{ bucket: "opsh-logs", key: `logs/${name}.log.gz` };
                s3::put_object(object + #{ body: #{ file: `${name}.log.gz` } });
                objects.push(object);
            }
            let there = logs::analyse_alb(#{ objects: objects });
            let here = logs::analyse_alb(#{ files: ["a.log.gz", "b.log.gz", "c.log.gz"] });
            assert_eq(there, here);
            let missing = ();
            try {
                logs::analyse_alb(#{ objects: objects + [#{ bucket: "opsh-logs", key: "logs/d.log.gz" }] });
            } catch (problem) { missing = problem; }
            #{ lines: there.lines, clients: there.clients.map(|client| client.requests), missing: [missing.kind, missing.message] }
        "#,
        &[],
    );
    let result = &events.last().unwrap()["value"];
    assert_eq!(result["lines"], 39_001);
    assert_eq!(result["clients"], json!([30_000, 9_000, 1]));
    assert_eq!(result["missing"][0], "not_found");
    let message = result["missing"][1].as_str().unwrap();
    assert!(
        message.starts_with("s3://opsh-logs/logs/d.log.gz: "),
        "{message}"
    );
}
