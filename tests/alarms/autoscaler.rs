//! The shipped autoscaler, on the embedded cloud's virtual clock.

use crate::cli::shipped;
use crate::support::component::file;
use crate::support::opsh::User;

const TOPICS: &str = "arn:aws:sns:us-east-1:123456789012";

/// A user whose embedded cloud has a pool, and what the autoscaler is told of it.
fn pool() -> (User, Vec<String>) {
    let user = User::new();
    let workers = file("tests/alarms/workers.rhai").display().to_string();
    let made = user.opsh(["run", &workers, "--local", "-q"]).done();
    let target = made.out.trim().to_owned();
    let arguments = vec![
        "run".to_owned(),
        shipped("autoscaler"),
        "worker_port=80".to_owned(),
        format!("target_group={target}"),
        format!("alarms={TOPICS}:alarms"),
        format!("report={TOPICS}:report"),
        "--local".to_owned(),
    ];
    (user, arguments)
}

fn events() -> String {
    file("tests/alarms/alarms.jsonl").display().to_string()
}

/// What it says of its decisions.
fn decisions(said: &str) -> String {
    let lines = said.lines().filter(|line| {
        line.starts_with("pool ") || line.contains("asks for nothing") || line.contains(" GET ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn alarms_grow_and_shrink_the_pool() {
    let (user, mut arguments) = pool();
    let begun = user.opsh(["local", "status"]).done().out;
    arguments.extend(["--events".to_owned(), events()]);
    let plan = user.opsh(arguments.iter().map(String::as_str).chain(["--dry-run"]));
    assert_eq!(plan.code, 0, "{}", plan.err);
    insta::assert_snapshot!("plan", plan.out);
    assert_eq!(
        user.opsh(["local", "status"]).done().out,
        begun,
        "a plan changes nothing"
    );

    let ended = user.opsh(&arguments).done();
    insta::assert_snapshot!("decisions", decisions(&ended.err));
    let told = user.opsh(["local", "outbox", "--topic", "report"]).done();
    insta::assert_snapshot!("reports", told.out);
}

#[test]
fn an_alarm_that_stays_is_looked_at() {
    let (user, mut arguments) = pool();
    let alarm = format!(
        r#"
import "alerts" as alerts;
cloudwatch::put_metric_alarm(alerts::alarm("queue-high", "Work", "Waiting", [], "Average", ">", 10.0, 1, ["{TOPICS}:alarms"]));
cloudwatch::set_alarm_state(#{{ alarm_name: "queue-high", state_value: "ALARM", state_reason: "Too long." }});
"#
    );
    std::fs::write(user.home().join("alarm.rhai"), alarm).unwrap();
    user.opsh(["run", "alarm.rhai", "--local", "-q"]).done();
    arguments.extend(["interval=5s", "--for", "20s"].map(str::to_owned));
    let ended = user.opsh(&arguments).done();
    let said = decisions(&ended.err);
    assert!(
        said.contains("queue-high is in ALARM: starting worker-2"),
        "{}",
        ended.err
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn its_own_measurements_drive_it() {
    let (user, mut arguments) = pool();
    let measured = [
        "look=cloudwatch",
        "low=0",
        "high=0.1",
        "interval=20s",
        "cooldown=1h",
    ];
    arguments.extend(measured.map(str::to_owned));
    arguments.extend(["--for", "15m"].map(str::to_owned));
    let ended = user.opsh(&arguments).done();
    let said = decisions(&ended.err);
    assert!(said.contains("the average load is 0"), "{}", ended.err);
    assert!(said.contains("starting worker-2"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
