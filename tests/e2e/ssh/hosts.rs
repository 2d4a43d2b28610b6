//! Whether a host is the one that is known, and how it is named.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use opsh::world::ssh::{HostKey, Target};
use opsh_operation::FaultKind;

use super::{Lab, command, connect, key_of, run};
use crate::support::closed::ClosedPort;

#[test]
fn a_host_must_be_the_one_that_is_known() {
    let Some(lab) = Lab::new() else { return };
    let known = |target: Target, host_key: HostKey| Target { host_key, ..target };
    let unknown = lab.refused(&known(lab.target(), HostKey::Known));
    assert_eq!(unknown.kind, FaultKind::HostKey);
    assert_eq!(unknown.details["host_key"], lab.host_key().into());
    let fingerprint = unknown.details["fingerprint"].as_text().unwrap().to_owned();
    assert_eq!(
        unknown.message,
        format!(
            "USER@127.0.0.1 (127.0.0.1:PORT): the host is not in known_hosts; its ssh-ed25519 key is {fingerprint}"
        )
    );
    let world = lab.world(&[]);
    connect(
        &world,
        &known(lab.target(), HostKey::Pinned(vec![fingerprint])),
    );

    connect(&world, &known(lab.target(), HostKey::AcceptNew));
    let written = fs::read_to_string(lab.ssh_file("known_hosts")).unwrap();
    assert_eq!(
        written,
        format!("[127.0.0.1]:{} {}\n", lab.server.port, lab.host_key())
    );
    connect(&world, &known(lab.target(), HostKey::Known));

    let other = key_of(&lab.server.file("stranger.pub"));
    fs::write(
        lab.ssh_file("known_hosts"),
        format!("# old\n[127.0.0.1]:{} {other}\n", lab.server.port),
    )
    .unwrap();
    for policy in [HostKey::Known, HostKey::AcceptNew] {
        let changed = lab.refused(&known(lab.target(), policy));
        assert_eq!(changed.kind, FaultKind::HostKey);
        assert_eq!(changed.code.as_deref(), Some("ChangedHostKey"));
        let parts = [
            "the host's key has changed: it shows SHA256:",
            "(ssh-ed25519), but HOME/.ssh/known_hosts:2 says SHA256:",
        ];
        for part in parts {
            assert!(changed.message.contains(part), "{}", changed.message);
        }
        assert!(
            changed.hint.unwrap().contains("ssh-keygen -f "),
            "the next step is missing"
        );
    }
    let pinned = lab.refused(&known(lab.target(), HostKey::Pinned(vec![other])));
    assert_eq!(pinned.kind, FaultKind::HostKey);
}

#[test]
fn without_a_file_of_known_hosts_no_key_is_written_down() {
    let Some(lab) = Lab::new() else { return };
    fs::write(lab.ssh_file("config"), "UserKnownHostsFile none\n").unwrap();
    let by = |host_key: HostKey| Target {
        host_key,
        ..lab.target()
    };
    connect(&lab.world(&[]), &by(HostKey::AcceptNew));
    assert!(!lab.ssh_file("known_hosts").exists());
    fs::write(
        lab.ssh_file("known_hosts"),
        format!("[127.0.0.1]:{} {}\n", lab.server.port, lab.host_key()),
    )
    .unwrap();
    let unknown = lab.refused(&by(HostKey::Known));
    assert_eq!(unknown.code.as_deref(), Some("UnknownHostKey"));
}

#[test]
fn hashed_hosts_are_known() {
    let Some(lab) = Lab::new() else { return };
    let path = lab.ssh_file("known_hosts");
    fs::write(
        &path,
        format!("[127.0.0.1]:{} {}\n", lab.server.port, lab.host_key()),
    )
    .unwrap();
    let hashed = Process::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(hashed.status.success());
    assert!(fs::read_to_string(&path).unwrap().starts_with("|1|"));
    connect(
        &lab.world(&[]),
        &Target {
            host_key: HostKey::Known,
            ..lab.target()
        },
    );
}

#[test]
fn aliases_and_redirections_lead_to_the_server() {
    let Some(lab) = Lab::new() else { return };
    fs::write(
        lab.ssh_file("config"),
        format!(
            "Host web\n HostName 203.0.113.9\n Port 2200\n User {}\n IdentityFile {}\n StrictHostKeyChecking accept-new\n",
            lab.server.user,
            lab.server.file("id_ed25519").display()
        ),
    )
    .unwrap();
    let target = Target {
        host: "web".into(),
        port: None,
        user: None,
        key_file: None,
        host_key: HostKey::Known,
        ..lab.target()
    };
    let rule = format!("203.0.113.9:2200:127.0.0.1:{}", lab.server.port);
    let world = lab.world(&[&rule]);
    let mut session = connect(&world, &target);
    let output = run(session.as_mut(), &command("id -un")).unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        lab.server.user
    );
    let known = fs::read_to_string(lab.ssh_file("known_hosts")).unwrap();
    assert!(known.starts_with("[203.0.113.9]:2200 "), "{known}");
}

#[test]
fn where_no_ssh_server_answers_that_is_said() {
    let Some(lab) = Lab::new() else { return };
    let nobody = ClosedPort::take();
    let closed = nobody.port;
    let fault = lab.refused(&Target {
        port: Some(closed),
        ..lab.target()
    });
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(
        fault.message.replace(&closed.to_string(), "PORT"),
        "USER@127.0.0.1 (127.0.0.1:PORT): the connection was refused: no SSH server listens there"
    );
    let fault = lab.refused(&Target {
        host: "no-such-host.invalid".into(),
        ..lab.target()
    });
    assert_eq!(
        fault.message,
        "USER@no-such-host.invalid (no-such-host.invalid:PORT): there is no such host"
    );

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let fault = lab.refused(&Target {
        port: Some(port),
        connect_timeout: Duration::from_millis(400),
        ..lab.target()
    });
    assert_eq!(fault.kind, FaultKind::Timeout, "{}", fault.message);
    assert!(start.elapsed() < Duration::from_secs(2));

    std::thread::spawn(move || {
        for stream in silent.incoming().take(2) {
            let mut stream = stream.unwrap();
            std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            let _ = stream.read(&mut [0; 1]);
        }
    });
    let fault = lab.refused(&Target {
        port: Some(port),
        ..lab.target()
    });
    assert_eq!(fault.kind, FaultKind::Unreachable, "{}", fault.message);
}
