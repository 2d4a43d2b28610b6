//! Sizes, times, and how many at once.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::serve;

#[test]
fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let service = serve(
        r#""POST /": |request| request.body.len().to_string(),"#,
        "max_body: 1000,",
    );
    assert_eq!(service.ask("POST", "/", "", &"x".repeat(1000)).body, "1000");
    let said = service.raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n");
    assert_eq!(said.status, 413, "{said:?}");
    assert!(said.head.contains("connection: close"), "{}", said.head);
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let chunks = service.raw(format!(
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(3)
    ));
    assert_eq!(chunks.status, 413, "{chunks:?}");
    // Heads have a limit, too.
    let long = format!("x-long: {}\r\n", "x".repeat(1_000_000));
    assert_eq!(service.ask("GET", "/", &long, "").status, 431);
    assert_eq!(service.ask("POST", "/", "", "ab").body, "2");
}

#[test]
fn slow_clients_are_sent_away_and_hold_nobody_up() {
    let service = serve(
        r#""POST /": |request| "OK", "GET /": |request| "OK","#,
        r#"head_timeout: "300ms", read_timeout: "300ms", idle_timeout: "600ms", workers: 1,"#,
    );
    let mut head = service.connect();
    head.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-a: ")
        .unwrap();
    let mut body = service.connect();
    body.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        .unwrap();
    let mut idle = service.connect();
    let begun = Instant::now();
    assert_eq!(service.get("/").body, "OK");
    // A byte now and then does not help.
    std::thread::sleep(Duration::from_millis(150));
    let _ = head.write_all(b"b");
    let late = super::answer(&mut head);
    assert_eq!(late.status, 408, "{late:?}");
    let late = super::answer(&mut body);
    assert_eq!(late.status, 408, "{late:?}");
    assert!(late.body.contains("the body took too long"), "{late:?}");
    let mut nothing = Vec::new();
    let _ = idle.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    assert!(begun.elapsed() < Duration::from_secs(20));
    // Who asks again in time may go on.
    let mut patient = service.connect();
    for _ in 0..3 {
        patient
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        let mut piece = [0; 512];
        let read = patient.read(&mut piece).unwrap();
        assert!(String::from_utf8_lossy(&piece[..read]).starts_with("HTTP/1.1 200 OK"));
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn a_handler_that_overruns_its_time_is_stopped() {
    let mut service = serve(
        r#"
        "GET /loop": |request| { loop {} },
        "GET /sleep": |request| { sleep(60); "late" },
        "GET /catch": |request| { try { sleep(60); } catch { } "late" },
        "GET /ok": |request| "OK",
        "#,
        r#"timeout: "300ms", workers: 2,"#,
    );
    for path in ["/loop", "/sleep", "/catch"] {
        let begun = Instant::now();
        let late = service.get(path);
        assert_eq!(late.status, 504, "{path}: {late:?}");
        assert!(late.body.contains("the answer took too long"), "{late:?}");
        assert!(begun.elapsed() < Duration::from_secs(20));
        service.hear(&format!("GET {path} failed: p.rhai"));
    }
    service.hear("the handler ran longer than 300ms (limit: timeout)");
    assert_eq!(service.get("/ok").body, "OK");
}

#[test]
fn so_many_are_handled_at_once_so_many_wait_and_more_are_told_to_come_again() {
    let service = serve(
        r#""GET /slow": |request| { sleep(1.5); "done" }, "GET /": |request| "OK","#,
        "workers: 2, queue: 1,",
    );
    let begun = Instant::now();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6)
            .map(|number| {
                let service = &service;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(50 * number));
                    service.get("/slow")
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    let full: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 503)
        .collect();
    assert_eq!((done, full.len()), (3, 3), "{answers:?}");
    assert!(full[0].head.contains("retry-after: 1"), "{}", full[0].head);
    // Two at once, then the one that waited: not one after the other.
    assert!(
        begun.elapsed() < Duration::from_millis(4400),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(service.get("/").body, "OK");
}

#[test]
fn a_text_is_answered_while_all_workers_are_at_work() {
    let service = serve(
        r#""GET /ping": "OK\n", "GET /held": |request| { while !file::exists("go") { sleep(0.02); } "done" },"#,
        "workers: 1,",
    );
    std::thread::scope(|scope| {
        let held: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| service.get("/held")))
            .collect();
        let ping = service.get("/ping");
        assert_eq!((ping.status, &*ping.body), (200, "OK\n"));
        assert!(ping.head.contains("text/plain"), "{}", ping.head);
        assert!(held.iter().all(|asking| !asking.is_finished()));
        std::fs::write(service.user.home().join("go"), "").unwrap();
        for asking in held {
            assert_eq!(asking.join().unwrap().body, "done");
        }
    });
}

#[test]
fn what_is_exclusive_never_happens_twice_at_once() {
    let service = serve(
        r#"
        "POST /add": |request| exclusively("count", || {
            let count = state::get("count", 0);
            sleep(0.02);
            state::set("count", count + 1);
            "OK"
        }),
        "GET /count": |request| state::get("count").to_string(),
        "#,
        "workers: 8,",
    );
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| assert_eq!(service.ask("POST", "/add", "", "").body, "OK"));
        }
    });
    assert_eq!(service.get("/count").body, "12");
}
