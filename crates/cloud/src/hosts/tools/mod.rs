//! The programs of a machine that the shell does not bring.

use bashkit::BuiltinRegistry;

use super::machine::Machine;

/// Adds the programs that `machine` has.
pub fn register(_registry: &BuiltinRegistry, _machine: &Machine) {}

/// Whether a program that the shell brings is one that real machines have.
pub fn is_real(name: &str) -> bool {
    !INVENTED.contains(&name)
}

/// Programs that only the embedded shell has, or that the images lack.
const INVENTED: &[&str] = &[
    "assert", "bc", "clear", "csv", "dotenv", "fc", "git", "glob", "http", "json", "log", "make",
    "man", "parallel", "patch", "retry", "rg", "scp", "semver", "sftp", "ssh", "template", "tomlq",
    "tree", "unzip", "verify", "watch", "xxd", "yq", "zip",
];
