//! What bad input gets: each message whole, with its exit code.

use super::{run, user};
use crate::support::opsh::User;

/// The code and the whole message of a run.
fn refused(text: &str, options: &[&str]) -> (i32, String) {
    let ended = run(text, options);
    (ended.code, ended.err)
}

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
    assert_eq!(refused(text, &["--dry-run"]), (1, message.into()));
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
fn no_region_and_no_credentials_name_the_ways_out() {
    let ended = user("sts::get_caller_identity(#{});\n")
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        )
        .opsh(["run", "p.rhai"]);
    assert_eq!(ended.code, 1);
    for word in ["region", "--local", "--dry-run", "p.rhai:1:1"] {
        assert!(ended.err.contains(word), "{}", ended.err);
    }
    let ended = run(
        "sts::get_caller_identity(#{});\n",
        &["--region", "us-east-1"],
    );
    assert_eq!(ended.code, 1);
    for word in ["credentials", "--local", "--dry-run"] {
        assert!(ended.err.contains(word), "{}", ended.err);
    }
}

#[test]
fn an_endpoint_that_nobody_listens_at() {
    let user = user("sts::get_caller_identity(#{}, #{ timeout: \"20s\" });\n")
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        );
    let ended = user.opsh([
        "run",
        "p.rhai",
        "--region",
        "us-east-1",
        "--endpoint-url",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .err
            .contains("error: p.rhai:1:1: sts::get_caller_identity:"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("http://127.0.0.1:9"), "{}", ended.err);
}

#[test]
fn a_bucket_name_that_is_taken_and_what_was_made_before() {
    let text =
        "sns::create_topic(#{ name: \"news\" });\ns3::create_bucket(#{ bucket: \"test\" });\n";
    let ended = run(text, &["--dry-run"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .err
            .starts_with("error: p.rhai:2:1: s3::create_bucket: "),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("BucketAlreadyExists"), "{}", ended.err);
    assert!(
        ended.err.ends_with(
            "made before the failure, and still there:\n  sns:topic  arn:aws:sns:us-east-1:123456789012:news\n"
        ),
        "{}",
        ended.err
    );
}

#[test]
fn a_key_file_that_is_missing_or_no_key() {
    let missing = refused("ssh::public_key(\"nowhere\");\n", &["--dry-run"]);
    assert_eq!(
        missing,
        (
            1,
            "\
error: p.rhai:1:1: ssh::public_key: the key file nowhere does not exist
   |
 1 | ssh::public_key(\"nowhere\");
   | ^^^^^^^^^^^^^^^
  next: check the path, or make a key with ssh::generate_key
"
            .into()
        )
    );
    let no_key = refused("ssh::public_key(\"p.rhai\");\n", &["--dry-run"]);
    assert_eq!(no_key.0, 1);
    assert!(no_key.1.contains("p.rhai"), "{}", no_key.1);
}

#[test]
fn files_outside_of_the_working_directory_are_denied() {
    for path in ["/etc/passwd", "../x", "a/../../x"] {
        let (code, message) = refused(&format!("file::read({path:?})"), &["--dry-run"]);
        assert_eq!(code, 1);
        assert!(
            message.contains("is outside of the working directory"),
            "{message}"
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
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("leads out of the playbook's folder"),
        "{}",
        ended.err
    );
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
    let (code, message) = refused(
        "ec2::describe_vpcs(#{ filters: #{ \"dhcp-options-id\": \"x\", \"owner-colour\": \"y\" } });\n",
        &["--dry-run"],
    );
    assert_eq!(code, 1);
    assert!(message.contains("owner-colour"), "{message}");
}
