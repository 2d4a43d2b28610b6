//! Files that are written on a host as root.

use super::run;

const MACHINE: &str = r#"
import "instances" as instances;
import "webapp" as webapp;
let key = webapp::ensure_key("demo", "");
let group = instances::ensure_security_group("demo", instances::default_vpc(), "Demo.", [#{ port: 22, from: "0.0.0.0/0", description: "SSH" }]);
let id = instances::ensure_instance("demo", #{ image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.nano", key_name: key.name, security_group_ids: [group] });
let host = #{ host: instances::describe(id).public_ip_address, user: "ec2-user", key_file: key.file, host_key: "accept-new" };
ssh::wait(host, #{ timeout: "3m" });
let sh = |line| ssh::run(host, line, #{ check: false }).stdout;
"#;

#[track_caller]
fn holds(text: &str) {
    let ended = run(&format!("{MACHINE}{text}"), &["--dry-run", "-q"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn a_link_that_somebody_laid_beside_the_place_is_not_followed() {
    holds(
        r#"
sh.call("mkdir drop && chmod 777 drop && ln -s /etc/motd drop/page.opsh-upload");
let before = sh.call("cat /etc/motd; stat -c '%U %a' /etc/motd");
ssh::upload(host, "mine\n", "/home/ec2-user/drop/page", #{ sudo: true });
assert_eq(sh.call("cat /etc/motd; stat -c '%U %a' /etc/motd"), before);
assert_eq(sh.call("cat drop/page; stat -c '%U %a' drop/page; ls drop"), "mine\nroot 644\npage\npage.opsh-upload\n");
"#,
    );
}

#[test]
fn every_name_is_a_name() {
    holds(
        r#"
for name in ["-rf", "~/own", "sub/it's"] {
    sh.call("mkdir -p sub");
    ssh::upload(host, name, name, #{ sudo: true, mode: "0600" });
}
assert_eq(sh.call("sudo cat ./-rf; echo; sudo cat own; echo; sudo cat \"sub/it's\""), "-rf\n~/own\nsub/it's");
assert_eq(sh.call("stat -c '%U %a' own; ls | grep -c opsh-"), "root 600\n0\n");
"#,
    );
}
