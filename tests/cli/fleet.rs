//! Machines that run playbooks as services: set up, used, updated, restarted.

use super::shipped;
use crate::support::opsh::User;

/// Two machines that nobody has set up, with the tag `pool=web`.
const POOL: &str = r#"
import "instances" as instances;
let key = ".opsh/keys/pool";
if !file::exists(key) { ssh::generate_key(key, #{ comment: "pool" }); }
let key_name = instances::ensure_key_pair("pool", ssh::public_key(key));
let group = instances::ensure_security_group("pool", instances::default_vpc(), "pool", [
    #{ port: 30000, from: "0.0.0.0/0", description: "worker" },
    #{ port: 22, from: "0.0.0.0/0", description: "ssh" },
]);
for number in 1..3 {
    let id = instances::ensure_instance(`worker-${number}`, #{
        image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano",
        key_name: key_name, security_group_ids: [group],
        metadata_options: #{ http_tokens: "required" }, monitoring: #{ enabled: true },
    });
    ec2::create_tags(#{ resources: [id], tags: #{ pool: "web" } });
}
"#;

/// What a visitor, an administrator and CloudWatch see of the first machine.
const USE: &str = r#"
let one = || ec2::describe_instances(#{ filters: #{ "tag:Name": "worker-1" } }).reservations[0].instances[0];
let url = || `http://${one.call().public_ip_address}:30000`;
assert(http::get(url.call() + "/ping").body == "OK\n");
// Two processors for three who compute: each has two thirds of one.
let begun = time::now();
let load = http::load(#{ url: url.call() + "/work?seconds=2", clients: 3, think: 0, duration: "2m" });
assert(load.failed == 0);
assert(load.latency.p50 > 2.9 && load.latency.p99 < 3.1);
time::sleep("3m");
let points = cloudwatch::get_metric_statistics(#{
    namespace: "AWS/EC2", metric_name: "CPUUtilization", statistics: ["Maximum"], period: 60,
    dimensions: [#{ name: "InstanceId", value: one.call().instance_id }],
    start_time: begun, end_time: time::add(begun, "3m"),
}).datapoints;
assert(points.some(|point| point.maximum > 98.0));

let host = #{ host: one.call().public_ip_address, user: "ec2-user", key_file: ".opsh/keys/pool" };
let sh = |line| ssh::run(host, line, #{ check: false }).stdout;
assert(sh.call("systemctl is-active opsh-worker; systemctl is-enabled opsh-worker") == "active\nenabled\n");
sh.call("sudo systemctl stop opsh-worker");
assert(http::get(url.call() + "/ping").status == 502);
assert(sh.call("systemctl is-active opsh-worker") == "inactive\n");
sh.call("sudo systemctl restart opsh-worker");
assert(sh.call("curl -s localhost:30000/ping; curl -s 'localhost:8080/work?seconds=1'") == "OK\n{\"burnt\":1.0,\"seconds\":1.0}");
let id = one.call().instance_id;
ec2::reboot_instances(#{ instance_ids: [id] });
time::sleep("1m");
assert(http::get(url.call() + "/ping").status == 200);
ec2::stop_instances(#{ instance_ids: [id] });
ec2::wait_until_instance_stopped(#{ instance_ids: [id] });
ec2::start_instances(#{ instance_ids: [id] });
ec2::wait_until_instance_running(#{ instance_ids: [id] });
time::sleep("1m");
assert(http::get(url.call() + "/ping").status == 200);
"#;

#[test]
fn the_plan_of_worker() {
    let ended = User::new().opsh(["run", &shipped("worker"), "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("worker", ended.out);
}

/// Killed when a command has been done there, and before that was written down.
#[test]
fn a_machine_whose_setting_up_was_killed_is_set_up_by_going_on() {
    let bootstrap = shipped("bootstrap");
    let words = ["run", &bootstrap, "launch=one", "open=0.0.0.0/0", "--local"];
    let whole = User::new().opsh(words.iter().chain(&["--output", "json"]));
    let steps = whole.done().events();
    let number = |command: &str| {
        let is_it = |step: &&serde_json::Value| {
            let line = step["input"]["command"].as_str();
            step["effect"] == "write" && line.is_some_and(|line| line.contains(command))
        };
        steps.iter().find(is_it).unwrap()["step"].as_str().unwrap()
    };
    for command in ["sudo useradd", "sudo mv"] {
        let user = User::new();
        let crash = format!("crash {} answered", number(command));
        let killed = user.opsh(words.iter().chain(&["--fault", &crash]));
        assert_eq!(killed.code, -1, "{}", killed.err);
        let resumed = user.opsh(["resume", "--local"]);
        assert_eq!(resumed.code, 0, "{command}: {}", resumed.err);
        assert!(resumed.out.contains("installed"), "{}", resumed.out);
    }
}

/// What a unit's command line means by `$` and `%` is not what a setting means by them.
#[test]
fn a_setting_reaches_its_service_as_it_was_written() {
    let user = User::new();
    let role = r#"
let port = param("port", #{ default: 8080, doc: "Where." });
let bind = param("bind", #{ default: "127.0.0.1", doc: "At which address." });
let greeting = param("greeting", #{ default: "", doc: "What it says." });
serve(#{ port: port, bind: bind, routes: #{ "GET /ping": |request| "OK", "GET /": |request| greeting } });
run_forever();
"#;
    std::fs::write(user.home().join("hello.rhai"), role).unwrap();
    let text = format!(
        r#"{POOL}
import "fleet" as fleet;
let address = ec2::describe_instances(#{{ filters: #{{ "tag:Name": "worker-1" }} }}).reservations[0].instances[0].public_ip_address;
let work = fleet::work_of("hello", ["greeting=100% of $HOME, ${{PATH}} and \"$$\""]);
assert(fleet::unit(work).contains("\"greeting=100%% of $$HOME, $${{PATH}} and \\\"$$$$\\\"\""));
fleet::set_up(fleet::targets("", address, "ec2-user", key, "accept-new"), work);
print(http::get(`http://${{address}}:30000/`).body);
"#
    );
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let ended = user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    assert_eq!(ended.out.trim_end(), r#"100% of $HOME, ${PATH} and "$$""#);
}

#[test]
fn workers_are_set_up_once_and_updated_one_after_another() {
    let user = User::new();
    let place = |name: &str| user.home().join(name);
    std::fs::write(place("pool.rhai"), POOL).unwrap();
    std::fs::write(place("use.rhai"), USE).unwrap();
    user.opsh(["run", "pool.rhai", "--local", "-q"]).done();
    let bootstrap = shipped("bootstrap");
    let set_up = |more: &[&str]| {
        let arguments = [
            "run",
            &bootstrap,
            "pool=pool=web",
            "key_file=.opsh/keys/pool",
        ];
        user.opsh(arguments.iter().chain(&["--local"]).chain(more))
            .done()
    };
    let plan = set_up(&["--dry-run"]);
    insta::assert_snapshot!("bootstrap", plan.out);
    let first = set_up(&[]);
    assert!(first.out.contains("installed"), "{}", first.out);
    let second = set_up(&[]);
    assert!(
        second
            .err
            .contains("all 2 machines are as wanted: nothing was changed"),
        "{}",
        second.err
    );
    user.opsh(["run", "use.rhai", "--local", "-q"]).done();
    // The stand-in for the program is a line of text.
    let state = std::fs::read(place(".opsh/local/state.json")).unwrap();
    assert!(state.len() < 1 << 20, "{} bytes", state.len());

    let third = set_up(&["settings=work=3"]);
    let order: Vec<&str> = third
        .err
        .lines()
        .filter(|line| line.ends_with(": worker updated"))
        .map(|line| &line[..8])
        .collect();
    assert_eq!(order, ["worker-1", "worker-2"], "{}", third.err);
    // What does not work is not spread.
    let broken = user.opsh([
        "run",
        &bootstrap,
        "pool=pool=web",
        "key_file=.opsh/keys/pool",
        "settings=work=fast",
        "patience=10s",
        "--local",
    ]);
    assert_eq!(broken.code, 1, "{}", broken.out);
    assert!(
        broken
            .err
            .contains("opsh-worker does not answer within 10 s"),
        "{}",
        broken.err
    );
    assert!(broken.err.contains("parameter 'work'"), "{}", broken.err);
    assert!(!broken.err.contains("worker-2 ("), "{}", broken.err);
}
