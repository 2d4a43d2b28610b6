//! A playbook cannot run away: not with time, depth, memory or sleep.

use std::time::{Duration, Instant};

use super::run;

/// Ends in time, and names line and limit.
fn stopped(text: &str, options: &[&str]) -> (i32, String, Duration) {
    let begun = Instant::now();
    let mut words = vec!["--dry-run"];
    words.extend(options);
    let ended = run(text, &words);
    (ended.code, ended.err, begun.elapsed())
}

#[test]
fn a_runaway_loop_ends_at_the_deadline() {
    let (code, message, took) = stopped("let n = 0;\nloop { n += 1; }\n", &["--deadline", "500ms"]);
    assert_eq!(code, 124, "{message}");
    assert!(message.starts_with("error: p.rhai:2:"), "{message}");
    assert!(
        message.contains("the run's deadline has passed (limit: --deadline)"),
        "{message}"
    );
    // A quarter of a second is promised; starting a debug build on a busy machine takes longer.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn endless_recursion_ends() {
    let (code, message, _) = stopped("fn f(n) { f(n + 1) }\nf(0);\n", &[]);
    assert_eq!(code, 1);
    assert!(
        message.contains("p.rhai:2:1: function calls nest deeper than 64 (limit: call depth)"),
        "{message}"
    );
}

#[test]
fn a_doubling_text_ends() {
    let (code, message, _) = stopped("let s = \"x\";\nloop { s += s; }\n", &[]);
    assert_eq!(code, 1);
    assert!(message.contains("p.rhai:2:"), "{message}");
    assert!(message.contains("(limit: value size)"), "{message}");
}

#[test]
fn a_doubling_array_ends() {
    let (code, message, _) = stopped("let a = [1];\nloop { a += a; }\n", &[]);
    assert_eq!(code, 1);
    assert!(message.contains("(limit: value size)"), "{message}");
}

#[test]
fn many_values_just_below_the_limit_do_not_add_up() {
    let text = "fn f(n) { let s = `${n}`; s.pad(10000000, \"y\"); f(n + 1); s.len() }\nf(0);\n";
    let (code, message, _) = stopped(text, &[]);
    assert_eq!(code, 1);
    assert!(message.contains("(limit: memory)"), "{message}");
}

#[test]
fn a_sleeping_playbook_ends_at_the_deadline() {
    // On a cloud whose clock is virtual, sleep costs nothing: only live it waits.
    let begun = Instant::now();
    let ended = run("sleep(60);\n", &["--deadline", "300ms"]);
    assert_eq!(ended.code, 124, "{}", ended.err);
    assert!(begun.elapsed() < Duration::from_secs(5));
}
