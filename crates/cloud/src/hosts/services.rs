//! Services: which there are, which run, and who listens where.

use jiff::Timestamp;

use super::disk::Kind;
use super::machine::Machine;
use super::own_unit::{self, OwnUnit};
use super::packages;
use super::web;

/// A service that the embedded cloud knows.
pub struct Known {
    /// Its unit name without `.service`.
    pub name: &'static str,
    /// What `systemctl status` calls it.
    pub description: &'static str,
    /// Its main process.
    pub process: &'static str,
    /// Where it listens, if that is fixed.
    pub listens: Option<(&'static str, u16)>,
}

const fn known(
    name: &'static str,
    description: &'static str,
    process: &'static str,
    listens: Option<(&'static str, u16)>,
) -> Known {
    Known {
        name,
        description,
        process,
        listens,
    }
}

const ANY: &str = "0.0.0.0";
const OWN: &str = "127.0.0.1";

const KNOWN: &[Known] = &[
    known(
        "amazon-cloudwatch-agent",
        "Amazon CloudWatch Agent",
        "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent",
        None,
    ),
    known(
        "amazon-ssm-agent",
        "amazon-ssm-agent",
        "/usr/bin/amazon-ssm-agent",
        None,
    ),
    known(
        "apache2",
        "The Apache HTTP Server",
        "/usr/sbin/apache2 -k start",
        None,
    ),
    known(
        "chrony",
        "chrony, an NTP client/server",
        "/usr/sbin/chronyd -F 1",
        None,
    ),
    known(
        "chronyd",
        "NTP client/server",
        "/usr/sbin/chronyd -F 2",
        None,
    ),
    known(
        "collectd",
        "Collectd statistics daemon",
        "/usr/sbin/collectd",
        None,
    ),
    known(
        "containerd",
        "containerd container runtime",
        "/usr/bin/containerd",
        None,
    ),
    known(
        "cron",
        "Regular background program processing daemon",
        "/usr/sbin/cron -f -P",
        None,
    ),
    known("crond", "Command Scheduler", "/usr/sbin/crond -n", None),
    known(
        "docker",
        "Docker Application Container Engine",
        "/usr/bin/dockerd -H fd://",
        None,
    ),
    known(
        "fail2ban",
        "Fail2Ban Service",
        "/usr/bin/fail2ban-server -xf start",
        None,
    ),
    known(
        "haproxy",
        "HAProxy Load Balancer",
        "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg",
        None,
    ),
    known(
        "httpd",
        "The Apache HTTP Server",
        "/usr/sbin/httpd -DFOREGROUND",
        None,
    ),
    known(
        "mariadb",
        "MariaDB database server",
        "/usr/libexec/mariadbd",
        Some((ANY, 3306)),
    ),
    known(
        "memcached",
        "memcached daemon",
        "/usr/bin/memcached -p 11211 -u memcached",
        Some((OWN, 11_211)),
    ),
    known(
        "mysql",
        "MySQL Community Server",
        "/usr/sbin/mysqld",
        Some((OWN, 3306)),
    ),
    known(
        "nginx",
        "The nginx HTTP and reverse proxy server",
        "nginx: master process /usr/sbin/nginx",
        None,
    ),
    known(
        "php-fpm",
        "The PHP FastCGI Process Manager",
        "php-fpm: master process",
        None,
    ),
    known(
        "php8.3-fpm",
        "The PHP 8.3 FastCGI Process Manager",
        "php-fpm: master process",
        None,
    ),
    known(
        "postgresql",
        "PostgreSQL database server",
        "/usr/bin/postgres",
        Some((OWN, 5432)),
    ),
    known(
        "redis-server",
        "Advanced key-value store",
        "/usr/bin/redis-server 127.0.0.1:6379",
        Some((OWN, 6379)),
    ),
    known(
        "redis6",
        "Redis persistent key-value database",
        "/usr/bin/redis6-server 127.0.0.1:6379",
        Some((OWN, 6379)),
    ),
    known(
        "rsyslog",
        "System Logging Service",
        "/usr/sbin/rsyslogd -n",
        None,
    ),
    known(
        "squid",
        "Squid caching proxy",
        "/usr/sbin/squid --foreground",
        Some((ANY, 3128)),
    ),
    known(
        "ssh",
        "OpenBSD Secure Shell server",
        "sshd: /usr/sbin/sshd -D [listener]",
        Some((ANY, 22)),
    ),
    known(
        "sshd",
        "OpenSSH server daemon",
        "sshd: /usr/sbin/sshd -D [listener]",
        Some((ANY, 22)),
    ),
    known(
        "sysstat",
        "Resets System Activity Logs",
        "/usr/lib64/sa/sa1 --boot",
        None,
    ),
    known(
        "systemd-journald",
        "Journal Service",
        "/usr/lib/systemd/systemd-journald",
        None,
    ),
    known(
        "systemd-networkd",
        "Network Configuration",
        "/usr/lib/systemd/systemd-networkd",
        None,
    ),
    known(
        "systemd-resolved",
        "Network Name Resolution",
        "/usr/lib/systemd/systemd-resolved",
        None,
    ),
];

/// The service of that name, if the embedded cloud knows it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// What a unit is.
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum UnitKind {
    /// A service of the image or of a package.
    Known(&'static Known),
    /// A unit file in `/etc/systemd/system`.
    Own(OwnUnit),
}

/// The unit called `name`, with or without `.service`.
#[must_use]
pub fn unit(machine: &Machine, name: &str) -> Option<UnitKind> {
    let name = stem(name);
    if let Some(file) = own_unit::read(machine, name) {
        return Some(UnitKind::Own(file));
    }
    let known = find(name)?;
    machine
        .units
        .contains_key(name)
        .then_some(UnitKind::Known(known))
}

/// A unit's name without `.service`.
#[must_use]
pub fn stem(name: &str) -> &str {
    name.strip_suffix(".service").unwrap_or(name)
}

/// Somebody who listens.
pub struct Listener {
    /// The address.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The process's name.
    pub process: String,
    /// The process's number.
    pub pid: u32,
}

/// Everybody who listens, by port.
#[must_use]
pub fn listeners(machine: &Machine) -> Vec<Listener> {
    let mut found = Vec::new();
    for (name, _) in running(machine) {
        let Some(known) = find(name) else { continue };
        let ports: Vec<(String, u16)> = if web::is_server(name) {
            web::ports(machine, name)
                .into_iter()
                .map(|port| (ANY.to_owned(), port))
                .collect()
        } else {
            known
                .listens
                .map(|(address, port)| (address.to_owned(), port))
                .into_iter()
                .collect()
        };
        for (address, port) in ports {
            found.push(Listener {
                address,
                port,
                process: name.to_owned(),
                pid: pid(name),
            });
        }
    }
    for (port, lodger) in &machine.lodgers {
        found.push(Listener {
            address: lodger.bind.clone(),
            port: *port,
            process: lodger.unit.clone(),
            pid: pid(&lodger.unit),
        });
    }
    found.sort_by_key(|listener| listener.port);
    found
}

fn running(machine: &Machine) -> impl Iterator<Item = (&str, Timestamp)> {
    machine
        .units
        .iter()
        .filter_map(|(name, unit)| Some((name.as_str(), unit.since?)))
        .filter(|(_, since)| *since <= machine.clock)
}

/// The number of a service's main process: the same for the same name.
#[must_use]
pub fn pid(name: &str) -> u32 {
    1500 + name
        .bytes()
        .fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 4000)
}

/// Number and command of every service's main process.
#[must_use]
pub fn processes(machine: &Machine) -> Vec<(u32, String)> {
    running(machine)
        .filter_map(|(name, _)| {
            let process = match find(name) {
                Some(known) => known.process.to_owned(),
                None => own_unit::read(machine, name)?.command().join(" "),
            };
            Some((pid(name), process))
        })
        .collect()
}

/// Starts a known service; a web server checks its configuration first.
///
/// # Errors
/// What the journal says about it.
pub fn start(machine: &mut Machine, known: &'static Known) -> Result<(), String> {
    if web::is_server(known.name) {
        let taken: Vec<u16> = listeners(machine)
            .into_iter()
            .filter(|listener| listener.process != known.name)
            .map(|listener| listener.port)
            .collect();
        let checked = web::check(machine, known.name).and_then(|ports| {
            match ports.iter().find(|port| taken.contains(port)) {
                Some(port) => Err(format!(
                    "(98)Address already in use: AH00072: make_sock: could not bind to address 0.0.0.0:{port}"
                )),
                None => Ok(()),
            }
        });
        if let Err(reason) = checked {
            machine.note(known.name, known.name, reason.clone());
            machine.note(
                known.name,
                "systemd[1]",
                format!(
                    "Failed to start {}.service - {}.",
                    known.name, known.description
                ),
            );
            let unit = machine.units.entry(known.name.to_owned()).or_default();
            unit.since = None;
            unit.failed = true;
            return Err(reason);
        }
    }
    machine.note(
        known.name,
        "systemd[1]",
        format!("Starting {}.service - {}...", known.name, known.description),
    );
    machine.note(
        known.name,
        "systemd[1]",
        format!("Started {}.service - {}.", known.name, known.description),
    );
    let now = machine.clock;
    let unit = machine.units.entry(known.name.to_owned()).or_default();
    unit.since = Some(now);
    unit.failed = false;
    web::reload(machine, known.name);
    web::started(machine, known.name);
    Ok(())
}

/// Stops a service.
pub fn stop(machine: &mut Machine, name: &str) {
    let description = match find(name) {
        Some(known) => known.description.to_owned(),
        None => {
            own_unit::read(machine, name)
                .unwrap_or_default()
                .description
        }
    };
    let Some(unit) = machine.units.get_mut(name) else {
        return;
    };
    unit.failed = false;
    unit.finished = false;
    unit.quick = 0;
    if unit.since.take().is_some() {
        machine.note(
            name,
            "systemd[1]",
            format!("Stopping {name}.service - {description}..."),
        );
        machine.note(
            name,
            "systemd[1]",
            format!("Stopped {name}.service - {description}."),
        );
    }
}

/// Whether a unit is on the machine only because it ran before its package was removed.
#[must_use]
pub fn on_machine(machine: &Machine, name: &str) -> bool {
    unit(machine, name).is_some()
        || packages::repository(machine.flavour).iter().any(|package| {
            package.units.contains(&name) && packages::installed(machine, package.name)
        })
}

/// Whether a path is a file, for a unit's `ExecStart`.
#[must_use]
pub fn is_file(machine: &Machine, path: &str) -> bool {
    machine
        .disk
        .resolve(path, true)
        .ok()
        .and_then(|path| {
            machine
                .disk
                .node(&path)
                .map(|node| matches!(node.kind, Kind::File(_)))
        })
        .unwrap_or(false)
}
