//! `health_check`: a failing instance is kept for debugging, reported, terminated, replaced.

use serde_json::{Value, json};

use super::{Called, call, plan, read, run};
use crate::support::opsh::User;

/// An application, and the function's parameters for it.
struct Application {
    user: User,
    parameters: Vec<String>,
    instances: Vec<String>,
    minute: u32,
}

impl Application {
    fn new(desired: u32) -> Self {
        let user = User::new();
        let text = read("tests/cli/lambda/application.rhai");
        let made = run(&user, "application", &text, &[format!("desired={desired}")]).result();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let parameters = vec![
            format!("url={}", text("url")),
            format!("target_group={}", text("target_group")),
            format!("topic={}", text("topic")),
            "group=shop".to_owned(),
        ];
        let instances = made["instances"].as_array().unwrap().iter();
        let instances = instances
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        Self {
            user,
            parameters,
            instances,
            minute: 0,
        }
    }

    /// Stops or starts the web server of machines, and waits until the balancer knows.
    fn web_server(&self, verb: &str, ids: &[&str]) {
        let ids = json!(ids);
        let text = format!(
            r#"import "instances" as instances;
            for id in {ids} {{
                let host = #{{ host: instances::describe(id).public_ip_address, user: "ec2-user", key_file: "shop.key", host_key: "accept-new" }};
                ssh::run(host, "sudo systemctl {verb} httpd");
            }}
            sleep(60);"#
        );
        run(&self.user, "breaking", &text, &[]).result();
    }

    /// Calls the function as a schedule does, a minute after the last time.
    fn check(&mut self) -> Called {
        self.minute += 1;
        self.again()
    }

    /// Delivers the last event once more.
    fn again(&self) -> Called {
        let event = scheduled(self.minute);
        call(&self.user, "health_check", &event, &self.parameters)
    }

    /// What the next call would do.
    fn planned(&self) -> String {
        let event = scheduled(self.minute + 1);
        plan(&self.user, "health_check", &event, &self.parameters)
    }

    fn ask(&self, text: &str) -> Value {
        run(&self.user, "asking", text, &[]).result()
    }
}

/// As a schedule tells of a minute.
fn scheduled(minute: u32) -> Value {
    let time = format!("2026-11-21T12:{minute:02}:00Z");
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": time})
}

#[test]
fn a_failing_instance_is_kept_reported_terminated_and_replaced() {
    let mut application = Application::new(3);
    let well = application.check();
    assert_eq!(well.result()["failing"], json!([]));
    assert!(well.messages().is_empty());
    // What is well costs no write at all.
    assert!(
        !well.0.out.contains(r#""effect":"write""#),
        "{}",
        well.0.out
    );

    let broken = application.instances[1].clone();
    application.web_server("stop", &[&broken]);
    for _ in 0..2 {
        let called = application.check();
        assert_eq!(called.result()["failing"], json!([]));
        // The same event delivered twice counts once.
        assert_eq!(application.again().result()["failing"], json!([]));
        assert!(called.messages().is_empty());
    }
    insta::assert_snapshot!("health_check", application.planned());
    let called = application.check();
    assert_eq!(called.result()["replaced"], json!([broken]));
    let messages = called.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].0, format!("health: {broken} is replaced"));
    for text in [
        "failed 3 checks in a row",
        "The balancer says: unhealthy, Target.",
        "answered 200",
        "snap-",
    ] {
        assert!(messages[0].1.contains(text), "{}", messages[0].1);
    }
    let again = application.again();
    assert_eq!(again.result()["replaced"], json!([]));
    assert!(again.messages().is_empty());

    let after = application.ask(&format!(
        r#"sleep(600);
        autoscaling::wait_until_group_in_service(#{{ auto_scaling_group_names: ["shop"] }}, #{{ timeout: "15m" }});
        #{{
            members: autoscaling::describe_auto_scaling_groups(#{{ auto_scaling_group_names: ["shop"] }}).auto_scaling_groups[0].instances.map(|member| member.instance_id),
            state: ec2::describe_instances(#{{ instance_ids: ["{broken}"] }}).reservations[0].instances[0].state.name,
            snapshots: ec2::describe_snapshots(#{{ owner_ids: ["self"], filters: #{{ "tag:opsh:failed-instance": "{broken}" }} }}).snapshots.map(|snapshot| snapshot.state),
        }}"#
    ));
    assert_eq!(after["state"], "terminated");
    assert_eq!(after["snapshots"], json!(["completed"]));
    let members = after["members"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    assert!(!members.contains(&json!(broken)));
    assert_eq!(application.check().result()["failing"], json!([]));
}

#[test]
fn no_more_than_a_share_goes_at_once_and_who_recovers_stays() {
    let mut application = Application::new(3);
    let ids = application.instances.clone();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    application.web_server("stop", &ids);
    for _ in 0..2 {
        application.check().result();
    }
    // One of three is 33 percent; two would be too many, also while the first is replaced.
    let called = application.check();
    assert_eq!(called.result()["failing"].as_array().unwrap().len(), 3);
    let replaced = called.result()["replaced"].clone();
    assert_eq!(replaced.as_array().unwrap().len(), 1);
    let subjects: Vec<String> = called
        .messages()
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    assert_eq!(subjects[0], "health: the application does not answer");
    assert_eq!(subjects.len(), 2);
    let next = application.check();
    assert_eq!(next.result()["replaced"], json!([]));
    assert!(next.messages().is_empty());

    // Nor while what takes its place is launched but does not answer yet.
    let launched = application.ask(
        r#"sleep(40);
        autoscaling::wait_until_group_in_service(#{ auto_scaling_group_names: ["shop"] }, #{ timeout: "15m" });
        autoscaling::describe_auto_scaling_groups(#{ auto_scaling_group_names: ["shop"] }).auto_scaling_groups[0].instances
            .filter(|member| member.lifecycle_state == "InService").len()"#,
    );
    assert_eq!(launched, 3);
    assert_eq!(application.check().result()["replaced"], json!([]));

    // The others come back before it is their turn.
    let others: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| replaced[0] != *id)
        .collect();
    application.web_server("start", &others);
    let recovered = application.check();
    assert_eq!(recovered.result()["failing"], json!([]));
    assert_eq!(
        recovered.messages()[0].0,
        "health: the application answers again"
    );
    let tags = application.ask(
        r#"ec2::describe_tags(#{ filters: #{ key: "opsh:failed-checks", "resource-type": "instance" } }).tags.map(|tag| tag.resource_id)"#,
    );
    for other in others {
        assert!(!tags.as_array().unwrap().contains(&json!(other)), "{tags}");
    }
}
