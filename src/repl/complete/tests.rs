#![allow(clippy::unwrap_used)]

use std::time::Instant;

use rhai::Dynamic;

use super::*;
use crate::repl::memory::Function;

fn completion() -> Completion {
    let memory = Shared::default();
    {
        let mut memory = memory::lock(&memory);
        let made = rhai::Engine::new()
            .eval::<Dynamic>("#{ instances: [#{ instance_id: \"i-1\", image_id: \"ami-1\" }] }")
            .unwrap();
        memory.scope.push_dynamic("made", made);
        memory.scope.push("ecology", 1_i64);
        memory.imports.insert(
            "web".to_owned(),
            vec![Function {
                name: "bucket_name".to_owned(),
                parameters: vec!["base".to_owned()],
                doc: "A name.".to_owned(),
            }],
        );
    }
    Completion::new(memory, Listed::default())
}

/// What `input` becomes with each candidate.
fn completed(input: &str) -> Vec<String> {
    let (start, found) = completion().complete(input, "");
    found
        .into_iter()
        .map(|pair| format!("{}{}", &input[..start], pair.replacement))
        .collect()
}

#[track_caller]
fn offers(input: &str, expected: &str) {
    let found = completed(input);
    assert!(found.iter().any(|one| one == expected), "{found:?}");
}

#[test]
fn names_are_completed() {
    assert_eq!(completed("ec"), ["ec2::", "ecology"]);
    assert_eq!(completed("ec2::run_i"), ["ec2::run_instances("]);
    assert_eq!(completed("1 + stack::c"), ["1 + stack::current("]);
    assert_eq!(completed("web::"), ["web::bucket_name("]);
    assert_eq!(completed("rememb"), Vec::<String>::new());
    assert_eq!(completed("exclus"), ["exclusively("]);
    assert!(completed("nowhere::").is_empty());
}

#[test]
fn what_can_be_imported_is_offered() {
    assert_eq!(completed("import \"balan"), ["import \"balancer\""]);
    assert_eq!(completed("snapsh"), ["import \"snapshots\" as snapshots;"]);
    assert!(completed("1 + snapsh").is_empty());
}

#[test]
fn keys_of_maps_are_completed_however_deep() {
    assert_eq!(
        completed("ec2::run_instances(#{ min_c"),
        ["ec2::run_instances(#{ min_count: "]
    );
    offers("ec2::run_instances(#{ ", "ec2::run_instances(#{ image_id: ");
    offers("ec2::run_instances(", "ec2::run_instances(#{ min_count: ");
    assert_eq!(
        completed("ec2::run_instances(#{ metadata_options: #{ http_t"),
        ["ec2::run_instances(#{ metadata_options: #{ http_tokens: "]
    );
    assert_eq!(
        completed("ec2::run_instances(#{ block_device_mappings: [#{ ebs: #{ volume_s"),
        ["ec2::run_instances(#{ block_device_mappings: [#{ ebs: #{ volume_size: "]
    );
    assert_eq!(
        completed("ec2::describe_vpcs(#{}, #{ tim"),
        ["ec2::describe_vpcs(#{}, #{ timeout: "]
    );
    assert!(completed("ec2::run_instances(#{ min_count: 1, min_c").is_empty());
}

#[test]
fn values_are_completed() {
    assert_eq!(
        completed("ec2::run_instances(#{ instance_type: \"t3.mic"),
        ["ec2::run_instances(#{ instance_type: \"t3.micro\""]
    );
    assert_eq!(
        completed("ec2::run_instances(#{ ebs_optimized: "),
        [
            "ec2::run_instances(#{ ebs_optimized: true",
            "ec2::run_instances(#{ ebs_optimized: false"
        ]
    );
    assert_eq!(
        completed("ec2::run_instances(#{ metadata_options: #{ http_tokens: "),
        [
            "ec2::run_instances(#{ metadata_options: #{ http_tokens: \"optional\"",
            "ec2::run_instances(#{ metadata_options: #{ http_tokens: \"required\""
        ]
    );
}

#[test]
fn fields_of_what_is_there_are_completed() {
    assert_eq!(completed("made."), ["made.instances"]);
    assert_eq!(
        completed("f(made.instances[0].inst"),
        ["f(made.instances[0].instance_id"]
    );
    offers("ec2::describe_vpcs(#{}).v", "ec2::describe_vpcs(#{}).vpcs");
    offers(
        "ec2::describe_vpcs(#{ vpc_ids: [f(1)] }).vpcs[0].cidr_b",
        "ec2::describe_vpcs(#{ vpc_ids: [f(1)] }).vpcs[0].cidr_block",
    );
    assert!(completed("unknown.").is_empty());
}

#[test]
fn commands_and_questions_are_completed() {
    assert_eq!(completed(":und"), [":undo "]);
    assert_eq!(completed(":mode dr"), [":mode dry-run"]);
    assert_eq!(completed("?sns::create_t"), ["?sns::create_topic"]);
    assert_eq!(
        completed("help(\"sns::create_t"),
        ["help(\"sns::create_topic\""]
    );
}

#[test]
fn a_completion_is_there_at_once() {
    let completion = completion();
    let input = format!(
        "{}ec2::run_instances(#{{ metadata_options: #{{ ",
        "let a = ec2::describe_vpcs(#{ vpc_ids: [`x ${1 + 2}`] });\n".repeat(50)
    );
    // The registry is made once.
    let _ = completion.complete("ec2::", "");
    let quickest = (0..20).map(|_| {
        let begun = Instant::now();
        let (_, found) = completion.complete(&input, "");
        assert!(found.len() > 3);
        begun.elapsed()
    });
    // Ten times what it may take, for a build that is not optimised; of many tries one, for
    // a busy machine.
    assert!(quickest.min().unwrap() < Duration::from_millis(100));
}
