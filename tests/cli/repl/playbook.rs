//! `opsh repl PLAYBOOK`: its functions and parameters are at hand, and nothing has run.

use super::{end, shell};
use crate::support::opsh::User;

const PLAYBOOK: &str = r#"// Makes a topic.
let name = param("name", #{ default: "alarms", doc: "Name of the topic." });

/// The name, twice.
fn doubled(name) {
    name + name
}

fn broken() {
    throw "it is broken";
}

let topic = sns::create_topic(#{ name: name }).topic_arn;
topic
"#;

#[test]
fn a_playbook_is_at_hand_before_it_runs() {
    let user = User::new();
    std::fs::write(user.home().join("topics.rhai"), PLAYBOOK).unwrap();
    let mut terminal = shell(&user, &["topics.rhai", "name=errors", "--local"]);
    terminal.enter("doubled(name)");
    terminal.sees("\nerrorserrors\n");
    terminal.enter("?doubled");
    terminal.sees("The name, twice.");
    terminal.enter("sns::list_topics(#{}).topics.len()");
    terminal.sees("\n0\n");
    terminal.enter("broken()");
    terminal.sees("topics.rhai:10:5: it is broken");
    terminal.enter(":run");
    terminal.sees("\narn:aws:sns:us-east-1:123456789012:errors\n");
    terminal.enter("topic.len()");
    terminal.sees("\n41\n");
    terminal.enter(":mode");
    terminal.sees("local, stack 'topics'");
    end(terminal);
}
