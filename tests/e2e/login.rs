//! What is said, whole, where a real OpenSSH server and opsh do not come together.

use std::fs;

use crate::support::component::demand;
use crate::support::opsh::User;
use crate::support::sshd::Sshd;

/// A server, and somebody with the key file `key` for it.
struct Scene {
    server: Sshd,
    user: User,
}

impl Scene {
    /// `key` is the server's `id_ed25519`, which may log in, or its `stranger`, which may not.
    fn with(key: &str) -> Option<Self> {
        let scene = Self {
            server: demand(Sshd::start(""))?,
            user: User::new(),
        };
        fs::create_dir(scene.user.home().join(".ssh")).unwrap();
        fs::copy(scene.server.file(key), scene.user.home().join("key")).unwrap();
        Some(scene)
    }

    /// The host key that `~/.ssh/known_hosts` has for the server: the public half in the file `of`.
    fn knows(&self, of: &str) {
        let key = fs::read_to_string(self.server.file(of)).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.server.port);
        fs::write(self.user.home().join(".ssh/known_hosts"), line).unwrap();
    }

    /// The code and the whole message, with names for what differs each time.
    fn said(&self) -> (i32, String) {
        let (port, login) = (self.server.port, &self.server.user);
        let text = format!(
            "ssh::read(#{{ host: \"127.0.0.1\", port: {port}, user: \"{login}\", key_file: \"key\" }}, \"true\");\n"
        );
        fs::write(self.user.home().join("p.rhai"), text).unwrap();
        let ended = self.user.opsh(["run", "p.rhai"]);
        let err = ended
            .err
            .replace(&self.user.home().display().to_string(), "HOME")
            .replace(&port.to_string(), "PORT")
            .replace(&format!("user: \"{login}\""), "user: \"USER\"")
            .replace(&format!("{login}@"), "USER@")
            .replace(&format!("~{login}/"), "~USER/");
        (ended.code, without_fingerprints(&err))
    }
}

/// `text` with a name for each fingerprint.
fn without_fingerprints(text: &str) -> String {
    let mut parts = text.split("SHA256:");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| {
            letter.is_ascii_alphanumeric() || "+/".contains(letter)
        });
        let named = rest.len() < part.len();
        out.push_str(if named { "FINGERPRINT" } else { "SHA256:" });
        out.push_str(rest);
    }
    out
}

fn message(what: &str, next: &str) -> (i32, String) {
    let message = format!(
        "\
error: p.rhai:1:1: ssh::read: {what}
   |
 1 | ssh::read(#{{ host: \"127.0.0.1\", port: PORT, user: \"USER\", key_file: \"key\" }}, \"true\");
   | ^^^^^^^^^
  next: {next}
"
    );
    (1, message)
}

#[test]
fn a_key_that_the_host_does_not_take() {
    let Some(scene) = Scene::with("stranger") else {
        return;
    };
    scene.knows("host_key.pub");
    assert_eq!(
        scene.said(),
        message(
            "USER@127.0.0.1 (127.0.0.1:PORT): the login was refused; tried key file key (refused) (AuthenticationFailed)",
            "check the user, and that the public half of the key is in ~USER/.ssh/authorized_keys there"
        )
    );
}

#[test]
fn a_host_whose_key_has_changed() {
    let Some(scene) = Scene::with("id_ed25519") else {
        return;
    };
    scene.knows("stranger.pub");
    assert_eq!(
        scene.said(),
        message(
            "USER@127.0.0.1 (127.0.0.1:PORT): the host's key has changed: it shows FINGERPRINT (ssh-ed25519), but .ssh/known_hosts:1 says FINGERPRINT (ssh-ed25519) (ChangedHostKey)",
            "somebody may be listening in; if the host was really rebuilt, remove the old key: ssh-keygen -f .ssh/known_hosts -R '[127.0.0.1]:PORT'"
        )
    );
}

#[test]
fn a_host_that_nobody_has_met() {
    let Some(scene) = Scene::with("id_ed25519") else {
        return;
    };
    assert_eq!(
        scene.said(),
        message(
            "USER@127.0.0.1 (127.0.0.1:PORT): the host is not in known_hosts; its ssh-ed25519 key is FINGERPRINT (UnknownHostKey)",
            "compare the fingerprint, then pass host_key: [\"SHA256:…\"]; ssh::console_host_keys reads the keys of a new EC2 instance from its console output; host_key: \"accept-new\" trusts the first answer"
        )
    );
}

#[test]
fn a_host_that_is_known_lets_its_user_in() {
    let Some(scene) = Scene::with("id_ed25519") else {
        return;
    };
    scene.knows("host_key.pub");
    assert_eq!(scene.said(), (0, String::new()));
}
