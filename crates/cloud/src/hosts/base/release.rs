//! What the images say of themselves, and the configuration they bring.

use crate::hosts::boot::Flavour;

/// Path, mode and content of the files that name the release, and a few that every system has.
pub fn files(flavour: Flavour) -> Vec<(String, u32, String)> {
    let (os_release, logrotate) = match flavour {
        Flavour::AmazonLinux2023 => (AMAZON_RELEASE, AMAZON_LOGROTATE),
        Flavour::Ubuntu2404 => (UBUNTU_RELEASE, UBUNTU_LOGROTATE),
    };
    let mut files = vec![
        ("/etc/os-release", 0o644, os_release),
        ("/usr/lib/os-release", 0o644, os_release),
        ("/etc/logrotate.conf", 0o644, logrotate),
        (
            "/etc/hosts",
            0o644,
            "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n::1         localhost localhost.localdomain localhost6 localhost6.localdomain6\n",
        ),
        (
            "/etc/shells",
            0o644,
            "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n",
        ),
        (
            "/etc/ssh/sshd_config",
            0o600,
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nUsePAM yes\nX11Forwarding yes\n",
        ),
        ("/etc/resolv.conf", 0o644, "nameserver 172.31.0.2\n"),
        ("/etc/fstab", 0o644, "LABEL=/ / xfs defaults,noatime 1 1\n"),
        (
            "/etc/crontab",
            0o644,
            "SHELL=/bin/bash\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nMAILTO=root\n",
        ),
        ("/root/.bashrc", 0o644, "# .bashrc\n"),
    ];
    match flavour {
        Flavour::AmazonLinux2023 => files.extend([
            (
                "/etc/system-release",
                0o644,
                "Amazon Linux release 2023.9.20251117 (Amazon Linux)\n",
            ),
            (
                "/etc/amazon-linux-release",
                0o644,
                "Amazon Linux release 2023.9.20251117 (Amazon Linux)\n",
            ),
        ]),
        Flavour::Ubuntu2404 => files.extend([
            (
                "/etc/lsb-release",
                0o644,
                "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION=\"Ubuntu 24.04.3 LTS\"\n",
            ),
            ("/etc/debian_version", 0o644, "trixie/sid\n"),
        ]),
    }
    files
        .into_iter()
        .map(|(path, mode, content)| (path.to_owned(), mode, content.to_owned()))
        .collect()
}

const AMAZON_RELEASE: &str = r#"NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023.9.20251117"
ANSI_COLOR="0;33"
CPE_NAME="cpe:2.3:o:amazon:amazon_linux:2023"
HOME_URL="https://aws.amazon.com/linux/amazon-linux-2023/"
DOCUMENTATION_URL="https://docs.aws.amazon.com/linux/"
SUPPORT_URL="https://aws.amazon.com/premiumsupport/"
BUG_REPORT_URL="https://github.com/amazonlinux/amazon-linux-2023"
VENDOR_NAME="AWS"
VENDOR_URL="https://aws.amazon.com/"
SUPPORT_END="2029-06-30"
"#;

const UBUNTU_RELEASE: &str = r#"PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
HOME_URL="https://www.ubuntu.com/"
SUPPORT_URL="https://help.ubuntu.com/"
BUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"
PRIVACY_POLICY_URL="https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"
UBUNTU_CODENAME=noble
LOGO=ubuntu-logo
"#;

const AMAZON_LOGROTATE: &str = "\
# see \"man logrotate\" for details
weekly
rotate 4
create
dateext
include /etc/logrotate.d
";

const UBUNTU_LOGROTATE: &str = "\
# see \"man logrotate\" for details
weekly
su root adm
rotate 4
create
include /etc/logrotate.d
";
