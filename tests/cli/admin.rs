//! `playbooks/admin.rhai`: the commands of an admin's day, on the embedded cloud.

use serde_json::Value;

use super::{shipped, user};
use crate::support::opsh::{Ended, User};

/// A balancer whose target group `shop` asks for `/ping`.
const BALANCER: &str = r#"
import "instances" as instances;
let vpc = instances::default_vpc();
let group = elbv2::create_target_group(#{ name: "shop", protocol: "HTTP", port: 80, vpc_id: vpc, health_check_path: "/ping" }).target_groups[0].target_group_arn;
let front = instances::ensure_security_group("front", vpc, "Front.", [#{ port: 80, from: "0.0.0.0/0", description: "HTTP" }]);
let balancer = elbv2::create_load_balancer(#{ name: "shop", subnets: instances::subnets_for("t3.micro", vpc, 2), security_groups: [front] }).load_balancers[0].load_balancer_arn;
elbv2::create_listener(#{ load_balancer_arn: balancer, protocol: "HTTP", port: 80, default_actions: [#{ type: "forward", target_group_arn: group }] });
"#;

/// What makes a machine answer `/ping`.
const SETUP: &str = "#!/bin/bash\ndnf -y install nginx\necho OK > /usr/share/nginx/html/ping\n\
                     systemctl enable --now nginx\n";

/// Somebody who has a balancer, and a machine `web` that is not behind it.
fn shop() -> User {
    let user = user(BALANCER);
    user.opsh(["run", "p.rhai", "--local", "--stack", "shop", "-q"])
        .done();
    std::fs::write(user.home().join("setup.sh"), SETUP).unwrap();
    admin(&user, &["do=add", "setup=setup.sh", "tags=team=shop", "-q"]).done();
    user
}

fn admin(user: &User, options: &[&str]) -> Ended {
    let playbook = shipped("admin");
    user.opsh(["run", &playbook, "--local"].iter().chain(options))
}

/// What the playbook gives, and how many writes it took.
fn given(user: &User, options: &[&str]) -> (Value, usize) {
    let ended = admin(user, &[options, &["--output", "json"]].concat()).done();
    let events = ended.events();
    let writes = events.iter().filter(|event| event["effect"] == "write");
    (events.last().unwrap()["value"].clone(), writes.count())
}

/// What is complained, and the way out.
#[track_caller]
fn refused(user: &User, options: &[&str]) -> String {
    let ended = admin(user, options);
    assert_eq!(ended.code, 1, "{}", ended.err);
    // Place and excerpt are of no interest here.
    let mut said = Vec::new();
    for line in ended.err.lines() {
        if let Some(rest) = line.strip_prefix("error: ") {
            let words = rest.split_once(".rhai:").map_or(rest, |(_, rest)| rest);
            said.push(words.split_once(": ").map_or(words, |(_, rest)| rest));
        } else if let Some(hint) = line.strip_prefix("  next: ") {
            // That a run which has written something can go on is told everywhere.
            if !hint.starts_with("`opsh resume") {
                said.push(hint);
            }
        }
    }
    said.join("\n")
}

/// The plan of one action, on a copy of the cloud.
fn plan(user: &User, name: &str, options: &[&str]) {
    let ended = admin(user, &[options, &["--dry-run"]].concat()).done();
    let shown = format!("{}--- messages\n{}", ended.out, ended.err);
    insta::assert_snapshot!(format!("admin-{name}"), shown);
}

#[test]
fn the_plans_of_what_makes_and_shows_machines() {
    let user = shop();
    plan(
        &user,
        "add",
        &[
            "do=add",
            "name=second",
            "open=80,30000",
            "tags=team=shop",
            "protected=true",
        ],
    );
    plan(&user, "list", &[]);
    plan(
        &user,
        "list-columns",
        &[
            "tag=team=shop",
            "columns=name,type,zone,image,tags.opsh:stack",
        ],
    );
    plan(&user, "start", &["do=start", "instance=web"]);
    plan(&user, "stop", &["do=stop", "instance=web"]);
    plan(&user, "terminate", &["do=terminate", "instance=web"]);
}

#[test]
fn the_plans_of_balancer_and_alarms() {
    let user = shop();
    plan(
        &user,
        "register",
        &["do=register", "instance=web", "target_group=shop"],
    );
    admin(
        &user,
        &["do=register", "instance=web", "target_group=shop", "-q"],
    )
    .done();
    plan(&user, "ping", &["do=ping", "worker_port=80"]);
    plan(
        &user,
        "deregister",
        &["do=deregister", "instance=web", "target_group=shop"],
    );
    plan(
        &user,
        "alarm",
        &["do=alarm", "instance=web", "cpu_high=80", "minutes=1"],
    );
    admin(&user, &["do=alarm", "instance=web", "-q"]).done();
    plan(&user, "alarms", &["do=alarms"]);
}

#[test]
fn what_is_so_already_is_left_alone() {
    let user = shop();
    for options in [
        &["do=add", "setup=setup.sh", "tags=team=shop"][..],
        &["do=start", "instance=web"],
    ] {
        let ended = admin(&user, options).done();
        assert!(ended.err.contains("nothing was changed"), "{}", ended.err);
        assert_eq!(given(&user, options).1, 0, "{options:?}");
    }
    for options in [
        &["do=register", "instance=web", "target_group=shop"][..],
        &["do=alarm", "instance=web"],
        &["do=deregister", "instance=web", "target_group=shop"],
        &["do=stop", "instance=web"],
    ] {
        let (_, first) = given(&user, options);
        assert!(first > 0, "{options:?}");
        assert_eq!(given(&user, options).1, 0, "{options:?}");
        let again = admin(&user, options).done();
        assert!(again.err.contains("nothing was changed"), "{}", again.err);
    }
    let (started, _) = given(&user, &["do=start", "instance=web"]);
    assert_eq!(
        (&started["was"], &started["state"]),
        (&"stopped".into(), &"running".into())
    );
}

#[test]
fn who_answers_the_health_check_is_in_service_and_answers_ping() {
    let user = shop();
    let register = ["do=register", "instance=web", "target_group=shop"];
    let (registered, writes) = given(&user, &register);
    assert_eq!((&registered["state"], writes), (&"healthy".into(), 1));
    let (pinged, _) = given(&user, &["do=ping", "instance=web", "worker_port=80"]);
    assert_eq!(pinged, serde_json::json!({"well": 1, "asked": 2}));
    let ended = admin(&user, &["do=ping", "instance=web", "worker_port=80"]).done();
    let lines: Vec<Vec<&str>> = ended
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[1][..2], ["web", "worker"], "{}", ended.out);
    assert_eq!(lines[1][3..], ["200", "OK"], "{}", ended.out);
    // What its security group does not let in is not answered.
    assert_eq!(lines[2][3..], ["timeout"], "{}", ended.out);
    admin(&user, &["do=stop", "instance=web", "-q"]).done();
    let ended = admin(
        &user,
        &[
            "do=register",
            "instance=web",
            "target_group=shop",
            "wait=1m",
        ],
    )
    .done();
    assert!(
        ended
            .err
            .contains("after 1m: it gets no requests until it answers the health check"),
        "{}",
        ended.err
    );
}

#[test]
fn alarms_reach_the_queue_of_their_topic() {
    let user = shop();
    admin(
        &user,
        &[
            "do=alarm",
            "instance=web",
            "topic=scaling",
            "minutes=1",
            "-q",
        ],
    )
    .done();
    let listen = r#"
import "alerts" as alerts;
import "queues" as queues;
let topic = alerts::ensure_topics(["scaling"]).scaling;
let queue = queues::ensure_queue("scaling", #{ ReceiveMessageWaitTimeSeconds: "20" });
if !queues::admit_topic(queue, topic) || queues::admit_topic(queue, topic) { throw "admitted once"; }
alerts::subscribe(topic, [#{ protocol: "sqs", endpoint: queue.arn }]);
let end = time::now() + 1800;
let seen = ();
while seen == () && time::now() < end {
    for message in sqs::receive_message(#{ queue_url: queue.url }).messages ?? [] {
        let alarm = text::json_decode(text::json_decode(message.body).Message);
        sqs::delete_message(#{ queue_url: queue.url, receipt_handle: message.receipt_handle });
        if alarm.NewStateValue == "ALARM" { seen = alarm; }
    }
}
[seen.AlarmName.split("-cpu-")[1], seen.Trigger.Dimensions[0].name]
"#;
    std::fs::write(user.home().join("listen.rhai"), listen).unwrap();
    let ended = user
        .opsh([
            "run",
            "listen.rhai",
            "--local",
            "--stack",
            "ears",
            "--output",
            "json",
        ])
        .done();
    let events = ended.events();
    // Nobody asks anything of the machine: its CPU is low.
    assert_eq!(
        events.last().unwrap()["value"],
        serde_json::json!(["low", "InstanceId"])
    );
}

#[test]
fn protection_is_shown_and_lifted_only_on_request() {
    let user = shop();
    let (safe, _) = given(&user, &["do=add", "name=safe", "protected=true"]);
    let id = safe["instance"].as_str().unwrap();
    assert_eq!(
        refused(&user, &["do=terminate", "instance=safe", "--yes"]),
        format!(
            "{id} is protected against being terminated\n\
             if it is really meant: lift_protection=true"
        )
    );
    admin(&user, &["do=alarm", "instance=safe", "-q"]).done();
    let lift = ["do=terminate", "instance=safe", "lift_protection=true"];
    // Without a terminal and --yes there is nobody who says yes.
    let nobody = refused(&user, &lift);
    assert!(nobody.contains("there is nobody to ask"), "{nobody}");
    let ended = admin(&user, &[&lift[..], &["--yes"]].concat()).done();
    assert!(
        ended
            .err
            .contains(&format!("warning: the protection of {id} is lifted")),
        "{}",
        ended.err
    );
    assert_eq!(
        refused(&user, &["do=terminate", "instance=safe"]),
        "there is no instance 'safe'\n\
         instances are named by their id (i-…) or their Name tag; terminated ones do not count"
    );
    // Nor is anything left that was about it, its alarms among them.
    let listed = user.opsh(["ls", "admin", "--local"]).done();
    assert!(!listed.out.contains(id), "{}", listed.out);
    let alarms = admin(&user, &["do=alarms"]).done();
    assert!(!alarms.out.contains(id), "{}", alarms.out);
}

#[test]
fn bad_input_is_told_with_the_way_out() {
    let user = shop();
    // Another of the same name, in another stack.
    let twin = shipped("admin");
    user.opsh(["run", &twin, "--local", "--stack", "twin", "do=add", "-q"])
        .done();
    let both = refused(&user, &["do=stop", "instance=web"]);
    assert!(
        both.starts_with("2 instances are named 'web': i-"),
        "{both}"
    );
    assert!(
        both.ends_with("\ngive the id of the one that is meant"),
        "{both}"
    );
    let (listed, _) = given(&user, &[]);
    let id = format!("instance={}", listed["instances"][0].as_str().unwrap());
    let table: &[(&[&str], &str)] = &[
        (
            &["do=stop"],
            "no instance is named\ngive instance=, an id (i-…) or a Name tag",
        ),
        (
            &["do=list", "tag=team"],
            "'team' is no tag\na tag is written KEY=VALUE, several are separated by commas",
        ),
        (
            &["do=list", "columns=id,nme"],
            "none of these instances has an attribute 'nme'\nshort names are address, dns, id, \
             image, key, launched, name, private_address, state, type, zone; others are paths of \
             EC2's own, such as placement.tenancy or tags.team",
        ),
        (
            &["do=add", "open=80,http"],
            "'http' is no port\nopen= takes numbers from 1 to 65535: open=80,443",
        ),
        (
            &["do=register", &id],
            "no target group is named\ngive target_group=, a name or an ARN",
        ),
        (
            &["do=register", &id, "target_group=none"],
            "there is no target group 'none'\ntarget groups are named by name or ARN",
        ),
        (
            &["do=alarm", &id, "cpu_high=10"],
            "cpu_low=20.0 is not below cpu_high=10.0\nbetween the two nothing is done",
        ),
    ];
    for (options, expected) in table {
        assert_eq!(refused(&user, options), *expected, "{options:?}");
    }
}
