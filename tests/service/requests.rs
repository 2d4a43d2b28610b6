//! Requests and responses, folders, what fails.

use super::{serve, user};
use crate::service::Service;

#[test]
fn requests_are_maps_and_so_are_responses() {
    let mut service = serve(
        r#"
        "GET /ping": |request| "OK",
        "GET /users/{id}": |request| #{ json: #{ id: request.params.id, query: request.query } },
        "POST /sum": |request| #{ status: 201, json: request.json.a + request.json.b,
            headers: #{ "x-from": request.headers["x-who"] } },
        "POST /echo": |request| request.body,
        "DELETE /users/{id}": |request| (),
        "GET /all": |request| [1, #{ a: 2 }],
        "GET /who": |request| if request.headers.authorization == secret("TOKEN") { "you" } else { #{ status: 401 } },
        "GET /page": |request| #{ file: "page.html" },
        "#,
        "",
    );
    let ping = service.get("/ping");
    assert_eq!((ping.status, ping.body.as_str()), (200, "OK"));
    assert!(
        ping.head
            .contains("content-type: text/plain; charset=utf-8"),
        "{}",
        ping.head
    );
    assert!(
        ping.head.contains("x-content-type-options: nosniff"),
        "{}",
        ping.head
    );
    let user = service.get("/users/a%20b?x=1&x=2&y=%C3%A4");
    assert_eq!(user.body, r#"{"id":"a b","query":{"x":["1","2"],"y":"ä"}}"#);
    let json = "content-type: application/json\r\nx-who: me\r\n";
    let sum = service.ask("POST", "/sum", json, r#"{"a": 1, "b": 2}"#);
    assert_eq!((sum.status, sum.body.as_str()), (201, "3"));
    assert!(sum.head.contains("x-from: me"), "{}", sum.head);
    let wrong = service.ask("POST", "/sum", json, "{");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("the body is no JSON"), "{}", wrong.body);
    assert_eq!(service.ask("POST", "/echo", "", "hällo").body, "hällo");
    assert_eq!(service.ask("DELETE", "/users/1", "", "").status, 204);
    assert_eq!(service.get("/all").body, r#"[1,{"a":2}]"#);
    let head = service.ask("HEAD", "/ping", "", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.head.contains("content-length: 2"), "{}", head.head);

    let missing = service.get("/pong");
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (404, "404 Not Found\n")
    );
    let method = service.ask("PUT", "/ping", "", "");
    assert_eq!(method.status, 405);
    assert!(method.head.contains("allow: get, head"), "{}", method.head);
    assert_eq!(service.get("/a/../ping").status, 400);
    assert_eq!(service.raw("nonsense\r\n\r\n").status, 400);
    // There is no such file: that is the playbook's fault.
    assert_eq!(service.get("/page").status, 500);
    service.hear("GET /page: what its handler gives is no response: there is no file page.html");
    let line = service.hear("GET /ping 200");
    assert!(
        line.starts_with("127.0.0.1:") && line.contains(" GET /ping 200 2 B "),
        "{line}"
    );
}

#[test]
fn a_secret_in_a_header_is_compared_and_never_shown() {
    let user = user(
        r#"
        "GET /who": |request| if request.headers.authorization == secret("TOKEN") { "you" } else { #{ status: 401 } },
        "GET /tell": |request| request.headers.authorization,
        "GET /json": |request| #{ json: request.headers },
        "#,
        "",
    )
    .with("TOKEN", "Bearer hunter2");
    let service = Service::start(user, &[]);
    let ask = |path: &str, token: &str| {
        service.ask(
            "GET",
            path,
            &format!("authorization: Bearer {token}\r\n"),
            "",
        )
    };
    assert_eq!(ask("/who", "hunter2").body, "you");
    assert_eq!(ask("/who", "hunter3").status, 401);
    assert_eq!(service.get("/who").status, 401);
    assert_eq!(ask("/tell", "hunter2").status, 500);
    assert!(
        ask("/json", "hunter2")
            .body
            .contains(r#""authorization":"[secret]""#)
    );
}

#[test]
fn a_failing_handler_never_stops_the_service() {
    let mut service = serve(
        r#"
        "GET /ok": |request| "OK",
        "GET /throw": |request| {
            throw "the inside";
        },
        "GET /denied": |request| { ec2::describe_vpcs(); },
        "GET /status": |request| #{ statu: 200 },
        "GET /function": |request| || 1,
        "#,
        "",
    );
    for (path, why) in [
        ("/throw", "GET /throw failed: p.rhai:4:13: the inside"),
        (
            "/status",
            "a response has no 'statu'; did you mean 'status'?",
        ),
        (
            "/function",
            "what the handler gives: a function cannot be a parameter here",
        ),
    ] {
        let failed = service.get(path);
        assert_eq!(
            (failed.status, failed.body.as_str()),
            (500, "500 Internal Server Error\n")
        );
        service.hear(why);
        assert_eq!(service.get("/ok").body, "OK");
    }
    service.hear(r#"4 |             throw "the inside";"#);
}

#[test]
fn the_access_log_is_json_where_json_is_asked_for() {
    let user = user(r#""GET /ping": |request| "OK","#, "");
    let mut child = user
        .command(["run", "p.rhai", "--output", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut next =
        || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let listening = next();
    let url = listening["message"].as_str().unwrap();
    let address = url.rsplit_once('/').unwrap().1;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut stream,
        b"GET /ping?x=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .unwrap();
    assert_eq!(super::answer(&mut stream).body, "OK");
    let request = next();
    assert_eq!(request["event"], "request", "{request}");
    assert_eq!(request["path"], "/ping");
    assert_eq!(request["status"], 200);
    assert_eq!(request["bytes"], 2);
    assert!(request["seconds"].as_f64().unwrap() > 0.0, "{request}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn folders_show_what_is_in_them_and_nothing_else() {
    let user = user(
        r#""GET /static": #{ folder: "public" }, "GET /static/special": |request| "mine","#,
        "",
    );
    let home = user.home().to_path_buf();
    std::fs::create_dir_all(home.join("public/sub/.git")).unwrap();
    for (name, text) in [
        ("public/a b.html", "<p>ä</p>"),
        ("public/style.css", "p {}"),
        ("public/sub/index.html", "index"),
        ("public/.env", "TOKEN=hunter2"),
        ("public/sub/.git/config", "hunter2"),
        ("secret.txt", "hunter2"),
    ] {
        std::fs::write(home.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink(home.join("secret.txt"), home.join("public/link.txt")).unwrap();
    std::os::unix::fs::symlink(&home, home.join("public/up")).unwrap();
    let service = Service::start(user, &[]);
    let page = service.get("/static/a%20b.html");
    assert_eq!((page.status, page.body.as_str()), (200, "<p>ä</p>"));
    assert!(
        page.head.contains("content-type: text/html"),
        "{}",
        page.head
    );
    assert!(
        service
            .get("/static/style.css")
            .head
            .contains("content-type: text/css")
    );
    assert_eq!(service.get("/static/sub/").body, "index");
    let moved = service.get("/static/sub");
    assert!(moved.status == 307 || moved.status == 308, "{moved:?}");
    assert!(
        moved.head.contains("location: /static/sub/"),
        "{}",
        moved.head
    );
    assert_eq!(service.get("/static/special").body, "mine");
    let range = service.ask("GET", "/static/style.css", "range: bytes=0-1\r\n", "");
    assert_eq!((range.status, range.body.as_str()), (206, "p "));
    for path in [
        "/static/",
        "/static/none",
        "/static/.env",
        "/static/sub/.git/config",
        "/static/link.txt",
        "/static/up/secret.txt",
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/%2e%2e%2fsecret.txt",
        "/static/..%5csecret.txt",
        "/static//../secret.txt",
        "/static/sub/../../secret.txt",
        "/static/a%00.html",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
    ] {
        let answer = service.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.body.contains("hunter2"), "{path}: {answer:?}");
    }
    assert_eq!(service.ask("POST", "/static/style.css", "", "").status, 405);
}

#[test]
fn what_is_wrong_with_a_server_is_told_before_it_serves() {
    for (options, why) in [
        (
            "prt: 1, routes: #{}",
            "serve: unknown parameter 'prt'; did you mean 'port'?",
        ),
        ("port: 0", "serve: 'routes' is missing"),
        ("port: 0, routes: #{}", "serve: 'routes' is empty"),
        (
            "port: 70000, routes: #{ \"GET /\": |r| 1 }",
            "serve: 'port' must be a whole number from 0 to 65535, not 70000",
        ),
        (
            "port: 0, bind: \"here\", routes: #{ \"GET /\": |r| 1 }",
            "serve: 'bind' must be an address",
        ),
        (
            "port: 0, timeout: \"soon\", routes: #{ \"GET /\": |r| 1 }",
            "serve: 'timeout': write a duration",
        ),
        (
            "port: 0, routes: #{ \"/\": |r| 1 }",
            "serve: the route '/' is not understood",
        ),
        (
            "port: 0, routes: #{ \"GET /{a}\": |r| 1, \"GET /{b}\": |r| 1 }",
            "take the same requests",
        ),
        (
            "port: 0, routes: #{ \"GET /\": 1 }",
            "leads to a function, a text, #{ folder: … } or #{ upload: … }",
        ),
        (
            "port: 0, routes: #{ \"GET /\": #{ foldr: \"x\" } }",
            "has no 'foldr'",
        ),
        (
            "port: 0, routes: #{ \"GET /\": #{ folder: \"none\" } }",
            "there is no folder 'none'",
        ),
        (
            "port: 0, routes: #{ \"GET /\": #{ folder: \"..\" } }",
            "p.rhai:1:1",
        ),
    ] {
        // What is not literal is only known when it runs.
        let text = format!(
            "serve(given(#{{ {options} }})); fn given(options) {{ options }}\nrun_forever();\n"
        );
        let user = crate::support::opsh::User::new();
        std::fs::write(user.home().join("p.rhai"), text).unwrap();
        let ended = user.opsh(["run", "p.rhai", "--dry-run"]);
        assert_eq!(ended.code, 1, "{options}: {}", ended.err);
        assert!(ended.err.contains(why), "{options}: {}", ended.err);
        assert!(ended.err.contains("p.rhai:1:1"), "{options}: {}", ended.err);
    }
}
