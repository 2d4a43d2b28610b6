//! What was done and not recorded is found again, and told from what is like it.

use super::user;
use crate::support::opsh::User;

const IMAGE: &str = r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let launch = || ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1 }).instances[0].instance_id;
"#;

/// What the run says that dies after `step` was accepted and is gone on with; the stack has
/// then as many resources as after an undisturbed one, which says the same.
fn gone_on_with(text: &str, step: u32) {
    let undisturbed = user(text);
    let expected = undisturbed.opsh(["run", "p.rhai", "--local"]).done();
    let user = user(text);
    let crash = format!("crash {step} accepted");
    let killed = user.opsh(["run", "p.rhai", "--local", "--fault", &crash]);
    assert_eq!(killed.code, -1, "{}", killed.err);
    let resumed = user.opsh(["resume", "--local"]).done();
    assert!(
        resumed.err.contains("(had been done, was found)"),
        "{}",
        resumed.err
    );
    assert_eq!(resumed.out, expected.out);
    assert_eq!(listed(&user), listed(&undisturbed));
}

fn listed(user: &User) -> usize {
    user.opsh(["ls", "p", "--local", "--output", "json"])
        .done()
        .events()
        .len()
}

/// Their tags are the same.
#[test]
fn what_an_earlier_step_has_made_several_of_is_not_a_later_steps() {
    gone_on_with(
        r#"let group = ec2::create_security_group(#{ group_name: "web", description: "Web." }).group_id;
let open = |port| ec2::authorize_security_group_ingress(#{ group_id: group, ip_permissions: [#{ ip_protocol: "tcp", from_port: port, to_port: port, ip_ranges: [#{ cidr_ip: "0.0.0.0/0" }] }] }).security_group_rules.map(|rule| rule.from_port);
let opened = [open.call(80), open.call(443)];
opened.push(ec2::describe_security_group_rules(#{ filters: #{ "group-id": group } }).security_group_rules.len());
opened
"#,
        2,
    );
    gone_on_with(
        &format!(
            r#"{IMAGE}let ids = [launch.call(), launch.call()];
ec2::wait_until_instance_running(#{{ instance_ids: ids }});
for id in ids {{ ec2::create_snapshots(#{{ instance_specification: #{{ instance_id: id }} }}); }}
ec2::describe_snapshots(#{{ owner_ids: ["self"] }}).snapshots.len()
"#
        ),
        5,
    );
}

#[test]
fn what_was_named_by_its_name_is_found_by_its_arn() {
    gone_on_with(
        &format!(
            r#"{IMAGE}let id = launch.call();
ec2::wait_until_instance_running(#{{ instance_ids: [id] }});
iam::create_instance_profile(#{{ instance_profile_name: "web" }});
ec2::associate_iam_instance_profile(#{{ instance_id: id, iam_instance_profile: #{{ name: "web" }} }});
ec2::describe_iam_instance_profile_associations(#{{}}).iam_instance_profile_associations.len()
"#
        ),
        4,
    );
}
