//! `opsh test`: the cases of people's own playbooks.

mod accounts;
mod faults;
mod header;
mod reports;
mod shipped;
mod snapshots;
mod wrong;

use std::path::Path;

use crate::support::opsh::{Ended, User};

/// As many queues as are asked for.
const QUEUES: &str = r#"let count = param("count", #{ default: 2, min: 1, doc: "How many queues." });
for n in 0..count {
    sqs::create_queue(#{ queue_name: `work-${n}` });
}
if count > 2 {
    print("many");
}
print(`${count} queues`);
#{ count: count }
"#;

/// Somebody with a playbook `queues.rhai` and these cases of it.
fn user(cases: &str) -> User {
    let user = User::new();
    write(&user, "queues.rhai", QUEUES);
    write(&user, "queues.test.rhai", cases);
    user
}

fn write(user: &User, name: &str, text: &str) {
    let path = user.home().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(user: &User, name: &str) -> String {
    std::fs::read_to_string(user.home().join(name)).unwrap()
}

/// The names in a folder, in order.
fn listed(user: &User, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(user.home().join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// `opsh test` with `options`.
fn test(user: &User, options: &[&str]) -> Ended {
    user.opsh(["test"].iter().chain(options))
}

/// What was said, with the time that it took as `…`.
fn timeless(text: &str) -> String {
    let Some((before, after)) = text.split_once(" in ") else {
        return text.to_owned();
    };
    match after.split_once(" s\n") {
        Some((time, rest)) if time.parse::<f64>().is_ok() => format!("{before} in … s\n{rest}"),
        _ => format!("{before} in {}", timeless(after)),
    }
}

/// Asserts how `opsh test` ended, and all that it said.
#[track_caller]
fn ends(ended: &Ended, code: i32, out: &str, err: &str) {
    assert_eq!(timeless(&ended.out), out, "--- errors\n{}", ended.err);
    assert_eq!(ended.err, err);
    assert_eq!(ended.code, code);
}

/// Whether something is at `path`.
fn exists(user: &User, path: &str) -> bool {
    user.home().join(Path::new(path)).exists()
}
