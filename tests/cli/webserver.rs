//! What the web server's playbook does where something is different, and what its teardown leaves.

use opsh_cloud::Cloud;
use opsh_cloud::furnish::Options;
use opsh_cloud::services::s3::Block;

use super::{shipped, user};
use crate::support::opsh::User;

/// Runs the playbook on the embedded cloud; its image's site is not reachable.
fn serve(user: &User, options: &[&str]) -> Vec<serde_json::Value> {
    let playbook = shipped("newwebserver");
    let words = [
        "run",
        &playbook,
        "--local",
        "--output",
        "json",
        "image_url=http://127.0.0.1:9/",
    ];
    user.opsh(words.iter().chain(options)).done().events()
}

fn tear_down(user: &User, stack: &str) {
    let playbook = shipped("teardown");
    user.opsh([
        "run",
        &playbook,
        &format!("stack={stack}"),
        "--local",
        "--yes",
    ])
    .done();
    let listed = user.opsh(["ls", stack, "--local"]).done();
    assert_eq!(
        listed.out,
        format!("the stack '{stack}' has no resources\n")
    );
}

#[test]
fn where_nothing_may_be_public_the_image_has_a_signed_url() {
    let user = User::new();
    let cloud = Cloud::open(&user.home().join(".opsh/local"), &Options::default()).unwrap();
    cloud
        .change(|state| state.s3.account_block = Block::ALL)
        .unwrap();
    drop(cloud);
    let events = serve(&user, &[]);
    let warnings: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "log" && event["level"] == "warn")
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert!(
        warnings.iter().any(
            |warning| warning.contains("images/image.png cannot be made public")
                && warning.contains("BlockPublicPolicy")
                && warning.ends_with("using a URL that ends in 12 hours")
        ),
        "{warnings:#?}"
    );
    // That page and image answer is checked by the playbook itself.
    let result = &events.last().unwrap()["value"];
    let image = result["image"].as_str().unwrap();
    assert!(image.contains("X-Amz-Signature="), "{image}");
    assert!(image.contains("X-Amz-Expires=43200"), "{image}");
    tear_down(&user, "newwebserver");
}

#[test]
fn a_key_that_the_stack_made_goes_with_it() {
    let user = User::new();
    let events = serve(&user, &[]);
    let key = events.last().unwrap()["value"]["key_file"]
        .as_str()
        .unwrap();
    let halves = [
        user.home().join(key),
        user.home().join(format!("{key}.pub")),
    ];
    assert!(halves.iter().all(|half| half.exists()), "{key}");
    tear_down(&user, "newwebserver");
    assert!(halves.iter().all(|half| !half.exists()), "{key}");
}

/// A console shows host keys on the first start only.
#[test]
fn a_machine_that_was_restarted_is_known_again() {
    let user = User::new();
    let events = serve(&user, &[]);
    let id = &events.last().unwrap()["value"]["instance"];
    let restart = format!("ec2::reboot_instances(#{{ instance_ids: [{id}] }}); sleep(60)");
    user.opsh(["eval", &restart, "--local", "--yes"]).done();
    let again = serve(&user, &[]);
    let written: Vec<&serde_json::Value> = again
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write")
        .map(|event| &event["operation"])
        .collect();
    // The visits that it counts.
    assert_eq!(written, ["cloudwatch::put_metric_data"]);
}

#[test]
fn a_key_that_somebody_brought_stays() {
    let user = user("ssh::generate_key(\"mine\");\n");
    user.opsh(["run", "p.rhai", "--local"]).done();
    serve(&user, &["key_file=mine"]);
    tear_down(&user, "newwebserver");
    assert!(user.home().join("mine").exists());
}

#[test]
fn a_volume_whose_instance_is_gone_is_attached_to_nothing() {
    let user = user(
        r#"
import "instances" as instances;
let id = ec2::run_instances(#{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", min_count: 1, max_count: 1,
}).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [id] });
let zone = instances::describe(id).placement.availability_zone;
let volume = ec2::create_volume(#{ availability_zone: zone, size: 8 }).volume_id;
ec2::wait_until_volume_available(#{ volume_ids: [volume] });
ec2::attach_volume(#{ volume_id: volume, instance_id: id, device: "/dev/sdf" });
ec2::wait_until_volume_in_use(#{ volume_ids: [volume] });
ec2::terminate_instances(#{ instance_ids: [id] });
ec2::wait_until_instance_terminated(#{ instance_ids: [id] });
"#,
    );
    user.opsh(["run", "p.rhai", "--local"]).done();
    let listed = user.opsh(["ls", "p", "--local"]).done();
    assert!(
        listed.out.contains("ec2:volume-attachment"),
        "{}",
        listed.out
    );
    tear_down(&user, "p");
}
