//! The serial console, as EC2's `GetConsoleOutput` gives it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::boot::Boot;
use super::cloudinit::OUTPUT_LOG;
use super::keys::HostKey;
use super::machine::Machine;
use super::procfs;
use super::users::User;

/// The console of a running machine.
///
/// cloud-init writes the host's keys between the lines `BEGIN SSH HOST KEY KEYS` and
/// `END SSH HOST KEY KEYS`, and their fingerprints before (module `cc_keys_to_console`).
pub fn text(
    machine: &Machine,
    facts: &Boot,
    first: bool,
    on: Timestamp,
    ssh: Timestamp,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let up = |at: Timestamp| at.duration_since(on).as_secs_f64();
    if now >= on {
        let _ = writeln!(
            text,
            "[    0.000000] Linux version {} (builder@amazon)\n[    0.000000] Command line: BOOT_IMAGE=/boot/vmlinuz root=LABEL=/ console=tty0 console=ttyS0,115200n8",
            procfs::kernel(machine)
        );
    }
    if now < ssh {
        return text;
    }
    let host = facts.addresses.host_name();
    let key = HostKey::of(&facts.instance_id);
    let _ = writeln!(
        text,
        "[  {:>9.6}] cloud-init[1100]: Cloud-init running 'init' at {}. Up {:.2} seconds.",
        up(ssh),
        ssh.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        up(ssh)
    );
    let _ = writeln!(
        text,
        "ci-info: | eth0 | True | {} | {} |",
        facts.addresses.private, facts.mac
    );
    if first {
        let _ = write!(
            text,
            "ec2: \n\
             ec2: #############################################################\n\
             ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n\
             ec2: 256 {} root@{host} (ED25519)\n\
             ec2: -----END SSH HOST KEY FINGERPRINTS-----\n\
             ec2: #############################################################\n\
             -----BEGIN SSH HOST KEY KEYS-----\n\
             {} root@{host}\n\
             -----END SSH HOST KEY KEYS-----\n",
            key.fingerprint(),
            key.line(),
        );
    }
    if let Ok(output) = machine.disk.read(&User::root(), OUTPUT_LOG) {
        for line in String::from_utf8_lossy(&output).lines() {
            let _ = writeln!(text, "[  {:>9.6}] cloud-init[1400]: {line}", up(ssh));
        }
    }
    let _ = write!(text, "\n{host} login: ");
    text
}

/// The console of a machine that is off.
pub fn after_power_off() -> String {
    "[  OK  ] Reached target poweroff.target - System Power Off.\nreboot: Power down\n".to_owned()
}
