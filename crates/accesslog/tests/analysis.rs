//! What logs say, from their bytes to the report.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{Cursor, Read, Write as _};
use std::num::NonZero;

use flate2::Compression;
use flate2::write::GzEncoder;
use opsh_accesslog::line::{FIELDS, fields};
use opsh_accesslog::{Failure, Report, Rules, Source, analyse};

/// A line of a request at `time` (`05:19:57`).
fn line(time: &str, client: &str, path: &str, status: u16) -> String {
    answered(
        time,
        client,
        path,
        "10.0.0.1:80",
        status,
        &status.to_string(),
    )
}

fn answered(
    time: &str,
    client: &str,
    path: &str,
    target: &str,
    status: u16,
    theirs: &str,
) -> String {
    format!(
        "https 2026-09-17T{time}.000000Z app/shop/50dc6c495c0c9188 {client}:41000 {target} 0.001 0.020 0.000 \
         {status} {theirs} 100 2000 \"GET https://shop.example:443{path} HTTP/2.0\" \"agent\" TLS_AES_128_GCM_SHA256 \
         TLSv1.3 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 \
         \"Root=1-6aab787c-27aaf3f93f32ff1f5a67dc16\" \"shop.example\" \"session-reused\" 0 \
         2026-09-17T{time}.000000Z \"forward\" \"-\" \"-\" \"{target}\" \"{theirs}\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\" \
         203.0.113.7\n"
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn sources(logs: &[Vec<u8>]) -> Vec<Source> {
    let source = |(number, log): (usize, &Vec<u8>)| {
        let log = log.clone();
        Source {
            name: format!("log {number}"),
            open: Box::new(move || Ok(Box::new(Cursor::new(log)) as Box<dyn Read + Send>)),
        }
    };
    logs.iter().enumerate().map(source).collect()
}

fn report(logs: &[Vec<u8>], rules: &Rules, threads: usize) -> Report {
    let threads = NonZero::new(threads).unwrap();
    analyse(sources(logs), rules.clone(), threads, &|| false).unwrap()
}

fn rules() -> Rules {
    Rules {
        probes: vec!["/.env".into(), "/wp-login.php".into()],
        requests_per_minute: 8,
        ..Rules::default()
    }
}

#[test]
fn a_written_line_has_the_fields_of_the_documentation() {
    let line = line("05:19:57", "192.0.2.1", "/", 200);
    assert_eq!(
        fields(line.trim_end().as_bytes()).unwrap().len(),
        FIELDS.len()
    );
}

#[test]
fn what_a_log_says() {
    let mut text = String::new();
    for second in 0..10 {
        text += &line(&format!("05:19:{second:02}"), "192.0.2.1", "/", 200);
        text += &line(
            &format!("05:20:{second:02}"),
            "192.0.2.2",
            &format!("/old/{second}?x"),
            404,
        );
    }
    text += "not a line\n\n";
    text += &line("05:20:30", "192.0.2.3", "/.env", 200);
    text += &line("05:20:31", "192.0.2.3", "/WP-login.php?a", 404);
    text += &answered("05:21:00", "192.0.2.1", "/buy", "10.0.0.2:80", 502, "-");
    text += &answered("05:21:01", "192.0.2.1", "/buy", "10.0.0.2:80", 500, "500");
    text += &answered("05:21:02", "192.0.2.1", "/buy", "-", 503, "-");
    let report = report(&[gzip(&text)], &rules(), 1);

    assert_eq!((report.lines, report.malformed), (26, 1));
    let example = &report.examples[0];
    assert_eq!((&*example.source, example.line), ("log 0", 21));
    assert_eq!(example.text, "not a line");
    assert_eq!(example.reason.to_string(), "the field 'time' is no time");
    let span = report.span.unwrap();
    assert_eq!(span.0, "2026-09-17T05:19:00.000000Z");
    assert_eq!(span.1, "2026-09-17T05:21:02.000000Z");
    assert_eq!((report.total.requests, report.total.sent), (25, 50_000));
    assert_eq!((report.total.errors_4xx, report.total.errors_5xx), (11, 3));
    let by_minute: Vec<_> = report
        .minutes
        .iter()
        .map(|(_, figures)| figures.requests)
        .collect();
    assert_eq!(by_minute, [10, 12, 3]);
    assert_eq!((report.latency.p50, report.latency.requests), (21, 25));

    let first = &report.clients.first;
    assert_eq!(
        (first[0].address.as_str(), first[0].peak.1),
        ("192.0.2.1", 10)
    );
    assert_eq!(first[0].figures.requests, 13);
    // From the second request in a minute on.
    assert_eq!(first[0].samples.len(), 3);
    assert!(first[0].samples[0].contains("05:19:01"));
    assert_eq!((report.clients.known, report.clients.missed), (3, 0));

    let suspects = &report.suspects.first;
    assert_eq!(suspects[0].address, "192.0.2.2");
    assert_eq!(
        (suspects[0].missing, suspects[0].missing_paths),
        (10, (10, true))
    );
    assert_eq!(suspects[0].paths[0], "/old/0?x");
    assert_eq!(suspects[1].address, "192.0.2.3");
    assert_eq!((suspects[1].probes, suspects[1].answered), (2, 1));
    assert_eq!(suspects[1].paths, ["/.env", "/WP-login.php?a"]);
    assert_eq!(suspects[1].samples.len(), 2);
    assert_eq!(report.probes, [1, 1]);

    let targets: Vec<_> = report
        .targets
        .first
        .iter()
        .map(|target| {
            (
                target.address.as_str(),
                target.errors_5xx,
                target.unanswered,
            )
        })
        .collect();
    assert_eq!(
        targets,
        [("10.0.0.2:80", 2, 1), ("-", 1, 1), ("10.0.0.1:80", 0, 0)]
    );
    assert_eq!(report.targets.first[0].samples.len(), 2);
}

/// Many logs of one time, each with its share of a client's requests.
fn shares() -> Vec<Vec<u8>> {
    (0..9)
        .map(|log| {
            let mut text = String::new();
            for second in 0..50 {
                let time = format!("05:2{}:{second:02}", log % 3);
                text += &line(&time, "198.51.100.9", &format!("/gone/{second}"), 404);
                text += &line(&time, &format!("192.0.2.{second}"), "/", 200);
            }
            gzip(&text)
        })
        .collect()
}

#[test]
fn threads_do_not_change_the_result() {
    let logs = shares();
    let alone = report(&logs, &rules(), 1);
    assert_eq!(alone.lines, 900);
    assert_eq!(alone.clients.first[0].peak.1, 150);
    assert_eq!(alone.suspects.first[0].missing, 450);
    assert_eq!(alone.suspects.first[0].missing_paths, (50, true));
    for threads in [2, 3, 8, 20] {
        assert_eq!(report(&logs, &rules(), threads), alone, "{threads}");
    }
}

/// Who stays in a full table depends on the order in which it is emptied, which must not
/// depend on which thread has used it for which log before.
#[test]
fn threads_do_not_change_who_is_remembered_of_too_many() {
    let logs: Vec<_> = [500_u32, 30_000, 2_000, 31_000]
        .iter()
        .enumerate()
        .map(|(log, clients)| {
            let mut text = String::new();
            for number in 0..*clients {
                let [_, a, b, c] = (number * 7).to_be_bytes();
                text += &line("05:19:57", &format!("10.{a}.{b}.{c}"), "/", 200);
                if number % 3 == u32::try_from(log).unwrap() % 3 {
                    text += &line("05:19:58", &format!("10.{a}.{b}.{c}"), "/", 200);
                }
            }
            gzip(&text)
        })
        .collect();
    let alone = report(&logs, &rules(), 1);
    assert!(alone.clients.missed > 0);
    assert_eq!(report(&logs, &rules(), 3), alone);
}

#[test]
fn a_damaged_log_is_named_and_the_others_are_read() {
    let mut logs = shares();
    let half = logs[4].len() / 2;
    logs[4].truncate(half);
    let report = report(&logs, &rules(), 3);
    assert_eq!(
        report.broken,
        [(
            "log 4".to_owned(),
            "its compressed data ends too early".to_owned()
        )]
    );
    assert!(
        report.lines >= 800 && report.lines < 900,
        "{}",
        report.lines
    );
    assert_eq!(report.malformed, 0);
}

#[test]
fn a_log_that_cannot_be_opened_ends_it() {
    let mut sources = sources(&shares());
    sources[2].open = Box::new(|| Err(std::io::Error::other("gone")));
    let failure = analyse(sources, rules(), NonZero::new(2).unwrap(), &|| false).unwrap_err();
    assert_eq!(failure.to_string(), "log 2: gone");
    let stopped = analyse(
        self::sources(&shares()),
        rules(),
        NonZero::<usize>::MIN,
        &|| true,
    );
    assert!(matches!(stopped, Err(Failure::Stopped)));
}

#[test]
fn one_scanner_is_found_among_very_many_clients() {
    let mut text = String::new();
    for number in 0..60_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        text += &line("05:19:57", &format!("10.{a}.{b}.{c}"), "/", 200);
        if number % 100 == 0 {
            text += &line("05:19:58", "198.51.100.9", &format!("/{number}"), 404);
        }
    }
    let report = report(&[gzip(&text)], &rules(), 1);
    assert!(report.clients.known < 30_000);
    assert!(report.clients.missed > 0);
    assert_eq!(report.total.requests, 60_600);
    let scanner = &report.suspects.first[0];
    assert_eq!(
        (scanner.address.as_str(), scanner.missing),
        ("198.51.100.9", 600)
    );
    assert_eq!(report.suspects.missed, 0);
    let paths = scanner.missing_paths;
    assert!(!paths.1 && paths.0.abs_diff(600) < 60, "{paths:?}");
    let busiest = &report.clients.first[0];
    assert_eq!(busiest.address, "198.51.100.9");
    assert!(busiest.figures.requests + report.clients.missed >= 600);
}
