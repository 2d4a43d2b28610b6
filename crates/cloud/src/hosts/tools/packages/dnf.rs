//! `dnf` and `yum`.

use super::super::call::{Call, Reply, Stop, done, fail, failure};
use super::super::options::Options;
use super::{
    INDEX, TRANSACTION, architecture, cost, install_all, quiet, remove_all, wait_for_lock,
    with_dependents,
};
use crate::hosts::boot::Flavour;
use crate::hosts::packages::{self, Package};

const RULE: &str =
    "================================================================================\n";

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
