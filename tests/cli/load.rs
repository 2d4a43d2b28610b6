//! `http::load` and `host::burn` as they are live: real requests, real computing.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::shipped;
use crate::support::closed::ClosedPort;
use crate::support::opsh::{Ended, User};
use crate::support::site::{Page, Site};

/// A site with a page, and one that fails.
fn site() -> Site {
    let broken = Page {
        status: "500 Internal Server Error",
        ..Page::ok("text/plain", "oh")
    };
    Site::start(BTreeMap::from([
        ("/", Page::ok("text/plain", "hello")),
        ("/broken", broken),
    ]))
}

/// Somebody who works live; nothing answers for AWS, and nothing asks it.
fn live() -> User {
    User::of("http://127.0.0.1:9", "us-east-1")
}

fn run(user: &User, script: &str) -> Ended {
    std::fs::write(user.home().join("p.rhai"), script).unwrap();
    user.opsh(["run", "p.rhai", "--output", "json"]).done()
}

/// What `http::load` says of a load of `url`.
fn load(url: &str, how: &str) -> Value {
    let script = format!("http::load(#{{ url: \"{url}\", {how} }})");
    let ended = run(&live(), &script);
    ended.events().pop().unwrap()["value"].clone()
}

/// The answers of all buckets, which rise.
fn spread(load: &Value) -> i64 {
    let buckets = load["histogram"].as_array().unwrap();
    let bounds: Vec<f64> = buckets
        .iter()
        .map(|bucket| bucket["up_to"].as_f64().unwrap())
        .collect();
    assert!(bounds.is_sorted(), "{bounds:?}");
    buckets
        .iter()
        .map(|bucket| bucket["answers"].as_i64().unwrap())
        .sum()
}

#[test]
fn an_open_loop_begins_as_many_requests_as_its_rate_says() {
    let open = load(&format!("{}/", site().url), "rate: 20, duration: \"2s\"");
    assert_eq!(
        (&open["requests"], &open["answers"]),
        (&40.into(), &40.into())
    );
    assert_eq!(open["errors"], serde_json::json!({}));
    assert_eq!(spread(&open), 40);
    assert!(open["seconds"].as_f64().unwrap() >= 1.9, "{open}");
    let latency = |name: &str| open["latency"][name].as_f64().unwrap();
    assert!(latency("min") > 0.0);
    let ordered = ["min", "p50", "p90", "p99", "max"].map(latency);
    assert!(ordered.is_sorted(), "{ordered:?}");
}

#[test]
fn clients_of_a_closed_loop_come_one_after_another_and_wait() {
    let closed = load(
        &format!("{}/", site().url),
        "clients: 4, think: \"200ms\", ramp: \"2s\", duration: \"3s\"",
    );
    let requests = closed["requests"].as_i64().unwrap();
    // The four begin after 0, 0.5, 1 and 1.5 seconds: at most 15, 13, 10 and 8 requests.
    assert!((4..=46).contains(&requests), "{closed}");
    assert_eq!(closed["answers"], requests);
    assert_eq!(spread(&closed), requests);
}

#[test]
fn what_fails_is_counted_by_kind() {
    let broken = load(
        &format!("{}/broken", site().url),
        "rate: 10, duration: \"1s\"",
    );
    assert_eq!(broken["errors"], serde_json::json!({"HTTP 500": 10}));
    assert_eq!(
        (&broken["failed"], &broken["error_rate"]),
        (&10.into(), &1.0.into())
    );
    let closed = ClosedPort::take();
    let nobody = load(
        &format!("http://127.0.0.1:{}/", closed.port),
        "clients: 2, think: \"100ms\", duration: \"1s\"",
    );
    assert_eq!(
        nobody["errors"]["unreachable"], nobody["requests"],
        "{nobody}"
    );
    assert!(nobody["requests"].as_i64().unwrap() >= 2);
    assert_eq!(spread(&nobody), 0);
    let slow = stalling(Duration::from_secs(20));
    let late = load(&slow, "clients: 1, duration: \"500ms\", timeout: \"300ms\"");
    assert_eq!(late["errors"]["timeout"], late["requests"], "{late}");
}

/// A server whose first answer takes so long; its URL.
fn stalling(first: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut pause = first;
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            std::thread::sleep(std::mem::take(&mut pause));
            // Whoever did not wait is gone.
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK");
        }
    });
    url
}

/// Requests that could not begin in time count as late, as their senders would see them.
#[test]
fn a_server_that_stalls_is_not_excused() {
    let url = stalling(Duration::from_secs(2));
    let load = load(&url, "rate: 10, connections: 1, duration: \"1s\"");
    assert_eq!(load["answers"], 10);
    // The last was due at 0.9 s and could not begin before the first was answered.
    let least = load["latency"]["min"].as_f64().unwrap();
    assert!(least > 1.0, "{load}");
}

#[test]
fn progress_is_a_bar_at_a_terminal_and_lines_elsewhere() {
    let user = live();
    let url = format!("url={}/", site().url);
    let asked = ["rate=10", "duration=3s"];
    let playbook = shipped("loadtest");
    let told = ["run", &playbook, &url];
    let terminal = user.at_terminal(told.iter().chain(&asked));
    terminal.sees("load █");
    let left = terminal.left();
    assert_eq!(left.code, 0, "{}", left.screen);
    assert!(
        left.screen.contains("load 100 %  30 requests in "),
        "{}",
        left.screen
    );
    assert!(
        !left.screen.contains("load █"),
        "the bar is gone: {}",
        left.screen
    );
    for words in ["answers/s", "p50", "p90", "p99", "up to", "█"] {
        assert!(left.screen.contains(words), "{words}: {}", left.screen);
    }

    let piped = user.opsh(told.iter().chain(&asked)).done();
    assert!(
        piped.err.contains("load 100 %  30 requests in "),
        "{}",
        piped.err
    );
    assert!(piped.out.contains("30"), "{}", piped.out);
    let every = "http::load(#{ url: \"URL\", rate: 10, duration: \"2s\", progress: \"200ms\" })";
    let ended = run(&user, &every.replace("URL", &url[4..]));
    let told: Vec<_> = ended
        .events()
        .into_iter()
        .filter(|event| event["event"] == "progress")
        .collect();
    assert!(told.len() > 2, "{}", ended.out);
    assert_eq!(told.last().unwrap()["percent"], 100);
}

#[test]
fn burning_uses_the_processor_for_so_long() {
    let user = live();
    std::fs::write(user.home().join("p.rhai"), "host::burn(1.5)").unwrap();
    let program = user.command(["run"]).get_program().to_owned();
    let shell = Command::new("bash")
        .args(["-c", "\"$0\" run p.rhai --output json > out && times"])
        .arg(program)
        .current_dir(user.home())
        .env_clear()
        .envs(user.environment())
        .output()
        .unwrap();
    assert!(shell.status.success());
    // The second line: what children have used, as user and for them in the kernel.
    let text = String::from_utf8(shell.stdout).unwrap();
    let spent = text.lines().nth(1).unwrap().split(' ').next().unwrap();
    let (minutes, seconds) = spent.trim_end_matches('s').split_once('m').unwrap();
    let spent = minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap();
    assert!(spent >= 1.4, "{spent} of 1.5 seconds: {text}");
    let out = std::fs::read_to_string(user.home().join("out")).unwrap();
    let last: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(last["value"]["burnt"], 1.5);
    assert!(last["value"]["seconds"].as_f64().unwrap() >= 1.4, "{out}");
}
