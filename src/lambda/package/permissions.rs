//! Which IAM actions a script can need: read off its text, without running it.

use std::collections::BTreeSet;

use opsh_operation::Effect;

use super::program::Program;
use crate::modules::{Entry, Handler};

/// The actions of the operations that `program` can reach, in order.
#[must_use]
pub fn actions(program: &Program) -> Vec<String> {
    let mut actions = BTreeSet::new();
    for entry in program.reach.operations().values() {
        note(entry, &mut actions);
    }
    actions.into_iter().collect()
}

/// Adds what `entry` needs to `actions`.
fn note(entry: &Entry, actions: &mut BTreeSet<String>) {
    let operation = entry.operation;
    // What opsh does itself needs nobody's permission, unless it asks AWS on its way:
    // then its action is one of another module.
    let asks = match entry.handler {
        Handler::Aws(_) => true,
        _ => !operation
            .action
            .starts_with(&format!("{}:", operation.module)),
    };
    if !asks || matches!(operation.effect, Effect::Pure) {
        return;
    }
    actions.insert(operation.action.to_owned());
    // Everything that is made is tagged, which is an action of its own.
    if operation.write().is_some_and(|write| write.tags.is_some()) {
        let service = operation.action.split(':').next().unwrap_or_default();
        actions.insert(match service {
            "ec2" => "ec2:CreateTags".to_owned(),
            "elasticloadbalancing" => "elasticloadbalancing:AddTags".to_owned(),
            "autoscaling" => "autoscaling:CreateOrUpdateTags".to_owned(),
            "ssm" => "ssm:AddTagsToResource".to_owned(),
            "s3" => "s3:PutObjectTagging".to_owned(),
            service => format!("{service}:TagResource"),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::script::source::Sources;

    fn needed(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let program = Program::gather(&folder.path().join("main.rhai"), &[], &Sources::default());
        actions(&program.unwrap())
    }

    #[test]
    fn only_what_can_be_reached_counts() {
        let actions = needed(&[
            (
                "main.rhai",
                r#"import "help" as help;
                fn handler(event, context) {
                    log::info(http::get("http://example.org/").status);
                    [1].map(|n| sns::publish(#{ topic_arn: event.topic, message: "down" }));
                    help::used();
                }
                fn tell() { cloudwatch::put_metric_data(#{}) }"#,
            ),
            (
                "help.rhai",
                r#"fn used() { inner() }
                fn inner() { ec2::create_snapshot(#{}) }
                fn unused() { ec2::terminate_instances(#{}) }"#,
            ),
        ]);
        assert_eq!(
            actions,
            [
                "cloudwatch:PutMetricData",
                "ec2:CreateSnapshot",
                "ec2:CreateTags",
                "sns:Publish"
            ]
        );
    }

    #[test]
    fn functions_that_are_handed_over_count_too() {
        let actions = needed(&[
            (
                "main.rhai",
                r#"import "help" as help;
                fn handler(event, context) { help::each(event) }"#,
            ),
            (
                "help.rhai",
                r#"fn each(items) { items.map(Fn("one")); items.map(two) }
                fn one(item) { s3::get_object(#{}) }
                fn two(item) { s3::delete_object(#{}) }
                fn three(item) { s3::put_object(#{}) }"#,
            ),
        ]);
        assert_eq!(actions, ["s3:DeleteObject", "s3:GetObject"]);
    }
}
