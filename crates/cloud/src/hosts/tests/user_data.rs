//! User-data runs, takes its time, and others see it happen.

use super::*;

const APACHE: &str = r#"#!/bin/bash -xe
dnf update -y
dnf install -y httpd
cat > /var/www/html/index.html <<PAGE
<h1>Hello from $(hostname -f)</h1>
PAGE
sed -i 's/Hello/Greetings/' /var/www/html/index.html
systemctl enable --now httpd
echo "finished at $(date +%s)" | tee /root/done
"#;

fn get(host: &mut Host, path: &str, seconds: i64) -> Result<(u16, String), Unreachable> {
    let request = http::Request::get(path)
        .header("host", "203.0.113.10")
        .body(bytes::Bytes::new())
        .unwrap();
    let response = host
        .serve(80, &request, "198.51.100.7", at(seconds))?
        .answer();
    Ok((
        response.status().as_u16(),
        String::from_utf8(response.into_body().to_vec()).unwrap(),
    ))
}

/// The console of such a machine some seconds after power-on.
fn host_log_at(seconds: i64) -> String {
    host(Flavour::AmazonLinux2023, Some(APACHE)).console_output(at(seconds))
}

#[test]
fn apache_is_served_when_user_data_has_come_so_far() {
    let mut host = host(Flavour::AmazonLinux2023, Some(APACHE));
    assert_eq!(get(&mut host, "/", 3), Err(Unreachable::Silent));
    assert_eq!(get(&mut host, "/", 28), Err(Unreachable::Refused));
    assert_eq!(run(&mut host, "test -d /var/www/html", 29).exit_code, 1);
    assert_eq!(
        String::from_utf8(run(&mut host, "cloud-init status", 29).stdout).unwrap(),
        "status: running\n"
    );
    let (status, page) = get(&mut host, "/", 300).unwrap();
    assert_eq!(status, 200);
    assert_eq!(page, "<h1>Greetings from ip-172-31-5-6.ec2.internal</h1>\n");
    let console = host.console_output(at(300));
    assert!(console.contains("Complete!"), "{console}");
    // Output and trace come in the order of the script.
    let place = |text: &str| {
        console
            .find(text)
            .unwrap_or_else(|| panic!("{text} in {console}"))
    };
    assert!(place("+ dnf install -y httpd") < place("Transaction Summary"));
    assert!(place("Transaction Summary") < place("+ systemctl enable --now httpd"));
    let early = host_log_at(36);
    assert!(
        early.contains("+ dnf update -y") && !early.contains("Transaction Summary"),
        "{early}"
    );
    assert!(console.contains("finished at 1790000"), "{console}");
}

#[test]
fn waiting_for_cloud_init_takes_virtual_time() {
    let mut host = host(Flavour::AmazonLinux2023, Some(APACHE));
    let output = run(
        &mut host,
        "cloud-init status --wait && curl -s localhost",
        30,
    );
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "status: done\n<h1>Greetings from ip-172-31-5-6.ec2.internal</h1>\n"
    );
    assert!(output.took.as_secs() > 10, "{:?}", output.took);
    assert!(output.took.as_secs() < 120, "{:?}", output.took);
}

#[test]
fn what_others_do_meanwhile_is_kept() {
    let mut host = host(Flavour::AmazonLinux2023, Some(APACHE));
    run(&mut host, "echo mine > mine; sudo mkdir -p /srv/mine", 30);
    assert_eq!(
        sh(&mut host, "cat mine; ls /srv; systemctl is-active httpd"),
        "mine\nmine\nactive\n"
    );
}

#[test]
fn a_package_manager_waits_for_the_one_of_user_data() {
    let mut host = host(Flavour::AmazonLinux2023, Some(APACHE));
    let output = run(&mut host, "sudo dnf install -y htop && rpm -q httpd", 30);
    assert_eq!(
        output.exit_code,
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("Waiting for process")
    );
    assert_eq!(sh(&mut host, "rpm -q htop httpd | wc -l"), "2\n");
}

#[test]
fn a_failing_script_is_told_by_cloud_init() {
    let mut host = host(
        Flavour::AmazonLinux2023,
        Some("#!/bin/bash\nset -e\ndnf install -y nonesuch\necho never > /root/never\n"),
    );
    let (code, out, _) = try_sh(&mut host, "cloud-init status --wait --long");
    assert_eq!(
        (code, out.as_str()),
        (1, "status: error\ndetail:\nDataSourceEc2\n")
    );
    let log = sh(&mut host, "sudo cat /var/log/cloud-init-output.log");
    assert!(log.contains("Unable to find a match: nonesuch"), "{log}");
    assert_eq!(try_sh(&mut host, "sudo test -e /root/never").0, 1);
}

#[test]
fn user_data_runs_once() {
    let mut host = host(
        Flavour::AmazonLinux2023,
        Some("#!/bin/sh\necho ran >> /root/count\n"),
    );
    assert_eq!(sh(&mut host, "sudo cat /root/count"), "ran\n");
    host.power_off(at(700));
    assert_eq!(host.reach_ssh(at(710)), Err(Unreachable::Silent));
    host.power_on(at(720));
    let output = host
        .run("ec2-user", "sudo cat /root/count", b"", at(800))
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "ran\n");
}

#[test]
fn enabled_services_start_with_the_machine_and_others_do_not() {
    let mut host = host(
        Flavour::AmazonLinux2023,
        Some(
            "#!/bin/sh\ndnf install -yq httpd nginx\nsystemctl enable httpd\nsystemctl start httpd\n",
        ),
    );
    assert_eq!(get(&mut host, "/", 600).unwrap().0, 403);
    host.power_off(at(700));
    host.power_on(at(720));
    assert_eq!(get(&mut host, "/", 800).unwrap().0, 403);
    let output = host
        .run("ec2-user", "systemctl is-active nginx", b"", at(800))
        .unwrap();
    assert_eq!(output.exit_code, 3);
}

#[test]
fn other_kinds_of_user_data_are_refused_by_name() {
    let mut host = host(
        Flavour::AmazonLinux2023,
        Some("#!/usr/bin/python3\nprint('x')\n"),
    );
    let console = host.console_output(at(600));
    assert!(
        console.contains(
            "opsh local: user-data for /usr/bin/python3 is not modelled by the embedded cloud"
        ),
        "{console}"
    );
}

#[test]
fn an_image_made_of_a_host_boots_with_its_content() {
    let mut first = host(Flavour::AmazonLinux2023, Some(APACHE));
    let image = first.image(at(600));
    let mut boot = boot_of(Flavour::AmazonLinux2023, None);
    boot.instance_id = "i-0ffffffffffffffff".into();
    let mut second = Host::new(boot, Some(image), at(1000));
    assert_ne!(first.host_key(), second.host_key());
    let (status, page) = get(&mut second, "/", 1100).unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("Greetings"));
}

#[test]
fn ubuntu_needs_an_update_before_it_installs() {
    let mut host = host(
        Flavour::Ubuntu2404,
        Some(
            "#!/bin/bash\napt-get update\nDEBIAN_FRONTEND=noninteractive apt-get install -y apache2\n",
        ),
    );
    let (status, page) = get(&mut host, "/", 300).unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("Apache2 Default Page"));
    let mut bare = super::host(Flavour::Ubuntu2404, None);
    let (code, _, complaint) = try_sh(&mut bare, "sudo apt-get install -y apache2");
    assert_eq!(
        (code, complaint.as_str()),
        (100, "E: Unable to locate package apache2\n")
    );
}

#[test]
fn the_same_boot_gives_the_same_machine() {
    let make = || {
        let mut host = host(Flavour::AmazonLinux2023, Some(APACHE));
        sh(
            &mut host,
            "mktemp; echo $RANDOM > r; uuidgen > u; head -c 8 /dev/urandom | base64 > d",
        );
        serde_json::to_string(&host).unwrap()
    };
    assert!(make() == make(), "two runs differ");
}
