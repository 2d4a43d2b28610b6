//! Every command and every playbook of the README, as a new user would try them.

use super::read;
use crate::support::component::file;
use crate::support::opsh::User;

/// The blocks of the README in `language`.
fn blocks(language: &str) -> Vec<String> {
    let text = read("README.md");
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn its_playbook_runs_and_plans_what_it_says() {
    let [playbook] = &blocks("rhai")[..] else {
        panic!("one playbook is expected")
    };
    let user = User::new();
    std::fs::write(user.home().join("demo.rhai"), playbook).unwrap();
    let ended = user.opsh(["run", "demo.rhai", "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.out, blocks("text")[0]);
}

#[test]
fn its_commands_work() {
    let user = User::new();
    std::os::unix::fs::symlink(file("playbooks"), user.home().join("playbooks")).unwrap();
    let mut tried = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let command = line.split('#').next().unwrap().trim();
        let words: Vec<&str> = match command.strip_prefix("cargo run --release -- ") {
            Some(arguments) => arguments.split_whitespace().collect(),
            None => match command.strip_prefix("opsh ") {
                Some(arguments) => arguments.split_whitespace().collect(),
                // That is the very command that runs this.
                None if command == "cargo test" => continue,
                None => panic!("what is {command:?}?"),
            },
        };
        let ended = user.opsh(&words);
        assert_eq!(ended.code, 0, "{command}: {}", ended.err);
        tried += 1;
    }
    assert_eq!(tried, 10);
}

#[test]
fn its_line_for_an_operation_is_the_one_of_the_list() {
    let line = blocks("text").pop().unwrap().trim().to_owned();
    let list = read("crates/aws/operations/sns.list");
    assert!(list.lines().any(|known| known == line), "{line}");
}
