//! `playbooks/backup.rhai`: each of its actions, on a cloud where a shop has a machine.

use serde_json::Value;

use super::{shipped, user};
use crate::support::opsh::{Ended, User};

/// A machine `web` with a second volume.
const SHOP: &str = r#"
import "instances" as instances;
let id = ec2::run_instances(#{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", min_count: 1, max_count: 1,
    block_device_mappings: [#{ device_name: "/dev/sdf", ebs: #{ volume_size: 4, volume_type: "gp3", delete_on_termination: true } }],
    tags: #{ Name: "web" },
}).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [id] });
id
"#;

/// Somebody whose shop runs on the embedded cloud.
fn shop() -> User {
    let user = user(SHOP);
    user.opsh(["run", "p.rhai", "--local", "--stack", "shop", "-q"])
        .done();
    user
}

fn backup(user: &User, options: &[&str]) -> Ended {
    let playbook = shipped("backup");
    user.opsh(["run", &playbook, "--local"].iter().chain(options))
}

/// What the playbook gives, and how many writes it took.
fn given(user: &User, options: &[&str]) -> (Value, usize) {
    let ended = backup(user, &[options, &["--output", "json"]].concat()).done();
    let events = ended.events();
    let writes = events.iter().filter(|event| event["effect"] == "write");
    (events.last().unwrap()["value"].clone(), writes.count())
}

#[track_caller]
fn refused(user: &User, options: &[&str]) -> String {
    let ended = backup(user, options);
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
    let ended = backup(user, &[options, &["--dry-run"]].concat()).done();
    let shown = format!("{}--- messages\n{}", ended.out, ended.err);
    insta::assert_snapshot!(format!("backup-{name}"), shown);
}

#[test]
fn the_plans_of_what_makes_and_launches_images() {
    let user = shop();
    plan(&user, "image", &["do=image", "instance=web", "name=golden"]);
    backup(&user, &["do=image", "instance=web", "name=golden"]).done();
    plan(
        &user,
        "launch",
        &[
            "do=launch",
            "image=golden",
            "min_count=2",
            "max_count=3",
            "zone=us-east-1b",
            "protected=true",
        ],
    );
    backup(&user, &["do=launch", "image=golden", "max_count=2"]).done();
    plan(&user, "list", &["do=list"]);
    plan(&user, "list-image", &["do=list", "image=golden"]);
    plan(
        &user,
        "list-attributes",
        &[
            "do=list",
            "image=golden",
            "attributes=name,private_address,placement.tenancy,tags.opsh:stack",
        ],
    );
    plan(
        &user,
        "protect",
        &["do=protect", "instance=web", "protected=true"],
    );
}

#[test]
fn the_plans_of_what_backs_up_and_restores() {
    let user = shop();
    plan(
        &user,
        "tag",
        &["do=tag", "instance=web", "tags=backup=daily,team=shop"],
    );
    backup(&user, &["do=tag", "instance=web", "tags=backup=daily"]).done();
    let snapshot = [
        "do=snapshot",
        "tag=backup=daily",
        "description=before the update",
        "mail=ops@example.com",
        "queues=backups",
    ];
    plan(&user, "snapshot", &snapshot);
    plan(
        &user,
        "notify",
        &[
            "do=notify",
            "mail=ops@example.com",
            "queues=backups",
            "confirm_wait=1m",
        ],
    );
    let (taken, _) = given(&user, &snapshot);
    plan(&user, "prune", &["do=prune", "keep=0"]);
    let of = |index: usize| format!("snapshot={}", taken["snapshots"][index].as_str().unwrap());
    // Which of the two is the root volume's, their order does not say.
    let ended = backup(&user, &["do=restore", &of(0), "as_image=true", "--dry-run"]);
    let (root, data) = if ended.code == 0 { (0, 1) } else { (1, 0) };
    plan(
        &user,
        "restore",
        &["do=restore", &of(data), "instance=web", "device=/dev/sdg"],
    );
    plan(
        &user,
        "restore-image",
        &["do=restore", &of(root), "as_image=true", "name=rescued"],
    );
}

#[test]
fn run_again_each_says_that_nothing_was_changed() {
    let user = shop();
    let twice = |options: &[&str]| {
        let (first, writes) = given(&user, options);
        assert!(writes > 0, "{options:?}");
        let (second, writes) = given(&user, options);
        assert_eq!(writes, 0, "{options:?}");
        let again = backup(&user, options).done();
        assert!(again.err.contains("nothing was changed"), "{}", again.err);
        (first, second)
    };
    let (first, second) = twice(&["do=image", "instance=web", "name=golden"]);
    assert_eq!(first["image"], second["image"]);
    assert_eq!(
        (&first["rebooted"], &second["rebooted"]),
        (&true.into(), &false.into())
    );
    twice(&["do=protect", "instance=web", "protected=true"]);
    let (first, _) = twice(&["do=tag", "instance=web", "tags=backup=daily"]);
    assert_eq!(first["tagged"].as_array().unwrap().len(), 3, "{first}");
    let notify = ["do=notify", "queues=backups"];
    assert_eq!(given(&user, &notify).0["confirmed"], 1);
    assert_eq!(given(&user, &notify).1, 0);

    let (taken, _) = given(&user, &["do=snapshot", "tag=backup=daily"]);
    let snapshot = format!("snapshot={}", taken["snapshots"][1].as_str().unwrap());
    let (first, second) = twice(&["do=restore", &snapshot, "instance=web", "device=/dev/sdg"]);
    assert_eq!(first["volume"], second["volume"]);
    assert_eq!(first["device"], "/dev/sdg");
    backup(&user, &["do=snapshot", "tag=backup=daily", "-q"]).done();
    let (pruned, _) = twice(&["do=prune", "keep=1", "--yes"]);
    let mut gone = pruned["removed"].as_array().unwrap().clone();
    let mut old = taken["snapshots"].as_array().unwrap().clone();
    gone.sort_by_key(ToString::to_string);
    old.sort_by_key(ToString::to_string);
    assert_eq!(gone, old, "the older ones");
}

#[test]
fn old_images_go_with_their_snapshots_and_what_runs_stays() {
    let user = shop();
    let image = |name: &str| {
        given(
            &user,
            &[
                "do=image",
                "instance=web",
                &format!("name={name}"),
                "reboot=false",
            ],
        )
        .0
    };
    let (first, second) = (image("one"), image("two"));
    assert_eq!(first["rebooted"], false);
    given(&user, &["do=launch", "image=one"]);
    let (pruned, _) = given(&user, &["do=prune", "instance=web", "keep=1", "--yes"]);
    let mut expected = vec![first["image"].clone()];
    expected.extend(first["snapshots"].as_array().unwrap().clone());
    assert_eq!(pruned["removed"], Value::Array(expected));
    let (listed, _) = given(&user, &["do=list"]);
    assert_eq!(
        listed["images"],
        Value::Array(vec![second["image"].clone()])
    );
    assert_eq!(
        refused(&user, &["do=list", "image=one"]),
        "there is no image 'one'\nimages are named by their id (ami-…) or, the account's \
         own, by their name"
    );
}

#[test]
fn a_launch_may_be_partial_and_says_so() {
    let user = shop();
    backup(&user, &["do=image", "instance=web", "name=golden"]).done();
    let some = [
        "do=launch",
        "image=golden",
        "instance_type=t3.micro",
        "max_count=100",
    ];
    let ended = backup(&user, &some).done();
    let warning = ended
        .err
        .lines()
        .find(|line| line.contains("of up to 100"))
        .unwrap();
    assert!(
        warning.ends_with(
            "instances were launched: there was no room for more (at least 1 were wanted). They \
             run; what is missing is not queued"
        ),
        "{warning}"
    );
    let refusal = refused(
        &user,
        &["do=launch", "image=golden", "min_count=50", "max_count=50"],
    );
    assert!(
        refusal.ends_with(
            "fewer than min_count=50 are possible, so none was launched: ask for fewer, \
             another type or another zone"
        ),
        "{refusal}"
    );
}

#[test]
fn what_was_on_a_volume_is_on_the_machine_that_is_restored_from_it() {
    let user = shop();
    let host = r#"
import "machines" as machines;
let of = |name| {
    let one = machines::one(name);
    let group = one.security_groups[0].group_id;
    try {
        ec2::authorize_security_group_ingress(#{ group_id: group, ip_permissions: [#{ ip_protocol: "tcp", from_port: 22, to_port: 22, ip_ranges: [#{ cidr_ip: "0.0.0.0/0" }] }] });
    } catch (problem) { if problem.kind != "already_exists" { throw problem; } }
    #{ host: one.public_ip_address, user: "ec2-user", key_file: "key", host_key: "accept-new" }
};
"#;
    // A machine with a key, a file on it, and a snapshot of its root volume.
    let write = format!(
        r#"{host}
import "instances" as instances;
ssh::generate_key("key");
ec2::import_key_pair(#{{ key_name: "key", public_key_material: ssh::public_key("key") }});
let id = ec2::run_instances(#{{ image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", min_count: 1, max_count: 1, key_name: "key", tags: #{{ Name: "ledger" }} }}).instances[0].instance_id;
ec2::wait_until_instance_running(#{{ instance_ids: [id] }});
let at = of.call("ledger");
ssh::wait(at, #{{ timeout: "5m" }});
ssh::run(at, "echo paid > accounts.txt");
"#
    );
    std::fs::write(user.home().join("write.rhai"), write).unwrap();
    user.opsh(["run", "write.rhai", "--local", "-q"]).done();
    backup(
        &user,
        &["do=tag", "instance=ledger", "tags=backup=hourly", "-q"],
    )
    .done();
    let (taken, _) = given(&user, &["do=snapshot", "tag=backup=hourly", "topic="]);
    assert_eq!(taken["topic"], Value::Null);
    let snapshot = format!("snapshot={}", taken["snapshots"][0].as_str().unwrap());
    backup(
        &user,
        &[
            "do=restore",
            &snapshot,
            "as_image=true",
            "name=rescued",
            "-q",
        ],
    )
    .done();
    backup(&user, &["do=launch", "image=rescued", "name=copy", "-q"]).done();
    let read = format!(
        "{host}\nlet at = of.call(\"copy\");\nssh::wait(at, #{{ timeout: \"5m\" }});\nssh::read(at, \"cat accounts.txt\").stdout\n"
    );
    std::fs::write(user.home().join("read.rhai"), read).unwrap();
    let ended = user.opsh(["run", "read.rhai", "--local", "-q"]).done();
    assert_eq!(ended.out.trim(), "paid", "{}", ended.err);
}

#[test]
fn who_is_told_gets_the_figures_and_a_queue_holds_them() {
    let user = shop();
    backup(
        &user,
        &["do=tag", "instance=web", "tags=backup=daily", "-q"],
    )
    .done();
    let ended = backup(
        &user,
        &[
            "do=snapshot",
            "tag=backup=daily",
            "queues=told",
            "mail=ops@example.com",
        ],
    )
    .done();
    assert!(
        ended.err.contains(
            "warning: not confirmed, hence not told: ops@example.com (do=notify waits for them)"
        ),
        "{}",
        ended.err
    );
    let receive = r#"
import "queues" as queues;
let url = sqs::get_queue_url(#{ queue_name: "told" }).queue_url;
let look = || sqs::receive_message(#{ queue_url: url, visibility_timeout: 30 }).messages ?? [];
// It is held until it is deleted: who only looks, hides it for a while.
let first = look.call();
assert_eq([first.len(), look.call().len()], [1, 0]);
sleep(31);
let said = [];
queues::drain(url, 10, |message| said.push(text::json_decode(message.body)));
print(said[0].Subject);
print(said[0].Message);
assert_eq(queues::drain(url, 10, |message| throw message), 0);
"#;
    std::fs::write(user.home().join("receive.rhai"), receive).unwrap();
    let ended = user.opsh(["run", "receive.rhai", "--local", "-q"]).done();
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines[0], "Backup done: 2 volumes with backup=daily");
    assert_eq!(lines[1], "2 volumes with the tag backup=daily backed up:");
    for line in &lines[3..5] {
        assert!(
            line.starts_with("vol-") && line.contains(" GiB into snap-"),
            "{line}"
        );
        assert!(line.ends_with(" s)"), "{line}");
    }
}

#[test]
fn a_subscriber_who_confirms_is_waited_for() {
    let user = shop();
    let (first, _) = given(
        &user,
        &[
            "do=notify",
            "mail=ops@example.com",
            "urls=https://hooks.example.com/backups",
            "confirm_wait=30s",
        ],
    );
    let both = ["ops@example.com", "https://hooks.example.com/backups"];
    assert_eq!(first["pending"], serde_json::json!(both));
    // The mail's reader follows the link in it, and so does who listens at the URL.
    let cloud = opsh_cloud::Cloud::open(
        &user.home().join(".opsh/local"),
        &opsh_cloud::furnish::Options::default(),
    )
    .unwrap();
    cloud
        .change(|state| {
            for subscription in &mut state.sns.subscriptions {
                subscription.token = None;
            }
        })
        .unwrap();
    drop(cloud);
    let (second, writes) = given(&user, &["do=notify", "confirm_wait=30s"]);
    assert_eq!((second["confirmed"].as_i64(), writes), (Some(2), 0));
}

#[test]
fn progress_is_a_line_each_time_it_has_changed() {
    let user = shop();
    backup(
        &user,
        &["do=tag", "instance=web", "tags=backup=daily", "-q"],
    )
    .done();
    let ended = backup(&user, &["do=snapshot", "tag=backup=daily", "topic="]).done();
    let lines: Vec<&str> = ended
        .err
        .lines()
        .filter(|line| line.contains(" %  "))
        .collect();
    let of_first: Vec<&&str> = lines
        .iter()
        .filter(|line| line.ends_with(lines[0].split("into").nth(1).unwrap()))
        .collect();
    assert!(of_first.len() > 4, "{lines:#?}");
    assert!(of_first[0].contains("  0 %"), "{lines:#?}");
    assert!(of_first.last().unwrap().contains("100 %"), "{lines:#?}");
    let mut unique = of_first.clone();
    unique.dedup();
    assert_eq!(unique.len(), of_first.len(), "no line twice: {lines:#?}");
    assert!(
        !ended.out.contains(" %  "),
        "results are on stdout: {}",
        ended.out
    );
}

#[test]
fn progress_is_a_bar_for_each_volume_at_a_terminal() {
    let user = shop();
    let tag = ["do=tag", "instance=web", "tags=backup=daily", "-q"];
    backup(&user, &tag).done();
    let playbook = shipped("backup");
    let words = ["run", &playbook, "do=snapshot", "tag=backup=daily"];
    let terminal = user.at_terminal(words.iter().chain(&["topic=", "--local"]));
    let left = terminal.left();
    assert_eq!(left.code, 0, "{}", left.screen);
    let done: Vec<&str> = left
        .screen
        .lines()
        .filter(|line| line.contains(" 100 %  ") && line.contains(" GiB into snap-"))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(done.len(), 2, "{}", left.screen);
    for volume in done {
        let bar = |cell: &str| left.ever.contains(&format!("{volume} {cell}"));
        assert!(bar("█") || bar("░"), "{}", left.ever);
    }
    let bars = ["█", "░"].map(|cell| left.screen.contains(cell));
    assert_eq!(bars, [false; 2], "the bars are gone: {}", left.screen);
}

#[test]
fn bad_input_is_told_with_the_way_out() {
    let user = shop();
    let table: &[(&[&str], &str)] = &[
        (
            &["do=image"],
            "no instance is named\ngive instance=, an id (i-…) or a Name tag",
        ),
        (
            &["do=image", "instance=shop"],
            "there is no instance 'shop'\ninstances are named by their id (i-…) or their \
             Name tag; terminated ones do not count",
        ),
        (
            &["do=launch"],
            "no image is named\ngive image=, an id (ami-…) or a name; do=list shows those \
             that there are",
        ),
        (
            &["do=tag", "instance=web"],
            "do=tag has no tags to give\ngive them as tags=team=web,backup=daily",
        ),
        (
            &["do=tag", "instance=web", "tags=daily"],
            "'daily' is no tag\na tag is written KEY=VALUE, several are separated by commas",
        ),
        (
            &["do=snapshot"],
            "do=snapshot finds volumes by a tag, not by ''\ngive the tag that they carry, \
             such as tag=backup=daily",
        ),
        (
            &["do=snapshot", "tag=backup=daily"],
            "no volume carries the tag backup=daily\ngive it to an instance and its \
             volumes: do=tag instance=… tags=backup=daily",
        ),
        (
            &["do=notify", "topic="],
            "do=notify is about a topic, and topic= names none\nleave topic= out, or name \
             one",
        ),
        (
            &["do=notify", "urls=example.com"],
            "'example.com' is no URL\nurls= takes what begins with http:// or https://",
        ),
        (
            &["do=restore"],
            "do=restore needs a snapshot, or a volume whose newest snapshot is meant\ngive \
             either snapshot=snap-…, or volume= with the volume's id or the name of its snapshots",
        ),
        (
            &["do=restore", "snapshot=snap-1"],
            "there is no snapshot 'snap-1'\nsnapshots are named by their id (snap-…)",
        ),
        (
            &["do=restore", "volume=vol-1"],
            "there is no complete snapshot of 'vol-1'\ntake one: do=snapshot",
        ),
    ];
    for (options, expected) in table {
        assert_eq!(refused(&user, options), *expected, "{options:?}");
    }
    let ended = backup(&user, &["do=burn"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("parameter 'do' must be one of"),
        "{}",
        ended.err
    );
}

#[test]
fn nothing_of_it_is_left_after_the_teardown() {
    let user = shop();
    backup(&user, &["do=image", "instance=web", "name=golden", "-q"]).done();
    backup(&user, &["do=launch", "image=golden", "-q"]).done();
    backup(
        &user,
        &["do=tag", "instance=web", "tags=backup=daily", "-q"],
    )
    .done();
    let snapshot = ["do=snapshot", "tag=backup=daily", "queues=told", "-q"];
    backup(&user, &snapshot).done();
    let teardown = shipped("teardown");
    user.opsh(["run", &teardown, "stack=backup", "--local", "--yes"])
        .done();
    let listed = user.opsh(["ls", "backup", "--local"]).done();
    assert_eq!(listed.out, "the stack 'backup' has no resources\n");
    // A queue of the same name may be made a minute later only, and that is waited for.
    backup(&user, &snapshot).done();
}
