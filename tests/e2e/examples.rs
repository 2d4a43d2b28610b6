//! Every operation's example, run on a freshly furnished embedded cloud: what `opsh doc` shows works.

use std::fs;
use std::sync::Mutex;

use opsh::modules::registry::registry;

use crate::support::opsh::User;

#[test]
fn every_example_runs_on_the_embedded_cloud() {
    let wanted = std::env::var("OPSH_EXAMPLES").unwrap_or_default();
    let operations = registry()
        .modules()
        .flat_map(|(_, entries)| entries.values())
        .map(|entry| entry.operation)
        .filter(|operation| operation.full_name().starts_with(&wanted));
    let waiting = Mutex::new(operations);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(operation) = waiting.lock().unwrap().next() else {
                        return;
                    };
                    let user = User::new();
                    fs::write(user.home().join("example.rhai"), operation.example).unwrap();
                    let ended = user.opsh(["run", "example.rhai", "--dry-run"]);
                    if ended.code != 0 {
                        let name = operation.full_name();
                        let failure = format!("{name}: exit code {}\n{}", ended.code, ended.err);
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} examples fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
