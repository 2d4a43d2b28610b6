//! The components themselves, so that a failure of theirs is not taken for one of opsh.

use std::process::Command;

use crate::support::component::demand;
use crate::support::moto::Moto;
use crate::support::sshd::Sshd;

#[test]
fn moto_starts_empty() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    assert_eq!(moto.witness("resources"), serde_json::json!([]));
}

#[test]
fn sshd_lets_its_own_key_in_and_no_other() {
    let Some(sshd) = demand(Sshd::start("")) else {
        return;
    };
    let log_in = |key: &str| {
        Command::new("ssh")
            .args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
            .args([
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "IdentitiesOnly=yes",
                "-i",
            ])
            .arg(sshd.file(key))
            .args([
                "-p",
                &sshd.port.to_string(),
                &format!("{}@127.0.0.1", sshd.user),
            ])
            .arg("echo in")
            .output()
            .unwrap()
    };
    assert_eq!(log_in("id_ed25519").stdout, b"in\n");
    assert_eq!(log_in("stranger").status.code(), Some(255));
}
