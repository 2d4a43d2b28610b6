//! `opsh local reset` takes the cloud from nobody.

use super::user;
use crate::support::opsh::User;
use crate::support::silence::Silence;

fn reset(user: &User) -> (i32, String, String) {
    let ended = user.opsh(["local", "reset"]);
    (ended.code, ended.out, ended.err)
}

#[test]
fn reset_waits_for_who_uses_the_cloud() {
    let silence = Silence::start();
    let text = format!(
        "sns::create_topic(#{{ name: \"news\" }});\nhttp::get(\"http://127.0.0.1:{}/\", #{{ timeout: \"10m\" }});\n",
        silence.port
    );
    let user = user(&text);
    assert_eq!(
        reset(&user),
        (0, "there was no embedded cloud\n".into(), String::new())
    );
    let mut run = user.begin(["run", "p.rhai", "--local"]);
    let _visit = silence.asked();
    assert_eq!(
        reset(&user),
        (
            1,
            String::new(),
            "error: the embedded cloud in .opsh/local is in use by another opsh command\n  next: wait until the other command has ended\n"
                .into()
        )
    );
    run.interrupt();
    assert_eq!(run.stopped().ended.code, 130);
    let listed = user.opsh(["ls", "p", "--local"]).done();
    assert!(listed.out.contains("sns:topic"), "{}", listed.out);
    assert_eq!(
        reset(&user),
        (0, "removed .opsh/local\n".into(), String::new())
    );
    assert_eq!(
        reset(&user),
        (0, "there was no embedded cloud\n".into(), String::new())
    );
    let status = user.opsh(["local", "status"]).done();
    assert_eq!(
        status.out,
        "there is no embedded cloud yet; opsh run … --local makes one\n"
    );
    // What is removed is gone for the next run, too.
    let listed = user.opsh(["ls", "p", "--local"]).done();
    assert_eq!(listed.out, "the stack 'p' has no resources\n");
}
