//! Asking what is installed: `rpm -q`, `dpkg -s`, `apt-cache policy`.

use super::super::call::{Call, Reply, done};
use super::super::options::Options;
use super::architecture;
use crate::hosts::boot::Flavour;
use crate::hosts::packages::{self, Package};
use crate::hosts::shell::Outcome;

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
