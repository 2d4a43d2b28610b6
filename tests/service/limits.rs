//! Sizes, times, and how many at once.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::{HELD, PATIENCE, answer, serve};

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
        r#"head_timeout: "300ms", read_timeout: "300ms", idle_timeout: "3s", workers: 1,"#,
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
    let late = answer(&mut head);
    assert_eq!(late.status, 408, "{late:?}");
    let late = answer(&mut body);
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
        std::thread::sleep(Duration::from_millis(1200));
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
    let mut service = serve(
        &format!(r#"{HELD} "GET /": |request| "OK","#),
        "workers: 2, queue: 1,",
    );
    let handled = [service.asking("/held"), service.asking("/held")];
    service.hears("begun", 2);
    let (tell, told) = channel();
    let more = std::thread::scope(|scope| {
        for _ in 0..4 {
            let (service, tell) = (&service, tell.clone());
            scope.spawn(move || tell.send(service.get("/held")));
        }
        let next = || told.recv_timeout(PATIENCE).unwrap();
        let full = [next(), next(), next()];
        assert!(
            full.iter().all(|answer| answer.status == 503),
            "{full:?}\n{}",
            service.said()
        );
        assert!(full[0].head.contains("retry-after: 1"), "{}", full[0].head);
        assert_eq!(service.said().matches("begun").count(), 2);
        std::fs::write(service.user.home().join("go"), "").unwrap();
        next()
    });
    assert_eq!(more.body, "done", "{more:?}");
    for mut stream in handled {
        assert_eq!(answer(&mut stream).body, "done");
    }
    assert_eq!(service.get("/").body, "OK");
}

#[test]
fn a_text_is_answered_while_all_workers_are_at_work() {
    let mut service = serve(&format!(r#"{HELD} "GET /ping": "OK\n","#), "workers: 1,");
    let mut handled = service.asking("/held");
    service.hear("begun");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| service.get("/held"));
        let ping = service.get("/ping");
        assert_eq!((ping.status, &*ping.body), (200, "OK\n"));
        assert!(ping.head.contains("text/plain"), "{}", ping.head);
        assert!(!waiting.is_finished());
        std::fs::write(service.user.home().join("go"), "").unwrap();
        assert_eq!(answer(&mut handled).body, "done");
        assert_eq!(waiting.join().unwrap().body, "done");
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
