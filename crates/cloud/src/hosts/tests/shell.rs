//! Commands on a machine: pipes, permissions, sudo, time, metadata.

use super::*;

#[test]
fn sudo_makes_the_difference() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    sh(&mut host, "sudo dnf install -y httpd");
    let (code, _, complaint) = try_sh(&mut host, "echo hi > /var/www/html/index.html");
    assert_eq!(
        (code, complaint.as_str()),
        (
            1,
            "bash: line 1: /var/www/html/index.html: Permission denied\n"
        )
    );
    sh(
        &mut host,
        "echo hi | sudo tee /var/www/html/index.html > /dev/null",
    );
    assert_eq!(sh(&mut host, "cat /var/www/html/index.html"), "hi\n");
    assert_eq!(
        sh(
            &mut host,
            "sudo bash -c 'whoami; echo $HOME; id -u; echo $EUID'"
        ),
        "root\n/root\n0\n0\n"
    );
    assert_eq!(sh(&mut host, "sudo -n true && echo may"), "may\n");
    assert_eq!(sh(&mut host, "sudo -u apache whoami"), "apache\n");
    assert_eq!(sh(&mut host, "FOO=1 sudo env | grep -c FOO || true"), "0\n");
    assert_eq!(
        sh(&mut host, "export FOO=1; sudo -E bash -c 'echo $FOO'"),
        "1\n"
    );
    let text = sh(
        &mut host,
        "sudo tee /etc/app.conf >/dev/null <<'EOF'\na=1\nb=$x\nEOF\ncat /etc/app.conf; stat -c '%U %a' /etc/app.conf",
    );
    assert_eq!(text, "a=1\nb=$x\nroot 644\n");
}

#[test]
fn owners_and_modes_hold() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let (code, _, complaint) = try_sh(&mut host, "ls /root");
    assert_ne!(code, 0, "{complaint}");
    assert!(complaint.contains("Permission denied"), "{complaint}");
    sh(
        &mut host,
        "sudo install -d -o ec2-user -g ec2-user -m 755 /srv/app && echo x > /srv/app/x",
    );
    assert_eq!(
        sh(&mut host, "stat -c '%U:%G %a' /srv/app /srv/app/x"),
        "ec2-user:ec2-user 755\nec2-user:ec2-user 644\n"
    );
    sh(&mut host, "sudo chown -R root:root /srv/app");
    let (code, _, complaint) = try_sh(&mut host, "rm /srv/app/x");
    assert_ne!(code, 0);
    assert!(complaint.contains("Permission denied"), "{complaint}");
    let (code, _, complaint) = try_sh(&mut host, "chown root note; touch note; chown root note");
    assert_eq!(code, 1);
    assert!(complaint.contains("Operation not permitted"), "{complaint}");
}

#[test]
fn the_metadata_service_wants_a_token() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    assert_eq!(
        sh(
            &mut host,
            "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id"
        ),
        "401"
    );
    let script = r#"
TOKEN=$(curl -sS -X PUT "http://169.254.169.254/latest/api/token" -H "X-aws-ec2-metadata-token-ttl-seconds: 300")
get() { curl -sSf -H "X-aws-ec2-metadata-token: $TOKEN" "http://169.254.169.254/latest/meta-data/$1"; }
mac=$(get mac)
for what in instance-id instance-type placement/availability-zone public-ipv4 "network/interfaces/macs/$mac/subnet-id"; do
    printf '%s=%s\n' "$what" "$(get $what)"
done
"#;
    assert_eq!(
        sh(&mut host, script),
        "instance-id=i-0a1b2c3d4e5f60718\ninstance-type=t3.nano\nplacement/availability-zone=us-east-1a\npublic-ipv4=203.0.113.10\nnetwork/interfaces/macs/0a:1b:2c:3d:4e:5f/subnet-id=subnet-00000000000000001\n"
    );
    let expired = r#"
TOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 60")
sleep 61
curl -s -o /dev/null -w '%{http_code}' -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/
"#;
    assert_eq!(sh(&mut host, expired), "401");
    let (code, _, complaint) = try_sh(
        &mut host,
        "T=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60'); curl -sf -S -H \"X-aws-ec2-metadata-token: $T\" http://169.254.169.254/latest/meta-data/nonesuch",
    );
    assert_eq!(
        (code, complaint.as_str()),
        (22, "curl: (22) The requested URL returned error: 404\n")
    );
}

#[test]
fn time_is_virtual() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let output = run(
        &mut host,
        "a=$(date +%s); sleep 90; b=$(date +%s); echo $((b-a))",
        600,
    );
    assert_eq!(output.stdout, b"90\n");
    assert_eq!(output.took.as_secs(), 90);
    assert_eq!(run(&mut host, "timeout 5 sleep 60", 1000).exit_code, 124);
    assert_eq!(sh(&mut host, "timeout 5 echo quick"), "quick\n");
    assert_eq!(
        sh(&mut host, "date -u +%Y-%m-%dT%H:%M:%SZ -d @0"),
        "1970-01-01T00:00:00Z\n"
    );
}

#[test]
fn what_is_not_modelled_is_refused_by_name() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    for (line, complaint) in [
        (
            "curl --ftp-ssl localhost",
            "opsh local: curl: option --ftp-ssl is not modelled by the embedded cloud\n",
        ),
        (
            "systemctl isolate rescue",
            "opsh local: systemctl: 'isolate' is not modelled by the embedded cloud\n",
        ),
        (
            "python3 -c 'print(1)'",
            "opsh local: python3: running it is not modelled by the embedded cloud\n",
        ),
    ] {
        let (code, out, said) = try_sh(&mut host, line);
        assert_eq!(
            (code, out.as_str(), said.as_str()),
            (64, "", complaint),
            "{line}"
        );
    }
    assert_eq!(try_sh(&mut host, "git --version").0, 127);
    sh(&mut host, "sudo dnf install -y git >/dev/null");
    assert_eq!(sh(&mut host, "git --version"), "git version 2.50.1\n");
    let (code, _, complaint) = try_sh(&mut host, "curl -sS https://example.com/");
    assert_eq!(
        (code, complaint.as_str()),
        (6, "curl: (6) Could not resolve host: example.com\n")
    );
}

#[test]
fn runaway_commands_end() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let (code, _, complaint) = try_sh(&mut host, "while :; do :; done");
    assert_eq!(code, 137);
    assert!(
        complaint.starts_with("opsh local: the command was ended:"),
        "{complaint}"
    );
    assert_eq!(sh(&mut host, "yes | head -2"), "y\ny\n");
}

#[test]
fn work_shows_in_the_figures() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let output = run(
        &mut host,
        "sudo dnf install -y stress-ng && nohup stress-ng --cpu 2 --timeout 300s >/dev/null 2>&1 &",
        600,
    );
    assert_eq!(
        output.exit_code,
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let idle = host.samples(at(300), at(420));
    assert!(
        !idle.is_empty() && idle.iter().all(|sample| sample.cpu_percent < 1.0),
        "{idle:?}"
    );
    let busy = host.samples(at(700), at(820));
    assert!(
        !busy.is_empty() && busy.iter().all(|sample| sample.cpu_percent > 99.0),
        "{busy:?}"
    );
    let after = host.samples(at(1200), at(1300));
    assert!(
        after.iter().all(|sample| sample.cpu_percent < 1.0),
        "{after:?}"
    );
}

#[test]
fn programs_are_found_where_they_are() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    assert_eq!(
        sh(&mut host, "command -v curl; which systemctl"),
        "/usr/bin/curl\n/usr/bin/systemctl\n"
    );
    assert_eq!(try_sh(&mut host, "command -v httpd").0, 1);
    assert_eq!(
        sh(
            &mut host,
            "sudo dnf -y install httpd >/dev/null; command -v httpd"
        ),
        "/usr/sbin/httpd\n"
    );
    assert_eq!(
        try_sh(
            &mut host,
            "command -v nginx; command -v apt-get; command -v jq"
        )
        .0,
        1
    );
    sh(
        &mut host,
        "printf '#!/bin/bash\\necho own $1\\n' > own.sh; chmod +x own.sh",
    );
    assert_eq!(
        sh(&mut host, "./own.sh a; sudo ./own.sh b; bash own.sh c"),
        "own a\nown b\nown c\n"
    );
    assert_eq!(
        sh(&mut host, "/usr/bin/env whoami; sudo /usr/sbin/httpd -v"),
        "ec2-user\nServer version: Apache/2.4.65 (Amazon Linux)\n"
    );
}

#[test]
fn files_go_up_and_down() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    host.upload("ec2-user", "app/../a.txt", b"up", 0o600, at(600))
        .unwrap();
    assert_eq!(sh(&mut host, "cat a.txt; stat -c %a a.txt"), "up600\n");
    assert_eq!(
        &host.download("ec2-user", "a.txt", at(700)).unwrap()[..],
        b"up"
    );
    let refusal = host
        .upload("ec2-user", "/etc/x", b"", 0o600, at(700))
        .unwrap_err();
    assert_eq!(refusal.to_string(), "/etc/x: Permission denied");
    let refusal = host.download("ec2-user", "none", at(700)).unwrap_err();
    assert_eq!(refusal.to_string(), "none: No such file or directory");
}

#[test]
fn a_session_gives_its_input_to_the_command() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let line = "sudo tee '/etc/app.conf' > /dev/null && sudo chmod 644 '/etc/app.conf'";
    let output = host
        .run("ec2-user", line, b"one\n\xfftwo\n", at(600))
        .unwrap();
    assert_eq!(
        output.exit_code,
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = host
        .run("ec2-user", "cat /etc/app.conf", b"", at(600))
        .unwrap();
    assert_eq!(output.stdout, b"one\n\xfftwo\n");
    assert_eq!(
        sh(
            &mut host,
            "printf 'a\\nb\\n' | while read -r x; do echo \"<$x>\"; done | sudo tee both"
        ),
        "<a>\n<b>\n"
    );
    assert_eq!(
        sh(&mut host, "sudo sha256sum /etc/hostname | cut -c1-8").len(),
        9
    );
    assert_eq!(
        sh(
            &mut host,
            "sudo bash <<'EOF'\nwhoami\necho \"$USER\" > /root/who\nEOF\nsudo cat /root/who"
        ),
        "root\nroot\n"
    );
    let script = "set -e\nfor i in 1 2 3; do\n  if sudo systemctl is-active --quiet sshd; then break; fi\n  sleep 1\ndone\necho \"$i\"";
    assert_eq!(sh(&mut host, script), "1\n");
}

#[test]
fn a_hundred_idle_hosts_are_cheap() {
    let mut hosts = Hosts::default();
    for number in 0..100 {
        let mut boot = boot_of(Flavour::AmazonLinux2023, Some("#!/bin/sh\ntrue\n"));
        boot.instance_id = format!("i-{number:017x}");
        hosts.boot(boot, None, at(0));
    }
    // Facts only: no disk is made and no user-data runs before somebody looks.
    assert!(serde_json::to_string(&hosts).unwrap().len() < 200_000);
}

#[test]
fn what_is_not_permitted_fails_only_that_command() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    sh(
        &mut host,
        "sudo dnf install -yq httpd; echo x > x; sudo touch /etc/mine",
    );
    let mut wrong = Vec::new();
    for line in [
        "cp x /etc/x",
        "mv x /etc/x",
        "mkdir /etc/d",
        "mkdir -p /etc/d/e",
        "touch /etc/t",
        "touch /etc/mine",
        "rm /etc/mine",
        "rm -f /etc/mine",
        "ln -s x /etc/l",
        "sed -i s/a/b/ /etc/mine",
        "chmod 600 /etc/mine",
        "echo x >> /etc/mine",
        "echo x | tee /etc/mine",
        "cat /etc/sudoers.d/90-cloud-init-users",
        "ls /root",
        "tail /var/log/httpd/access_log",
        "head /root/x",
        "grep a /root/x",
        "mktemp -p /etc",
        "truncate -s 0 /etc/mine",
        "dd if=x of=/etc/mine",
        "sort x -o /etc/mine",
        "find /root",
        "sha256sum /root/x",
        "wc -l /root/x",
        "awk '{print}' /root/x",
        "diff x /root/x",
    ] {
        let (code, out, said) = try_sh(&mut host, &format!("{line}; echo \"status $?\""));
        let failed = out.contains("status ") && !out.contains("status 0");
        let worded = said.contains("Permission denied") || said.contains("Operation not permitted");
        if code != 0 || !failed || !worded {
            wrong.push(format!("{line}: {code} {out:?} {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_database_in_a_file() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let (code, _, _) = try_sh(&mut host, "sqlite3 x.db 'SELECT 1'");
    assert_eq!(code, 127);
    sh(&mut host, "sudo dnf install -y sqlite");
    // Nothing makes no file.
    assert_eq!(sh(&mut host, "sqlite3 app.db 'SELECT 1+1'; ls"), "2\n");
    sh(
        &mut host,
        "sqlite3 -batch app.db <<'EOF'\nCREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size REAL);\nINSERT INTO files (name, size) VALUES ('it''s', 1.5), ('b', NULL);\nEOF",
    );
    assert_eq!(
        sh(&mut host, "sqlite3 app.db 'SELECT * FROM files'"),
        "1|it's|1.5\n2|b|\n"
    );
    assert_eq!(
        sh(
            &mut host,
            "sqlite3 -header -separator , -cmd '.timeout 5000' app.db 'SELECT name, size FROM files WHERE id = 1'"
        ),
        "name,size\nit's,1.5\n"
    );
    assert_eq!(
        sh(
            &mut host,
            "sqlite3 -json app.db 'UPDATE files SET size = 2 WHERE id = 2; SELECT changes() AS n; SELECT id, name FROM files ORDER BY id; SELECT 1 WHERE 0'"
        ),
        "[{\"n\":1}]\n[{\"id\":1,\"name\":\"it's\"},\n{\"id\":2,\"name\":\"b\"}]\n"
    );
    // What fails says so; what was done before stays.
    let twice = "sqlite3 app.db \"INSERT INTO files (name) VALUES ('c'); INSERT INTO files (name) VALUES ('b')\"";
    let (code, _, complaint) = try_sh(&mut host, twice);
    assert_eq!(
        (code, complaint.as_str()),
        (
            1,
            "Runtime error: UNIQUE constraint failed: files.name (19)\n"
        )
    );
    assert_eq!(
        sh(&mut host, "sqlite3 app.db 'SELECT count(*) FROM files'"),
        "3\n"
    );
    let (code, _, complaint) = try_sh(&mut host, "sqlite3 app.db 'SELECT * FROM nowhere'");
    assert_eq!(
        (code, complaint.as_str()),
        (1, "Parse error: no such table: nowhere\n")
    );
    // Others' databases stay others'.
    sh(&mut host, "sudo install -m 600 app.db /srv/app.db");
    let (code, _, complaint) = try_sh(&mut host, "sqlite3 /srv/app.db 'SELECT 1'");
    assert_eq!(code, 1);
    assert!(complaint.contains("unable to open database"), "{complaint}");
    assert_eq!(
        sh(
            &mut host,
            "sudo sqlite3 /srv/app.db 'SELECT count(*) FROM files'"
        ),
        "3\n"
    );
    for unmodelled in ["sqlite3 app.db .tables", "sqlite3 -csv app.db 'SELECT 1'"] {
        let (code, _, complaint) = try_sh(&mut host, unmodelled);
        assert_eq!(code, 64, "{complaint}");
    }
}

#[test]
fn each_system_has_its_own_c_library() {
    for (flavour, version) in [
        (Flavour::AmazonLinux2023, "glibc 2.34\n"),
        (Flavour::Ubuntu2404, "glibc 2.39\n"),
    ] {
        let mut host = host(flavour, None);
        assert_eq!(sh(&mut host, "getconf GNU_LIBC_VERSION"), version);
        assert_eq!(
            sh(&mut host, "getconf _NPROCESSORS_ONLN"),
            sh(&mut host, "nproc")
        );
        let (code, _, complaint) = try_sh(&mut host, "getconf NAME_MAX");
        assert_eq!(code, 64, "{complaint}");
    }
}
