//! The live SSH transport and the module `ssh` against a real OpenSSH server.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use opsh::modules::ssh as module;
use opsh::modules::{Context, Files, Handler, Terminal};
use opsh::world::live::{Live, Settings};
use opsh::world::ssh::key_file::KeyFile;
use opsh::world::ssh::{Command, HostKey, Output, Session, Target};
use opsh::world::{Cancel, Scope, World};
use opsh_operation::{Fault, FaultKind, Map, Secret, Value};
use tempfile::TempDir;

use crate::support::component::demand;
use crate::support::sshd::Sshd;

/// A server, and a home directory whose `.ssh` is ours to fill.
struct Lab {
    server: Sshd,
    home: TempDir,
}

impl Lab {
    fn new() -> Option<Self> {
        let server = demand(Sshd::start("MaxStartups 100\nMaxSessions 20"))?;
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        Some(Self { server, home })
    }

    fn world(&self, connect_to: &[&str]) -> Live {
        Live::new(Settings {
            connect_to: connect_to
                .iter()
                .map(|rule| rule.parse().unwrap())
                .collect(),
            home: Some(self.home.path().to_owned()),
            ..Settings::default()
        })
    }

    fn ssh_file(&self, name: &str) -> PathBuf {
        self.home.path().join(".ssh").join(name)
    }

    fn host_key(&self) -> String {
        key_of(&self.server.file("host_key.pub"))
    }

    fn target(&self) -> Target {
        Target {
            host: "127.0.0.1".into(),
            port: Some(self.server.port),
            user: Some(self.server.user.clone()),
            key_file: Some(self.server.file("id_ed25519")),
            passphrase: None,
            host_key: HostKey::Pinned(vec![self.host_key()]),
            connect_timeout: Duration::from_secs(10),
        }
    }

    fn with_key(&self, path: &Path, passphrase: Option<&str>) -> Target {
        Target {
            key_file: Some(path.to_owned()),
            passphrase: passphrase.map(Secret::new),
            ..self.target()
        }
    }

    /// What a message says, with this lab's own names taken out.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.home.path().display().to_string(), "HOME")
            .replace(&self.server.file("").display().to_string(), "LAB/")
            .replace(&self.server.port.to_string(), "PORT")
            .replace(&format!("{}@", self.server.user), "USER@")
            .replace(&format!("~{}/", self.server.user), "~USER/")
    }

    fn refused(&self, target: &Target) -> Fault {
        let session = self.world(&[]).ssh().connect(target, &Cancel::new(None));
        let Err(mut fault) = session else {
            panic!("the login worked");
        };
        fault.message = self.plain(&fault.message);
        fault
    }

    fn make_key(&self, arguments: &[&str]) -> PathBuf {
        let path = self.ssh_file(&arguments.join("").replace(['-', ' '], ""));
        let made = Process::new("ssh-keygen")
            .args(["-q", "-C", "test", "-f"])
            .arg(&path)
            .args(arguments)
            .status()
            .unwrap();
        assert!(made.success());
        path
    }

    /// Lets the owner of `path` log in too.
    fn authorize(&self, path: &Path) {
        let mut public = path.as_os_str().to_owned();
        public.push(".pub");
        let keys = self.server.file("authorized_keys");
        let both = [&keys, &PathBuf::from(public)].map(|path| fs::read_to_string(path).unwrap());
        fs::write(keys, both.concat()).unwrap();
    }

    fn logins(&self) -> usize {
        let log = fs::read_to_string(self.server.file("log")).unwrap();
        log.matches("Accepted publickey").count()
    }
}

fn key_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    words.join(" ")
}

fn command(line: &str) -> Command {
    Command {
        line: line.into(),
        stdin: Vec::new(),
        timeout: Duration::from_secs(20),
        limit: 64 * 1024 * 1024,
    }
}

fn run(session: &mut dyn Session, command: &Command) -> Result<Output, Fault> {
    session.run(command, &Cancel::new(None))
}

fn connect(world: &Live, target: &Target) -> Box<dyn Session> {
    world
        .ssh()
        .connect(target, &Cancel::new(None))
        .unwrap_or_else(|fault| panic!("{}", fault.message))
}

#[test]
fn commands_give_their_streams_and_exit_codes() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut session = connect(&world, &lab.target());
    let mut with_input = command("cat; echo oops >&2; exit 3");
    with_input.stdin = b"hello".to_vec();
    let output = run(session.as_mut(), &with_input).unwrap();
    assert_eq!(
        output,
        Output {
            exit_code: 3,
            stdout: b"hello".to_vec(),
            stderr: b"oops\n".to_vec(),
        }
    );
    let killed = run(session.as_mut(), &command("kill -9 $$")).unwrap();
    assert_eq!(killed.exit_code, 137);
    assert_eq!(session.host_key(), lab.host_key());
}

#[test]
fn full_streams_do_not_block_each_other() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut session = connect(&world, &lab.target());
    let size = 6_000_000;
    let both = format!("head -c {size} /dev/zero >&2; head -c {size} /dev/zero");
    let output = run(session.as_mut(), &command(&both)).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (size, size));

    let mut echo = command("cat");
    echo.stdin = (0..=250_u8).cycle().take(size).collect();
    let output = run(session.as_mut(), &echo).unwrap();
    assert!(
        output.stdout == echo.stdin,
        "what came back is not what was sent"
    );

    let mut ignored = command("exec <&-; echo done");
    ignored.stdin = vec![b'x'; size];
    let output = run(session.as_mut(), &ignored).unwrap();
    assert_eq!(
        (output.exit_code, output.stdout.as_slice()),
        (0, b"done\n".as_slice())
    );
}

#[test]
fn too_much_output_too_long_a_command_and_an_interruption_end_it() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut endless = command("yes");
    endless.limit = 100_000;
    let fault = run(connect(&world, &lab.target()).as_mut(), &endless).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit);
    assert_eq!(
        lab.plain(&fault.message),
        "USER@127.0.0.1 (127.0.0.1:PORT): the command wrote more than 100000 bytes"
    );

    let mut slow = command("echo begun; sleep 20");
    slow.timeout = Duration::from_secs(3);
    let start = Instant::now();
    let fault = run(connect(&world, &lab.target()).as_mut(), &slow).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        lab.plain(&fault.message),
        "USER@127.0.0.1 (127.0.0.1:PORT): the command did not end within 3s"
    );
    assert_eq!(fault.details["stdout"], "begun\n".into());

    let cancel = Cancel::new(None);
    let mut session = connect(&world, &lab.target());
    let other = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        other.interrupt();
    });
    let start = Instant::now();
    let fault = session.run(&command("sleep 20"), &cancel).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Interrupted);
    assert!(start.elapsed() < Duration::from_millis(1300));
}

#[test]
fn files_arrive_whole_or_not_at_all() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let cancel = Cancel::new(None);
    let mut session = connect(&world, &lab.target());
    let folder = tempfile::tempdir().unwrap();
    let remote = folder.path().join("it's here");
    let content: Vec<u8> = (0..=252_u8).cycle().take(3_000_000).collect();
    session.upload(&content, &remote, 0o640, &cancel).unwrap();
    assert!(fs::read(&remote).unwrap() == content);
    session.upload(b"second", &remote, 0o600, &cancel).unwrap();
    assert_eq!(fs::read(&remote).unwrap(), b"second");
    let mode = std::os::unix::fs::PermissionsExt::mode(&remote.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(session.download(&remote, 6, &cancel).unwrap(), b"second");

    let said = |fault: Fault| {
        let text = lab.plain(&fault.message);
        (
            fault.kind,
            text.replace(&folder.path().display().to_string(), "THERE"),
        )
    };
    assert_eq!(
        said(session.download(&remote, 5, &cancel).unwrap_err()),
        (
            FaultKind::Limit,
            "USER@127.0.0.1 (127.0.0.1:PORT): THERE/it's here is larger than 5 bytes".into()
        )
    );
    let missing = folder.path().join("none");
    assert_eq!(
        said(session.download(&missing, 5, &cancel).unwrap_err()),
        (
            FaultKind::NotFound,
            "USER@127.0.0.1 (127.0.0.1:PORT): cannot read THERE/none: it does not exist".into()
        )
    );
    let fault = session
        .upload(b"x", &missing.join("file"), 0o600, &cancel)
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let fault = session
        .upload(b"x", folder.path(), 0o600, &cancel)
        .unwrap_err();
    assert_eq!(
        said(fault),
        (
            FaultKind::Invalid,
            "USER@127.0.0.1 (127.0.0.1:PORT): THERE is a folder".into()
        )
    );
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["it's here"]);
}

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

#[test]
fn where_no_ssh_server_answers_that_is_said() {
    let Some(lab) = Lab::new() else { return };
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
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

/// Nobody is at the terminal.
struct Nobody;

impl Terminal for Nobody {
    fn consents(&self) -> bool {
        false
    }
    fn interactive(&self) -> bool {
        false
    }
    fn ask(&self, _question: &str, _secret: bool, _: &Cancel) -> Result<String, Fault> {
        Err(Fault::new(FaultKind::Failed, "nobody can be asked"))
    }
    fn print(&self, _text: &str) {}
    fn log(&self, _level: tracing::Level, _message: &str) {}
    fn width(&self) -> u16 {
        80
    }
}

impl Lab {
    fn host(&self) -> Map {
        Map::from([
            ("host".into(), "127.0.0.1".into()),
            ("port".into(), i64::from(self.server.port).into()),
            ("user".into(), self.server.user.as_str().into()),
            (
                "key_file".into(),
                self.server.file("id_ed25519").display().to_string().into(),
            ),
            ("host_key".into(), vec![self.host_key()].into()),
        ])
    }

    fn call(
        &self,
        name: &str,
        input: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Value, Fault> {
        let handler = module::ENTRIES
            .iter()
            .filter(|entry| entry.operation.name == name)
            .find_map(|entry| match entry.handler {
                Handler::Native(handler) => Some(handler),
                _ => None,
            })
            .unwrap();
        let context = Context {
            world: &self.world(&[]),
            cancel: &Cancel::new(None),
            terminal: &Nobody,
            files: &Files::new(self.home.path()).unwrap(),
            scope: &Scope::default(),
            conceal: &|_| {},
        };
        let mut all = Map::from([("host".to_owned(), self.host().into())]);
        all.extend(
            input
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        handler(&context, &all)
    }
}

#[test]
fn a_failed_command_is_an_error_unless_it_may_fail() {
    let Some(lab) = Lab::new() else { return };
    let line = (
        "command",
        "echo out; echo one >&2; echo two >&2; exit 7".into(),
    );
    let fault = lab.call("run", [line.clone()]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Failed);
    assert_eq!(
        fault.message,
        "127.0.0.1: the command ended with exit code 7: two"
    );
    assert_eq!(fault.details["stdout"], "out\n".into());
    let result = lab.call("run", [line, ("check", false.into())]).unwrap();
    assert_eq!(result.get("exit_code"), Some(&Value::Int(7)));
    assert_eq!(result.get("stderr"), Some(&"one\ntwo\n".into()));
}

#[test]
fn many_hosts_answer_in_order_and_failures_stay_with_their_host() {
    let Some(lab) = Lab::new() else { return };
    let mut hosts: Vec<Value> = (0..12).map(|_| lab.host().into()).collect();
    let mut closed = lab.host();
    closed.insert("port".into(), 1_i64.into());
    hosts[5] = closed.into();
    let results = lab
        .call(
            "run_all",
            [
                ("hosts", Value::List(hosts)),
                ("command", "sleep 1.5; echo ok".into()),
                ("concurrency", 6_i64.into()),
            ],
        )
        .unwrap();
    let results = results.as_list().unwrap();
    assert_eq!(results.len(), 12);
    for (index, result) in results.iter().enumerate() {
        if index == 5 {
            let kind = result.get("error").and_then(|error| error.get("kind"));
            assert_eq!(kind, Some(&"unreachable".into()));
        } else {
            assert_eq!(result.get("stdout"), Some(&"ok\n".into()), "{result:?}");
        }
    }
    // A login is used again once its command has ended: one after the other would need one.
    let logins = lab.logins();
    assert!((2..=6).contains(&logins), "{logins} logins for 6 at a time");
}

#[test]
fn waiting_says_the_last_reason() {
    let Some(lab) = Lab::new() else { return };
    let mut closed = lab.host();
    closed.insert("port".into(), 1_i64.into());
    let fault = lab
        .call("wait", [("host", closed.into()), ("timeout", "1s".into())])
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        lab.plain(&fault.message),
        "127.0.0.1: no login within 1s (1 attempts); the last one: USER@127.0.0.1 (127.0.0.1:1): the connection was refused: no SSH server listens there"
    );
    let there = lab.call("wait", []).unwrap();
    assert_eq!(there.get("host_key"), Some(&lab.host_key().into()));
}

#[test]
fn a_generated_key_logs_in_and_is_never_overwritten() {
    let Some(lab) = Lab::new() else { return };
    let path = lab.ssh_file("made");
    let input = [
        ("path", path.display().to_string().into()),
        ("comment", "made by opsh".into()),
    ];
    let key = lab.call("generate_key", input.clone()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    lab.authorize(&path);
    connect(&lab.world(&[]), &lab.with_key(&path, None));
    let listed = Process::new("ssh-keygen")
        .arg("-y")
        .arg("-f")
        .arg(&path)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(
        key.get("public_key").unwrap().as_text(),
        Some(listed.trim())
    );
    let fault = lab.call("generate_key", input).unwrap_err();
    assert_eq!(fault.kind, FaultKind::AlreadyExists);
}
