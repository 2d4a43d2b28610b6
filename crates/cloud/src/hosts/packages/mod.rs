//! Packages: what can be installed, what that places on the disk.

mod amazon;
mod files;
mod ubuntu;

use jiff::Timestamp;

use super::base;
use super::boot::Flavour;
use super::disk::Node;
use super::machine::{Installed, Machine, Unit};
use super::tools::add_account;
use super::web;

/// A package of a flavour's repositories.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its version and release.
    pub version: &'static str,
    /// Download size in KiB.
    pub kib: u32,
    /// What it draws in.
    pub requires: &'static [&'static str],
    /// Programs in `/usr/bin` and, with a leading `+`, in `/usr/sbin`.
    pub programs: &'static [&'static str],
    /// Its services, without `.service`.
    pub units: &'static [&'static str],
    /// Already on the image.
    pub on_image: bool,
}

/// Something a package places on the disk.
pub(super) struct Placed {
    path: &'static str,
    content: Thing,
    mode: u32,
}

/// A file, a directory or a link.
pub(super) enum Thing {
    File(&'static str),
    Directory,
    Link(&'static str),
}

/// All packages of a flavour.
#[must_use]
pub fn repository(flavour: Flavour) -> &'static [Package] {
    match flavour {
        Flavour::AmazonLinux2023 => amazon::PACKAGES,
        Flavour::Ubuntu2404 => ubuntu::PACKAGES,
    }
}

/// The package of that name.
#[must_use]
pub fn find(flavour: Flavour, name: &str) -> Option<&'static Package> {
    repository(flavour)
        .iter()
        .find(|package| package.name == name)
}

/// Whether a package is installed, by the image or since.
#[must_use]
pub fn installed(machine: &Machine, name: &str) -> bool {
    machine.packages.contains_key(name)
        || find(machine.flavour, name).is_some_and(|package| {
            package.on_image && !machine.packages.contains_key(&removed(name))
        })
}

/// How it is remembered that one of the image's packages was removed.
fn removed(name: &str) -> String {
    format!("-{name}")
}

/// All installed packages in order.
#[must_use]
pub fn all_installed(machine: &Machine) -> Vec<&'static Package> {
    let mut all: Vec<_> = repository(machine.flavour)
        .iter()
        .filter(|package| installed(machine, package.name))
        .collect();
    all.sort_by_key(|package| package.name);
    all
}

/// What installing `names` would install, in order of installation.
#[must_use]
pub fn needed(machine: &Machine, names: &[&'static Package]) -> Vec<&'static Package> {
    fn visit(machine: &Machine, package: &'static Package, into: &mut Vec<&'static Package>) {
        if installed(machine, package.name) || into.iter().any(|there| there.name == package.name) {
            return;
        }
        for name in package.requires {
            if let Some(required) = find(machine.flavour, name) {
                visit(machine, required, into);
            }
        }
        into.push(package);
    }
    let mut into = Vec::new();
    for package in names {
        visit(machine, package, &mut into);
    }
    into
}

/// Places a package on the machine.
pub fn install(machine: &mut Machine, package: &Package, asked: bool) {
    let at = machine.clock;
    for (path, node) in placed(machine.flavour, package, at) {
        // A package manager keeps configuration that is already there.
        if machine.disk.node(&path).is_none() {
            machine.disk.put(&path, node);
        }
    }
    for (name, uid, home) in files::accounts(package.name) {
        add_account(machine, name, *uid, home, "/sbin/nologin");
    }
    for unit in package.units {
        machine.units.entry((*unit).to_owned()).or_default();
        if machine.flavour == Flavour::Ubuntu2404 {
            // Debian's packages enable and start their services.
            machine.units.insert(
                (*unit).to_owned(),
                Unit {
                    enabled: true,
                    since: Some(at),
                    ..Unit::default()
                },
            );
            web::reload(machine, unit);
            web::started(machine, unit);
        }
    }
    machine.packages.remove(&removed(package.name));
    if !package.on_image {
        machine.packages.insert(
            package.name.to_owned(),
            Installed {
                version: package.version.to_owned(),
                asked,
            },
        );
    }
}

/// Takes a package off the machine; its changed configuration goes with it.
pub fn remove(machine: &mut Machine, package: &Package) {
    let at = machine.clock;
    for (path, node) in placed(machine.flavour, package, at) {
        if !node.is_directory() {
            machine.disk.erase(&path);
        }
    }
    for unit in package.units {
        machine.units.remove(*unit);
        machine.sites.remove(*unit);
    }
    machine.packages.remove(package.name);
    if package.on_image {
        machine.packages.insert(
            removed(package.name),
            Installed {
                version: package.version.to_owned(),
                asked: false,
            },
        );
    }
}

/// Installed packages that need `name`.
#[must_use]
pub fn dependents(machine: &Machine, name: &str) -> Vec<&'static Package> {
    all_installed(machine)
        .into_iter()
        .filter(|package| package.requires.contains(&name))
        .collect()
}

fn placed(flavour: Flavour, package: &Package, at: Timestamp) -> Vec<(String, Node)> {
    let mut all: Vec<(String, Node)> = package
        .programs
        .iter()
        .map(|program| {
            let (directory, name) = match program.strip_prefix('+') {
                Some(name) => ("/usr/sbin", name),
                None => ("/usr/bin", *program),
            };
            (
                format!("{directory}/{name}"),
                base::file(base::program(name), 0o755, at),
            )
        })
        .collect();
    all.extend(
        files::of(flavour, package.name)
            .iter()
            .map(|placed| (placed.path.to_owned(), placed.node(at))),
    );
    all
}

impl Placed {
    fn node(&self, at: Timestamp) -> Node {
        match &self.content {
            Thing::File(content) => base::file(*content, self.mode, at),
            Thing::Directory => base::directory(self.mode, at),
            Thing::Link(target) => Node {
                kind: super::disk::Kind::Link((*target).to_owned()),
                ..base::directory(0o777, at)
            },
        }
    }
}

/// The version of the package that brought a program.
#[must_use]
pub fn version_of_program(machine: &Machine, program: &str) -> Option<&'static str> {
    all_installed(machine)
        .into_iter()
        .find(|package| {
            package
                .programs
                .iter()
                .any(|name| name.trim_start_matches('+') == program)
        })
        .map(|package| package.version)
}
