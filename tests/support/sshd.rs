//! A real OpenSSH server on a loopback port, for logging in as whoever runs the tests.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::component::{Absent, program};

/// The server; stops when dropped.
pub struct Sshd {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    folder: TempDir,
    child: Child,
}

impl Sshd {
    /// Starts it with fresh keys; `settings` are further lines of its configuration.
    pub fn start(settings: &str) -> Result<Self, Absent> {
        let sshd = program("sshd")?;
        let keygen = program("ssh-keygen")?;
        let folder = tempfile::Builder::new()
            .prefix("opsh-sshd-")
            .tempdir()
            .unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["host_key", "id_ed25519", "stranger"] {
            make_key(&keygen, &at(name));
        }
        fs::copy(at("id_ed25519.pub"), at("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let here = folder.path().display();
        fs::write(
            at("sshd_config"),
            format!(
                "{settings}\nListenAddress 127.0.0.1:{port}\nHostKey {here}/host_key\n\
                 AuthorizedKeysFile {here}/authorized_keys\nPidFile {here}/pid\nStrictModes no\n\
                 UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
                 Subsystem sftp internal-sftp\n"
            ),
        )
        .unwrap();
        if who() == "root" {
            // Where Debian's sshd separates privileges; its service would make it.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let child = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self {
            port,
            user: who(),
            folder,
            child,
        };
        server.answers();
        Ok(server)
    }

    fn answers(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.file("log")).unwrap();
            assert!(Instant::now() < end, "sshd does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One of its files: `id_ed25519` (may log in), `stranger` (may not), `host_key.pub`, `log`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(keygen: &Path, path: &Path) {
    let made = Command::new(keygen)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "opsh-tests", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

fn who() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
