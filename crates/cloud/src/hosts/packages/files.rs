//! What packages place on the disk beside their programs, and the accounts they add.

use super::{Placed, Thing};
use crate::hosts::boot::Flavour;

const fn file(path: &'static str, content: &'static str) -> Placed {
    Placed {
        path,
        content: Thing::File(content),
        mode: 0o644,
    }
}

const fn directory(path: &'static str, mode: u32) -> Placed {
    Placed {
        path,
        content: Thing::Directory,
        mode,
    }
}

const fn link(path: &'static str, target: &'static str) -> Placed {
    Placed {
        path,
        content: Thing::Link(target),
        mode: 0o777,
    }
}

/// Name, number and home of the accounts a package adds.
pub fn accounts(package: &str) -> &'static [(&'static str, u32, &'static str)] {
    match package {
        "httpd-filesystem" => &[("apache", 48, "/usr/share/httpd")],
        "nginx-filesystem" => &[("nginx", 992, "/var/lib/nginx")],
        "memcached" => &[("memcached", 991, "/run/memcached")],
        "redis6" => &[("redis6", 990, "/var/lib/redis6")],
        "mariadb105-server" | "mysql-server" | "mariadb-server" => {
            &[("mysql", 27, "/var/lib/mysql")]
        }
        "postgresql15-server" | "postgresql" => &[("postgres", 26, "/var/lib/pgsql")],
        _ => &[],
    }
}

/// The files of a package.
pub fn of(flavour: Flavour, package: &str) -> &'static [Placed] {
    match (flavour, package) {
        (Flavour::AmazonLinux2023, "httpd-core") => AMAZON_HTTPD,
        (Flavour::AmazonLinux2023, "httpd-filesystem") => AMAZON_HTTPD_TREE,
        (Flavour::AmazonLinux2023, "nginx-core") => AMAZON_NGINX,
        (Flavour::AmazonLinux2023, "nginx-filesystem") => AMAZON_NGINX_TREE,
        (Flavour::Ubuntu2404, "apache2") => UBUNTU_APACHE,
        (Flavour::Ubuntu2404, "nginx-common") => UBUNTU_NGINX,
        (_, "rsyslog") => RSYSLOG,
        (_, "amazon-cloudwatch-agent") => CLOUDWATCH_AGENT,
        _ => &[],
    }
}

const AMAZON_HTTPD: &[Placed] = &[
    file(
        "/etc/httpd/conf/httpd.conf",
        include_str!("etc/amazon-httpd.conf"),
    ),
    file("/etc/httpd/conf/magic", "# Magic data for mod_mime_magic\n"),
    file(
        "/etc/httpd/conf.d/welcome.conf",
        include_str!("etc/amazon-welcome.conf"),
    ),
    file(
        "/etc/httpd/conf.d/autoindex.conf",
        "<IfModule mod_autoindex.c>\n    IndexOptions FancyIndexing HTMLTable VersionSort\n</IfModule>\n",
    ),
    file(
        "/etc/httpd/conf.modules.d/00-base.conf",
        "LoadModule status_module modules/mod_status.so\nLoadModule alias_module modules/mod_alias.so\nLoadModule dir_module modules/mod_dir.so\nLoadModule headers_module modules/mod_headers.so\n",
    ),
    file(
        "/etc/logrotate.d/httpd",
        include_str!("etc/amazon-httpd.logrotate"),
    ),
    link("/etc/httpd/logs", "../../var/log/httpd"),
    directory("/var/log/httpd", 0o700),
    file(
        "/usr/share/httpd/noindex/index.html",
        include_str!("etc/noindex.html"),
    ),
];

const AMAZON_HTTPD_TREE: &[Placed] = &[
    directory("/etc/httpd", 0o755),
    directory("/etc/httpd/conf.d", 0o755),
    directory("/etc/httpd/conf.modules.d", 0o755),
    directory("/var/www", 0o755),
    directory("/var/www/cgi-bin", 0o755),
    directory("/var/www/html", 0o755),
    directory("/usr/share/httpd", 0o755),
];

const AMAZON_NGINX: &[Placed] = &[
    file(
        "/etc/nginx/nginx.conf",
        include_str!("etc/amazon-nginx.conf"),
    ),
    file(
        "/etc/nginx/mime.types",
        "types {\n    text/html html htm;\n}\n",
    ),
    file(
        "/etc/logrotate.d/nginx",
        include_str!("etc/nginx.logrotate"),
    ),
    directory("/var/log/nginx", 0o711),
    file(
        "/usr/share/nginx/html/index.html",
        include_str!("etc/amazon-nginx-index.html"),
    ),
];

const AMAZON_NGINX_TREE: &[Placed] = &[
    directory("/etc/nginx", 0o755),
    directory("/etc/nginx/conf.d", 0o755),
    directory("/etc/nginx/default.d", 0o755),
    directory("/usr/share/nginx", 0o755),
    directory("/usr/share/nginx/html", 0o755),
];

const UBUNTU_APACHE: &[Placed] = &[
    file(
        "/etc/apache2/apache2.conf",
        include_str!("etc/ubuntu-apache2.conf"),
    ),
    file("/etc/apache2/ports.conf", "Listen 80\n"),
    file(
        "/etc/apache2/sites-available/000-default.conf",
        include_str!("etc/ubuntu-000-default.conf"),
    ),
    link(
        "/etc/apache2/sites-enabled/000-default.conf",
        "../sites-available/000-default.conf",
    ),
    directory("/etc/apache2/conf-available", 0o755),
    directory("/etc/apache2/conf-enabled", 0o755),
    file(
        "/etc/apache2/mods-available/status.load",
        "LoadModule status_module /usr/lib/apache2/modules/mod_status.so\n",
    ),
    file(
        "/etc/apache2/mods-available/status.conf",
        "<Location /server-status>\n    SetHandler server-status\n    Require local\n</Location>\nExtendedStatus On\n",
    ),
    file(
        "/etc/apache2/mods-available/headers.load",
        "LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so\n",
    ),
    link(
        "/etc/apache2/mods-enabled/status.load",
        "../mods-available/status.load",
    ),
    link(
        "/etc/apache2/mods-enabled/status.conf",
        "../mods-available/status.conf",
    ),
    file(
        "/etc/logrotate.d/apache2",
        include_str!("etc/ubuntu-apache2.logrotate"),
    ),
    directory("/var/log/apache2", 0o750),
    directory("/var/www", 0o755),
    file(
        "/var/www/html/index.html",
        include_str!("etc/ubuntu-apache2-index.html"),
    ),
];

const UBUNTU_NGINX: &[Placed] = &[
    file(
        "/etc/nginx/nginx.conf",
        include_str!("etc/ubuntu-nginx.conf"),
    ),
    file(
        "/etc/nginx/mime.types",
        "types {\n    text/html html htm;\n}\n",
    ),
    directory("/etc/nginx/conf.d", 0o755),
    file(
        "/etc/nginx/sites-available/default",
        include_str!("etc/ubuntu-nginx-default.conf"),
    ),
    link(
        "/etc/nginx/sites-enabled/default",
        "/etc/nginx/sites-available/default",
    ),
    file(
        "/etc/logrotate.d/nginx",
        include_str!("etc/nginx.logrotate"),
    ),
    directory("/var/log/nginx", 0o755),
    directory("/var/www", 0o755),
    directory("/var/www/html", 0o755),
    file(
        "/var/www/html/index.nginx-debian.html",
        include_str!("etc/ubuntu-nginx-index.html"),
    ),
];

const RSYSLOG: &[Placed] = &[file(
    "/etc/logrotate.d/rsyslog",
    "/var/log/messages\n{\n    missingok\n    sharedscripts\n}\n",
)];

const CLOUDWATCH_AGENT: &[Placed] = &[
    directory("/opt/aws/amazon-cloudwatch-agent/bin", 0o755),
    directory("/opt/aws/amazon-cloudwatch-agent/etc", 0o755),
];
