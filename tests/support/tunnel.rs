//! A port of this machine that a machine without a network reaches, through its own sshd.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// OpenSSH's client, which forwards the port for as long as this lives.
pub struct Tunnel(Child);

impl Tunnel {
    /// Has the sshd that is reached at the loopback port `ssh` listen at `port` of its own
    /// loopback, for what listens at that port here.
    pub fn start(ssh: u16, key: &Path, port: u16) -> Self {
        let forward = format!("127.0.0.1:{port}:127.0.0.1:{port}");
        let child = Command::new("ssh")
            .args(["-N", "-F", "none", "-R", &forward, "-p", &ssh.to_string()])
            .args(["-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
            .args([
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .arg("-i")
            .arg(key)
            .arg("ec2-user@127.0.0.1")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
