//! How a service ends.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Service, serve};
use crate::support::opsh::User;

#[test]
fn a_signal_lets_what_runs_come_to_its_end() {
    for signal in ["TERM", "INT"] {
        let mut service = serve(
            r#""GET /slow": |request| { print("begun"); sleep(1.0); "done" },"#,
            "",
        );
        let (slow, refused) = std::thread::scope(|scope| {
            let asking = scope.spawn(|| service.get("/slow"));
            std::thread::sleep(Duration::from_millis(400));
            service.signal(signal);
            std::thread::sleep(Duration::from_millis(300));
            let refused = TcpStream::connect(("127.0.0.1", service.port)).is_err();
            (asking.join().unwrap(), refused)
        });
        assert_eq!((slow.status, slow.body.as_str()), (200, "done"));
        assert!(refused, "it takes connections while it stops");
        let ended = service.ended();
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(
            ended
                .err
                .contains("stopping: waiting for an event that is being handled, for at most 5s"),
            "{}",
            ended.err
        );
        assert!(ended.out.contains("events   1"), "{}", ended.out);
    }
}

#[test]
fn the_playbook_goes_on_behind_its_service() {
    let user = User::new();
    let text = "every(\"1h\", || 1);\nlet did = run_forever();\nprint(`${did.events} events`);\nsleep(0.01);\n\"bye\"\n";
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut running = user.begin(["run", "p.rhai"]);
    std::thread::sleep(Duration::from_millis(500));
    running.interrupt();
    let ended = running.stopped().ended;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "0 events\nbye\n"),
        "{}",
        ended.err
    );
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let mut service = serve(r#""GET /slow": |request| { sleep(60); },"#, "");
    let begun = Instant::now();
    let mut asking = service.connect();
    std::io::Write::write_all(&mut asking, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    service.signal("TERM");
    service.hear("stopping: waiting for an event");
    service.signal("TERM");
    assert_eq!(service.ended().code, 130);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_does_not_end_within_the_grace_is_cut_off() {
    let user = User::new();
    let text = "serve(#{ port: 0, timeout: \"1m\", routes: #{ \"GET /\": |r| { loop {} } } });\nrun_forever(#{ grace: \"300ms\" });\n";
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut service = Service::start(user, &[]);
    let mut asking = service.connect();
    std::io::Write::write_all(&mut asking, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    service.signal("TERM");
    let ended = service.ended();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.err.contains("GET / failed: p.rhai:1:"),
        "{}",
        ended.err
    );
}

#[test]
fn a_deadline_and_a_length_end_a_service_too() {
    let user = User::new();
    std::fs::write(
        user.home().join("p.rhai"),
        "every(\"50ms\", || 1);\nrun_forever().events > 2\n",
    )
    .unwrap();
    let deadline = user.opsh(["run", "p.rhai", "--deadline", "400ms"]);
    assert_eq!(deadline.code, 124, "{}", deadline.err);
    let length = user.opsh(["run", "p.rhai", "--for", "1s"]);
    assert_eq!(
        (length.code, length.out.as_str()),
        (0, "true\n"),
        "{}",
        length.err
    );
}

#[test]
fn a_port_that_is_taken_ends_it_before_it_begins() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let user = User::new();
    let text =
        format!("serve(#{{ port: {port}, routes: #{{ \"GET /\": |r| 1 }} }});\nrun_forever();\n");
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let ended = user.opsh(["run", "p.rhai"]);
    assert_eq!(ended.code, 1);
    let why = format!("serve 127.0.0.1:{port}: 127.0.0.1:{port} cannot be listened on: ");
    assert!(ended.err.contains(&why), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("free the port, or give another as 'port'"),
        "{}",
        ended.err
    );
}
