//! `--allow` and `--deny`: refused before anything is sent.

use super::run;

#[test]
fn what_is_denied_is_not_sent() {
    let ended = run(
        "sns::create_topic(#{ name: \"news\" });\n",
        &["--dry-run", "--deny", "sns:Create*"],
    );
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (
            3,
            "\
error: p.rhai:1:1: sns::create_topic: sns:CreateTopic is refused by --deny 'sns:Create*'
   |
 1 | sns::create_topic(#{ name: \"news\" });
   | ^^^^^^^^^^^^^^^^^
  next: run it without that --deny if it is meant to happen
"
        )
    );
    assert!(ended.out.contains("0 writes, 0 reads"), "{}", ended.out);
}

#[test]
fn only_what_is_allowed_is_sent() {
    let ended = run(
        "ec2::describe_vpcs(#{});\nsns::create_topic(#{ name: \"news\" });\n",
        &["--dry-run", "--allow", "ec2:Describe*"],
    );
    assert_eq!(ended.code, 3);
    assert!(
        ended
            .err
            .contains("sns:CreateTopic is not among what --allow permits: 'ec2:Describe*'"),
        "{}",
        ended.err
    );
    assert!(ended.out.contains("0 writes, 1 read"), "{}", ended.out);
}
