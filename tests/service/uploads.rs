//! Files that come.

use std::io::Write as _;

use super::{Answer, answer, serve, user};
use crate::service::Service;
use crate::support::running::peak;

const BOUNDARY: &str = "content-type: multipart/form-data; boundary=B\r\n";

fn part(field: &str, name: Option<&str>, content: &str) -> String {
    let name = name.map_or_else(String::new, |name| format!("; filename=\"{name}\""));
    format!("--B\r\ncontent-disposition: form-data; name=\"{field}\"{name}\r\n\r\n{content}\r\n")
}

/// The files in `folder`, hidden ones too.
fn files(service: &Service, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(service.user.home().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_parts_of_a_form_become_files() {
    let service = serve(
        r#"
        "POST /plain": #{ upload: "incoming" },
        "POST /told": #{ upload: "told", handler: |request| #{ json: #{
            files: request.files, note: request.form.note } } },
        "#,
        "",
    );
    let form = format!(
        "{}{}{}--B--\r\n",
        part("one", Some("../../etc/a.txt"), "first"),
        part("note", None, "hello"),
        part("two", Some(".a.txt"), "second"),
    );
    let plain = service.ask("POST", "/plain", BOUNDARY, &form);
    assert_eq!(plain.status, 201, "{plain:?}");
    assert!(
        plain.body.contains(r#""path":"incoming/a.txt""#),
        "{}",
        plain.body
    );
    // The second would have had the first one's name.
    assert_eq!(files(&service, "incoming"), ["a-2.txt", "a.txt"]);
    let second = std::fs::read_to_string(service.user.home().join("incoming/a-2.txt")).unwrap();
    assert_eq!(second, "second");
    let told = service.ask("POST", "/told", BOUNDARY, &form);
    assert!(told.body.contains(r#""note":"hello""#), "{}", told.body);
    assert!(told.body.contains(r#""bytes":5"#), "{}", told.body);
    let none = service.ask(
        "POST",
        "/plain",
        BOUNDARY,
        &format!("{}--B--\r\n", part("a", None, "x")),
    );
    assert_eq!(none.status, 400);
    assert_eq!(service.ask("POST", "/plain", "", "x").status, 415);
}

#[test]
fn a_body_becomes_a_file_of_the_name_in_its_path() {
    let service = serve(
        r#""PUT /files/{name}": #{ upload: "incoming", max_body: 100000 },"#,
        "",
    );
    let large = "x".repeat(99_999);
    assert_eq!(
        service.ask("PUT", "/files/large.bin", "", &large).status,
        201
    );
    let path = service.user.home().join("incoming/large.bin");
    assert_eq!(std::fs::read_to_string(path).unwrap(), large);
    assert_eq!(service.ask("PUT", "/files/.bashrc", "", "x").status, 201);
    assert_eq!(files(&service, "incoming"), ["bashrc", "large.bin"]);
}

#[test]
fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let user = user(
        r#""POST /": #{ upload: "incoming", max_body: 1000 }, "PUT /{name}": #{ upload: "incoming", max_body: 1000 },"#,
        r#"read_timeout: "500ms","#,
    );
    let service = Service::start(user, &[]);
    // Too large by its length, while it comes, and together with what came before.
    let long = "x".repeat(900);
    assert_eq!(service.ask("PUT", "/a", "", &"x".repeat(1001)).status, 413);
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let chunks = format!(
        "PUT /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(3)
    );
    assert_eq!(service.raw(chunks).status, 413);
    let form = format!(
        "{}{}--B--\r\n",
        part("a", Some("a"), &long),
        part("b", Some("b"), &long)
    );
    let form = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{BOUNDARY}transfer-encoding: chunked\r\n\r\n{:x}\r\n{form}\r\n0\r\n\r\n",
        form.len()
    );
    assert_eq!(service.raw(form).status, 413);
    let mut broken = service.connect();
    broken
        .write_all(b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nabc")
        .unwrap();
    assert_eq!(super::answer(&mut broken).status, 408);
    drop(broken);
    let begun = std::time::Instant::now();
    while !files(&service, "incoming").is_empty() {
        assert!(
            begun.elapsed() < super::PATIENCE,
            "{:?}",
            files(&service, "incoming")
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

const MIB: usize = 1 << 20;

/// Sends a request whose body is `around` with `size` bytes of content between the two.
fn sends_large(service: &Service, head: &str, around: (&str, &str), size: usize) -> Answer {
    let mut stream = service.connect();
    let length = around.0.len() + size + around.1.len();
    let head = format!(
        "{head}host: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{}",
        around.0
    );
    stream.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; MIB];
    for _ in 0..size / MIB {
        stream.write_all(&piece).unwrap();
    }
    stream.write_all(around.1.as_bytes()).unwrap();
    answer(&mut stream)
}

#[test]
fn what_is_large_goes_to_the_disk_and_not_into_memory() {
    let service = serve(
        r#""PUT /{name}": #{ upload: "incoming", max_body: 1000000000 },
        "POST /": #{ upload: "incoming", max_body: 1000000000 },"#,
        "",
    );
    let memory = || usize::try_from(peak(service.child.id()).unwrap()).unwrap();
    // What it needs to take anything in at all.
    assert_eq!(service.ask("PUT", "/small", "", "x").status, 201);
    let before = memory();
    let size = 128 * MIB;
    let body = sends_large(&service, "PUT /large HTTP/1.1\r\n", ("", ""), size);
    assert_eq!(body.status, 201, "{body:?}");
    let part = part("file", Some("part"), "");
    let (begin, end) = (part.trim_end_matches("\r\n"), "\r\n--B--\r\n");
    let begin = format!("{begin}\r\n\r\n");
    let head = format!("POST / HTTP/1.1\r\n{BOUNDARY}");
    let form = sends_large(&service, &head, (&begin, end), size);
    assert_eq!(form.status, 201, "{form:?}");
    for name in ["large", "part"] {
        let path = service.user.home().join("incoming").join(name);
        assert_eq!(std::fs::metadata(path).unwrap().len(), size as u64);
    }
    let more = memory() - before;
    assert!(
        more < 16 * MIB,
        "{more} bytes for two uploads of {size} bytes"
    );
}
