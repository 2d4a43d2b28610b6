//! One run at a time on a stack.

use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_second_run_of_a_stack_is_refused_by_name() {
    let folder = Folder::new();
    let locks = folder.0.path().join("locks");
    let mut lock = StackLock::take(&locks, "web", "web.rhai").unwrap();
    lock.name_run("20270115-080000000-9f3a7c").unwrap();
    let error = StackLock::take(&locks, "web", "web.rhai")
        .unwrap_err()
        .to_string();
    let process = std::process::id();
    assert!(
        error.starts_with(&format!("the stack 'web' is in use: process {process} on "))
            && error.ends_with(
                " runs web.rhai (run 20270115-080000000-9f3a7c); wait for it to end, or stop it"
            ),
        "{error}"
    );
    StackLock::take(&locks, "../other", "web.rhai").unwrap();
    drop(lock);
    StackLock::take(&locks, "web", "web.rhai").unwrap();
    let names: Vec<_> = std::fs::read_dir(&locks)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.contains(&"%2E%2E%2Fother.lock".to_owned()),
        "{names:?}"
    );
}

#[test]
fn every_name_that_a_stack_may_have_has_a_lock_of_its_own() {
    let folder = Folder::new();
    let longest = "ä".repeat(127);
    let names = [
        format!("{longest}b"),
        format!("{longest}c"),
        "x".repeat(128),
    ];
    let locks: Vec<StackLock> = names
        .iter()
        .map(|name| StackLock::take(folder.0.path(), name, "web.rhai").unwrap())
        .collect();
    let error = StackLock::take(folder.0.path(), &names[1], "web.rhai").unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(locks);
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn holder_of_a_lock() {
    if let Some(folder) = std::env::var_os("OPSH_TEST_LOCKS") {
        // Whoever waits for it tries the lock, too, and may just have it.
        let _lock = std::iter::from_fn(|| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Some(StackLock::take(Path::new(&folder), "web", "holder.rhai"))
        })
        .find_map(Result::ok);
        std::thread::sleep(std::time::Duration::from_mins(1));
    }
}

#[test]
fn a_killed_holder_frees_the_lock() {
    let folder = Folder::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::tests::locks::holder_of_a_lock"])
        .env("OPSH_TEST_LOCKS", folder.0.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut refusal = String::new();
    for _ in 0..3000 {
        if let Err(error) = StackLock::take(folder.0.path(), "web", "web.rhai") {
            refusal = error.to_string();
            if refusal.contains("holder.rhai") {
                break;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(
        refusal.contains(&format!("process {} on", child.id())),
        "{refusal}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    StackLock::take(folder.0.path(), "web", "web.rhai").unwrap();
}
