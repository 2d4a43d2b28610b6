//! `apt` and `apt-get`.

use super::super::call::{Call, Reply, Stop, done, fail, failure};
use super::super::options::Options;
use super::{
    INDEX, TRANSACTION, cost, install_all, quiet, remove_all, wait_for_lock, with_dependents,
};
use crate::hosts::base;
use crate::hosts::boot::Flavour;
use crate::hosts::packages;

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
