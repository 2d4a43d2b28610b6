//! How a service ends.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{HELD, PATIENCE, Service, answer, serve};
use crate::support::opsh::User;

#[test]
fn a_signal_lets_what_runs_come_to_its_end() {
    for signal in ["TERM", "INT"] {
        let mut service = serve(HELD, "");
        let mut asking = service.asking("/held");
        service.hear("begun");
        service.signal(signal);
        service.hear("stopping: ");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", service.port)).is_ok() {
            assert!(
                begun.elapsed() < PATIENCE,
                "it takes connections while it stops"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::write(service.user.home().join("go"), "").unwrap();
        let slow = answer(&mut asking);
        assert_eq!((slow.status, slow.body.as_str()), (200, "done"));
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
    let text = "every(\"50ms\", || log::info(\"begun\"));\nlet did = run_forever();\nprint(did.events > 0);\nsleep(0.01);\n\"bye\"\n";
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut running = user.begin(["run", "p.rhai"]);
    running.hear("begun");
    running.interrupt();
    let ended = running.stopped().ended;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "true\nbye\n"),
        "{}",
        ended.err
    );
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let mut service = serve(
        r#""GET /slow": |request| { log::info("begun"); sleep(60); },"#,
        "",
    );
    let begun = Instant::now();
    let _asking = service.asking("/slow");
    service.hear("begun");
    service.signal("TERM");
    service.hear("stopping: waiting for an event");
    service.signal("TERM");
    assert_eq!(service.ended().code, 130);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_does_not_end_within_the_grace_is_cut_off() {
    let user = User::new();
    let text = "serve(#{ port: 0, timeout: \"1m\", routes: #{ \"GET /\": |r| { log::info(\"begun\"); loop {} } } });\nrun_forever(#{ grace: \"300ms\" });\n";
    std::fs::write(user.home().join("p.rhai"), text).unwrap();
    let mut service = Service::start(user, &[]);
    let _asking = service.asking("/");
    service.hear("begun");
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
