//! Help while typing: completion, hints, colours, history.

use super::{end, prompted_again, shell};
use crate::support::opsh::User;

#[test]
fn tab_completes_names_keys_values_and_what_is_there() {
    let user = User::new();
    let mut terminal = shell(&user, &["--local"]);
    terminal.press("sns::create_t\t");
    terminal.sees("opsh local> sns::create_topic(");
    terminal.press("#{ na\t");
    terminal.sees("sns::create_topic(#{ name: ");
    terminal.enter("\"alarms\" })");
    terminal.sees("topic_arn");
    // The only topic there is.
    terminal.press("sns::publish(#{ topic_arn: \"\t");
    terminal.sees("sns::publish(#{ topic_arn: \"arn:aws:sns:us-east-1:123456789012:alarms\"");
    terminal.enter(", message: \"hello\" })");
    terminal.sees("message_id");
    terminal.press("ec2::run_instances(#{ metadata_options: #{ http_tokens: \"req\t");
    terminal.sees("http_tokens: \"required\"");
    terminal.interrupt();
    prompted_again(&terminal, "opsh local>");
    terminal.press("let arn = \"a\";\r");
    terminal.press("ar\t");
    terminal.press(".len()\r");
    terminal.sees("opsh local> arn.len()\n1");
    let screen = end(terminal);
    assert!(screen.ends_with("opsh local> :quit"), "{screen}");
}

#[test]
fn a_hint_says_what_comes_next() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.press("ec2::terminate_instances(");
    terminal.sees("ec2::terminate_instances(  // (#{ instance_ids?: list of text");
    terminal.press("#{ instance_ids: ");
    terminal.sees("instance_ids:   // instance_ids: list of text");
    terminal.interrupt();
    prompted_again(&terminal, "opsh dry-run>");
    terminal.enter("1 + 1");
    terminal.sees("\n2");
    end(terminal);
}

#[test]
fn the_language_has_colours_unless_somebody_does_not_want_them() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("let x = \"red\";");
    terminal.enter(":quit");
    let left = terminal.left();
    assert!(
        left.ever.contains("\u{1b}[35mlet\u{1b}[0m x"),
        "{}",
        left.ever
    );
    assert!(
        left.ever.contains("\u{1b}[32m\"red\"\u{1b}[0m"),
        "{}",
        left.ever
    );

    let plain = User::new().with("NO_COLOR", "1");
    let mut terminal = shell(&plain, &["--dry-run"]);
    terminal.enter("let x = \"red\";");
    terminal.enter(":quit");
    let ever = terminal.left().ever;
    assert!(ever.contains("let x = \"red\""), "{ever}");
    assert!(!ever.contains("\u{1b}[3"), "{ever}");
}

#[test]
fn several_lines_are_one_input() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("fn twice(n) {");
    terminal.enter("    n * 2");
    terminal.enter("}");
    terminal.enter("twice(21)");
    terminal.sees("\n42");
    terminal.enter("twice(\"a\", 1)");
    terminal.sees("function not found: twice");
    end(terminal);
}

#[test]
fn history_is_kept_without_secrets() {
    let user = User::new().with("TOKEN", "hunter2hunter2");
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("let kept = 42;");
    terminal.enter("let password = \"swordfish\";");
    terminal.enter(
        "ssm::put_parameter(#{ name: \"/n\", value: \"correct horse\", type: \"SecureString\" })",
    );
    terminal.sees("version");
    end(terminal);
    let file = user.home().join(".local/state/opsh/history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("let kept = 42;"), "{text}");
    assert!(!text.contains("swordfish"), "{text}");
    assert!(!text.contains("correct horse"), "{text}");

    let mut terminal = shell(&user, &["--dry-run"]);
    // Up twice: `:quit` is the last that was typed.
    terminal.press("\u{1b}[A\u{1b}[A");
    terminal.sees("opsh dry-run> let kept = 42;");
    terminal.enter("");
    terminal.enter("kept");
    terminal.sees("\n42");
    end(terminal);
}
