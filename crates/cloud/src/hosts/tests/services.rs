//! Packages and services converge: twice is as good as once.

use super::*;

#[test]
fn installing_twice_changes_nothing() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    let first = sh(&mut host, "sudo dnf install -y httpd");
    assert!(
        first.contains("Installed:") && first.contains("Complete!"),
        "{first}"
    );
    let second = sh(&mut host, "sudo dnf install -y httpd");
    assert_eq!(
        second,
        "Package httpd-2.4.65-1.amzn2023.0.2.x86_64 is already installed.\nDependencies resolved.\nNothing to do.\nComplete!\n"
    );
    let (code, _, complaint) = try_sh(&mut host, "dnf install -y httpd");
    assert_eq!(code, 1);
    assert!(
        complaint.starts_with("Error: This command has to be run with superuser privileges"),
        "{complaint}"
    );
    let (code, _, complaint) = try_sh(&mut host, "sudo dnf install -y nonesuch");
    assert_eq!(
        (code, complaint.as_str()),
        (
            1,
            "No match for argument: nonesuch\nError: Unable to find a match: nonesuch\n"
        )
    );
    assert_eq!(
        sh(&mut host, "sudo dnf update -y"),
        "Dependencies resolved.\nNothing to do.\nComplete!\n"
    );
    assert_eq!(
        try_sh(&mut host, "rpm -q nginx"),
        (1, "package nginx is not installed\n".into(), String::new())
    );
    sh(&mut host, "sudo dnf remove -y httpd");
    assert_eq!(try_sh(&mut host, "rpm -q httpd").0, 1);
}

#[test]
fn systemctl_says_what_is_so() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    assert_eq!(
        try_sh(&mut host, "sudo systemctl start httpd"),
        (
            5,
            String::new(),
            "Failed to start httpd.service: Unit httpd.service not found.\n".into()
        )
    );
    sh(&mut host, "sudo dnf install -yq httpd");
    assert_eq!(
        try_sh(&mut host, "systemctl is-active httpd"),
        (3, "inactive\n".into(), String::new())
    );
    assert_eq!(
        try_sh(&mut host, "systemctl is-enabled httpd"),
        (1, "disabled\n".into(), String::new())
    );
    let (code, _, complaint) = try_sh(&mut host, "systemctl start httpd");
    assert_eq!(code, 1);
    assert!(
        complaint.contains("Interactive authentication required"),
        "{complaint}"
    );
    sh(&mut host, "sudo systemctl enable --now httpd");
    assert_eq!(
        sh(
            &mut host,
            "systemctl is-active httpd; systemctl is-enabled httpd.service"
        ),
        "active\nenabled\n"
    );
    let status = sh(&mut host, "systemctl status httpd --no-pager");
    assert!(
        status.contains("Active: active (running) since"),
        "{status}"
    );
    assert!(
        sh(&mut host, "journalctl -u httpd --no-pager")
            .contains("Started httpd.service - The Apache HTTP Server.")
    );
    assert!(sh(&mut host, "ss -tln").contains("0.0.0.0:80"));
    assert_eq!(sh(&mut host, "pgrep -c httpd"), "1\n");
    sh(&mut host, "sudo systemctl disable --now httpd");
    assert_eq!(try_sh(&mut host, "systemctl is-active --quiet httpd").0, 3);
    sh(
        &mut host,
        "sudo dnf install -yq memcached && sudo systemctl enable --now memcached",
    );
    assert!(sh(&mut host, "sudo ss -tlnp").contains("127.0.0.1:11211"));
}

#[test]
fn a_broken_configuration_keeps_the_server_from_starting() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    sh(
        &mut host,
        "sudo dnf install -yq httpd && sudo systemctl start httpd",
    );
    sh(
        &mut host,
        "echo 'Documentroot /nowhere' | sudo tee /etc/httpd/conf.d/x.conf",
    );
    let (code, _, complaint) = try_sh(&mut host, "sudo apachectl configtest");
    assert_eq!(
        (code, complaint.as_str()),
        (
            1,
            "AH00526: Syntax error on line 1 of /etc/httpd/conf.d/x.conf:\nDocumentRoot '/nowhere' is not a directory, or is not readable\n"
        )
    );
    let (code, _, complaint) = try_sh(&mut host, "sudo systemctl restart httpd");
    assert_eq!(code, 1);
    assert!(
        complaint.starts_with("Job for httpd.service failed"),
        "{complaint}"
    );
    assert_eq!(try_sh(&mut host, "systemctl is-active httpd").1, "failed\n");
    sh(
        &mut host,
        "echo 'RewriteEngine on' | sudo tee /etc/httpd/conf.d/x.conf",
    );
    let (_, _, complaint) = try_sh(&mut host, "sudo httpd -t");
    assert!(
        complaint.ends_with(
            "opsh local: the directive RewriteEngine is not modelled by the embedded cloud\n"
        ),
        "{complaint}"
    );
    sh(
        &mut host,
        "sudo rm /etc/httpd/conf.d/x.conf && sudo apachectl configtest && sudo systemctl restart httpd",
    );
}

#[test]
fn log_rotation_is_checked_and_done() {
    let mut host = host(Flavour::AmazonLinux2023, None);
    sh(
        &mut host,
        "sudo tee /etc/logrotate.d/app >/dev/null <<'EOF'\n/var/log/app.log {\n    daily\n    rotate 7\n    missingok\n    notifempty\n    copytruncate\n}\nEOF\necho line | sudo tee /var/log/app.log",
    );
    let (code, _, said) = try_sh(&mut host, "sudo logrotate -d /etc/logrotate.d/app");
    assert_eq!(code, 0);
    assert!(
        said.contains("rotating pattern: /var/log/app.log  (7 rotations)"),
        "{said}"
    );
    sh(&mut host, "sudo logrotate -f /etc/logrotate.d/app");
    assert_eq!(
        sh(
            &mut host,
            "cat /var/log/app.log.1; wc -c < /var/log/app.log"
        ),
        "line\n0\n"
    );
    let (code, _, said) = try_sh(
        &mut host,
        "echo '/x { sometimes' | sudo tee /etc/logrotate.d/bad >/dev/null; printf '/x {\\n  sometimes\\n}\\n' | sudo tee /etc/logrotate.d/bad >/dev/null; sudo logrotate -d /etc/logrotate.d/bad",
    );
    assert_eq!(code, 1);
    assert!(said.contains("unknown option 'sometimes'"), "{said}");
}

#[test]
fn accounts_are_made_and_used() {
    let mut host = host(Flavour::Ubuntu2404, None);
    sh(
        &mut host,
        "sudo useradd -m -s /bin/bash deploy && sudo usermod -aG sudo deploy",
    );
    assert_eq!(
        sh(&mut host, "id deploy"),
        "uid=1001(deploy) gid=1001(deploy) groups=1001(deploy),27(sudo)\n"
    );
    assert_eq!(
        sh(&mut host, "sudo -u deploy bash -c 'cd; pwd; sudo whoami'"),
        "/home/deploy\nroot\n"
    );
    assert_eq!(try_sh(&mut host, "sudo useradd deploy").0, 9);
    sh(
        &mut host,
        "(crontab -l 2>/dev/null; echo '*/5 * * * * /bin/true') | crontab -",
    );
    assert_eq!(sh(&mut host, "crontab -l"), "*/5 * * * * /bin/true\n");
}
