//! `opsh check`: findings before anything runs, and none where nothing is wrong.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{read, run, user};
use crate::support::component::file;
use crate::support::opsh::User;

/// The files below `folder` whose names end like this.
fn below(folder: &str, end: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, end, found);
            } else if path.display().to_string().ends_with(end) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&file(folder), end, &mut found);
    found.sort();
    found
}

#[test]
fn nothing_is_found_in_what_is_shipped() {
    let folders = ["playbooks", "stdlib", "benches/playbooks"];
    let count: usize = folders
        .iter()
        .map(|folder| below(folder, ".rhai").len())
        .sum();
    assert!(count > 40, "{count} files are too few");
    let paths = folders.map(|folder| file(folder).display().to_string());
    let ended = User::new().opsh(std::iter::once("check".to_owned()).chain(paths));
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (0, format!("nothing found in {count} files\n").as_str(), "")
    );
    for path in folders.iter().flat_map(|folder| below(folder, ".rhai")) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("opsh: allow("), "{} allows", path.display());
    }
}

#[test]
fn nothing_is_found_in_playbooks_of_the_tests_and_of_the_documentation() {
    let user = User::new();
    let mut words = vec!["check".to_owned()];
    words.extend(
        below("tests", ".rhai")
            .iter()
            .map(|path| path.display().to_string()),
    );
    let mut texts = vec![("README".to_owned(), read("README.md"))];
    // The reference shows calls in short; its examples are run.
    let pages = below("docs", ".md").into_iter();
    for path in pages.filter(|path| !path.starts_with(file("docs/reference"))) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        texts.push((stem, std::fs::read_to_string(&path).unwrap()));
    }
    for (stem, text) in texts {
        for (index, block) in text.split("```rhai\n").skip(1).enumerate() {
            let block = block.split("```").next().unwrap();
            let cases = block.lines().any(|line| line.starts_with("test("));
            let ending = if cases { "test.rhai" } else { "rhai" };
            let name = format!("{stem}-{index}.{ending}");
            // The page about allowing shows what is allowed.
            std::fs::write(user.home().join(&name), block).unwrap();
            words.push(name);
        }
    }
    let ended = user.opsh(&words);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(!ended.out.contains("error["), "{}", ended.out);
    assert!(ended.out.starts_with("nothing found in "), "{}", ended.out);
}

const WRONG: &str = "\
let size = 3;
ec2::run_instances(#{
    instance_typ: \"t3.nano\",
    min_count: 1,
    max_count: 1,
});
";

#[test]
fn findings_are_shown_with_their_lines_and_counted() {
    let ended = user(WRONG).opsh(["check", "p.rhai"]);
    let expected = "\
warning[unused-variable]: p.rhai:1:5: the variable 'size' is never read; remove it, or call it _size
   |
 1 | let size = 3;
   |     ^^^^
error[unknown-parameter]: p.rhai:3:5: ec2::run_instances: unknown parameter 'instance_typ'; did you mean 'instance_type'?
   |
 3 |     instance_typ: \"t3.nano\",
   |     ^^^^^^^^^^^^
1 error, 1 warning in 1 file
";
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (2, expected, "")
    );
    let ended = user("let size = 3;\n").opsh(["check", "p.rhai"]);
    assert_eq!(ended.code, 0, "{}", ended.out);
}

#[test]
fn findings_are_given_to_programs() {
    let user = user(WRONG);
    let ended = user.opsh(["check", "p.rhai", "--output", "json"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.out,
        "\
{\"event\":\"finding\",\"rule\":\"unused-variable\",\"severity\":\"warning\",\"file\":\"p.rhai\",\"line\":1,\"column\":5,\"message\":\"the variable 'size' is never read; remove it, or call it _size\"}
{\"event\":\"finding\",\"rule\":\"unknown-parameter\",\"severity\":\"error\",\"file\":\"p.rhai\",\"line\":3,\"column\":5,\"message\":\"ec2::run_instances: unknown parameter 'instance_typ'; did you mean 'instance_type'?\"}
{\"event\":\"checked\",\"files\":1,\"errors\":1,\"warnings\":1}
"
    );
    let ended = user.opsh(["check", "p.rhai", "--output", "sarif"]);
    assert_eq!(ended.code, 2);
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(rule["defaultConfiguration"]["level"], result["level"]);
    }
    assert_eq!(
        results[1]["locations"][0]["physicalLocation"],
        serde_json::json!({
            "artifactLocation": { "uri": "p.rhai" },
            "region": { "startLine": 3, "startColumn": 5 },
        })
    );
}

#[test]
fn folders_are_searched_and_modules_checked_once() {
    let user = User::new();
    let write = |name: &str, text: &str| {
        let path = user.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "ops/a.rhai",
        "import \"lib/rules\" as rules;\nrules::limit()\n",
    );
    write(
        "ops/b.rhai",
        "import \"lib/rules\" as rules;\nrules::limit() + 1\n",
    );
    write("ops/lib/rules.rhai", "fn limit() { let unread = 1; 3 }\n");
    write("ops/.hidden/c.rhai", "let x = ;\n");
    let ended = user.opsh(["check", "ops", "nowhere.rhai"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.out,
        "\
warning[unused-variable]: ops/lib/rules.rhai:1:18: the variable 'unread' is never read; remove it, or call it _unread
   |
 1 | fn limit() { let unread = 1; 3 }
   |                  ^^^^^^
1 warning in 3 files
"
    );
    assert_eq!(
        ended.err,
        "error: cannot read the playbook 'nowhere.rhai': no such file\n"
    );
}

#[test]
fn a_run_does_not_begin_with_an_error_unless_it_is_allowed() {
    let text = "log::info(\"begun\");\nif false { ec2::describe_vpc(#{}); }\n";
    let ended = run(text, &["--dry-run"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            2,
            "\
error: p.rhai:2:12: there is no operation ec2::describe_vpc; did you mean ec2::describe_vpcs?
   |
 2 | if false { ec2::describe_vpc(#{}); }
   |            ^^^^^^^^^^^^^^^^^
"
        )
    );
    let allowed = text.replace("}\n", "} // opsh: allow(unknown-function)\n");
    run(&allowed, &["--dry-run"]).done();
}

#[test]
fn a_run_checks_what_it_imports() {
    let user = user("import \"rules\" as rules;\nrules::limit()\n");
    std::fs::write(user.home().join("rules.rhai"), "fn limit() { limt }\n").unwrap();
    let ended = user.opsh(["run", "p.rhai", "--dry-run"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            2,
            "\
error: rules.rhai:1:14: there is no variable 'limt'; did you mean 'limit'?
   |
 1 | fn limit() { limt }
   |              ^^^^
"
        )
    );
}

#[test]
fn there_is_no_real_time_and_no_code_of_the_moment() {
    for (text, message) in [
        (
            "timestamp()",
            "p.rhai:1:1: there is no real time here; write time::now()",
        ),
        (
            "eval(\"1\")",
            "p.rhai:1:1: syntax error: reserved keyword 'eval' is disabled",
        ),
    ] {
        let ended = run(text, &["--dry-run"]);
        assert_eq!(ended.code, 2, "{text}: {}", ended.err);
        assert!(ended.err.contains(message), "{text}: {}", ended.err);
    }
}

#[test]
fn the_rules_are_listed() {
    let ended = User::new().opsh(["check", "--rules"]).done();
    assert!(ended.out.starts_with("RULE "), "{}", ended.out);
    let lines = User::new()
        .opsh(["check", "--rules", "--output", "json"])
        .done();
    assert_eq!(ended.out.lines().count(), lines.out.lines().count() + 1);
    let document = read("docs/check.md");
    let mut told = document.lines().filter(|line| line.starts_with("| `"));
    for rule in lines.events() {
        let text = |name: &str| rule[name].as_str().unwrap().to_owned();
        let (name, severity, finds) = (text("rule"), text("severity"), text("doc"));
        assert!(ended.out.contains(&name), "{rule}");
        assert_eq!(
            told.next(),
            Some(format!("| `{name}` | {severity} | {finds} |").as_str())
        );
    }
    assert_eq!(told.next(), None);
}
