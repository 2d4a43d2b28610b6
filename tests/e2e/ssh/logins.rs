//! Who may log in, with which key, and how often that is done.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use opsh::world::ssh::Target;
use opsh::world::ssh::key_file::KeyFile;
use opsh::world::{Cancel, World as _};
use opsh_operation::FaultKind;

use super::{Lab, command, connect, run};

#[test]
fn keys_of_all_kinds_open_and_those_that_cannot_say_why() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    for arguments in [
        ["-t", "rsa", "-N", "", "-m", "PEM"],
        ["-t", "ecdsa", "-N", "", "-m", "PEM"],
        ["-t", "rsa", "-N", "", "-m", "PKCS8"],
        ["-t", "ecdsa", "-N", "", "-m", "RFC4716"],
        ["-t", "ed25519", "-N", "open sesame", "-m", "RFC4716"],
        ["-t", "rsa", "-N", "open sesame", "-m", "PEM"],
    ] {
        let path = lab.make_key(&arguments);
        lab.authorize(&path);
        let passphrase = (!arguments[3].is_empty()).then_some(arguments[3]);
        let mut session = connect(&world, &lab.with_key(&path, passphrase));
        assert_eq!(
            run(session.as_mut(), &command("true")).unwrap().exit_code,
            0
        );
        let file = KeyFile::read(&path).unwrap();
        assert_eq!(file.encrypted, passphrase.is_some());
        let public = fs::read_to_string(file.public_path()).unwrap();
        if passphrase.is_none() || arguments[1] == "ed25519" {
            // Without the .pub file: from the private key itself.
            fs::remove_file(file.public_path()).unwrap();
        }
        let derived = file.public_key().unwrap();
        assert!(
            public.starts_with(&derived) || derived == public.trim(),
            "{arguments:?}"
        );
    }

    let encrypted = lab.make_key(&["-t", "ed25519", "-N", "secret"]);
    let said = |path: &Path, passphrase: Option<&str>| {
        let fault = lab.refused(&lab.with_key(path, passphrase));
        (fault.kind, fault.message)
    };
    assert_eq!(
        said(&encrypted, None),
        (
            FaultKind::Invalid,
            format!(
                "the key file {} is encrypted",
                lab.plain(&encrypted.display().to_string())
            )
        )
    );
    assert_eq!(
        said(&encrypted, Some("guess")),
        (
            FaultKind::Invalid,
            format!(
                "the passphrase does not open the key file {}",
                lab.plain(&encrypted.display().to_string())
            )
        )
    );
    assert_eq!(
        said(&lab.ssh_file("none"), None),
        (
            FaultKind::NotFound,
            "the key file HOME/.ssh/none does not exist".into()
        )
    );
    assert_eq!(
        said(&lab.server.file("id_ed25519.pub"), None),
        (
            FaultKind::Invalid,
            "LAB/id_ed25519.pub is not a private key but the public half".into()
        )
    );
}

#[test]
fn a_refused_login_lists_what_was_tried() {
    let Some(lab) = Lab::new() else { return };
    fs::copy(lab.server.file("stranger"), lab.ssh_file("id_rsa")).unwrap();
    let fault = lab.refused(&lab.with_key(&lab.server.file("stranger"), None));
    assert_eq!(fault.kind, FaultKind::Denied);
    let without_agent = fault
        .message
        .replace("ssh-agent (holds no usable key), ", "");
    assert_eq!(
        without_agent,
        "USER@127.0.0.1 (127.0.0.1:PORT): the login was refused; tried key file LAB/stranger (refused), key file HOME/.ssh/id_rsa (refused)"
    );
}

/// An agent that is killed when this is dropped.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The key of the target's file is refused, and the configuration names the agent.
fn with_agent(lab: &Lab) -> (PathBuf, Target) {
    let socket = lab.home.path().join("agent");
    let text = format!("IdentityAgent {}\n", socket.display());
    fs::write(lab.ssh_file("config"), text).unwrap();
    (socket, lab.with_key(&lab.server.file("stranger"), None))
}

#[test]
fn an_agent_logs_in_with_its_keys() {
    let Some(lab) = Lab::new() else { return };
    let (socket, target) = with_agent(&lab);
    let mut agent = Process::new("ssh-agent");
    let agent = agent.args(["-D", "-a"]).arg(&socket);
    let _agent = Agent(agent.stdout(Stdio::null()).spawn().unwrap());
    let added = || {
        let mut add = Process::new("ssh-add");
        add.arg("-q").arg(lab.server.file("id_ed25519"));
        add.env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null());
        add.status().unwrap().success()
    };
    let end = Instant::now() + Duration::from_secs(30);
    while !added() {
        assert!(Instant::now() < end, "the agent takes no key");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut session = connect(&lab.world(&[]), &target);
    let output = run(session.as_mut(), &command("echo in")).unwrap();
    assert_eq!(output.stdout, b"in\n");
}

#[test]
fn an_agent_that_never_answers_is_not_waited_for() {
    let Some(lab) = Lab::new() else { return };
    let (socket, target) = with_agent(&lab);
    let _silent = UnixListener::bind(&socket).unwrap();
    let fault = lab.refused(&Target {
        connect_timeout: Duration::from_secs(3),
        ..target.clone()
    });
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        fault.message,
        "USER@127.0.0.1 (127.0.0.1:PORT): asking the ssh-agent took too long"
    );
    let cancel = Cancel::new(None);
    let told = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        told.interrupt();
    });
    let patient = Target {
        connect_timeout: Duration::from_hours(1),
        ..target
    };
    let interrupted = lab.world(&[]).ssh().connect(&patient, &cancel);
    assert_eq!(
        interrupted.err().map(|fault| fault.kind),
        Some(FaultKind::Interrupted)
    );
}

#[test]
fn one_login_serves_many_commands_and_a_broken_one_is_replaced() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    for _ in 0..3 {
        let mut session = connect(&world, &lab.target());
        run(session.as_mut(), &command("true")).unwrap();
    }
    assert_eq!(lab.logins(), 1);
    let mut session = connect(&world, &lab.target());
    let fault = run(session.as_mut(), &command("kill -9 $PPID; sleep 5")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{}", fault.message);
    drop(session);
    let mut session = connect(&world, &lab.target());
    assert_eq!(
        run(session.as_mut(), &command("true")).unwrap().exit_code,
        0
    );
    assert_eq!(lab.logins(), 2);
    // Killed while it lies idle in the pool.
    let pid = run(session.as_mut(), &command("echo $PPID"))
        .unwrap()
        .stdout;
    drop(session);
    let pid = String::from_utf8(pid).unwrap();
    assert!(
        Process::new("kill")
            .args(["-9", pid.trim()])
            .status()
            .unwrap()
            .success()
    );
    let mut session = connect(&world, &lab.target());
    assert_eq!(
        run(session.as_mut(), &command("true")).unwrap().exit_code,
        0
    );
    assert_eq!(lab.logins(), 3);
}
