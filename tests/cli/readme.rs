//! Every command and every playbook of the README and of documents that show a path through
//! the playbooks, as a new user would try them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::read;
use crate::support::component::file;
use crate::support::opsh::User;

/// The blocks of a document in their order, each with its language.
fn all_blocks(document: &str) -> Vec<(String, String)> {
    let text = read(document);
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|line| *line != "```");
            let block = block.fold(String::new(), |text, line| text + line + "\n");
            blocks.push((language.to_owned(), block));
        }
    }
    blocks
}

/// The blocks of a document in `language`.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let blocks = all_blocks(document).into_iter();
    let wanted = blocks.filter(|(found, _)| found == language);
    wanted.map(|(_, block)| block).collect()
}

#[test]
fn its_playbook_runs_and_plans_what_it_says() {
    let [playbook] = &blocks("README.md", "rhai")[..] else {
        panic!("one playbook is expected")
    };
    let user = User::new();
    std::fs::write(user.home().join("demo.rhai"), playbook).unwrap();
    let ended = user.opsh(["run", "demo.rhai", "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.out, blocks("README.md", "text")[0]);
}

#[test]
fn every_file_that_a_document_names_is_there() {
    const FOLDERS: [&str; 8] = [
        "benches/",
        "crates/",
        "docs/",
        "playbooks/",
        "src/",
        "stdlib/",
        "tests/",
        "xtask/",
    ];
    let documents = std::fs::read_dir(file("docs")).unwrap();
    let documents = documents.map(|entry| entry.unwrap().path());
    let documents = documents.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut named = 0;
    for document in documents.chain([file("README.md")]) {
        let text = std::fs::read_to_string(&document).unwrap();
        let paths = text.split('`').filter(|code| {
            // What has a capital letter or a star stands for several.
            let is_one = |letter: char| !letter.is_uppercase() && !" *\n".contains(letter);
            FOLDERS.iter().any(|folder| code.starts_with(folder)) && code.chars().all(is_one)
        });
        for path in paths {
            named += 1;
            assert!(file(path).exists(), "{}: {path}", document.display());
        }
    }
    assert!(named > 20, "only {named} were found");
}

#[test]
fn its_table_of_modules_has_the_whole_standard_library() {
    let text = read("README.md");
    let row = text.lines().find(|line| line.starts_with("| `alerts` "));
    let told: Vec<&str> = row.unwrap().split('`').skip(1).step_by(2).collect();
    let files = std::fs::read_dir(file("stdlib")).unwrap();
    let mut modules: Vec<String> = files
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    modules.sort();
    assert_eq!(told[..modules.len()], modules[..]);
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, kind) = entry
            .map(|entry| (entry.path(), entry.file_type().unwrap()))
            .unwrap();
        let new = to.join(entry.file_name().unwrap());
        if kind.is_dir() {
            copy(&entry, &new);
        } else {
            std::fs::copy(entry, new).unwrap();
        }
    }
}

/// Somebody who types the commands of one block after the other.
struct Shell {
    user: User,
    /// What was started with `&`, and the port that it serves at instead of the README's.
    background: Option<(Child, String)>,
    typed: usize,
}

impl Shell {
    fn new() -> Self {
        // Nobody is there to turn the pages.
        let user = User::new().with("PAGER", "cat");
        // Copies: what a command writes beside a playbook is thrown away with them.
        copy(&file("playbooks"), &user.home().join("playbooks"));
        Self {
            user,
            background: None,
            typed: 0,
        }
    }

    fn types(&mut self, line: &str) {
        let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let command = command.trim().replace("cargo run --release -- ", "opsh ");
        let mut words = shlex::split(&command).unwrap();
        match words[0].as_str() {
            "opsh" => {}
            "kill" => return self.ends(),
            "echo" => return self.writes(&words[1..]),
            // The very command that runs this; and tools that may not be there: tests/e2e.
            "cargo" | "aws" | "curl" => return,
            _ => panic!("what is {command:?}?"),
        }
        self.typed += 1;
        words.remove(0);
        if words.last().is_some_and(|word| word == "&") {
            words.pop();
            return self.starts(&words);
        }
        if let Some((_, url)) = &self.background {
            for word in &mut words {
                *word = word.replace("http://127.0.0.1:4566", url);
            }
        }
        let ended = self.user.opsh(&words);
        let expected = if comment.trim().starts_with("killed") {
            -1
        } else {
            0
        };
        assert_eq!(ended.code, expected, "{command}: {}", ended.err);
    }

    /// `echo TEXT > FILE`.
    fn writes(&self, words: &[String]) {
        let [text, arrow, file] = words else {
            panic!("what is echo {words:?}?")
        };
        assert_eq!(arrow, ">");
        std::fs::write(self.user.home().join(file), format!("{text}\n")).unwrap();
    }

    /// Types `lines` into `opsh repl --local`; the whole of it is on no screen, so the last is.
    fn converses(&mut self, lines: &str) {
        let mut terminal = self.user.at_terminal(["repl", "--local"]);
        for line in lines.lines() {
            terminal.sees("opsh local>");
            terminal.enter(line);
        }
        terminal.enter(":quit");
        let left = terminal.left();
        assert_eq!(left.code, 0, "{}", left.screen);
        assert!(!left.ever.contains("error:"), "{}", left.ever);
    }

    /// Starts what serves, on a port that is free.
    fn starts(&mut self, words: &[String]) {
        let child = self
            .user
            .command(words.iter().map(String::as_str).chain(["--port=0"]))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let notice = self.user.home().join(".opsh/local/served.json");
        let begun = Instant::now();
        let url = loop {
            let text = std::fs::read_to_string(&notice).unwrap_or_default();
            if let Ok(notice) = serde_json::from_str::<serde_json::Value>(&text) {
                break notice["url"].as_str().unwrap().to_owned();
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it does not serve"
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        self.background = Some((child, url));
    }

    fn ends(&mut self) {
        let (mut child, _) = self.background.take().unwrap();
        let pid = child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(told.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.background.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn its_commands_work() {
    assert_eq!(typed("README.md"), 89);
}

#[test]
fn the_bot_comes_and_goes_as_its_document_says() {
    assert_eq!(typed("docs/chatbot.md"), 9);
}

#[test]
fn it_shows_everything_that_a_playbook_can_be_told_to_do() {
    let (user, text) = (User::new(), read("README.md"));
    let mut seen = 0;
    for name in ["admin", "backup", "bootstrap", "loadtest"] {
        let playbook = file(&format!("playbooks/{name}.rhai"));
        let page = user.opsh(["doc", &playbook.display().to_string(), "--output=json"]);
        let page: Value = serde_json::from_str(&page.done().out).unwrap();
        let command = format!("opsh run playbooks/{name}.rhai");
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with(&command))
            .collect();
        for parameter in page["parameters"].as_array().unwrap() {
            let of = parameter["name"].as_str().unwrap();
            if !["do", "role"].contains(&of) {
                continue;
            }
            for choice in parameter["choices"].as_array().unwrap() {
                let said = format!(" {of}={}", choice.as_str().unwrap());
                let shows = |line: &&str| {
                    let is_default = parameter["default"] == *choice;
                    format!("{line} ").contains(&format!("{said} "))
                        || (is_default && !line.contains(&format!(" {of}=")))
                };
                assert!(lines.iter().any(shows), "{command}{said}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 12 + 9 + 3 + 2);
}

#[test]
fn an_alarm_reaches_the_autoscaler_on_its_machine_as_its_document_says() {
    assert_eq!(typed("docs/alarms.md"), 10);
}

/// Types all commands of a document, one after the other; how many of them are opsh's.
fn typed(document: &str) -> usize {
    let mut shell = Shell::new();
    for (language, block) in all_blocks(document) {
        match language.as_str() {
            "sh" => block.lines().for_each(|line| shell.types(line)),
            "repl" => shell.converses(&block),
            _ => {}
        }
    }
    shell.typed
}

#[test]
fn its_line_for_an_operation_is_the_one_of_the_list() {
    let line = blocks("README.md", "text").pop().unwrap().trim().to_owned();
    let list = read("crates/aws/operations/sns.list");
    assert!(list.lines().any(|known| known == line), "{line}");
}
