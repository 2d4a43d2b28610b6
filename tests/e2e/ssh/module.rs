//! The module `ssh` as playbooks call it.

use std::process::Command as Process;

use opsh::modules::{Context, Files, Handler, Terminal, ssh as module};
use opsh::world::{Cancel, Scope};
use opsh_operation::{Fault, FaultKind, Map, Value};

use super::{Lab, connect};

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
