//! The cases of the shipped playbooks.

use crate::support::component::file;
use crate::support::opsh::User;

#[test]
fn the_shipped_playbooks_pass_their_cases() {
    let user = User::new();
    let playbooks = file("playbooks").display().to_string();
    let ended = user.opsh(["test", "--ci", &playbooks]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}
