//! `opsh eval`: one expression.

use crate::support::opsh::User;

#[test]
fn one_expression_gives_its_value() {
    let user = User::new();
    let ended = user
        .opsh([
            "eval",
            "import \"web\" as web; web::bucket_name(\"shop\")",
            "--local",
        ])
        .done();
    assert_eq!(ended.out, "shop-123456789012-us-east-1\n");
    let ended = user
        .opsh(["eval", "#{ a: 1 }", "--local", "--output", "json"])
        .done();
    assert_eq!(ended.events()[0]["value"]["a"], 1, "{}", ended.out);
    let ended = user
        .opsh(["eval", "sns::create_topic(#{ name: \"a\" });", "--dry-run"])
        .done();
    assert!(ended.out.contains("+ sns::create_topic"), "{}", ended.out);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let user = User::new();
    let ended = user.opsh(["eval", "ec2::run_instancs(#{})", "--dry-run"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        "error: eval:1:1: there is no operation ec2::run_instancs; did you mean ec2::run_instances?\n   |\n 1 | ec2::run_instancs(#{})\n   | ^^^^^^^^^^^^^^^^^\n"
    );
}
