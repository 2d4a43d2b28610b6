//! A process that dies while it writes loses nothing that was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;

const LEDGER: &str = "OPSH_TEST_LEDGER";

/// Not a test of its own: the process that the next test kills. After each
/// commit it says which step that was.
#[test]
fn writer_that_is_killed() {
    let Some(path) = std::env::var_os(LEDGER) else {
        return;
    };
    let mut ledger = Ledger::open_with(Path::new(&path), Seal::passing(None)).unwrap();
    let run = ledger.begin_run(&new_run("web")).unwrap();
    let mut out = std::io::stderr();
    for number in 0_u32.. {
        let path = number.to_string();
        let step = ledger
            .intent(&intent(&run, &path, StepEffect::Write))
            .unwrap();
        writeln!(out, "intent {run} {path}").unwrap();
        let resource = made(&format!("i-{run}-{path}"));
        ledger.outcome(step, &done("i-1"), &[resource]).unwrap();
        writeln!(out, "outcome {run} {path}").unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_kill() {
    let folder = Folder::new();
    folder.open().unwrap();
    for commits in [1, 2, 5, 12, 23] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "ledger::tests::kill::writer_that_is_killed",
                "--nocapture",
            ])
            .env(LEDGER, folder.db())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut acknowledged: Vec<String> =
            lines.by_ref().take(commits).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died, but the last line may be half.
        acknowledged.extend(
            lines
                .map_while(Result::ok)
                .filter(|line| line.split(' ').count() == 3),
        );
        acknowledged.truncate(acknowledged.len().max(commits + 1) - 1);

        let mut ledger = folder.open().unwrap();
        ledger.verify().unwrap();
        let resources = ledger.resources("web").unwrap();
        for line in acknowledged {
            let [what, run, path] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let run = ledger.run(run, Secrets::Hidden).unwrap();
            assert_eq!(run.outcome(), "running");
            let steps = ledger.steps(&run.id, Secrets::Hidden).unwrap();
            let step = steps.iter().find(|step| step.path == path).unwrap();
            if what == "outcome" {
                assert_eq!(step.state(), "done", "{line}");
                let id = format!("i-{}-{path}", run.id);
                assert!(resources.iter().any(|one| one.id == id), "{line}");
            }
            // Never half of an outcome: done with its resource, or neither.
            for step in steps {
                let id = format!("i-{}-{}", run.id, step.path);
                let there = resources.iter().any(|one| one.id == id);
                assert_eq!(there, step.state() == "done", "{id}");
            }
        }
    }
}
