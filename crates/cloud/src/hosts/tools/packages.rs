//! `dnf`, `yum`, `apt-get`, `rpm`, `dpkg`: packages come and go in virtual time.

use jiff::SignedDuration;

use super::call::{Call, Reply, Stop, done, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::boot::Flavour;
use crate::hosts::packages::{self, Package};
use crate::hosts::shell::Outcome;

/// Reading a repository's index.
const INDEX: SignedDuration = SignedDuration::from_secs(6);
/// Resolving and checking a transaction.
const TRANSACTION: SignedDuration = SignedDuration::from_secs(2);

/// Download at 20 MiB a second, then half a second a package.
fn cost(all: &[&Package]) -> SignedDuration {
    let kib: u64 = all.iter().map(|package| u64::from(package.kib)).sum();
    let millis = kib * 1000 / 20_480 + all.len() as u64 * 500;
    TRANSACTION + SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// The package database is locked while user-data installs: others wait for it.
fn wait_for_lock(call: &Call<'_>) -> Result<String, Stop> {
    let (now, free) = {
        let timeline = call.machine();
        (timeline.present.clock, timeline.packages_settle_at())
    };
    match free {
        Some(free) if free > now => {
            call.pass(free.duration_since(now), 0.0)?;
            Ok(match call.session.facts.flavour {
                Flavour::AmazonLinux2023 => "Waiting for process with pid 1702 to finish.\n",
                Flavour::Ubuntu2404 => {
                    "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1702 (apt-get)\n"
                }
            }
            .to_owned())
        }
        _ => Ok(String::new()),
    }
}

fn install_all(call: &Call<'_>, asked: &[&'static Package], all: &[&'static Package]) {
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    for package in all {
        let by_name = asked.iter().any(|asked| asked.name == package.name);
        packages::install(machine, package, by_name);
    }
    let bytes: u64 = all
        .iter()
        .map(|package| u64::from(package.kib) * 1024)
        .sum();
    let at = machine.clock;
    machine.activity.transfer(at, bytes, bytes / 40, 0);
    super::register(&call.session.tools, machine);
}

fn remove_all(call: &Call<'_>, all: &[&'static Package]) {
    let mut timeline = call.machine();
    for package in all {
        packages::remove(&mut timeline.present, package);
    }
    super::register(&call.session.tools, &timeline.present);
}

/// Those that would be left without what they need come along.
fn with_dependents(call: &Call<'_>, named: &[&'static Package]) -> Vec<&'static Package> {
    let timeline = call.machine();
    let mut all = named.to_vec();
    let mut next = 0;
    while let Some(package) = all.get(next) {
        for dependent in packages::dependents(&timeline.present, package.name) {
            if !all.iter().any(|there| there.name == dependent.name) {
                all.push(dependent);
            }
        }
        next += 1;
    }
    all
}

const RULE: &str =
    "================================================================================\n";

fn architecture(call: &Call<'_>) -> &'static str {
    if call.session.facts.architecture == "arm64" {
        "aarch64"
    } else {
        "x86_64"
    }
}

/// `dnf` and `yum`.
pub fn dnf(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "y|assumeyes q|quiet |refresh |best |allowerasing |nodocs |setopt= |releasever= |security |nogpgcheck |skip-broken v|verbose |installed |available |enablerepo= |disablerepo=",
    )?;
    let words = options.words();
    let [command, names @ ..] = words.as_slice() else {
        return fail(1, "usage: dnf [options] COMMAND\n");
    };
    if options.has("releasever") {
        return Err(call.not_modelled("option --releasever"));
    }
    match *command {
        "install" | "reinstall" => dnf_install(call, &options, names),
        "remove" | "erase" | "autoremove" if !names.is_empty() => dnf_remove(call, &options, names),
        "update" | "upgrade" | "upgrade-minimal" => dnf_update(call, &options, names),
        "check-update" | "check-upgrade" => {
            call.pass(INDEX, 0.6)?;
            done("")
        }
        "makecache" => {
            need_root_dnf(call)?;
            call.pass(INDEX, 0.6)?;
            done("Metadata cache created.\n")
        }
        "clean" => {
            need_root_dnf(call)?;
            done("0 files removed\n")
        }
        "list" => dnf_list(call, &options, names),
        "info" | "search" | "repoquery" | "provides" => {
            Err(call.not_modelled(&format!("'{command}'")))
        }
        other => Err(call.not_modelled(&format!("'{other}'"))),
    }
}

fn need_root_dnf(call: &Call<'_>) -> Result<(), Stop> {
    if call.is_root() {
        return Ok(());
    }
    Err(failure(
        1,
        "Error: This command has to be run with superuser privileges (under the root user on most systems).\n",
    ))
}

fn dnf_install(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    need_root_dnf(call)?;
    if names.is_empty() {
        return fail(1, "Error: Need to pass a list of pkgs to install\n");
    }
    let waited = wait_for_lock(call)?;
    call.pass(INDEX, 0.6)?;
    let mut out = String::new();
    let mut asked = Vec::new();
    let mut unknown = Vec::new();
    let needed = {
        let timeline = call.machine();
        let machine = &timeline.present;
        for name in names {
            match packages::find(Flavour::AmazonLinux2023, name) {
                None => unknown.push(*name),
                Some(package) if packages::installed(machine, name) => out.push_str(&format!(
                    "Package {}-{}.{} is already installed.\n",
                    package.name,
                    package.version,
                    architecture(call)
                )),
                Some(package) => asked.push(package),
            }
        }
        packages::needed(machine, &asked)
    };
    if !unknown.is_empty() {
        let complaint: String = unknown
            .iter()
            .map(|name| format!("No match for argument: {name}\n"))
            .collect();
        return fail(
            1,
            format!(
                "{waited}{complaint}Error: Unable to find a match: {}\n",
                unknown.join(" ")
            ),
        );
    }
    if needed.is_empty() {
        return quiet(
            options,
            format!("{out}Dependencies resolved.\nNothing to do.\nComplete!\n"),
            waited,
        );
    }
    if !options.has("assumeyes") {
        return fail(
            1,
            format!("{waited}Is this ok [y/N]: \nOperation aborted.\n"),
        );
    }
    call.pass(cost(&needed), 0.7)?;
    install_all(call, &asked, &needed);
    out.push_str("Dependencies resolved.\n");
    out.push_str(RULE);
    out.push_str(
        " Package                  Arch     Version                    Repository   Size\n",
    );
    out.push_str(RULE);
    out.push_str("Installing:\n");
    for package in &asked {
        out.push_str(&row(call, package));
    }
    let drawn: Vec<_> = needed
        .iter()
        .filter(|package| !asked.iter().any(|asked| asked.name == package.name))
        .collect();
    if !drawn.is_empty() {
        out.push_str("Installing dependencies:\n");
        for package in &drawn {
            out.push_str(&row(call, package));
        }
    }
    out.push_str(&format!(
        "\nTransaction Summary\n{RULE}Install  {} Package{}\n\n",
        needed.len(),
        if needed.len() == 1 { "" } else { "s" }
    ));
    out.push_str("Installed:\n");
    for package in &needed {
        out.push_str(&format!(
            "  {}-{}.{}\n",
            package.name,
            package.version,
            architecture(call)
        ));
    }
    out.push_str("\nComplete!\n");
    quiet(options, out, waited)
}

fn row(call: &Call<'_>, package: &Package) -> String {
    format!(
        " {:<24} {:<8} {:<26} amazonlinux {:>5} k\n",
        package.name,
        architecture(call),
        package.version,
        package.kib
    )
}

fn quiet(options: &Options, out: String, complaints: String) -> Reply {
    Ok(Outcome {
        exit_code: 0,
        stdout: if options.has("quiet") {
            Vec::new()
        } else {
            out.into_bytes()
        },
        stderr: complaints.into_bytes(),
    })
}

fn dnf_remove(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    need_root_dnf(call)?;
    let waited = wait_for_lock(call)?;
    let mut out = String::new();
    let mut leaving = Vec::new();
    for name in names {
        match packages::find(Flavour::AmazonLinux2023, name) {
            Some(package) if packages::installed(&call.machine().present, name) => {
                leaving.push(package);
            }
            _ => out.push_str(&format!("No match for argument: {name}\n")),
        }
    }
    if leaving.is_empty() {
        out.push_str(
            "No packages marked for removal.\nDependencies resolved.\nNothing to do.\nComplete!\n",
        );
        return quiet(options, out, waited);
    }
    if !options.has("assumeyes") {
        return fail(
            1,
            format!("{waited}Is this ok [y/N]: \nOperation aborted.\n"),
        );
    }
    let all = with_dependents(call, &leaving);
    call.pass(TRANSACTION, 0.7)?;
    remove_all(call, &all);
    out.push_str("Dependencies resolved.\nRemoved:\n");
    for package in all {
        out.push_str(&format!(
            "  {}-{}.{}\n",
            package.name,
            package.version,
            architecture(call)
        ));
    }
    out.push_str("\nComplete!\n");
    quiet(options, out, waited)
}

/// Amazon Linux 2023 pins a release of its repository: an image of that release is up to date.
fn dnf_update(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    need_root_dnf(call)?;
    let waited = wait_for_lock(call)?;
    for name in names {
        if packages::find(Flavour::AmazonLinux2023, name).is_none() {
            return fail(
                1,
                format!(
                    "{waited}No match for argument: {name}\nError: No packages marked for upgrade.\n"
                ),
            );
        }
    }
    call.pass(INDEX + TRANSACTION, 0.6)?;
    quiet(
        options,
        "Dependencies resolved.\nNothing to do.\nComplete!\n".to_owned(),
        waited,
    )
}

fn dnf_list(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    let (scope, names) = match names {
        ["installed", rest @ ..] => ("installed", rest),
        ["available", rest @ ..] => ("available", rest),
        ["--installed"] => ("installed", &[][..]),
        other if options.has("installed") => ("installed", other),
        other if options.has("available") => ("available", other),
        other => ("all", other),
    };
    let timeline = call.machine();
    let machine = &timeline.present;
    let mut out = String::new();
    for (title, wanted) in [
        ("Installed Packages\n", true),
        ("Available Packages\n", false),
    ] {
        if scope == "installed" && !wanted || scope == "available" && wanted {
            continue;
        }
        let mut found: Vec<_> = packages::repository(machine.flavour)
            .iter()
            .filter(|package| packages::installed(machine, package.name) == wanted)
            .filter(|package| names.is_empty() || names.contains(&package.name))
            .collect();
        found.sort_by_key(|package| package.name);
        if !found.is_empty() {
            out.push_str(title);
        }
        for package in found {
            out.push_str(&format!(
                "{:<44} {:<30} {}\n",
                format!("{}.{}", package.name, architecture(call)),
                package.version,
                if wanted {
                    "@amazonlinux"
                } else {
                    "amazonlinux"
                }
            ));
        }
    }
    if out.is_empty() {
        return fail(1, "Error: No matching Packages to list\n");
    }
    done(out)
}

/// `rpm -q`, `rpm -qa`.
pub fn rpm(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "q|query a|all |quiet |queryformat=")?;
    if !options.has("query") {
        return Err(call.not_modelled("anything but -q"));
    }
    if options.has("queryformat") {
        return Err(call.not_modelled("option --queryformat"));
    }
    let timeline = call.machine();
    let machine = &timeline.present;
    let full = |package: &Package| {
        format!(
            "{}-{}.{}\n",
            package.name,
            package.version,
            architecture(call)
        )
    };
    if options.has("all") {
        let all: String = packages::all_installed(machine)
            .into_iter()
            .map(full)
            .collect();
        return done(all);
    }
    let mut out = String::new();
    let mut missing = 0;
    for name in &options.operands {
        match packages::find(machine.flavour, name) {
            Some(package) if packages::installed(machine, name) => out.push_str(&full(package)),
            _ => {
                missing += 1;
                out.push_str(&format!("package {name} is not installed\n"));
            }
        }
    }
    Ok(Outcome {
        exit_code: missing,
        stdout: if options.has("quiet") {
            Vec::new()
        } else {
            out.into_bytes()
        },
        stderr: Vec::new(),
    })
}

const LISTS: &str = "/var/lib/apt/lists/archive.ubuntu.com_dists_noble_InRelease";

/// `apt` and `apt-get`.
pub fn apt(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "y|yes q|quiet |assume-yes |no-install-recommends |fix-missing o|option= |purge |installed |allow-downgrades |no-upgrade |autoremove |auto-remove",
    )?;
    let words = options.words();
    let [command, names @ ..] = words.as_slice() else {
        return Err(call.not_modelled("no subcommand"));
    };
    match *command {
        "update" => {
            need_root_apt(call)?;
            let waited = wait_for_lock(call)?;
            call.pass(INDEX, 0.6)?;
            let mut timeline = call.machine();
            let at = timeline.present.clock;
            timeline
                .present
                .disk
                .put(LISTS, base::file("Suite: noble\n", 0o644, at));
            let out = "Hit:1 http://archive.ubuntu.com/ubuntu noble InRelease\nReading package lists...\nBuilding dependency tree...\nAll packages are up to date.\n";
            quiet(&options, out.to_owned(), waited)
        }
        "upgrade" | "dist-upgrade" | "full-upgrade" => {
            need_root_apt(call)?;
            let waited = wait_for_lock(call)?;
            call.pass(TRANSACTION, 0.6)?;
            quiet(&options, apt_summary(0, 0), waited)
        }
        "install" => apt_install(call, &options, names),
        "remove" | "purge" => apt_remove(call, &options, names),
        "autoremove" | "clean" | "autoclean" => {
            need_root_apt(call)?;
            done("")
        }
        "list" if options.has("installed") => {
            let timeline = call.machine();
            let all: String = packages::all_installed(&timeline.present)
                .into_iter()
                .filter(|package| names.is_empty() || names.contains(&package.name))
                .map(|package| {
                    format!(
                        "{}/noble,now {} amd64 [installed]\n",
                        package.name, package.version
                    )
                })
                .collect();
            done(format!("Listing...\n{all}"))
        }
        other => Err(call.not_modelled(&format!("'{other}'"))),
    }
}

fn need_root_apt(call: &Call<'_>) -> Result<(), Stop> {
    if call.is_root() {
        return Ok(());
    }
    Err(failure(
        100,
        "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n",
    ))
}

fn apt_summary(installed: usize, removed: usize) -> String {
    format!(
        "Reading package lists...\nBuilding dependency tree...\nReading state information...\n0 upgraded, {installed} newly installed, {removed} to remove and 0 not upgraded.\n"
    )
}

fn apt_install(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    need_root_apt(call)?;
    let waited = wait_for_lock(call)?;
    let mut out = String::new();
    let mut asked = Vec::new();
    let needed = {
        let timeline = call.machine();
        let machine = &timeline.present;
        let lists = machine.disk.node(LISTS).is_some();
        let mut complaints = String::new();
        for name in names {
            match packages::find(Flavour::Ubuntu2404, name) {
                Some(package) if packages::installed(machine, name) => out.push_str(&format!(
                    "{} is already the newest version ({}).\n",
                    package.name, package.version
                )),
                Some(package) if lists => asked.push(package),
                _ => complaints.push_str(&format!("E: Unable to locate package {name}\n")),
            }
        }
        if !complaints.is_empty() {
            return fail(100, format!("{waited}{complaints}"));
        }
        packages::needed(machine, &asked)
    };
    if needed.is_empty() {
        return quiet(options, format!("{out}{}", apt_summary(0, 0)), waited);
    }
    if !options.has("yes") && !options.has("assume-yes") {
        return fail(
            1,
            format!("{waited}Do you want to continue? [Y/n] Abort.\n"),
        );
    }
    call.pass(cost(&needed), 0.7)?;
    install_all(call, &asked, &needed);
    let listed: Vec<&str> = needed.iter().map(|package| package.name).collect();
    out.push_str(&format!(
        "The following NEW packages will be installed:\n  {}\n{}",
        listed.join(" "),
        apt_summary(needed.len(), 0)
    ));
    for package in &needed {
        out.push_str(&format!(
            "Setting up {} ({}) ...\n",
            package.name, package.version
        ));
    }
    quiet(options, out, waited)
}

fn apt_remove(call: &Call<'_>, options: &Options, names: &[&str]) -> Reply {
    need_root_apt(call)?;
    let waited = wait_for_lock(call)?;
    let mut out = String::new();
    let mut leaving = Vec::new();
    for name in names {
        match packages::find(Flavour::Ubuntu2404, name) {
            None => return fail(100, format!("{waited}E: Unable to locate package {name}\n")),
            Some(package) if packages::installed(&call.machine().present, name) => {
                leaving.push(package);
            }
            Some(_) => out.push_str(&format!(
                "Package '{name}' is not installed, so not removed\n"
            )),
        }
    }
    if !leaving.is_empty() && !options.has("yes") && !options.has("assume-yes") {
        return fail(
            1,
            format!("{waited}Do you want to continue? [Y/n] Abort.\n"),
        );
    }
    let all = with_dependents(call, &leaving);
    call.pass(TRANSACTION, 0.6)?;
    remove_all(call, &all);
    out.push_str(&apt_summary(0, all.len()));
    quiet(options, out, waited)
}

/// `apt-cache policy`.
pub fn apt_cache(call: &Call<'_>) -> Reply {
    let [command, names @ ..] = call.args else {
        return Err(call.not_modelled("no subcommand"));
    };
    if command != "policy" {
        return Err(call.not_modelled(&format!("'{command}'")));
    }
    let timeline = call.machine();
    let mut out = String::new();
    for name in names {
        if let Some(package) = packages::find(Flavour::Ubuntu2404, name) {
            let installed = if packages::installed(&timeline.present, name) {
                package.version
            } else {
                "(none)"
            };
            out.push_str(&format!(
                "{name}:\n  Installed: {installed}\n  Candidate: {}\n",
                package.version
            ));
        }
    }
    done(out)
}

/// `dpkg -s`, `dpkg -l`, `dpkg-query -W`.
pub fn dpkg(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "s|status l|list W|show f|showformat=")?;
    let timeline = call.machine();
    let machine = &timeline.present;
    if options.has("showformat") {
        return Err(call.not_modelled("option -f"));
    }
    let mut out = String::new();
    let mut missing = Vec::new();
    let mut chosen = Vec::new();
    if options.operands.is_empty() && !options.has("status") {
        chosen = packages::all_installed(machine);
    }
    for name in &options.operands {
        match packages::find(machine.flavour, name) {
            Some(package) if packages::installed(machine, name) => chosen.push(package),
            _ => missing.push(name),
        }
    }
    for package in chosen {
        out.push_str(&if options.has("status") {
            format!(
                "Package: {}\nStatus: install ok installed\nVersion: {}\n\n",
                package.name, package.version
            )
        } else if options.has("show") {
            format!("{}\t{}\n", package.name, package.version)
        } else {
            format!("ii  {:<24} {:<28} amd64\n", package.name, package.version)
        });
    }
    let complaints: String = missing
        .iter()
        .map(|name| {
            if options.has("status") {
                format!("dpkg-query: package '{name}' is not installed and no information is available\n")
            } else {
                format!("dpkg-query: no packages found matching {name}\n")
            }
        })
        .collect();
    Ok(Outcome {
        exit_code: i32::from(!complaints.is_empty()),
        stdout: out.into_bytes(),
        stderr: complaints.into_bytes(),
    })
}
