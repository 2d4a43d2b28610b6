//! The shipped Lambda functions, called with events on the embedded cloud.

mod deployed;
mod health_check;
mod log_watch;
mod uploads;

use serde_json::Value;

use super::{read, shipped};
use crate::support::opsh::{Ended, User};

/// Runs the playbook `text` on the user's embedded cloud; its result and its steps.
fn run(user: &User, name: &str, text: &str, parameters: &[String]) -> Called {
    let file = format!("{name}.rhai");
    std::fs::write(user.home().join(&file), text).unwrap();
    let words = [
        "run", &file, "--local", "--output", "json", "--stack", "shop",
    ];
    let words = words.into_iter().map(str::to_owned);
    Called(user.opsh(words.chain(parameters.iter().cloned())))
}

/// Calls the function `playbooks/lambda/NAME.rhai` with `event`, as people try it.
fn call(user: &User, name: &str, event: &Value, parameters: &[String]) -> Called {
    Called(invoke(user, name, event, parameters, &["--output=json"]))
}

/// What it would do, on a copy of the user's embedded cloud; its result behind it.
fn plan(user: &User, name: &str, event: &Value, parameters: &[String]) -> String {
    invoke(user, name, event, parameters, &["--dry-run"])
        .done()
        .out
}

fn invoke(
    user: &User,
    name: &str,
    event: &Value,
    parameters: &[String],
    options: &[&str],
) -> Ended {
    std::fs::write(user.home().join("event.json"), event.to_string()).unwrap();
    let script = shipped(&format!("lambda/{name}"));
    let words = ["lambda", "invoke", &script, "--event", "event.json"];
    let more = ["--local", "--stack", "shop"];
    let words = words.iter().chain(&more).chain(options);
    let words = words.map(|word| (*word).to_owned());
    user.opsh(words.chain(parameters.iter().cloned()))
}

/// How a playbook ended.
struct Called(Ended);

impl Called {
    /// Its result, if it succeeded.
    fn result(&self) -> Value {
        assert_eq!(self.0.code, 0, "{}\n{}", self.0.out, self.0.err);
        let events = self.0.events();
        events
            .iter()
            .find(|event| event["event"] == "result")
            .map(|event| event["value"].clone())
            .unwrap()
    }

    /// The inputs of its calls of an operation, in order.
    fn inputs(&self, operation: &str) -> Vec<Value> {
        self.0
            .events()
            .iter()
            .filter(|event| event["event"] == "step" && event["operation"] == operation)
            .map(|event| event["input"].clone())
            .collect()
    }

    /// Subject and text of each message that it published.
    fn messages(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.inputs("sns::publish")
            .iter()
            .map(|input| (text(&input["subject"]), text(&input["message"])))
            .collect()
    }
}
