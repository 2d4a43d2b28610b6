//! What the bot counts, and its answers to questions about more than one server.

use std::fs;

use super::{run, shipped};
use crate::support::opsh::User;

/// Two days: three questions and two calls for people, then one of each.
const DAYS: &str = r#"
{"at": "1h", "discord": {"channel": "status", "author": "ann", "content": "hello"}}
{"at": "2h", "discord": {"channel": "status", "author": "ann", "content": "Any alarms?"}}
{"at": "3h", "discord": {"channel": "status", "author": "bob", "content": "any alarms"}}
{"at": "4h", "discord": {"channel": "ops", "author": "cem", "mentions": ["engineering"], "content": "why?"}}
{"at": "5h", "discord": {"channel": "ops", "author": "cem", "mentions": ["engineering"], "content": "why??"}}
{"at": "6h", "discord": {"channel": "ops", "author": "cem", "content": "nobody is mentioned"}}
{"at": "7h", "discord": {"channel": "ops", "author": "cem", "mentions": ["sales"], "content": "another role"}}
{"at": "8h", "discord": {"channel": "status", "author": "bob", "mentions": ["engineering"], "content": "hello"}}
{"at": "28h", "discord": {"channel": "status", "author": "ann", "content": "hello"}}
{"at": "29h", "discord": {"channel": "ops", "author": "cem", "mentions": ["engineering"], "content": "now?"}}
{"at": "30h", "discord": {"channel": "status", "author": "ann", "content": "How many questions?"}}
{"at": "49h", "discord": {"channel": "random", "author": "ann", "content": "lunch?"}}
"#;

/// What CloudWatch was told, by kind.
const TOLD: &str = r#"
for kind in ["alarms", "hello", "people", "trend"] {
    let points = cloudwatch::get_metric_statistics(#{
        namespace: "Chatbot", metric_name: "Questions", statistics: ["Sum"], period: 86400,
        dimensions: [#{ name: "Kind", value: kind }],
        start_time: time::add(time::now(), "-72h"), end_time: time::now(),
    }).datapoints;
    let sum = 0.0;
    for point in points { sum += point.sum; }
    print(`${kind} ${sum}`);
}"#;

#[test]
fn questions_are_counted_by_kind_and_day_and_drawn_against_the_goal() {
    let user = User::new();
    fs::write(user.home().join("days.jsonl"), DAYS).unwrap();
    fs::write(user.home().join("told.rhai"), TOLD).unwrap();
    let bot = shipped("chatbot");
    let words = ["on_call_channels=ops", "--local", "--events", "days.jsonl"];
    let ended = user.opsh([&["run", &*bot], &words[..]].concat()).done();
    let table: Vec<Vec<&str>> = ended
        .out
        .lines()
        .skip_while(|line| !line.starts_with("day "))
        .take(3)
        .map(|line| line.split_whitespace().skip(1).collect())
        .collect();
    assert_eq!(
        table,
        [
            ["alarms", "hello", "people", "trend"],
            ["2", "2", "2", "0"],
            ["0", "1", "1", "1"]
        ],
        "{}",
        ended.out
    );
    let told = user.opsh(["run", "told.rhai", "--local"]).done();
    assert_eq!(told.out, "alarms 2.0\nhello 3.0\npeople 3.0\ntrend 1.0\n");
    let outbox = user.opsh(["local", "outbox", "--output", "json"]).done();
    let said = outbox.events();
    let trend = said.last().unwrap()["body"].as_str().unwrap();
    assert!(
        trend.starts_with(
            "1 answered today, 1 went to people. On average 1.5 a day go to people \
             (before: 50, goal: 30): the goal is reached.\n"
        ),
        "{trend}"
    );
    let drawn = fs::read_to_string(user.home().join("chatbot-trend.svg")).unwrap();
    for label in [
        "Questions a day",
        "to people",
        "answered by the bot",
        "baseline",
        "goal",
    ] {
        assert!(drawn.contains(label), "{label}: {drawn}");
    }
}

#[test]
fn announcements_alarms_and_failures_are_sentences() {
    let user = User::new();
    let announce = r#"ssm::put_parameter(#{ name: "/downtime", value: "Sunday 02:00: database", "type": "String" });"#;
    fs::write(user.home().join("announce.rhai"), announce).unwrap();
    user.opsh(["run", "announce.rhai", "--local"]).done();
    let script = r#"
import "instances" as instances;
import "questions" as questions;
let settings = #{
    on_instance: false, default_server: "", tag: "", url: "", downtime_file: "", downtime_parameter: "/downtime",
    ssh_user: "", ssh_key: "", ssh_host_key: "accept-new", baseline: 50, goal: 30,
};
let ask = |text| questions::answer(questions::understood(text), settings);
assert_eq(ask.call("Any planned downtime?").content, "Planned downtime:\nSunday 02:00: database");
settings.downtime_parameter = "/none";
assert_eq(ask.call("Any planned downtime?").content, "No downtime is planned.");
settings.downtime_parameter = "";
assert_eq(ask.call("Any planned downtime?").content, "Nobody has told me where downtime is announced.");

assert_eq(ask.call("any alarms?").content, "No alarm is raised.");
cloudwatch::put_metric_alarm(#{
    alarm_name: "disk-full", namespace: "App", metric_name: "Disk", statistic: "Maximum", period: 60,
    evaluation_periods: 1, threshold: 90.0, comparison_operator: "GreaterThanThreshold",
});
cloudwatch::put_metric_data(#{ namespace: "App", metric_data: [#{ metric_name: "Disk", value: 97.0 }] });
sleep(120);
let raised = ask.call("any alarms?").content;
assert(raised.starts_with("One alarm is raised:\n- **disk-full** Disk Threshold Crossed"), raised);

assert_eq(ask.call("Tell me about all servers").content, "There are no servers.");
assert_eq(ask.call("Is it up?").content, "Which one? Ask *Is NAME up?*");
assert_eq(ask.call("Tell me about my server").content, "Which one? Ask *Tell me about NAME*, or *Tell me about all servers*.");
assert(ask.call("What is the meaning of life?").content.starts_with("I do not know that. I know:\n- **Tell me about my server!**"));

// A server that nobody may log in to: what EC2 knows is told all the same, and why the rest is not.
let made = ec2::run_instances(#{
    image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.micro", min_count: 1, max_count: 1, tags: #{ Name: "web-1" },
}).instances[0];
ec2::wait_until_instance_running(#{ instance_ids: [made.instance_id] });
ssh::generate_key("k", #{});
settings.ssh_user = "ec2-user";
settings.ssh_key = "k";
let card = ask.call("Tell me about web-1").embeds[0];
assert(card.description.ends_with("There is no answer: ec2-user@203.0.113.10: nothing answered in time."), card.description);
assert(card.fields.some(|field| field.name == "Type" && field.value == "t3.micro"));

// Somewhere that does not answer.
settings.url = "http://198.51.100.1/health";
let up = ask.call("Is it up?").content;
assert(up.starts_with("I cannot tell: There is no answer: "), up);
"#;
    fs::write(user.home().join("ask.rhai"), script).unwrap();
    user.opsh(["run", "ask.rhai", "--dry-run", "--local"])
        .done();
}

#[test]
fn what_is_denied_is_a_sentence() {
    let script = r#"
import "questions" as questions;
let settings = #{
    on_instance: false, default_server: "", tag: "", url: "", downtime_file: "", downtime_parameter: "/downtime",
    ssh_user: "", ssh_key: "", ssh_host_key: "", baseline: 50, goal: 30,
};
for asked in ["Tell me about all servers", "Any planned downtime?", "Any alarms?"] {
    print(questions::answer(questions::understood(asked), settings).content);
}"#;
    let denials = [
        "ec2:DescribeInstances",
        "ssm:GetParameter",
        "cloudwatch:DescribeAlarms",
    ];
    let faults: Vec<String> = denials
        .iter()
        .map(|action| format!("refuse AccessDenied {action}"))
        .collect();
    let mut words = vec!["--dry-run"];
    for fault in &faults {
        words.extend(["--fault", fault]);
    }
    let ended = run(script, &words).done();
    assert_eq!(
        ended
            .out
            .matches("I cannot tell: I am not allowed to find that out: ")
            .count(),
        3,
        "{}",
        ended.out
    );
}
