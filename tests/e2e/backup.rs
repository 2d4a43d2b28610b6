//! `playbooks/backup.rhai` against moto's server: launches, snapshots and a queue that is told.
//! (Images of instances it cannot make: it does not know tags of their snapshots.)

use serde_json::Value;

use crate::support::component::{demand, file};
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;

/// What somebody else has launched.
const SHOP: &str = r#"
import "instances" as instances;
let id = ec2::run_instances(#{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", min_count: 1, max_count: 1,
    tags: #{ Name: "web" },
}).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [id] });
instances::describe(id).image_id
"#;

/// Who takes what the topic has said from the queue.
const LISTENER: &str = r#"
import "queues" as queues;
let said = [];
queues::drain(sqs::get_queue_url(#{ queue_name: "told" }).queue_url, 10, |message| said.push(text::json_decode(message.body).Subject));
said
"#;

#[test]
fn what_is_backed_up_can_be_restored_and_the_rest_is_pruned() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let run = |words: &[&str]| -> (Value, usize) {
        let events = user
            .opsh(["run"].iter().chain(words).chain(&["--output", "json"]))
            .done()
            .events();
        let writes = events.iter().filter(|event| event["effect"] == "write");
        (events.last().unwrap()["value"].clone(), writes.count())
    };
    std::fs::write(user.home().join("shop.rhai"), SHOP).unwrap();
    std::fs::write(user.home().join("listener.rhai"), LISTENER).unwrap();
    let (image, _) = run(&["shop.rhai"]);
    let image = format!("image={}", image.as_str().unwrap());
    let playbook = file("playbooks/backup.rhai").display().to_string();
    let backup = |options: &[&str]| run(&[&[playbook.as_str()], options].concat());

    let (launched, _) = backup(&[
        "do=launch",
        &image,
        "name=copy",
        "min_count=2",
        "max_count=2",
        "zone=us-east-1b",
    ]);
    assert_eq!(launched["instances"].as_array().unwrap().len(), 2);
    let (listed, _) = backup(&["do=list", &image]);
    assert_eq!(
        listed["instances"].as_array().unwrap().len(),
        3,
        "web, too: {listed}"
    );
    let protect = ["do=protect", "instance=web", "protected=true"];
    assert_eq!((backup(&protect).1, backup(&protect).1), (1, 0));

    let tag = ["do=tag", "instance=web", "tags=backup=daily"];
    assert_eq!((backup(&tag).1, backup(&tag).1), (1, 0));
    let snapshot = ["do=snapshot", "tag=backup=daily", "queues=told"];
    let (first, _) = backup(&snapshot);
    // The emulator's times are whole seconds: of two snapshots in one, neither is the older.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    backup(&snapshot);
    assert_eq!(
        run(&["listener.rhai"]).0,
        serde_json::json!([
            "Backup done: 1 volume with backup=daily",
            "Backup done: 1 volume with backup=daily"
        ])
    );
    let prune = ["do=prune", "tag=backup=daily", "keep=1", "--yes"];
    let (pruned, _) = backup(&prune);
    assert_eq!(pruned["removed"], first["snapshots"], "the older one");
    assert_eq!(backup(&prune).1, 0);
    let (told, _) = backup(&snapshot);
    let newest = format!("snapshot={}", told["snapshots"][0].as_str().unwrap());
    let restore = ["do=restore", &newest, "instance=web", "device=/dev/sdg"];
    assert_eq!(backup(&restore).0["device"], "/dev/sdg");
    assert_eq!(backup(&restore).1, 0);

    let teardown = file("playbooks/teardown.rhai").display().to_string();
    user.opsh(["run", &teardown, "stack=backup", "--yes"])
        .done();
    let listed = user.opsh(["ls", "backup"]).done();
    assert_eq!(listed.out, "the stack 'backup' has no resources\n");
}
