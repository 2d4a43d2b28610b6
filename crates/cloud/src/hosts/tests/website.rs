//! What visitors get from a machine's web server.

use super::*;

fn serving(flavour: Flavour, script: &str) -> Host {
    let mut host = host(flavour, None);
    sh(&mut host, script);
    host
}

fn ask(host: &mut Host, method: &str, path: &str, client: &str) -> http::Response<bytes::Bytes> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "203.0.113.10")
        .header("user-agent", "test/1")
        .body(bytes::Bytes::new())
        .unwrap();
    host.serve(80, &request, client, at(900)).unwrap().answer()
}

fn get(host: &mut Host, path: &str) -> (u16, String, String) {
    let response = ask(host, "GET", path, "198.51.100.7");
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (
        response.status().as_u16(),
        kind,
        String::from_utf8(response.into_body().to_vec()).unwrap(),
    )
}

#[test]
fn apache_serves_files_errors_and_logs() {
    let mut host = serving(
        Flavour::AmazonLinux2023,
        "sudo dnf install -yq httpd && sudo systemctl enable --now httpd",
    );
    let (status, _, page) = get(&mut host, "/");
    assert_eq!(status, 403);
    assert!(page.contains("Test Page"), "{page}");
    sh(
        &mut host,
        "echo '<p>home</p>' | sudo tee /var/www/html/index.html; sudo mkdir /var/www/html/a; echo '{}' | sudo tee /var/www/html/a/b.json; echo no | sudo tee /var/www/html/no; sudo chmod 600 /var/www/html/no",
    );
    assert_eq!(
        get(&mut host, "/"),
        (
            200,
            "text/html; charset=UTF-8".into(),
            "<p>home</p>\n".into()
        )
    );
    assert_eq!(
        get(&mut host, "/a/b.json?x=1"),
        (200, "application/json".into(), "{}\n".into())
    );
    assert_eq!(get(&mut host, "/a").0, 301);
    assert_eq!(get(&mut host, "/no").0, 403);
    assert_eq!(get(&mut host, "/../../etc/passwd").0, 404);
    let (status, _, page) = get(&mut host, "/missing");
    assert_eq!(status, 404);
    assert!(
        page.contains("The requested URL was not found on this server."),
        "{page}"
    );
    let head = ask(&mut host, "HEAD", "/", "198.51.100.7");
    assert_eq!(
        (
            head.headers()["content-length"].to_str().unwrap(),
            head.body().len()
        ),
        ("12", 0)
    );
    let log = sh(&mut host, "sudo tail -n 1 /var/log/httpd/access_log");
    assert!(log.starts_with("198.51.100.7 - - ["), "{log}");
    assert!(
        log.ends_with("] \"HEAD / HTTP/1.1\" 200 12 \"-\" \"test/1\"\n"),
        "{log}"
    );
    assert_eq!(
        sh(&mut host, "sudo grep -c 'GET / ' /var/log/httpd/access_log"),
        "2\n"
    );
    let errors = sh(&mut host, "sudo cat /var/log/httpd/error_log");
    assert!(
        errors.contains(
            "AH00489: Apache/2.4.65 (Amazon Linux) configured -- resuming normal operations"
        ),
        "{errors}"
    );
    assert!(errors.contains("AH00132"), "{errors}");
    assert_eq!(host.listens(443, at(900)), Err(Unreachable::Refused));
    sh(&mut host, "sudo systemctl stop httpd");
    assert_eq!(host.listens(80, at(900)), Err(Unreachable::Refused));
}

#[test]
fn apache_configuration_snippets_work_after_a_reload() {
    let mut host = serving(
        Flavour::AmazonLinux2023,
        "sudo dnf install -yq httpd && sudo systemctl enable --now httpd; echo home | sudo tee /var/www/html/index.html",
    );
    sh(
        &mut host,
        "sudo tee /etc/httpd/conf.d/status.conf >/dev/null <<'EOF'\n<Location \"/server-status\">\n    SetHandler server-status\n    Require local\n</Location>\nHeader set X-Frame-Options DENY\nRedirect permanent /old https://example.com/new\nEOF",
    );
    assert_eq!(get(&mut host, "/server-status").0, 404);
    sh(
        &mut host,
        "sudo apachectl configtest && sudo systemctl reload httpd",
    );
    assert_eq!(get(&mut host, "/server-status").0, 403);
    let status = sh(&mut host, "curl -sf 'http://localhost/server-status?auto'");
    assert!(
        status.contains("Total Accesses: ") && status.contains("ServerUptimeSeconds: "),
        "{status}"
    );
    let home = ask(&mut host, "GET", "/", "198.51.100.7");
    assert_eq!(home.headers()["x-frame-options"], "DENY");
    let moved = ask(&mut host, "GET", "/old/x", "198.51.100.7");
    assert_eq!(
        (
            moved.status().as_u16(),
            moved.headers()["location"].to_str().unwrap()
        ),
        (301, "https://example.com/new/x")
    );
}

#[test]
fn a_virtual_host_needs_a_granted_directory() {
    let mut host = serving(
        Flavour::Ubuntu2404,
        "sudo apt-get update -q >/dev/null; sudo apt-get install -y apache2 >/dev/null; sudo mkdir -p /srv/site; echo site | sudo tee /srv/site/index.html",
    );
    sh(
        &mut host,
        "sudo tee /etc/apache2/sites-available/site.conf >/dev/null <<'EOF'\n<VirtualHost *:80>\n    ServerName site.example\n    DocumentRoot /srv/site\n    CustomLog ${APACHE_LOG_DIR}/site.log combined\n</VirtualHost>\nEOF\nsudo a2ensite site >/dev/null && sudo a2dissite 000-default >/dev/null && sudo systemctl reload apache2",
    );
    assert_eq!(get(&mut host, "/").0, 403);
    sh(
        &mut host,
        "printf '<Directory /srv/site>\\n  Require all granted\\n</Directory>\\n' | sudo tee /etc/apache2/conf-available/site.conf >/dev/null; sudo a2enconf site >/dev/null; sudo systemctl reload apache2",
    );
    assert_eq!(get(&mut host, "/").2, "site\n");
    assert_eq!(
        sh(&mut host, "sudo grep -c . /var/log/apache2/site.log"),
        "2\n"
    );
}

#[test]
fn nginx_serves_servers_and_locations() {
    let mut host = serving(
        Flavour::AmazonLinux2023,
        "sudo dnf install -yq nginx && sudo systemctl enable --now nginx",
    );
    assert!(get(&mut host, "/").2.contains("Welcome to nginx!"));
    sh(
        &mut host,
        "sudo tee /etc/nginx/default.d/app.conf >/dev/null <<'EOF'\nlocation = /health { return 200 \"ok\\n\"; }\nlocation /status { stub_status; allow 127.0.0.1; deny all; }\nEOF\nsudo nginx -t && sudo systemctl reload nginx",
    );
    assert_eq!(get(&mut host, "/health").0, 200);
    assert_eq!(get(&mut host, "/status").0, 403);
    assert!(sh(&mut host, "curl -s localhost/status").starts_with("Active connections: 1"));
    sh(
        &mut host,
        "echo 'bogus on;' | sudo tee /etc/nginx/conf.d/x.conf",
    );
    let (code, _, complaint) = try_sh(&mut host, "sudo nginx -t");
    assert_eq!(code, 1);
    assert!(
        complaint.contains("unknown directive \"bogus\" in /etc/nginx/conf.d/x.conf:1"),
        "{complaint}"
    );
}

#[test]
fn two_servers_cannot_share_a_port() {
    let mut host = serving(
        Flavour::AmazonLinux2023,
        "sudo dnf install -yq nginx httpd && sudo systemctl start nginx",
    );
    assert_eq!(try_sh(&mut host, "sudo systemctl start httpd").0, 1);
    assert!(sh(&mut host, "journalctl -u httpd").contains("Address already in use"));
    sh(
        &mut host,
        "sudo sed -i 's/^Listen 80/Listen 8080/' /etc/httpd/conf/httpd.conf && sudo systemctl start httpd",
    );
    assert_eq!(host.listens(8080, at(900)), Ok(()));
}
