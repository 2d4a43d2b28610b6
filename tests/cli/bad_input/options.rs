//! Options and files that are not as they should be.

use super::super::user;
use crate::support::opsh::User;

#[test]
fn a_stack_has_a_name_that_can_be_shown() {
    let user = user("1");
    let long = "x".repeat(129);
    for (name, why) in [
        ("", "a stack has a name"),
        (&*long, "a stack's name has at most 128 characters"),
        ("a\nb", "a stack's name has no control characters"),
        ("\u{1b}[31mred", "a stack's name has no control characters"),
        // What carries the tag of any other would be adopted, and torn down.
        ("prod*", "a stack's name has no *, ? or \\: where AWS"),
    ] {
        for words in [
            &["run", "p.rhai", "--local", "--stack", name][..],
            &["eval", "1", "--stack", name],
            &["undo", "--stack", name],
            &["adopt", "--stack", name],
            &["history", "--stack", name],
            &["ls", name],
        ] {
            let ended = user.opsh(words);
            assert_eq!(ended.code, 2, "{words:?}");
            assert!(ended.err.contains(why), "{words:?}: {}", ended.err);
        }
    }
    let named = user.opsh(["run", "p.rhai", "--local", "--stack", &long[1..]]);
    named.done();
}

#[test]
fn what_a_ledger_holds_does_nothing_to_a_terminal() {
    let user = User::new();
    let name = "a\u{1b}[31m\u{7}b.rhai";
    std::fs::write(user.home().join(name), "sns::list_topics(#{})").unwrap();
    let run = ["run", name, "--stack", "plain", "--local"];
    user.opsh(run).done();
    let listed = user.opsh(["history", "--local"]).done();
    assert!(
        listed.out.contains(r"a\u{1b}[31m\u{7}b.rhai"),
        "{}",
        listed.out
    );
    let refused = user.opsh(["run", name, "--local"]);
    assert_eq!(
        (refused.code, &*refused.err),
        (2, "error: a stack's name has no control characters\n")
    );
}

#[test]
fn a_wrong_connection_is_refused_in_a_plan_too() {
    let user = user("1");
    let live = user.opsh(["run", "p.rhai", "--connect-to", "foo"]);
    assert_eq!(live.code, 2, "{}", live.err);
    for world in [&["--dry-run"][..], &["--local"], &["--local", "--dry-run"]] {
        let words = ["run", "p.rhai", "--connect-to", "foo"];
        let ended = user.opsh(words.iter().chain(world));
        assert_eq!((ended.code, &ended.err), (2, &live.err), "{world:?}");
    }
}

#[test]
fn a_mark_of_utf8_is_no_part_of_a_playbook() {
    let user = user("\u{feff}import \"part\" as part; part::two() + 1");
    let part = user.home().join("part.rhai");
    std::fs::write(part, "\u{feff}fn two() { 2 }").unwrap();
    let ended = user.opsh(["run", "p.rhai", "--local"]).done();
    assert_eq!(ended.out, "3\n");
    user.opsh(["check", "p.rhai"]).done();
    std::fs::write(user.home().join("p.rhai"), "\u{feff}let a = ;").unwrap();
    let wrong = user.opsh(["run", "p.rhai", "--local"]);
    assert!(wrong.err.contains("p.rhai:1:9: "), "{}", wrong.err);
}
