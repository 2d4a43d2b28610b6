//! The programs of a machine that the shell does not bring, one table.
//!
//! A program can be run where its file is on the disk (`/usr/bin/NAME`): the image brings
//! some, packages bring more. What a program does not model, an option or a subcommand, it
//! refuses by name with status 64, so that a playbook never believes in what did not happen.

mod accounts;
mod call;
mod clock;
mod cloud;
mod curl;
mod files;
mod http;
mod logrotate;
mod network;
mod options;
mod packages;
mod processes;
mod randomness;
mod services;
mod sqlite3;
mod unmodelled;
mod web;
mod wget;
mod wrappers;

use std::sync::Arc;

use bashkit::{Builtin, BuiltinContext, BuiltinRegistry, ExecResult, async_trait};

use super::machine::Machine;
use super::shell::{Outcome, Session};

pub use accounts::add_account;
pub use call::{Call, Reply, Stop};
pub use wrappers::Wrapped;

/// What a program does when it is run.
#[derive(Clone, Copy)]
pub enum Work {
    /// Everything itself.
    Itself(fn(&Call<'_>) -> Reply),
    /// It runs another command.
    Wraps(fn(&Call<'_>) -> Result<Wrapped, Stop>),
}

use Work::{Itself, Wraps};

/// A program and what it does.
#[derive(Clone, Copy)]
struct Tool {
    name: &'static str,
    work: Work,
}

/// All programs that are modelled here, wherever they come from.
const TOOLS: &[(&str, Work)] = &[
    ("apache2ctl", Itself(web::apachectl)),
    ("apachectl", Itself(web::apachectl)),
    ("a2disconf", Itself(web::a2)),
    ("a2dismod", Itself(web::a2)),
    ("a2dissite", Itself(web::a2)),
    ("a2enconf", Itself(web::a2)),
    ("a2enmod", Itself(web::a2)),
    ("a2ensite", Itself(web::a2)),
    ("apt", Itself(packages::apt)),
    ("apt-cache", Itself(packages::apt_cache)),
    ("apt-get", Itself(packages::apt)),
    ("chgrp", Itself(files::chown)),
    ("chown", Itself(files::chown)),
    ("chpasswd", Itself(accounts::chpasswd)),
    ("cloud-init", Itself(cloud::cloud_init)),
    ("crontab", Itself(cloud::crontab)),
    ("curl", Itself(curl::curl)),
    ("date", Itself(clock::date)),
    ("df", Itself(processes::df)),
    ("dnf", Itself(packages::dnf)),
    ("dpkg", Itself(packages::dpkg)),
    ("dpkg-query", Itself(packages::dpkg)),
    ("ec2-metadata", Itself(cloud::ec2_metadata)),
    ("free", Itself(processes::free)),
    ("getconf", Itself(processes::getconf)),
    ("getent", Itself(accounts::getent)),
    ("groupadd", Itself(accounts::groupadd)),
    ("groups", Itself(accounts::id)),
    ("hostname", Itself(network::hostname)),
    ("hostnamectl", Itself(network::hostnamectl)),
    ("httpd", Itself(web::httpd)),
    ("apache2", Itself(web::httpd)),
    ("id", Itself(accounts::id)),
    ("install", Itself(files::install)),
    ("ip", Itself(network::ip)),
    ("journalctl", Itself(services::journalctl)),
    ("logger", Itself(services::logger)),
    ("logrotate", Itself(logrotate::logrotate)),
    ("mktemp", Itself(randomness::mktemp)),
    ("netstat", Itself(network::ss)),
    ("nginx", Itself(web::nginx)),
    ("nice", Wraps(wrappers::nice)),
    ("nohup", Wraps(wrappers::nohup)),
    ("nproc", Itself(processes::nproc)),
    ("openssl", Itself(randomness::openssl)),
    ("pgrep", Itself(processes::pgrep)),
    ("pidof", Itself(processes::pgrep)),
    ("pkill", Itself(processes::pkill)),
    ("ps", Itself(processes::ps)),
    ("rm", Itself(files::rm)),
    ("rpm", Itself(packages::rpm)),
    ("runuser", Wraps(wrappers::su)),
    ("service", Itself(services::service)),
    ("setsid", Wraps(wrappers::nohup)),
    ("sleep", Itself(clock::sleep)),
    ("sqlite3", Itself(sqlite3::sqlite3)),
    ("ss", Itself(network::ss)),
    ("stat", Itself(files::stat)),
    ("stress", Itself(processes::stress)),
    ("stress-ng", Itself(processes::stress)),
    ("su", Wraps(wrappers::su)),
    ("sudo", Wraps(wrappers::sudo)),
    ("systemctl", Itself(services::systemctl)),
    ("tee", Itself(files::tee)),
    ("timedatectl", Itself(clock::timedatectl)),
    ("timeout", Wraps(wrappers::timeout)),
    ("uname", Itself(network::uname)),
    ("uptime", Itself(clock::uptime)),
    ("useradd", Itself(accounts::useradd)),
    ("userdel", Itself(accounts::userdel)),
    ("usermod", Itself(accounts::usermod)),
    ("uuidgen", Itself(randomness::uuidgen)),
    ("wget", Itself(wget::wget)),
    ("whoami", Itself(accounts::id)),
    ("yum", Itself(packages::dnf)),
];

pub use clock::interval;

/// Adds the programs that `machine` has, and takes away those that it has no more.
pub fn register(registry: &BuiltinRegistry, machine: &Machine) {
    let has = |name: &str| {
        ["/usr/bin", "/usr/sbin"]
            .iter()
            .any(|directory| machine.disk.node(&format!("{directory}/{name}")).is_some())
    };
    let modelled = TOOLS.iter().copied();
    let known = unmodelled::NAMES
        .iter()
        .map(|name| (*name, Itself(unmodelled::program)));
    for (name, work) in modelled.chain(known) {
        if has(name) {
            registry.insert(name, Arc::new(Tool { name, work }));
        } else {
            registry.remove(name);
        }
    }
}

/// Whether a program that the shell brings is one that real machines have.
pub fn is_real(name: &str) -> bool {
    !INVENTED.contains(&name) && !TOOLS.iter().any(|(tool, _)| *tool == name)
}

/// Programs that only the embedded shell has, or that the images lack.
const INVENTED: &[&str] = &[
    "assert", "bc", "clear", "csv", "dotenv", "fc", "git", "glob", "http", "json", "log", "make",
    "man", "parallel", "patch", "retry", "rg", "scp", "semver", "sftp", "shuf", "ssh", "template",
    "tomlq", "tree", "unzip", "verify", "watch", "xxd", "yq", "zip",
];

#[async_trait]
impl Builtin for Tool {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let session = ctx
            .execution_extension::<Session>()
            .and_then(|session| session.try_with(Session::clone).ok());
        let Some(session) = session else {
            return Ok(ExecResult::err(
                format!("opsh local: {}: run outside of a login\n", self.name),
                64,
            ));
        };
        let env: Vec<(String, String)> = {
            let mut env: Vec<_> = ctx.env.clone().into_iter().collect();
            env.sort();
            env
        };
        let cwd = ctx.cwd.to_string_lossy().into_owned();
        let stdin = ctx.stdin_bytes().unwrap_or_default().to_vec();
        let call = Call {
            name: self.name,
            args: ctx.args,
            stdin: &stdin,
            env: &env,
            cwd: &cwd,
            session: &session,
        };
        let reply = match self.work {
            Work::Itself(work) => work(&call),
            Work::Wraps(work) => match work(&call) {
                Ok(wrapped) => wrapped.run().await,
                Err(stop) => Err(stop),
            },
        };
        match reply {
            Ok(outcome) | Err(Stop::Reply(outcome)) => Ok(result(outcome)),
            Err(Stop::Deadline) => Err(bashkit::Error::Cancelled),
        }
    }
}

fn result(outcome: Outcome) -> ExecResult {
    ExecResult {
        stdout: outcome.stdout.into(),
        stderr: outcome.stderr.into(),
        exit_code: outcome.exit_code,
        ..ExecResult::default()
    }
}
