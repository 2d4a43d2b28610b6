//! What begins with a colon.

use super::{end, shell};
use crate::support::opsh::User;

#[test]
fn what_was_written_is_listed_and_undone() {
    let user = User::new();
    let mut terminal = shell(&user, &["--local"]);
    terminal.enter(":plan");
    terminal.sees("this session has written nothing");
    terminal.enter("sns::create_topic(#{ name: \"one\" }); sns::create_topic(#{ name: \"two\" });");
    terminal.enter(":plan");
    terminal.sees("UNDONE BY");
    terminal.enter(":undo");
    terminal.sees("undone: sns::create_topic sns:topic arn:aws:sns:us-east-1:123456789012:two");
    terminal.enter("sns::list_topics(#{}).topics");
    terminal.sees("\narn:aws:sns:us-east-1:123456789012:one\nopsh local>");
    terminal.enter(":stack");
    terminal.sees("stack 'repl'");
    terminal.enter(":undo all");
    terminal.sees("undone: sns::create_topic sns:topic arn:aws:sns:us-east-1:123456789012:one");
    terminal.enter(":undo");
    terminal.sees("nothing that this session wrote is left to undo");
    terminal.enter("sns::list_topics(#{}).topics.len()");
    terminal.sees("\n0\n");
    end(terminal);
    let history = user.opsh(["history", "--local"]).done();
    assert!(history.out.contains("undo "), "{}", history.out);
}

#[test]
fn the_session_goes_on_elsewhere() {
    let user = User::new();
    let mut terminal = shell(&user, &["--local"]);
    terminal.enter("let n = 20; fn twice(n) { n * 2 } import \"web\" as web;");
    terminal.enter("sns::create_topic(#{ name: \"one\" });");
    terminal.enter(":mode dry-run");
    terminal.sees("dry-run, stack 'repl'\nopsh dry-run>");
    terminal.enter("sns::list_topics(#{}).topics.len() + twice(n)");
    terminal.sees("\n40\n");
    terminal.enter("web::bucket_name(\"shop\")");
    terminal.sees("shop-123456789012-us-east-1");
    // And back, where everything is as it was left.
    terminal.enter(":mode local");
    terminal.sees("local, stack 'repl'\nopsh local>");
    terminal.enter("sns::list_topics(#{}).topics.len() + twice(n)");
    terminal.sees("\n41\n");
    terminal.enter(":stack other");
    terminal.sees("local, stack 'other'");
    terminal.enter("stack::current().name");
    terminal.sees("\nother\n");
    terminal.enter(":mode dry-run");
    terminal.enter(":region eu-central-1");
    terminal.sees("dry-run, region eu-central-1, stack 'other'");
    terminal.enter("ec2::describe_subnets(#{}).subnets.map(|s| s.availability_zone).filter(|z| z == \"eu-central-1a\")");
    terminal.sees("- eu-central-1a");
    terminal.enter(":profile nobody");
    terminal.sees("--profile has no meaning on the embedded cloud");
    terminal.enter(":mode");
    terminal.sees("dry-run, region eu-central-1, stack 'other'");
    end(terminal);
}

#[test]
fn long_help_is_shown_a_page_at_a_time() {
    let user = User::new().with("PAGER", "sed s/^/page:/");
    for asks in ["help(\"ec2::run_instances\")", "?ec2::run_instances"] {
        let mut terminal = shell(&user, &["--dry-run"]);
        terminal.enter(asks);
        terminal.sees("\npage:");
        end(terminal);
    }
}

#[test]
fn the_words_of_other_shells_end_this_one_too() {
    for word in ["exit", "quit"] {
        let user = User::new();
        let mut terminal = shell(&user, &["--dry-run"]);
        terminal.enter("help");
        terminal.sees(":quit");
        terminal.enter("let help = 20 + 22;");
        // Now that is a variable.
        terminal.enter("help");
        terminal.sees("\n42\n");
        terminal.enter(word);
        let left = terminal.left();
        assert_eq!(left.code, 0, "{}", left.screen);
    }
}

#[test]
fn commands_explain_themselves() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter(":help");
    terminal.sees(":save FILE");
    terminal.enter(":pln");
    terminal.sees("error: there is no command :pln; did you mean :plan?");
    terminal.enter(":mode moon");
    terminal.sees("error: there is no mode 'moon': it is local, live or dry-run");
    terminal.enter(":time on");
    terminal.enter("time::sleep(\"90s\")");
    terminal.sees(" on the embedded cloud)");
    terminal.enter("?sns::delete_topic");
    terminal.sees("topic_arn");
    terminal.enter("help(\"sns::delete_topix\")");
    terminal.sees("did you mean sns::delete_topic?");
    terminal.enter("?launch instance");
    terminal.sees("nothing is called 'launch instance'; this has to do with it:");
    terminal.sees("ec2::run_instances");
    terminal.enter("?zzzz");
    terminal.sees("error: there is nothing called 'zzzz'");
    end(terminal);
}
