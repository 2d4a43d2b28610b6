//! Key files that are missing, cannot be read, are encrypted, or are no keys.

use super::super::user;

/// What logging in with the file `key` says.
fn said(prepare: impl FnOnce(&std::path::Path)) -> (i32, String) {
    let user = user("ssh::public_key(\"key\");\n");
    prepare(&user.home().join("key"));
    let ended = user.opsh(["run", "p.rhai", "--dry-run"]);
    (ended.code, ended.err)
}

fn message(what: &str, next: &str) -> (i32, String) {
    let message = format!(
        "\
error: p.rhai:1:1: ssh::public_key: {what}
   |
 1 | ssh::public_key(\"key\");
   | ^^^^^^^^^^^^^^^
  next: {next}
"
    );
    (1, message)
}

#[test]
fn a_key_file_that_is_missing() {
    assert_eq!(
        said(|_| {}),
        message(
            "the key file key does not exist",
            "check the path, or make a key with ssh::generate_key"
        )
    );
}

#[test]
fn a_key_file_that_is_no_key() {
    assert_eq!(
        said(|path| std::fs::write(path, "Dear diary").unwrap()),
        message(
            "key is not a private key but something else",
            "an OpenSSH or PEM private key is expected"
        )
    );
}

#[test]
fn a_key_file_that_cannot_be_read() {
    assert_eq!(
        said(|path| std::fs::create_dir(path).unwrap()),
        message(
            "the key file key cannot be read: it is a folder",
            "name the key's file in it"
        )
    );
}

#[cfg(unix)]
#[test]
fn a_key_file_of_somebody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let close = |path: &std::path::Path| {
        std::fs::write(path, "secret").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o0)).unwrap();
    };
    // Who may read everything reads this, too, and is told that it is no key.
    let probe = tempfile::tempdir().unwrap();
    close(&probe.path().join("key"));
    let may_read_everything = std::fs::read(probe.path().join("key")).is_ok();
    let expected = if may_read_everything {
        message(
            "key is not a private key but something else",
            "an OpenSSH or PEM private key is expected",
        )
    } else {
        message(
            "the key file key cannot be read: permission denied",
            "run opsh as the user whom the key belongs to",
        )
    };
    assert_eq!(said(close), expected);
}

#[test]
fn a_key_file_that_is_encrypted() {
    let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n\
                -----END RSA PRIVATE KEY-----\n";
    assert_eq!(
        said(|path| std::fs::write(path, text).unwrap()),
        message(
            "the key file key is encrypted and key.pub is missing",
            "write the public half with: ssh-keygen -y -f KEY > KEY.pub"
        )
    );
}
