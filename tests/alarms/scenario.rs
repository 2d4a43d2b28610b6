//! A day of a scaled pool in nine steps, on the virtual clock: `loadtest.rhai do=scenario`.

use crate::cli::shipped;
use crate::support::opsh::{Ended, User};

fn scenario(user: &User, options: &[&str]) -> Ended {
    let playbook = shipped("loadtest");
    let told = ["run", &playbook, "do=scenario"];
    user.opsh(told.iter().chain(options)).done()
}

/// Everything behind the table of machines: the steps with their timings, and the decisions.
fn table(out: &str) -> String {
    let begins = out.find("step  load").unwrap();
    out[begins..].to_owned()
}

/// `plan` without the sums of what is copied to machines: they are others with each version.
fn without_sums(plan: &str) -> String {
    let mut parts = plan.split(".opsh/bundle/");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_sum, rest) = part.split_once('/').unwrap();
        text.push_str(".opsh/bundle/SUM/");
        text.push_str(rest);
    }
    text
}

/// The plan is the whole scenario: alarms go off, SNS brings them, the pool follows.
#[test]
fn alarms_that_sns_brings_grow_and_shrink_the_pool() {
    let plan = scenario(&User::new(), &["--dry-run"]);
    insta::assert_snapshot!("scenario-alarms", without_sums(&plan.out));
}

#[test]
fn an_autoscaler_that_asks_for_the_load_grows_and_shrinks_the_pool() {
    let user = User::new();
    let ended = scenario(&user, &["scaler=load", "--local"]);
    insta::assert_snapshot!("scenario-load", table(&ended.out));
    let teardown = shipped("teardown");
    user.opsh(["run", &teardown, "stack=loadtest", "--local", "--yes"])
        .done();
    let listed = user.opsh(["ls", "loadtest", "--local"]).done();
    assert_eq!(listed.out, "the stack 'loadtest' has no resources\n");
}
