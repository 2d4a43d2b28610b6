//! Whatever a playbook is at, Ctrl-C and the deadline end it within a quarter of a second.
//!
//! That is a promise about wall time, and a test machine may be busy with other things: so
//! each case is tried a few times until it was kept, which it never is if opsh itself looks
//! too rarely. Message, exit code and memory are asserted of every try.

use std::time::{Duration, Instant};

use super::user;
use crate::support::opsh::User;
use crate::support::running::Stopped;
use crate::support::silence::Silence;

/// What is promised.
const PROMISE: Duration = Duration::from_millis(250);
/// What even a very busy machine keeps.
const PATIENCE: Duration = Duration::from_secs(20);
const TRIES: usize = 10;
/// What a run may hold.
const MEMORY: u64 = 512 * 1024 * 1024;
/// Long enough for a run to be under way.
const DEADLINE: Duration = Duration::from_millis(600);

/// A playbook that does not end by itself, after the line `print("ready");`.
struct Case {
    user: User,
    /// The lines that it may be stopped at.
    lines: &'static [usize],
    text: String,
    /// Where what it hangs on listens.
    _silence: Silence,
}

fn case(lines: &'static [usize], text: &str) -> Case {
    let silence = Silence::start();
    let port = silence.port.to_string();
    let text = format!("print(\"ready\");\n{}\n", text.replace("PORT", &port));
    Case {
        user: user(&text)
            .with("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{port}"))
            .with("AWS_REGION", "us-east-1")
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            ),
        lines,
        text,
        _silence: silence,
    }
}

impl Case {
    /// Ended by both, each with its message and exit code.
    #[track_caller]
    fn stops(&self) {
        self.keeps(130, "interrupted", || {
            let mut run = self.user.begin(["run", "p.rhai"]);
            assert_eq!(run.line(), "ready");
            // On the way into what it hangs on.
            std::thread::sleep(Duration::from_millis(150));
            let sent = run.interrupt();
            let stopped = run.stopped();
            (sent.elapsed(), stopped)
        });
        let limit = format!("{}ms", DEADLINE.as_millis());
        self.keeps(
            124,
            "the run's deadline has passed (limit: --deadline)",
            || {
                let begun = Instant::now();
                let run = self.user.begin(["run", "p.rhai", "--deadline", &limit]);
                let mut stopped = run.stopped();
                assert_eq!(stopped.ended.out, "ready\n");
                stopped.ended.out.clear();
                (begun.elapsed().saturating_sub(DEADLINE), stopped)
            },
        );
    }

    #[track_caller]
    fn keeps(&self, code: i32, message: &str, mut attempt: impl FnMut() -> (Duration, Stopped)) {
        let mut tries = Vec::new();
        for _ in 0..TRIES {
            let (late, stopped) = attempt();
            self.says(message, &stopped.ended.err);
            assert_eq!((stopped.ended.code, stopped.ended.out.as_str()), (code, ""));
            assert!(
                stopped.peak > 0 && stopped.peak < MEMORY,
                "{} bytes",
                stopped.peak
            );
            assert!(late < PATIENCE, "{message}: {late:?}");
            if late <= PROMISE {
                return;
            }
            tries.push(late);
        }
        panic!("{message}: never within {PROMISE:?}: {tries:?}");
    }

    /// The whole message: what, where, the line with its caret, the calls that led there.
    #[track_caller]
    fn says(&self, message: &str, err: &str) {
        let wrong = |what: &str| -> ! { panic!("{what} in:\n{err}") };
        let mut lines: Vec<&str> = err.lines().collect();
        // A write that did not come to its end is reported, as every write is.
        if lines[0].starts_with("ssh::run failed") {
            lines.remove(0);
            let hint = lines.pop().unwrap();
            assert!(hint.starts_with("  next: `opsh resume "), "{err}");
        }
        let place = lines[0]
            .strip_prefix("error: p.rhai:")
            .unwrap_or_else(|| wrong("no place"));
        let (place, said) = place.split_once(": ").unwrap();
        let (line, column) = place.split_once(':').unwrap();
        let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
        assert_eq!(said, message);
        if !self.lines.contains(&line) {
            wrong("another line");
        }
        let text = self.text.lines().nth(line - 1).unwrap();
        assert_eq!(
            lines[1..3],
            ["   |".to_owned(), format!(" {line} | {text}")],
            "{err}"
        );
        let caret = lines[3].strip_prefix("   | ").unwrap();
        if caret.find('^') != Some(column - 1) || !caret.trim_start().trim_matches('^').is_empty() {
            wrong("no caret");
        }
        for call in &lines[4..] {
            let known = call.starts_with("  in f called at p.rhai:")
                || call.starts_with("  in a closure called at p.rhai:")
                || (call.starts_with("  … ") && call.ends_with(" more"));
            if !known {
                wrong("something else");
            }
        }
    }
}

#[test]
fn a_runaway_loop() {
    case(&[3], "let n = 0;\nloop { n += 1; }").stops();
}

#[test]
fn an_empty_loop() {
    case(&[2], "loop {}").stops();
}

#[test]
fn a_loop_that_catches_everything() {
    let text =
        "let n = 0;\nloop { try { n += 1; throw n; } catch (problem) { n += problem - n; } }";
    case(&[3], text).stops();
}

#[test]
fn recursion_without_end() {
    let text = "fn f(n) { if n > 0 { f(n - 1); f(n - 1); } }\nf(60);";
    case(&[2], text).stops();
}

#[test]
fn a_text_that_doubles() {
    let text = "loop {\n    let s = \"x\";\n    while s.len() < 8000000 { s += s; }\n}";
    case(&[2, 3, 4], text).stops();
}

#[test]
fn an_array_that_doubles() {
    let text = "loop {\n    let a = [1];\n    while a.len() < 500000 { a += a; }\n}";
    case(&[2, 3, 4], text).stops();
}

#[test]
fn operations_that_take_long() {
    let text = "let s = \"x\";\nfor n in 0..23 { s += s; }\nloop { let t = s + \"y\"; }";
    case(&[4], text).stops();
}

#[test]
fn branches_side_by_side() {
    let text = "parallel::map([1, 2, 3, 4], |item| {\n    loop { item += 1; }\n});";
    case(&[3], text).stops();
}

#[test]
fn a_sleep() {
    case(&[2], "sleep(3600);").stops();
}

#[test]
fn a_sleep_in_a_function() {
    case(&[2], "fn f() { sleep(3600); }\nf();").stops();
}

#[test]
fn a_site_that_does_not_answer() {
    case(&[2], "http::get(\"http://127.0.0.1:PORT/\");").stops();
}

#[test]
fn a_host_that_does_not_greet() {
    let text = "ssh::run(#{ host: \"127.0.0.1\", port: PORT, user: \"ops\", host_key: \"accept-new\" }, \"true\");";
    case(&[2], text).stops();
}

#[test]
fn an_endpoint_that_does_not_answer() {
    case(&[2], "sts::get_caller_identity();").stops();
}

#[test]
fn what_grows_past_a_limit_stays_within_the_memory() {
    for text in [
        "let s = \"x\";\nloop { s += s; }\n",
        "let a = [1];\nloop { a += a; }\n",
        "fn f() { let s = \"x\"; for n in 0..23 { s += s; } f(); s }\nf();\n",
        "fn f(n) { f(n + 1) }\nf(0);\n",
        "let all = [];\nloop { let s = \"x\"; for n in 0..23 { s += s; } all.push(s); }\n",
    ] {
        let stopped = user(text).begin(["run", "p.rhai"]).stopped();
        let ended = &stopped.ended;
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains("(limit: "), "{}", ended.err);
        assert!(stopped.peak < MEMORY, "{text}: {} bytes", stopped.peak);
    }
}
