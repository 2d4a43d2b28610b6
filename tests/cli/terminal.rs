//! What somebody at a terminal meets: questions, answers, the line that moves.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{run, shipped, user};
use crate::support::opsh::User;
use crate::support::served::Served;
use crate::support::silence::Silence;

/// Somebody whose stack `news` has one topic on the embedded cloud.
fn with_a_stack() -> User {
    let user = user("sns::create_topic(#{ name: \"news\" });\n");
    user.opsh(["run", "p.rhai", "--local", "--stack", "news", "-q"])
        .done();
    user
}

fn listed(user: &User) -> String {
    user.opsh(["ls", "news", "--local"]).done().out
}

#[test]
fn teardown_asks_for_the_stack_and_before_it_removes() {
    let user = with_a_stack();
    let before = listed(&user);
    let teardown = ["run", &shipped("teardown"), "--local"];

    let mut terminal = user.at_terminal(teardown);
    terminal.sees("The stack to remove (stack):");
    terminal.enter("news");
    terminal.sees("arn:aws:sns:us-east-1:123456789012:news");
    terminal.sees("of news? [y/n]");
    terminal.enter("n");
    let left = terminal.left();
    assert_eq!(left.code, 0, "{}", left.screen);
    assert_eq!(listed(&user), before);

    let mut terminal = user.at_terminal(teardown);
    terminal.sees("The stack to remove (stack):");
    terminal.enter("n*");
    terminal.sees("a stack's name has no *");
    assert_eq!(terminal.left().code, 2);
    assert_eq!(listed(&user), before);

    let mut terminal = user.at_terminal(teardown);
    terminal.sees("The stack to remove (stack):");
    terminal.enter("news");
    terminal.sees("of news? [y/n]");
    terminal.enter("y");
    let left = terminal.left();
    assert_eq!(left.code, 0, "{}", left.screen);
    assert_eq!(listed(&user), "the stack 'news' has no resources\n");
}

#[test]
fn an_answer_that_is_none_is_asked_for_again() {
    let user = user(
        "let count = param(\"count\", #{ type: \"int\", max: 5, doc: \"How many.\" });\ncount * 2\n",
    );
    let mut terminal = user.at_terminal(["run", "p.rhai", "--dry-run"]);
    terminal.sees("How many (count):");
    terminal.enter("");
    terminal.sees("How many (count):\nHow many (count):");
    terminal.enter("many");
    terminal.sees("not \"many\"\nHow many (count):");
    terminal.enter("9");
    terminal.sees("not 9\nHow many (count):");
    terminal.enter("4");
    let left = terminal.left();
    assert_eq!(
        left.screen,
        "\
How many (count):
How many (count): many
parameter 'count' must be a whole number, not \"many\"
How many (count): 9
parameter 'count' must be at most 5, not 9
How many (count): 4
plan on a freshly furnished embedded cloud (us-east-1, seed 0)

  nothing to change

0 writes, 0 reads

8"
    );
    assert_eq!(left.code, 0);
}

#[test]
fn without_a_terminal_a_missing_parameter_is_an_error() {
    let ended = User::new().opsh(["run", &shipped("teardown"), "--local"]);
    let path = shipped("teardown");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(
        lines[0].starts_with(&format!("error: {path}:"))
            && lines[0].ends_with(
                "parameter 'stack' has no value (The stack to remove); give it as stack=…"
            ),
        "{}",
        ended.err
    );
    assert_eq!(lines.len(), 4, "{}", ended.err);
}

#[test]
fn a_secret_is_not_echoed() {
    let user = user(
        "let token = term::secret(\"Token\");\nprint(`given: ${token}`);\nterm::prompt(\"Name\")\n",
    );
    let mut terminal = user.at_terminal(["run", "p.rhai", "--local"]);
    terminal.sees("Token:");
    terminal.enter("hunter2-secret");
    // What is typed next is shown again.
    terminal.sees("Name:");
    terminal.enter("visible");
    let left = terminal.left();
    assert_eq!(
        left.screen,
        "Token:\ngiven: [secret]\nName: visible\nvisible"
    );
    assert!(!left.ever.contains("hunter2"), "{:?}", left.ever);
    assert_eq!(left.code, 0);
}

#[test]
fn the_moving_line_says_what_is_waited_for_and_goes() {
    let site = Silence::start();
    let url = format!("http://127.0.0.1:{}/", site.port);
    let user = user(&format!("http::get(\"{url}\").body\n"));
    let terminal = user.at_terminal(["run", "p.rhai"]);
    let mut visitor = site.asked();
    terminal.sees(&format!("http::get url={url}"));
    let begun = terminal.screen();
    visitor
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        .unwrap();
    visitor.shutdown(Shutdown::Write).unwrap();
    let left = terminal.left();
    assert_eq!(left.screen, "hello", "the line before: {begun}");
    assert_eq!(left.code, 0);
}

#[test]
fn what_takes_long_has_a_bar_each_and_leaves_a_line() {
    let site = Silence::start();
    let user = user(&format!(
        "term::progress(\"vol-1\", 40, \"8 GiB\");\n\
         term::progress(\"vol-2\", 70, \"4 GiB\");\n\
         http::get(\"http://127.0.0.1:{}/\");\n\
         term::progress(\"vol-1\", 100, \"8 GiB\");\n\
         term::progress(\"vol-2\", 100, \"4 GiB\");\n",
        site.port
    ));
    let terminal = user.at_terminal(["run", "p.rhai"]);
    let mut visitor = site.asked();
    for drawn in ["  40 %  8 GiB ", "  70 %  4 GiB ", "http::get url="] {
        terminal.sees(drawn);
    }
    let screen = terminal.screen();
    // A bar fills its line, hence the next one's stands behind it here.
    for (label, full, said) in [
        ("vol-1 ", 12, "  40 %  8 GiB "),
        ("vol-2 ", 21, "  70 %  4 GiB "),
    ] {
        let (_, bar) = screen
            .split_once(label)
            .unwrap_or_else(|| panic!("{label} has no bar: {screen}"));
        let bar: Vec<char> = bar.chars().take(30 + said.len()).collect();
        let drawn = bar.iter().filter(|c| **c == '█').count();
        assert_eq!(drawn, full, "{screen}");
        assert_eq!(bar[30..].iter().collect::<String>(), said, "{screen}");
    }
    visitor
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    visitor.shutdown(Shutdown::Write).unwrap();
    let left = terminal.left();
    assert_eq!(
        left.screen, "vol-1 100 %  8 GiB\nvol-2 100 %  4 GiB",
        "the bars before: {screen}"
    );
}

#[test]
fn where_nobody_looks_no_line_moves() {
    let ended = run("ec2::describe_vpcs(#{});\n1\n", &["--local"]).done();
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("1\n", ""));
}

#[test]
fn ctrl_c_ends_a_question() {
    for (question, shown) in [("prompt", "^C"), ("secret", "")] {
        let user = user(&format!("term::{question}(\"Name\")\n"));
        let mut terminal = user.at_terminal(["run", "p.rhai", "--local"]);
        terminal.sees("Name:");
        terminal.interrupt();
        let left = terminal.left();
        assert_eq!(
            left.screen,
            format!(
                "{}\nerror: p.rhai:1:1: interrupted\n   |\n 1 | term::{question}(\"Name\")\n   | {}",
                format!("Name: {shown}").trim_end(),
                "^".repeat(6 + question.len()),
            )
        );
        assert_eq!(left.code, 130);
    }
}

#[test]
fn ctrl_c_waits_for_a_write_a_second_one_does_not_and_the_run_goes_on_later() {
    // A cloud that answers in real time, and takes an hour for the second topic.
    let served = Served::start(&["--fault", "delay 1h sns:CreateTopic 2"]);
    let user = User::of(served.url(), "us-east-1");
    let text = r#"
for name in ["first", "second", "third"] { sns::create_topic(#{ name: name }); }
sns::list_topics(#{}).topics.len()
"#;
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut terminal = user.at_terminal(["run", "p.rhai"]);
    terminal.sees("sns::create_topic name=second");
    terminal.interrupt();
    terminal.sees("stopping when the current write has been answered; Ctrl-C again stops at once");
    let pressed = Instant::now();
    terminal.interrupt();
    let left = terminal.left();
    assert!(pressed.elapsed() < Duration::from_secs(10));
    assert_eq!(left.code, 130, "{}", left.screen);
    let listed = user.opsh(["ls", "p"]).done();
    assert!(listed.out.contains("first") && !listed.out.contains("second"));

    let resumed = user.opsh(["resume"]).done();
    assert_eq!(resumed.out, "3\n", "{}", resumed.err);
    let listed = user.opsh(["ls", "p", "--output", "json"]).done();
    assert_eq!(listed.events().len(), 3, "{}", listed.out);
}

/// A program that reads the results gets them as they are.
#[test]
fn what_comes_from_elsewhere_does_nothing_to_a_terminal() {
    let text = r#"let evil = "\x1b]0;title\x07\x1b[2J";
print(evil);
log::warn(evil);
throw evil;
"#;
    let user = user(text);
    let failed = user.opsh(["run", "p.rhai", "--dry-run", "--log-file", "all.log"]);
    let shown = "\\u{1b}]0;title\\u{7}\\u{1b}[2J";
    assert!(
        failed.err.contains(&format!("warning: {shown}\n")),
        "{}",
        failed.err
    );
    assert!(
        failed.err.contains(&format!("p.rhai:4:1: {shown}\n")),
        "{}",
        failed.err
    );
    let log = std::fs::read_to_string(user.home().join("all.log")).unwrap();
    for said in [&failed.err, &log] {
        let odd = |letter: char| letter.is_control() && letter != '\n';
        assert!(!said.contains(odd), "{said:?}");
    }
    let printed = user
        .opsh(["eval", r#"print("\x1b[2J")"#, "--dry-run"])
        .done();
    assert!(printed.out.contains("\x1b[2J"), "{}", printed.out);
}
