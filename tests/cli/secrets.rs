//! A secret is never seen: not in plan, log, ledger, JSON or error text, in any form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::user;
use crate::support::opsh::User;

const SECRET: &str = "hunter2/+ \"q\"";

/// What is in log and ledger.
fn kept(user: &User) -> Vec<String> {
    let files = [
        "log.txt",
        ".opsh/local/ledger.db",
        ".opsh/local/ledger.db-wal",
    ];
    let read = |file| std::fs::read(user.home().join(file)).ok();
    let bytes = files.into_iter().filter_map(read);
    bytes
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[test]
fn a_secret_appears_nowhere() {
    let text = r#"
let token = secret("TOKEN");
print(`token ${token}`);
file::write("token.txt", token);
print(file::read_bytes("token.txt"));
log::info("as a header: " + token);
sns::create_topic(#{ name: "news" });
try { http::get("http://127.0.0.1:9/?t=" + token) } catch (problem) { print(problem); }
file::write("out.txt", "not the secret");
throw "failed with " + token;
"#;
    let user = user(text).with("TOKEN", SECRET);
    let mut seen = Vec::new();
    for options in [
        &["--dry-run"][..],
        &["--local"],
        &["--local", "--output", "json", "-v"],
    ] {
        let words = ["run", "p.rhai", "--log-file", "log.txt"]
            .iter()
            .chain(options);
        let ended = user.opsh(words);
        assert_eq!(ended.code, 1, "{}", ended.err);
        seen.extend([ended.out, ended.err]);
    }
    seen.extend(kept(&user));
    let forms = [
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        "hunter2%2F%2B%20%22q%22".to_owned(),
        r#"hunter2/+ \"q\""#.to_owned(),
    ];
    for text in &seen {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{form} in:\n{text}");
        }
    }
    assert!(seen.iter().any(|text| text.contains("[secret]")));
}

#[test]
fn what_a_host_says_itself_appears_nowhere() {
    let text = r#"
let host = #{ host: "192.0.2.1", passphrase: "hunter" + "2-of-db" };
try { ssh::run(host, "true", #{ connect_timeout: "1s" }) } catch (problem) { print(problem.kind); }
try { ssh::run_all([host], "true", #{ connect_timeout: "1s" }) } catch (problem) { print(problem.kind); }
"#;
    let user = user(text);
    let mut seen = Vec::new();
    for options in [&["--dry-run"][..], &["--local", "-v"]] {
        for form in [&[][..], &["--output", "json"]] {
            let words = ["run", "p.rhai", "--log-file", "log.txt"];
            let ended = user.opsh(words.iter().chain(options).chain(form));
            assert_eq!(ended.code, 0, "{}", ended.err);
            seen.extend([ended.out, ended.err]);
        }
    }
    seen.extend(kept(&user));
    for text in &seen {
        assert!(!text.contains("hunter2-of-db"), "{text}");
    }
    assert!(seen.iter().any(|text| text.contains("[secret]")));
}
