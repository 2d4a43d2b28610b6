//! The first boot: names, keys and user-data, as cloud-init does them.

mod data;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::base;
use super::boot::{Boot, Flavour};
use super::disk::Node;
use super::image::Image;
use super::keys::HostKey;
use super::machine::Machine;
use super::own_unit;
use super::services;
use super::shell::{self, Script};
use super::timeline::Timeline;
use super::users::User;
use super::web;

/// Where user-data's output goes.
pub const OUTPUT_LOG: &str = "/var/log/cloud-init-output.log";
/// Where cloud-init says what it does.
pub const LOG: &str = "/var/log/cloud-init.log";
/// Exists once cloud-init is done.
const FINISHED: &str = "/var/lib/cloud/instance/boot-finished";
/// What came of it, for `cloud-init status`.
pub const RESULT: &str = "/run/cloud-init/result.json";

/// The machine of an instance that was switched on at `on`; SSH answers at `ssh`, then
/// user-data runs.
pub fn first_boot(
    facts: &Arc<Boot>,
    image: Option<Image>,
    on: Timestamp,
    ssh: Timestamp,
) -> Timeline {
    let mut machine = match image {
        Some(image) => from_image(image, on),
        None => Machine::new(facts.flavour, on),
    };
    machine.clock = ssh;
    let busy = ssh.duration_since(on);
    machine.activity.work(on, busy, 0.6, "systemd");
    identify(&mut machine, facts);
    authorize(&mut machine, facts);
    let before = machine.clone();
    let mut timeline = Timeline::new(machine);
    timeline.record();
    data::run(timeline, facts).recorded(before)
}

fn from_image(image: Image, on: Timestamp) -> Machine {
    let mut machine = image.machine;
    machine.booted = on;
    machine.activity = super::activity::Activity::default();
    machine.journal.clear();
    machine.disk.erase("/var/lib/cloud/instance");
    machine.disk.erase("/run/cloud-init");
    start_units(&mut machine, on);
    machine
}

/// Services stop with the machine.
pub fn shut_down(machine: &mut Machine) {
    for unit in machine.units.values_mut() {
        unit.since = None;
        unit.finished = false;
    }
    let now = machine.clock;
    for work in &mut machine.activity.work {
        work.until = work.until.min(now);
    }
    let volatile: Vec<String> = ["/run", "/tmp"]
        .iter()
        .flat_map(|directory| {
            machine
                .disk
                .children(directory)
                .map(|(name, _)| format!("{directory}/{name}"))
                .collect::<Vec<_>>()
        })
        .filter(|path| path != "/run/lock")
        .collect();
    for path in volatile {
        machine.disk.erase(&path);
    }
}

/// Services that are enabled start with the machine; user-data does not run again.
pub fn start_again(machine: &mut Machine, facts: &Boot, on: Timestamp, ssh: Timestamp) {
    machine.booted = on;
    machine.clock = ssh;
    machine
        .activity
        .work(on, ssh.duration_since(on), 0.6, "systemd");
    start_units(machine, ssh);
    identify(machine, facts);
    finish(machine, on, &[]);
}

fn start_units(machine: &mut Machine, at: Timestamp) {
    for unit in machine.units.values_mut() {
        unit.since = (unit.enabled && !unit.masked).then_some(at);
    }
    start_own_units(machine);
    for server in web::SERVERS {
        if machine.units.get(*server).is_some_and(|unit| unit.enabled) {
            if let Some(unit) = machine.units.get_mut(*server) {
                unit.since = None;
            }
            if let Some(known) = services::find(server) {
                // Why it does not start is in its journal.
                let _ = services::start(machine, known);
            }
        }
    }
}

/// Units that somebody wrote start with the machine as by `systemctl start`.
fn start_own_units(machine: &mut Machine) {
    let started: Vec<String> = machine
        .units
        .iter()
        .filter(|(_, unit)| unit.since.is_some())
        .map(|(name, _)| name.clone())
        .collect();
    for name in started {
        let Some(own) = own_unit::read(machine, &name) else {
            continue;
        };
        if own.is_hosted(machine) {
            // Why it does not start is in its journal.
            let _ = own_unit::start(machine, &name, &own);
        } else if let Some(unit) = machine.units.get_mut(&name) {
            (unit.since, unit.hosted) = (None, false);
        }
    }
}

/// Host name and host key.
fn identify(machine: &mut Machine, facts: &Boot) {
    let at = machine.clock;
    let name = match machine.flavour {
        Flavour::AmazonLinux2023 => facts.addresses.private_dns.as_str(),
        Flavour::Ubuntu2404 => facts.addresses.host_name(),
    };
    let key = HostKey::of(&facts.instance_id).line();
    for (path, content) in [
        ("/etc/hostname", format!("{name}\n")),
        (
            "/etc/ssh/ssh_host_ed25519_key.pub",
            format!("{key} root@{}\n", facts.addresses.host_name()),
        ),
        (
            "/var/lib/cloud/data/instance-id",
            format!("{}\n", facts.instance_id),
        ),
    ] {
        machine.disk.put(path, base::file(content, 0o644, at));
    }
}

/// The key pair's public half, for the default user and, with a hint, for root.
fn authorize(machine: &mut Machine, facts: &Boot) {
    let at = machine.clock;
    let user = facts.flavour.default_user();
    let home = format!("/home/{user}");
    for (path, mode) in [(home.clone(), 0o700), (format!("{home}/.ssh"), 0o700)] {
        machine.disk.put(
            &path,
            Node {
                uid: 1000,
                gid: 1000,
                ..base::directory(mode, at)
            },
        );
    }
    machine.disk.put("/root/.ssh", base::directory(0o700, at));
    let Some((name, public)) = &facts.key else {
        return;
    };
    let mut words = public.split_whitespace();
    let key = format!(
        "{} {} {name}",
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default()
    );
    let own = format!("{home}/.ssh/authorized_keys");
    let mut content = machine
        .disk
        .read(&User::root(), &own)
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .unwrap_or_default();
    content.push_str(&key);
    content.push('\n');
    machine.disk.put(
        &own,
        Node {
            uid: 1000,
            gid: 1000,
            ..base::file(content, 0o600, at)
        },
    );
    let hint = format!(
        "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login as the user \\\"{user}\\\" rather than the user \\\"root\\\".';echo;sleep 10;exit 142\" {key}\n"
    );
    machine
        .disk
        .put("/root/.ssh/authorized_keys", base::file(hint, 0o600, at));
}

/// Cloud-init's last word: the files by which others see that it is done.
fn finish(machine: &mut Machine, on: Timestamp, errors: &[String]) {
    let at = machine.clock;
    let up = at.duration_since(on).as_secs();
    let version = match machine.flavour {
        Flavour::AmazonLinux2023 => "22.2.2",
        Flavour::Ubuntu2404 => "25.2-0ubuntu1~24.04.1",
    };
    let line = format!(
        "Cloud-init v. {version} finished at {}. Datasource DataSourceEc2.  Up {up}.00 seconds\n",
        at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    );
    let log = machine
        .disk
        .read(&User::root(), OUTPUT_LOG)
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .unwrap_or_default();
    let errors = serde_json::json!({
        "v1": { "datasource": "DataSourceEc2", "errors": errors }
    });
    for (path, content) in [
        (OUTPUT_LOG, format!("{log}{line}")),
        (
            FINISHED,
            format!("{up}.00 - {}", at.strftime("%a, %d %b %Y %H:%M:%S +0000")),
        ),
        (RESULT, format!("{errors:#}\n")),
    ] {
        machine.disk.put(path, base::file(content, 0o644, at));
    }
}

/// Whether cloud-init is done.
pub fn finished(machine: &Machine) -> bool {
    machine.disk.node(FINISHED).is_some()
}

/// Cloud-init's modules between logins and user-data.
const BEFORE_DATA: SignedDuration = SignedDuration::from_secs(2);

fn run_script(
    timeline: Timeline,
    facts: &Arc<Boot>,
    text: &str,
    name: &str,
) -> (Timeline, shell::Outcome) {
    shell::run(
        timeline,
        facts,
        User::root(),
        Script {
            text: text.to_owned(),
            name: Some(name.to_owned()),
            cwd: Some("/".to_owned()),
            log: Some(OUTPUT_LOG.to_owned()),
            ..Script::default()
        },
    )
}
