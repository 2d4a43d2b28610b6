//! `bootstrap.rhai` over real sshds: the real program as a service behind a real nginx.
//!
//! The machines have no systemd: what stands for it runs the unit as its user without
//! privileges, and restarts it (tests/stand-in/bin/run-unit). Nor have they a network, so of
//! the three roles they can be workers only.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::support::component::{demand, file, program};
use crate::support::machine::Machines;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::{Ended, User};
use crate::support::resources::{removable, witnessed};

/// Two machines that nobody has set up, with the tag `pool=web`.
const LAUNCH: &str = r#"
import "instances" as instances;
ssh::generate_key("key", #{});
let key_name = instances::ensure_key_pair("key", ssh::public_key("key"));
let group = instances::ensure_security_group("web", instances::default_vpc(), "web", [
    #{ port: 22, from: "192.0.2.7/32", description: "ssh" },
]);
let ids = ec2::run_instances(#{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", key_name: key_name,
    min_count: 2, max_count: 2, security_group_ids: [group],
    metadata_options: #{ http_tokens: "required" }, tags: #{ pool: "web" },
}).instances.map(|one| one.instance_id);
ec2::wait_until_instance_running(#{ instance_ids: ids }, #{ timeout: "1m" });
for (id, index) in ids { ec2::create_tags(#{ resources: [id], tags: #{ Name: `web-${index}` } }); }
#{ addresses: ids.map(|id| instances::describe(id).public_ip_address) }
"#;

/// A user, the endpoint and the machines.
struct Scene {
    machines: Machines,
    addresses: Vec<String>,
    user: User,
    moto: Moto,
}

impl Scene {
    fn set() -> Option<Self> {
        demand(program("nginx"))?;
        let strip = demand(program("strip"))?;
        let moto = demand(Moto::take())?;
        let machines = demand(Machines::behind(&moto, 2))?;
        let user = User::of(&moto.endpoint, REGION);
        // The program without what only a debugger needs, as it would be shipped.
        let stripped = Command::new(strip)
            .args([env!("CARGO_BIN_EXE_opsh"), "-o"])
            .arg(user.home().join("opsh"))
            .status()
            .unwrap();
        assert!(stripped.success());
        fs::write(user.home().join("launch.rhai"), LAUNCH).unwrap();
        let launched = user.opsh(["run", "launch.rhai", "--output=json"]).done();
        let result = launched.events().pop().unwrap();
        let addresses = result["value"]["addresses"].as_array().unwrap().iter();
        Some(Self {
            machines,
            addresses: addresses
                .map(|address| address.as_str().unwrap().to_owned())
                .collect(),
            user,
            moto,
        })
    }

    fn opsh(&self, words: &[&str]) -> Ended {
        let redirections = self.machines.connect_to(&self.addresses);
        let words = words.iter().map(|word| (*word).to_owned());
        self.user.opsh(words.chain(redirections))
    }

    fn bootstrap(&self, more: &[&str]) -> Ended {
        let playbook = file("playbooks/bootstrap.rhai").display().to_string();
        let words = ["run", &playbook, "role=worker", "pool=pool=web"];
        self.opsh(&[&words[..], &["key_file=key", "binary=opsh"], more].concat())
    }

    /// What a command on one of the machines writes.
    fn on(&self, index: usize, line: &str) -> String {
        let address = &self.addresses[index];
        let script = format!(
            r#"let host = #{{ host: "{address}", user: "ec2-user", key_file: "key" }};
            print(ssh::read(host, {line:?}, #{{ check: false }}).stdout);"#
        );
        fs::write(self.user.home().join("on.rhai"), script).unwrap();
        self.opsh(&["run", "on.rhai"]).done().out
    }
}

/// What the report says of the machines: the results and what was changed.
fn report(ended: &Ended) -> Vec<String> {
    let lines = ended.out.lines().filter(|line| line.starts_with("web-"));
    let cells = lines.map(|line| {
        let mut cells = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        cells
            .by_ref()
            .skip(1)
            .take(2)
            .collect::<Vec<_>>()
            .join(": ")
    });
    cells.collect()
}

#[test]
fn workers_are_set_up_left_alone_updated_in_turn_and_not_all_broken() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let settings = "settings=work=0.01";
    let first = scene.bootstrap(&[settings]).done();
    let all = "installed: user, code, unit, proxy";
    assert_eq!(report(&first), [all, all], "{}", first.err);
    let asked = "curl -s http://127.0.0.1:30000/ping; curl -s http://127.0.0.1:30000/work";
    for index in [0, 1] {
        let work = scene.on(index, asked);
        let expected = "OK\n{\"burnt\":0.01,\"seconds\":0.";
        assert!(work.starts_with(expected), "{work}");
    }
    // It is the user's who may do nothing else, and it cannot become more than that.
    let status = scene.on(
        0,
        "cat /proc/$(cat /run/opsh-worker.pid)/status; id -u opsh",
    );
    let fields = |name: &str| -> Vec<String> {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    let user = status.trim().lines().last().unwrap();
    assert_eq!(fields("Uid:"), [user; 4]);
    assert_eq!(fields("NoNewPrivs:"), ["1"]);
    assert_eq!(fields("CapBnd:"), ["0000000000000000"]);

    let second = scene.bootstrap(&[settings]).done();
    assert_eq!(report(&second), ["unchanged: -", "unchanged: -"]);
    let said = "all 2 machines are as wanted: nothing was changed";
    assert!(second.err.contains(said), "{}", second.err);
    assert!(!second.err.contains("ssh::run"), "{}", second.err);

    // A newer program, while the old one runs: it comes to one after the other.
    let program = scene.user.home().join("opsh");
    let mut binary = OpenOptions::new().append(true).open(program).unwrap();
    binary.write_all(b"newer").unwrap();
    drop(binary);
    let third = scene.bootstrap(&[settings, "--output=json"]).done();
    let events = third.events();
    assert_eq!(updates(&events, &scene.addresses), [0, 1], "{}", third.out);
    for index in [0, 1] {
        let there = scene.on(index, "tail -c 5 /opt/opsh-worker/opsh");
        assert_eq!(there, "newer\n");
    }

    // One that is killed comes again by itself.
    scene.on(0, "sudo kill -9 $(cat /run/opsh-worker.pid)");
    let again =
        "for i in $(seq 100); do curl -fs http://127.0.0.1:30000/ping && break; sleep 0.1; done";
    assert_eq!(scene.on(0, again), "OK\n\n");

    // One that cannot run is an error with its log, and the other machine is spared.
    let broken = scene.bootstrap(&["settings=work=fast", "patience=5s"]);
    assert_eq!(broken.code, 1);
    for words in [
        "opsh-worker does not answer within 5 s",
        "parameter 'work'",
        "the other machines are as they were",
    ] {
        assert!(broken.err.contains(words), "{}", broken.err);
    }
    assert!(scene.on(1, asked).starts_with("OK\n"));

    let teardown = file("playbooks/teardown.rhai").display().to_string();
    let words = ["run", &teardown, "stack=launch", "--yes"];
    scene.user.opsh(words).done();
    let left = removable(&witnessed(&scene.moto.witness("resources")));
    assert!(left.is_empty(), "{left:?}");
}

/// The machines in the order in which the program was changed on them, each once.
fn updates(events: &[Value], addresses: &[String]) -> Vec<usize> {
    let writes = events
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write");
    let hosts = writes.filter_map(|event| event["input"]["host"]["host"].as_str());
    let mut order: Vec<usize> = hosts
        .filter_map(|host| addresses.iter().position(|address| address == host))
        .collect();
    order.dedup();
    order
}
