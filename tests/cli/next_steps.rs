//! What a command says to do next: true, and to be copied as it is written.

use super::{shipped, user};
use crate::support::opsh::User;

/// The id of the newest run on the embedded cloud.
fn newest(user: &User) -> String {
    user.runs()[0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_that_is_not_there_is_looked_for_in_the_same_world() {
    let user = user("sns::list_topics(#{});");
    user.opsh(["run", "p.rhai", "--local"]).done();
    let said = "error: there is no run '1999' in the ledger\n  \
                next: `opsh history --local` lists the runs\n";
    for (command, code) in [("history", 1), ("undo", 2), ("resume", 2)] {
        let ended = user.opsh([command, "1999", "--local"]);
        assert_eq!((ended.code, &*ended.err), (code, said), "{command}");
        let ended = user.opsh([command, "1999", "--local", "--output", "json"]);
        let [error] = &ended.events()[..] else {
            panic!("{command}: {}{}", ended.out, ended.err);
        };
        assert_eq!((ended.code, &*ended.err), (code, ""), "{command}");
        let message = &error["findings"][0]["message"];
        assert_eq!(message, "there is no run '1999' in the ledger");
        assert_eq!(error["hint"], "`opsh history --local` lists the runs");
    }
    let none = user.opsh(["undo", "--local"]);
    assert_eq!(
        none.err,
        "error: no run has anything left to undo\n  next: `opsh history --local` lists the runs\n"
    );
    let run = newest(&user);
    let nothing = user.opsh(["undo", &run, "--local"]);
    let said = format!(
        "error: the run {run} has nothing left to undo: it wrote nothing\n  \
         next: `opsh history {run} --local` lists its steps\n"
    );
    assert_eq!(nothing.err, said);
}

#[test]
fn playbooks_name_the_world_too() {
    let user = user(
        r#"import "instances" as instances;
        let id = ec2::run_instances(#{
            image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano",
            min_count: 1, max_count: 1, tags: #{ Name: "web" },
        }).instances[0].instance_id;
        ec2::wait_until_instance_running(#{ instance_ids: [id] });"#,
    );
    user.opsh(["run", "p.rhai", "--local"]).done();
    let attack = user.opsh(["run", &shipped("attack"), "--local"]);
    let next = "deploy it first: opsh run playbooks/fullstack.rhai --local\n";
    assert!(attack.err.contains(next), "{}", attack.err);
    let backup = shipped("backup");
    let image = [
        "run",
        &backup,
        "do=image",
        "instance=web",
        "--local",
        "--output",
        "json",
    ];
    let made = user.opsh(image).done().events().pop().unwrap();
    let launch = made["value"]["launch"].as_str().unwrap();
    assert!(launch.ends_with(" --local"), "{launch}");
}

#[test]
fn undo_is_offered_only_where_it_has_something_to_do() {
    let refuse = r#"sns::create_topic(#{ name: "no such name!" });"#;
    let user = user(refuse);
    let failed = user.opsh(["run", "p.rhai", "--local"]);
    let run = newest(&user);
    let next = format!("\n  next: `opsh resume {run} --local` goes on with it\n");
    assert!(failed.err.ends_with(&next), "{}", failed.err);
    let undo = user.opsh(["undo", &run, "--local"]);
    assert!(
        undo.err.contains("has nothing left to undo"),
        "{}",
        undo.err
    );

    let some = format!(r#"sns::create_topic(#{{ name: "news" }}); {refuse}"#);
    std::fs::write(user.home().join("p.rhai"), some).unwrap();
    let failed = user.opsh(["run", "p.rhai", "--local"]);
    let run = newest(&user);
    let next = format!(
        "\n  next: `opsh resume {run} --local` goes on with it, \
         `opsh undo {run} --local` removes what it made\n"
    );
    assert!(failed.err.ends_with(&next), "{}", failed.err);
    user.opsh(["undo", &run, "--local", "--yes"]).done();
}

#[test]
fn a_plan_that_fails_is_no_whole_plan_and_has_made_nothing() {
    let user = user(r#"sns::create_topic(#{ name: "news" }); throw "enough";"#);
    let failed = user.opsh(["run", "p.rhai", "--dry-run"]);
    assert_eq!(failed.code, 1);
    assert!(!failed.err.contains("still there"), "{}", failed.err);
    let end = "\nthe plan ends here, where the run failed: 1 write, 0 reads\n";
    assert!(failed.out.ends_with(end), "{}", failed.out);
    std::fs::write(user.home().join("p.rhai"), r#"throw "at once";"#).unwrap();
    let failed = user.opsh(["run", "p.rhai", "--dry-run"]);
    assert_eq!(
        failed.out,
        "plan on a freshly furnished embedded cloud (us-east-1, seed 0)\n\n\n\
         the plan ends here, where the run failed: 0 writes, 0 reads\n"
    );
    assert_eq!(failed.code, 1);
}

#[test]
fn a_ledger_that_is_gone_begins_anew_where_its_stacks_are_found_again() {
    let user = user(r#"sns::create_topic(#{ name: "news" }).topic_arn"#);
    user.opsh(["run", "p.rhai", "--local", "-q"]).done();
    let folder = user.home().join(".opsh/local");
    std::fs::remove_file(folder.join("ledger.db")).unwrap();
    let gone = "the ledger .opsh/local/ledger.db is gone, though 6 rows were committed to it \
                (.opsh/local/ledger.db-head counts them)\n";
    let next = "  next: restore it from a backup; or `opsh adopt --stack NAME --local` begins a \
                new one and finds a stack again by its tags\n";
    for words in [
        &["run", "p.rhai"][..],
        &["ls"],
        &["history"],
        &["undo"],
        &["resume"],
    ] {
        let ended = user.opsh(words.iter().chain(&["--local"]));
        assert_ne!(ended.code, 0, "{words:?}");
        let said = ended.err.contains(gone) && ended.err.ends_with(next);
        assert!(said, "{words:?}: {}", ended.err);
    }
    let adopted = user.opsh(["adopt", "--stack", "p", "--local"]).done();
    assert_eq!(
        adopted.err,
        "the ledger .opsh/local/ledger.db is gone: a new one begins, and the count of its rows \
         is in .opsh/local/ledger.db-head.lost now\n"
    );
    assert!(
        adopted.out.ends_with("the stack p: 1 found, 1 adopted\n"),
        "{}",
        adopted.out
    );
    let listed = user.opsh(["ls", "p", "--local"]).done();
    assert!(listed.out.contains("sns:topic"), "{}", listed.out);
    assert!(folder.join("ledger.db-head.lost").exists());
    // What is there stays.
    let again = user.opsh(["adopt", "--stack", "p", "--local"]).done();
    assert_eq!(again.err, "");
}
