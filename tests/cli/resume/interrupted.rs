//! Ctrl-C: the first stops a run at its next step, a second at once; both are gone on with.

use std::time::{Duration, Instant};

use super::{resources, run_id, user};
use crate::support::opsh::User;
use crate::support::served::Served;

#[test]
fn a_run_stops_at_the_next_gate_and_goes_on() {
    // The first write takes a while, in real time: a line of the results tells when.
    let text = r#"
print("begun");
for name in ["a", "b", "c"] { sns::create_topic(#{ name: name }); }
let n = 0;
while !file::exists("go") { n += 1; }
sns::create_topic(#{ name: "d" });
n
"#;
    let user = user(text);
    let mut running = user.begin(["run", "p.rhai", "--local"]);
    assert_eq!(running.line(), "begun");
    std::thread::sleep(Duration::from_millis(300));
    running.interrupt();
    let ended = running.stopped().ended;
    assert_eq!(ended.code, 130, "{}", ended.err);
    let run = run_id(&user);
    assert!(
        ended.err.contains(&format!("opsh resume {run} --local")),
        "{}",
        ended.err
    );
    assert_eq!(user.runs()[0]["outcome"], "interrupted");
    std::fs::write(user.home().join("go"), "").unwrap();
    // What is recorded of the question says no; the next one is asked anew.
    user.opsh(["resume", "--local"]).done();
    assert_eq!(resources(&user).len(), 4);
}

/// Whether the newest run has begun a call of `operation`.
fn has_begun(user: &User, operation: &str) -> bool {
    let json = ["--output", "json"];
    // As long as there is no ledger, this fails.
    let runs = user.opsh(["history"].iter().chain(&json));
    let Some(run) = runs
        .events()
        .first()
        .and_then(|run| run["run"].as_str().map(str::to_owned))
    else {
        return false;
    };
    let steps = user.opsh(["history", &run].iter().chain(&json)).done();
    steps
        .events()
        .iter()
        .any(|step| step["operation"] == operation)
}

#[test]
fn a_second_interrupt_stops_it_in_the_middle_of_a_write_and_it_goes_on_too() {
    let served = Served::start(&["--fault", "delay 10m ec2:CreateVolume 1"]);
    let user = User::of(served.url(), "us-east-1");
    let text = r#"
ec2::allocate_address(#{ domain: "vpc" });
ec2::create_volume(#{ availability_zone: "us-east-1a", size: 8 });
`${ec2::describe_addresses(#{}).addresses.len()} address, ${ec2::describe_volumes(#{}).volumes.len()} volume`
"#;
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut running = user.begin(["run", "p.rhai"]);
    let begun = Instant::now();
    while !has_begun(&user, "ec2::create_volume") {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it does not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    running.interrupt();
    running.hear("stopping when the current write has been answered; Ctrl-C again stops at once\n");
    running.interrupt();
    let ended = running.stopped().ended;
    assert_eq!(ended.code, 130, "{}", ended.err);
    let resumed = user.opsh(["resume"]).done();
    assert_eq!(resumed.out, "1 address, 1 volume\n");
}
