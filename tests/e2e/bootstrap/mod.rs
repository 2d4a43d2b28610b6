//! `bootstrap.rhai` over real sshds: the real program as a service behind a real nginx.
//!
//! The machines have no systemd: what stands for it runs the unit as its user without
//! privileges, and restarts it (tests/stand-in/bin/run-unit). Nor have they a network: what a
//! role needs of the world outside it has through its own sshd (tests/support/tunnel.rs).

use std::fs;
use std::process::Command;

use crate::support::component::{demand, file, program};
use crate::support::machine::Machines;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::{Ended, User};
use crate::support::resources::{removable, witnessed};
use crate::support::tunnel::Tunnel;

mod roles;
mod workers;

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
        demand(program("ssh"))?;
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

    /// Runs the playbook for machines that `words` name.
    fn bootstrap(&self, words: &[&str]) -> Ended {
        let playbook = file("playbooks/bootstrap.rhai").display().to_string();
        let command = ["run", &playbook, "key_file=key", "binary=opsh"];
        self.opsh(&[&command[..], words].concat())
    }

    /// Lets a machine reach a port of this one.
    fn lends(&self, index: usize, port: u16) -> Tunnel {
        assert_eq!(
            self.on(index, "cloud-init status --wait").trim(),
            "status: done"
        );
        let (ssh, key) = (self.machines.ssh(index), self.user.home().join("key"));
        let tunnel = Tunnel::start(ssh, &key, port);
        // Its sshd listens there as soon as it has let the client in.
        let knock = format!("(exec 3<> /dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo open");
        let open = self.on(
            index,
            &format!("for i in $(seq 600); do {knock} && break; sleep 0.1; done"),
        );
        assert_eq!(open.trim(), "open");
        tunnel
    }

    /// What a command on one of the machines writes.
    fn on(&self, index: usize, line: &str) -> String {
        let address = &self.addresses[index];
        let script = format!(
            r#"let host = #{{ host: "{address}", user: "ec2-user", key_file: "key", host_key: "accept-new" }};
            ssh::wait(host, #{{ timeout: "2m" }});
            print(ssh::read(host, {line:?}, #{{ check: false }}).stdout);"#
        );
        fs::write(self.user.home().join("on.rhai"), script).unwrap();
        self.opsh(&["run", "on.rhai"]).done().out
    }

    /// Asserts that a service is the user's who may do nothing else, and cannot become more.
    fn is_humble(&self, index: usize, service: &str) {
        let line = format!("cat /proc/$(cat /run/{service}.pid)/status; id -u opsh");
        let status = self.on(index, &line);
        let fields = |name: &str| -> Vec<String> {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(str::to_owned).collect()
        };
        let user = status.trim().lines().last().unwrap();
        assert_eq!(fields("Uid:"), [user; 4]);
        assert_eq!(fields("NoNewPrivs:"), ["1"]);
        assert_eq!(fields("CapBnd:"), ["0000000000000000"]);
    }

    /// Asserts that nothing is left when the launched machines are gone.
    fn leaves_nothing(&self) {
        let teardown = file("playbooks/teardown.rhai").display().to_string();
        let words = ["run", &teardown, "stack=launch", "--yes"];
        self.user.opsh(words).done();
        let left = removable(&witnessed(&self.moto.witness("resources")));
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What the report says of each machine whose name begins so: the result and what was changed.
fn report(ended: &Ended, names: &str) -> Vec<String> {
    let lines = ended.out.lines().filter(|line| line.starts_with(names));
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
