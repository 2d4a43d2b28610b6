//! Playbooks and parameters that are wrong.

use super::super::{run, user};
use super::refused;
use crate::support::opsh::User;

#[test]
fn a_wrong_parameter_of_an_operation() {
    let text = "ec2::run_instances(#{\n    instance_typ: \"t3.nano\",\n    min_count: \"1\",\n    max_count: 1,\n});\n";
    let message = "\
error: p.rhai:2:5: ec2::run_instances: unknown parameter 'instance_typ'; did you mean 'instance_type'?
   |
 2 |     instance_typ: \"t3.nano\",
   |     ^^^^^^^^^^^^
error: p.rhai:3:5: ec2::run_instances: parameter 'min_count' must be an integer, not text
   |
 3 |     min_count: \"1\",
   |     ^^^^^^^^^
";
    assert_eq!(refused(text, &["--dry-run"]), (2, message.into()));
}

#[test]
fn an_unknown_operation_or_module() {
    let message = "\
error: p.rhai:1:1: there is no operation ec2::run_instancs; did you mean ec2::run_instances?
   |
 1 | ec2::run_instancs(#{});
   | ^^^^^^^^^^^^^^^^^
error: p.rhai:2:1: there is no module 'ec3'; did you mean ec2::describe_vpcs?
   |
 2 | ec3::describe_vpcs(#{});
   | ^^^^^^^^^^^^^^^^^^
";
    let text = "ec2::run_instancs(#{});\nec3::describe_vpcs(#{});\n";
    assert_eq!(refused(text, &["--dry-run"]), (2, message.into()));
}

#[test]
fn limits_of_what_is_no_number() {
    let text = "let v = param(\"v\", #{ doc: \"x\", min: 5 });\n";
    let message = "\
error: p.rhai:1:9: parameter 'v' has a limit but is no number: say type: \"int\" or type: \"float\"
   |
 1 | let v = param(\"v\", #{ doc: \"x\", min: 5 });
   |         ^^^^^
";
    assert_eq!(refused(text, &["--dry-run"]), (2, message.into()));
    let message = "\
error: p.rhai:1:9: parameter 'w' must be a number
   |
 1 | let w = param(\"w\", #{ default: 1.5, max: 2 });
   |         ^^^^^
";
    let text = "let w = param(\"w\", #{ default: 1.5, max: 2 });\n";
    assert_eq!(refused(text, &["--dry-run", "w=nan"]), (2, message.into()));
}

#[test]
fn a_syntax_error() {
    let message = "\
error: p.rhai:1:9: syntax error: Unexpected ';'
   |
 1 | let x = ;
   |         ^
";
    assert_eq!(refused("let x = ;\n", &["--dry-run"]), (2, message.into()));
}

#[test]
fn code_is_not_made_up_at_run_time() {
    let message = "\
error: p.rhai:1:1: syntax error: reserved keyword 'eval' is disabled
   |
 1 | eval(`1 + 1`);
   | ^^^^
";
    assert_eq!(
        refused("eval(`1 + 1`);\n", &["--dry-run"]),
        (2, message.into())
    );
}

#[test]
fn real_time_is_not_to_be_had() {
    // As a name it stays, for AWS has fields of it.
    let text = "let datum = #{ timestamp: 1 };\ntimestamp();\n";
    let message = "\
error: p.rhai:2:1: there is no real time here; write time::now()
   |
 2 | timestamp();
   | ^^^^^^^^^
";
    assert_eq!(refused(text, &["--dry-run"]), (2, message.into()));
}

#[test]
fn a_playbook_that_is_not_there() {
    let ended = User::new().opsh(["run", "nowhere.rhai", "--dry-run"]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            2,
            "error: cannot read the playbook 'nowhere.rhai': no such file\n"
        )
    );
}

#[test]
fn parameters_that_are_unknown_unreadable_or_missing_are_told_at_once() {
    let text = "let count = param(\"count\", #{ default: 1, max: 5, doc: \"How many.\" });\nlet key = param(\"key_file\", #{ type: \"path\", doc: \"SSH private key.\" });\n";
    let message = "\
error: p.rhai has no parameter 'cuont'; did you mean 'count'?
error: p.rhai:1:13: parameter 'count' must be at most 5, not 9
   |
 1 | let count = param(\"count\", #{ default: 1, max: 5, doc: \"How many.\" });
   |             ^^^^^
error: p.rhai:2:11: parameter 'key_file' has no value (SSH private key); give it as key_file=…
   |
 2 | let key = param(\"key_file\", #{ type: \"path\", doc: \"SSH private key.\" });
   |           ^^^^^
";
    assert_eq!(
        refused(text, &["cuont=2", "count=9", "--dry-run"]),
        (2, message.into())
    );
}

#[test]
fn a_word_that_is_no_parameter() {
    let message = "\
error: 'fast' is not of the form key=value
  next: write fast=… to give the parameter 'fast' a value
";
    assert_eq!(refused("1", &["fast", "--dry-run"]), (2, message.into()));
}

#[test]
fn a_parameter_that_is_given_twice() {
    let user = user("let a = param(\"a\", #{ default: 0, doc: \"A.\" });\nprint(a);\n");
    std::fs::write(user.home().join("given.json"), r#"{"a": 1}"#).unwrap();
    let of_file = ["--params-file", "given.json"];
    for file in [&[][..], &of_file] {
        let words = ["run", "p.rhai", "--dry-run", "a=2", "a=3"];
        let ended = user.opsh(words.iter().chain(file));
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (2, "error: parameter 'a' is given twice\n")
        );
    }
    // What the file says is what holds unless the command line says otherwise.
    let words = ["run", "p.rhai", "--dry-run", "a=2"];
    let ended = user.opsh(words.iter().chain(&of_file));
    assert_eq!(ended.out.lines().last(), Some("2"), "{}", ended.out);
}

#[test]
fn fixtures_are_for_dry_runs() {
    let refusal = (2, "error: --fixture needs --dry-run\n".to_owned());
    for place in [&[][..], &["--local"]] {
        let mut options = vec!["--fixture", "http://example.com/=none.html"];
        options.extend(place);
        assert_eq!(refused("print(1);\n", &options), refusal);
    }
}

#[test]
fn files_outside_of_the_working_directory_are_denied() {
    for path in ["/etc/passwd", "../x", "a/../../x"] {
        let message = format!(
            "\
error: p.rhai:1:1: file::read: the file '{path}' is outside of the working directory
   |
 1 | file::read(\"{path}\")
   | ^^^^^^^^^^
  next: playbooks read and write files below the directory that opsh was started in
"
        );
        assert_eq!(
            refused(&format!("file::read({path:?})"), &["--dry-run"]),
            (1, message)
        );
    }
}

#[test]
fn imports_stay_in_the_playbooks_folder() {
    let user = user("import \"../secret\" as s;\n");
    let folder = user.home().join("inner");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(user.home().join("p.rhai"), folder.join("p.rhai")).unwrap();
    std::fs::write(user.home().join("secret.rhai"), "fn f() { 1 }").unwrap();
    let ended = user.opsh(["run", "inner/p.rhai", "--dry-run"]);
    let message = "\
error: inner/p.rhai:1:8: import of \"../secret\" leads out of the playbook's folder
   |
 1 | import \"../secret\" as s;
   |        ^
";
    assert_eq!((ended.code, ended.err.as_str()), (2, message));
}

#[test]
fn a_fault_can_be_caught_and_switched_on() {
    let text = r#"
let kind = "";
try {
    ec2::describe_instances(#{ instance_ids: ["i-0123456789abcdef0"] });
} catch (problem) {
    kind = `${problem.kind} ${problem.code} ${problem.operation}`;
}
kind
"#;
    let ended = run(text, &["--dry-run", "--output", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let last = ended.out.lines().last().unwrap();
    assert_eq!(
        last,
        r#"{"event":"result","value":"not_found InvalidInstanceID.NotFound ec2::describe_instances"}"#
    );
}

#[test]
fn what_the_embedded_cloud_does_not_model_is_refused_by_name() {
    let text = "ec2::describe_vpcs(#{ filters: #{ \"owner-colour\": \"y\" } });\n";
    let message = "\
error: p.rhai:1:1: ec2::describe_vpcs: not modelled by the embedded cloud: filter 'owner-colour' of ec2:DescribeVpcs (NotModelled)
   |
 1 | ec2::describe_vpcs(#{ filters: #{ \"owner-colour\": \"y\" } });
   | ^^^^^^^^^^^^^^^^^^
  next: the embedded cloud refuses what it does not model; run it live
";
    assert_eq!(refused(text, &["--dry-run"]), (1, message.into()));
}
