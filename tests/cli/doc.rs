//! `opsh doc`: what there is, for people, for programs, as files; and that what is committed
//! is what it writes.

use std::collections::BTreeMap;
use std::path::Path;

use super::{shipped, user};
use crate::support::component::file;
use crate::support::opsh::User;

/// What `opsh doc` with these words says.
#[track_caller]
fn doc(words: &[&str]) -> String {
    let words = ["doc"].iter().chain(words);
    User::new().opsh(words).done().out
}

#[test]
fn modules_are_listed_with_a_sentence_each() {
    let said = doc(&[]);
    assert!(
        said.contains("\n  ec2          Machines, their disks"),
        "{said}"
    );
    assert!(
        said.contains("\n  web        Publishing on the web"),
        "{said}"
    );
    assert!(
        said.contains("\n  builtin   Functions that belong to no module."),
        "{said}"
    );
    assert!(!said.contains('\x1b'), "colours in a pipe");
}

#[test]
fn a_module_lists_its_calls() {
    let said = doc(&["sns"]);
    assert!(
        said.contains("sns::publish([#{ … }])") || said.contains("sns::publish(#{ message, … })"),
        "{said}"
    );
    let said = doc(&["compare"]);
    assert!(said.contains("import \"compare\" as compare;"), "{said}");
    assert!(said.contains("compare::differs(have, want)"), "{said}");
}

#[test]
fn an_operation_is_described_with_its_example_and_what_that_gives() {
    insta::assert_snapshot!("operation", doc(&["sns::create_topic"]));
}

#[test]
fn a_function_of_the_library_is_described_from_its_comment() {
    insta::assert_snapshot!("library", doc(&["compare::changes"]));
}

#[test]
fn what_belongs_to_no_module_is_found_by_its_name_alone() {
    let said = doc(&["param"]);
    assert!(
        said.starts_with("param\n\n    param(name, [options])\n"),
        "{said}"
    );
    assert!(doc(&["every"]).contains("every(period, function, [options])"));
    assert!(doc(&["split"]).contains("text"), "Rhai's own");
}

#[test]
fn fields_are_described_however_deep() {
    let said = doc(&["ec2::run_instances.block_device_mappings.ebs.volume_type"]);
    assert!(said.contains("Known values: gp2, gp3"), "{said}");
    let said = doc(&["ec2::run_instances.placement"]);
    assert!(
        said.contains("In placement\n") && said.contains("tenancy"),
        "{said}"
    );
    let flat = doc(&["ec2::run_instances"]);
    let deep = doc(&["ec2::run_instances", "--depth", "2"]);
    assert!(
        !flat.contains("\n    tenancy") && deep.contains("\n    tenancy"),
        "{deep}"
    );
}

#[test]
fn a_playbook_says_what_it_takes_and_can_reach() {
    let said = doc(&[&shipped("teardown")]);
    assert!(
        said.contains("Removes everything that a stack has, and proves that nothing is left."),
        "{said}"
    );
    assert!(
        said.contains("stack  text, required\n      The stack to remove."),
        "{said}"
    );
    // It comes in through an import.
    assert!(said.contains("ec2::delete_snapshot"), "{said}");
    assert!(said.contains("stack::tagged"), "{said}");
}

#[test]
fn words_find_what_is_meant() {
    let said = doc(&["--search", "slug"]);
    assert!(said.starts_with("  text::slug"), "{said}");
    let ended = User::new().opsh(["doc", "--search", "qwertzuiop"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        "error: nothing has to do with 'qwertzuiop'\n  next: try fewer words, or `opsh doc` for all modules\n"
    );
}

#[test]
fn what_was_likely_meant_is_suggested() {
    let next = "\n  next: `opsh doc` lists the modules, `opsh doc --search WORDS` finds things\n";
    for (name, said) in [
        (
            "ec2::run_instance",
            "ec2 has no 'run_instance'; did you mean ec2::run_instances?",
        ),
        (
            "ec3::run_instances",
            "there is no module 'ec3'; did you mean ec2::run_instances?",
        ),
        (
            "run_instances",
            "there is nothing called 'run_instances'; did you mean ec2::run_instances?",
        ),
        (
            "balancr",
            "there is nothing called 'balancr'; did you mean balancer?",
        ),
    ] {
        let ended = User::new().opsh(["doc", name]);
        assert_eq!((ended.code, ended.err), (2, format!("error: {said}{next}")));
    }
    let ended = User::new().opsh(["doc", "ec2::run_instances.placemnt"]);
    assert_eq!(
        (ended.code, &*ended.err),
        (
            2,
            "error: ec2::run_instances has no parameter or result 'placemnt'; did you mean 'placement'?\n"
        )
    );
}

#[test]
fn programs_get_json() {
    let said = doc(&["sns::create_topic", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["name"], "sns::create_topic");
    assert_eq!(json["effect"], "write");
    assert_eq!(json["makes"][0], "sns:topic");
    assert_eq!(json["parameters"][0]["name"], "name");
    assert_eq!(json["parameters"][0]["required"], true);
    let topic = json["output"]["result"]["topic_arn"].as_str().unwrap();
    assert!(topic.starts_with("arn:aws:sns:us-east-1:"), "{topic}");
    let user = user(
        "// Says hello.\nlet name = param(\"name\", #{ default: \"you\", doc: \"Whom.\" });\nlog::info(name);",
    );
    let said = user.opsh(["doc", "p.rhai", "--output", "json"]).done().out;
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["summary"], "Says hello.");
    assert_eq!(json["parameters"][0]["default"], "you");
    assert_eq!(json["operations"][0]["name"], "log::info");
}

#[test]
fn the_same_is_said_every_time() {
    let words = ["ec2::run_instances", "--output", "json"];
    assert_eq!(doc(&words), doc(&words));
}

#[test]
fn shells_get_completions() {
    for (shell, sign) in [
        ("bash", "complete -F _opsh"),
        ("zsh", "#compdef opsh"),
        ("fish", "complete -c opsh"),
    ] {
        let said = User::new().opsh(["completions", shell]).done().out;
        assert!(said.contains(sign), "{shell}: {said}");
        assert!(
            said.contains("teardown") || said.contains("resume"),
            "{shell}"
        );
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let user = User::new();
    user.opsh(["doc", "--man", "man"]).done();
    let pages = files(&user.home().join("man"));
    for page in ["opsh.1", "opsh-run.1", "opsh-doc.1", "opsh-local-serve.1"] {
        assert!(pages.contains_key(page), "{page}: {:?}", pages.keys());
    }
    assert!(pages["opsh-run.1"].contains("dry\\-run"));
}

/// The files below a folder, by their path from there on.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Asserts that the folder `committed` is what `opsh doc OPTION` writes.
#[track_caller]
fn is_current(option: &str, committed: &str) {
    let user = User::new();
    user.opsh(["doc", option, "written"]).done();
    let written = files(&user.home().join("written"));
    let kept = files(&file(committed));
    let differing: Vec<&String> = written
        .keys()
        .chain(kept.keys())
        .filter(|name| written.get(*name) != kept.get(*name))
        .collect();
    assert!(
        differing.is_empty(),
        "not current: {differing:?}; run `cargo run -- doc {option} {committed}` and commit the result"
    );
}

#[test]
fn the_committed_reference_is_current() {
    is_current("--book", "docs/reference");
}

#[test]
fn the_committed_definitions_are_current() {
    is_current("--definitions", "docs/definitions");
}

#[test]
fn definitions_tell_an_editor_of_every_operation() {
    let definitions = files(&file("docs/definitions"));
    let ec2 = &definitions["ec2.d.rhai"];
    assert!(ec2.contains("module ec2;"));
    assert!(
        ec2.contains("fn run_instances(parameters: Map) -> Map;"),
        "one map"
    );
    assert!(
        ec2.contains("fn run_instances(parameters: Map, controls: Map) -> Map;"),
        "two"
    );
    assert!(definitions["web.d.rhai"].contains("fn bucket_name(prefix: ?) -> ?;"));
    assert!(definitions["__opsh__.d.rhai"].contains("fn every(period: ?, function: FnPtr) -> ();"));
    assert!(
        !definitions["__static__.d.rhai"].contains("fn timestamp("),
        "not to be used"
    );
}
