//! Whether a program would run on Amazon Linux 2023: read off the file, not tried.
//!
//! `provided.al2023` has glibc 2.34 and little else. A program that is linked to
//! a newer glibc, to a library that is not there, or for another processor ends
//! before its first instruction, with a message in the function's log only.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>

use std::fmt;

use object::elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PT_INTERP};
use object::endian::LittleEndian;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

/// The newest symbols of glibc that Amazon Linux 2023 has.
pub const GLIBC: Version = Version(2, 34);

/// Where a program is to run.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// What it is called.
    name: &'static str,
    /// Its glibc.
    glibc: Version,
    /// What it has beside [`LIBRARIES`].
    more: &'static [&'static str],
}

impl Place {
    /// Lambda's runtime.
    const LAMBDA: Self = Self {
        name: "Amazon Linux 2023",
        glibc: GLIBC,
        more: &[],
    };

    /// A machine of Amazon Linux or Ubuntu, on which packages themselves need zlib.
    #[must_use]
    pub const fn machine(glibc: Version) -> Self {
        Self {
            name: "the machine",
            glibc,
            more: &["libz.so.1"],
        }
    }
}

/// What glibc itself brings, and the compiler's library, which the runtime has.
const LIBRARIES: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// A processor that Lambda has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86,
    /// Graviton.
    #[value(name = "arm64")]
    Arm,
}

impl Architecture {
    /// The one that this program runs on, if Lambda has it.
    #[must_use]
    pub fn own() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86),
            "aarch64" => Some(Self::Arm),
            _ => None,
        }
    }

    /// The one of this name in Lambda's API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::X86, Self::Arm]
            .into_iter()
            .find(|architecture| architecture.to_string() == name)
    }

    /// Where its dynamic loader is.
    fn loader(self) -> &'static str {
        match self {
            Self::X86 => "/lib64/ld-linux-x86-64.so.2",
            Self::Arm => "/lib/ld-linux-aarch64.so.1",
        }
    }

    /// Rust's name of the target.
    fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        })
    }
}

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

impl Version {
    /// Reads `2.34`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::read(&format!("GLIBC_{name}"))
    }

    /// Reads `GLIBC_2.34`; what is no such version (`GLIBC_PRIVATE`) is none.
    fn read(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
        let mut next = || numbers.next()?.parse().ok();
        Some(Self(next()?, next()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Whether `program` runs in Lambda on `architecture`; if not, why.
///
/// # Errors
/// A sentence that says what it needs and what there is.
pub fn check(program: &[u8], architecture: Architecture) -> Result<(), String> {
    check_for(Place::LAMBDA, program, architecture)
}

/// Whether `program` runs at `place` on `architecture`; if not, why.
///
/// # Errors
/// A sentence that says what it needs and what there is.
pub fn check_for(place: Place, program: &[u8], architecture: Architecture) -> Result<(), String> {
    let facts = Facts::read(program)?;
    let machine = match facts.machine {
        Some(machine) if machine == architecture => machine,
        Some(other) => {
            return Err(format!(
                "it is for {other}, the {} for {architecture}",
                if place.more.is_empty() {
                    "function"
                } else {
                    "machine"
                }
            ));
        }
        None => return Err("it is for a processor that Lambda does not have".to_owned()),
    };
    if let Some(loader) = facts.loader.filter(|loader| loader != machine.loader()) {
        return Err(format!(
            "it is started by {loader}; {} has {}",
            place.name,
            machine.loader()
        ));
    }
    if let Some(library) = facts.libraries.iter().find(|library| {
        !LIBRARIES
            .iter()
            .chain(place.more)
            .any(|there| there == library)
    }) {
        return Err(format!(
            "it needs the library {library}, which the runtime does not promise"
        ));
    }
    let newest = facts.versions.iter().max().copied();
    if let Some(newest) = newest.filter(|newest| *newest > place.glibc) {
        return Err(format!(
            "it needs glibc {newest}; {} has {}",
            place.name, place.glibc
        ));
    }
    Ok(())
}

/// How to get a program that runs there.
#[must_use]
pub fn how_to_build(architecture: Architecture) -> String {
    format!(
        "build one with: cargo zigbuild --release --target {}.{GLIBC} \
         (docs/lambda.md says how to get it), \
         and give it with --binary",
        architecture.target()
    )
}

/// What the file says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    machine: Option<Architecture>,
    loader: Option<String>,
    libraries: Vec<String>,
    versions: Vec<Version>,
}

impl Facts {
    fn read(program: &[u8]) -> Result<Self, String> {
        let damaged = |error: object::read::Error| format!("it cannot be read: {error}");
        let header = FileHeader64::<LittleEndian>::parse(program)
            .map_err(|_| "it is no 64-bit Linux program (ELF)".to_owned())?;
        let endian = header
            .endian()
            .map_err(|_| "it is no 64-bit Linux program (ELF)".to_owned())?;
        if ![ET_EXEC, ET_DYN].contains(&header.e_type(endian)) {
            return Err("it is no program but a part of one".to_owned());
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut facts = Self {
            machine: match header.e_machine(endian) {
                EM_X86_64 => Some(Architecture::X86),
                EM_AARCH64 => Some(Architecture::Arm),
                _ => None,
            },
            ..Self::default()
        };
        for segment in header.program_headers(endian, program).map_err(damaged)? {
            if segment.p_type(endian) == PT_INTERP {
                facts.loader = segment
                    .interpreter(endian, program)
                    .map_err(damaged)?
                    .map(text);
            }
        }
        let sections = header.sections(endian, program).map_err(damaged)?;
        if facts.loader.is_some() && sections.is_empty() {
            return Err(
                "its section table is stripped, so what it needs cannot be read".to_owned(),
            );
        }
        let dynamic = sections.dynamic_table(endian, program).map_err(damaged)?;
        for entry in &dynamic {
            if entry.tag == DT_NEEDED {
                facts
                    .libraries
                    .push(text(dynamic.string(entry).map_err(damaged)?));
            }
        }
        if let Some((mut needs, link)) = sections.gnu_verneed(endian, program).map_err(damaged)? {
            let strings = sections.strings(endian, program, link).map_err(damaged)?;
            while let Some((_, mut names)) = needs.next().map_err(damaged)? {
                while let Some(name) = names.next().map_err(damaged)? {
                    let name = text(name.name(endian, strings).map_err(damaged)?);
                    facts.versions.extend(Version::read(&name));
                }
            }
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version::read("GLIBC_2.4").unwrap() < GLIBC);
        assert!(Version::read("GLIBC_2.35").unwrap() > GLIBC);
        assert_eq!(Version::read("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(Version::read("GLIBC_PRIVATE"), None);
        assert_eq!(Version::read("GCC_3.0"), None);
    }

    #[test]
    fn what_is_no_program_is_said_to_be_none() {
        for content in [&b"#!/bin/sh\n"[..], b"", &[0x7f, b'E', b'L', b'F']] {
            assert_eq!(
                check(content, Architecture::X86),
                Err("it is no 64-bit Linux program (ELF)".to_owned())
            );
        }
    }

    /// The test itself is a program of this machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_says_what_it_needs() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let facts = Facts::read(&program).unwrap();
        assert_eq!(facts.machine, Architecture::own());
        assert_eq!(
            facts.loader.as_deref(),
            facts.machine.map(Architecture::loader)
        );
        assert!(facts.libraries.iter().any(|library| library == "libc.so.6"));
        assert!(facts.versions.iter().max().unwrap() >= &Version(2, 17));
        let (own, other) = match facts.machine.unwrap() {
            Architecture::X86 => (Architecture::X86, Architecture::Arm),
            Architecture::Arm => (Architecture::Arm, Architecture::X86),
        };
        assert_eq!(
            check(&program, other),
            Err(format!("it is for {own}, the function for {other}"))
        );
    }
}
