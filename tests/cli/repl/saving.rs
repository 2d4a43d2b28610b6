//! `:save`: a session becomes a playbook that others can check, test and run.

use super::{end, shell};
use crate::support::opsh::User;

#[test]
fn a_session_is_saved_with_its_literals_as_parameters() {
    let user = User::new();
    let mut terminal = shell(&user, &["--local"]);
    terminal.enter(":save");
    terminal.sees("error: it must be said where: :save FILE");
    terminal.enter(":save nothing");
    terminal.sees("error: there is nothing to save");
    terminal.enter("sns::list_topics(#{})");
    terminal.enter("sns::create_topic(#{ name: \"alarms\" })");
    terminal.sees("topic_arn");
    terminal.enter("sns::subscribe(#{ topic_arn: _.topic_arn, protocol: \"email\", endpoint: \"ops@example.com\" })");
    terminal.sees("subscription_arn");
    terminal.enter(":save alarms.txt");
    terminal.sees("error: a playbook's name ends in .rhai, not as alarms.txt");
    terminal.enter(":save alarms");
    terminal.sees("alarms.rhai: the session as a playbook");
    terminal.enter(":save alarms");
    terminal.sees("alarms.rhai is there already. Write over it? [y/N]");
    terminal.enter("");
    terminal.sees("nothing was saved");
    end(terminal);
    let text = std::fs::read_to_string(user.home().join("alarms.rhai")).unwrap();
    assert!(
        text.contains("let name = param(\"name\", #{ default: \"alarms\", "),
        "{text}"
    );
    assert!(
        text.contains("let result = sns::create_topic(#{ name: name });"),
        "{text}"
    );
    assert!(text.contains("topic_arn: result.topic_arn"), "{text}");
    let ended = user
        .opsh(["run", "alarms.rhai", "--dry-run", "name=other"])
        .done();
    assert!(ended.out.contains("name  other"), "{}", ended.out);
}

/// From a question to a playbook that runs, with what the README and the shell say alone.
#[test]
fn a_new_user_launches_an_instance_sees_it_saves_and_runs_it() {
    let user = User::new().with("PAGER", "cat");
    let mut terminal = shell(&user, &["--local"]);
    terminal.enter("?ec2::run_instances");
    terminal.sees("Example");
    terminal.enter("import \"instances\" as instances;");
    terminal.press("let image = instances::newest_am\t");
    terminal.sees("let image = instances::newest_amazon_linux(");
    terminal.enter("\"x86_64\");");
    terminal.press("let made = ec2::run_inst\t#{ image_id: image, min_c\t1, max_c\t1, instance_type: \"t3.mic\t, ");
    terminal.press("tags: #{ Name: \"web\" }, block_d\t[#{ device_n\t\"/dev/sdf\", eb\t#{ volume_s\t20 } }] });\r");
    terminal.sees("ec2::run_instances i-");
    terminal.enter("made.instances");
    terminal.sees("instance_id          tags.Name");
    terminal.enter("ec2::describe_volumes(#{}).volumes.map(|volume| volume.size)");
    terminal.sees("- 20");
    terminal.enter("made.instances");
    terminal.enter(":save web");
    terminal.sees("web.rhai: the session as a playbook, with parameters min_count, max_count, instance_type, name, device_name, volume_size");
    terminal.sees("web.test.rhai: a case that compares it with web.snapshots/as-it-is.snap");
    end(terminal);
    let told = user.opsh(["test", "web.test.rhai"]).done();
    assert!(told.out.contains("1 passed"), "{}", told.out);
    let plan = user
        .opsh(["run", "web.rhai", "--dry-run", "volume_size=50"])
        .done();
    assert!(
        plan.out
            .contains("{device_name=/dev/sdf ebs={volume_size=50}}"),
        "{}",
        plan.out
    );
    let ran = user
        .opsh(["run", "web.rhai", "--local", "name=shop"])
        .done();
    assert!(ran.err.contains("ec2::run_instances i-"), "{}", ran.err);
}

#[test]
fn what_cannot_be_run_without_more_gets_no_case() {
    let user = User::new();
    let mut terminal = shell(&user, &["--local"]);
    terminal.enter(
        "ssm::put_parameter(#{ name: \"/n\", value: \"correct horse\", type: \"SecureString\" })",
    );
    terminal.sees("version");
    terminal.enter(":save secret");
    terminal.sees("no case beside it: ");
    end(terminal);
    let text = std::fs::read_to_string(user.home().join("secret.rhai")).unwrap();
    assert!(!text.contains("horse"), "{text}");
    assert!(!user.home().join("secret.test.rhai").exists());
}
