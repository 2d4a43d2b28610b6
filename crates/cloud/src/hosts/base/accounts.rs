//! `/etc/passwd`, `/etc/group` and who may use `sudo`, as the images have them.

use crate::hosts::boot::Flavour;

/// Path, mode and content of the account files.
pub fn files(flavour: Flavour) -> Vec<(String, u32, String)> {
    let (passwd, group, sudoers) = match flavour {
        Flavour::AmazonLinux2023 => (AMAZON_PASSWD, AMAZON_GROUP, AMAZON_SUDOERS),
        Flavour::Ubuntu2404 => (UBUNTU_PASSWD, UBUNTU_GROUP, UBUNTU_SUDOERS),
    };
    vec![
        ("/etc/passwd".to_owned(), 0o644, passwd.to_owned()),
        ("/etc/group".to_owned(), 0o644, group.to_owned()),
        (
            "/etc/sudoers.d/90-cloud-init-users".to_owned(),
            0o440,
            sudoers.to_owned(),
        ),
    ]
}

const AMAZON_PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
adm:x:3:4:adm:/var/adm:/sbin/nologin
mail:x:8:12:mail:/var/spool/mail:/sbin/nologin
ftp:x:14:50:FTP User:/var/ftp:/sbin/nologin
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
systemd-network:x:192:192:systemd Network Management:/:/usr/sbin/nologin
dbus:x:81:81:System message bus:/:/sbin/nologin
sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/sbin/nologin
chrony:x:995:993::/var/lib/chrony:/sbin/nologin
ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash
";

const AMAZON_GROUP: &str = "\
root:x:0:
bin:x:1:
daemon:x:2:
sys:x:3:
adm:x:4:ec2-user
tty:x:5:
disk:x:6:
mail:x:12:
ftp:x:50:
wheel:x:10:ec2-user
users:x:100:
nobody:x:65534:
systemd-journal:x:190:ec2-user
dbus:x:81:
sshd:x:74:
ec2-user:x:1000:
";

const AMAZON_SUDOERS: &str = "\
# User rules for ec2-user
ec2-user ALL=(ALL) NOPASSWD:ALL
";

const UBUNTU_PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin
messagebus:x:101:101::/nonexistent:/usr/sbin/nologin
syslog:x:102:102::/nonexistent:/usr/sbin/nologin
sshd:x:106:65534::/run/sshd:/usr/sbin/nologin
ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash
";

const UBUNTU_GROUP: &str = "\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:syslog,ubuntu
tty:x:5:
man:x:12:
mail:x:8:
www-data:x:33:
backup:x:34:
sudo:x:27:ubuntu
users:x:100:
nogroup:x:65534:
systemd-journal:x:999:
messagebus:x:101:
syslog:x:102:
ubuntu:x:1000:
";

const UBUNTU_SUDOERS: &str = "\
# User rules for ubuntu
ubuntu ALL=(ALL) NOPASSWD:ALL
";
