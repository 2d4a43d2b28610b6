//! A plan needs no network: its bytes are the same where there is none at all.

use std::path::PathBuf;
use std::process::Command;

use crate::support::component::{Absent, demand, file, program};
use crate::support::opsh::User;

/// `unshare`, which starts a program in a network of its own, without any interface up.
fn unshare() -> Result<PathBuf, Absent> {
    let path = program("unshare")?;
    let may = Command::new(&path)
        .args(["--net", "true"])
        .output()
        .unwrap();
    if may.status.success() {
        return Ok(path);
    }
    Err(Absent::new(
        "only root can give the program a network of its own",
    ))
}

#[test]
fn a_plan_is_the_same_bytes_without_a_network() {
    let Some(unshare) = demand(unshare()) else {
        return;
    };
    for playbook in ["newwebserver", "fullstack"] {
        let path = file(&format!("playbooks/{playbook}.rhai"));
        let words = ["run", path.to_str().unwrap(), "--dry-run", "--output=json"];
        let here = User::new().opsh(words).done();
        let there = User::new();
        let output = Command::new(&unshare)
            .arg("--net")
            .arg(env!("CARGO_BIN_EXE_opsh"))
            .args(words)
            .current_dir(there.home())
            .env_clear()
            .envs(there.environment())
            .env("TZ", "Pacific/Auckland")
            .env("LC_ALL", "de_DE.UTF-8")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), here.out);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), here.err);
        assert!(output.status.success());
    }
}
