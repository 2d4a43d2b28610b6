//! Unit files that somebody wrote, and the programs that they start.
//!
//! The embedded cloud runs no machine code. A program that it can run nevertheless is opsh
//! itself: [`STAND_IN`] begins the text that stands for it on a host, and whoever lends the
//! cloud an interpreter runs its playbook ([`crate::programs`]).

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::machine::{Machine, Unit};
use super::users::{self, User};

/// How the text begins that stands for opsh on a host.
pub const STAND_IN: &str = "opsh ";

/// How many runs in a row may end at once before a unit is given up.
///
/// Source: systemd.unit(5), `StartLimitBurst=`: five within ten seconds.
const BURST: u32 = 5;
/// A run that lasts this long is none that ends at once.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(10);

/// A unit file somebody wrote.
#[derive(Debug, Clone, Default)]
pub struct OwnUnit {
    /// `Description=`.
    pub description: String,
    /// `Type=`, `simple` if not given.
    pub kind: String,
    /// `ExecStart=`, in order.
    pub start: Vec<String>,
    /// `User=`.
    pub user: Option<String>,
    /// `RemainAfterExit=`.
    pub remains: bool,
    /// It has an `[Install]` section.
    pub installable: bool,
    /// `Environment=`.
    pub environment: BTreeMap<String, String>,
    /// `EnvironmentFile=`, those that may be missing with their `-`.
    pub environment_files: Vec<String>,
    /// `WorkingDirectory=`.
    pub folder: Option<String>,
    /// `Restart=`.
    pub restart: String,
    /// `RestartSec=`.
    pub pause: SignedDuration,
}

/// The unit file of `name`, which has no `.service`.
#[must_use]
pub fn read(machine: &Machine, name: &str) -> Option<OwnUnit> {
    let path = format!("/etc/systemd/system/{name}.service");
    let content = machine.disk.read(&User::root(), &path).ok()?;
    let text = String::from_utf8_lossy(&content);
    let mut unit = OwnUnit {
        kind: "simple".to_owned(),
        restart: "no".to_owned(),
        pause: SignedDuration::from_millis(100),
        ..OwnUnit::default()
    };
    for line in text.replace("\\\n", " ").lines().map(str::trim) {
        if line == "[Install]" {
            unit.installable = true;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim().to_owned();
        match key.trim() {
            "Description" => unit.description = value,
            "Type" => unit.kind = value,
            "ExecStart" => unit.start.push(value),
            "User" => unit.user = Some(value),
            "RemainAfterExit" => unit.remains = matches!(value.as_str(), "yes" | "true" | "1"),
            "Environment" => unit
                .environment
                .extend(words(&value).iter().filter_map(|word| pair(word))),
            "EnvironmentFile" => unit.environment_files.push(value),
            "WorkingDirectory" => unit.folder = Some(value),
            "Restart" => unit.restart = value,
            "RestartSec" => {
                unit.pause = super::tools::interval(&value).unwrap_or(unit.pause);
            }
            _ => {}
        }
    }
    Some(unit)
}

fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

/// The words of a value: separated by blanks, quoted where they hold some.
///
/// Source: systemd.syntax(7), "Quoting".
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut begun, mut quote) = (Vec::new(), String::new(), false, None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(letter), true),
            (_, '\\') => word.extend(letters.next()),
            (None, letter) if letter.is_whitespace() => {
                if begun {
                    found.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, letter) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        found.push(word);
    }
    found
}

impl OwnUnit {
    /// The program and its arguments, without systemd's prefixes and what it escapes.
    ///
    /// Source: systemd.service(5), "Command lines": `%%` is a percent sign and `$$` a dollar
    /// sign, this one not behind the prefix `:`.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let line = self.start.first().map_or("", String::as_str);
        let bare = line.trim_start_matches(['-', '@', '+', '!', ':']);
        let literal = line[..line.len() - bare.len()].contains(':');
        let read = |word: String| {
            let word = word.replace("%%", "%");
            if literal {
                word
            } else {
                word.replace("$$", "$")
            }
        };
        words(bare).into_iter().map(read).collect()
    }

    /// Whether what it starts is an opsh, which can be run.
    #[must_use]
    pub fn is_hosted(&self, machine: &Machine) -> bool {
        let command = self.command();
        let Some(program) = command.first() else {
            return false;
        };
        let content = machine.disk.read(&User::root(), program);
        self.kind != "oneshot"
            && content.is_ok_and(|content| content.starts_with(STAND_IN.as_bytes()))
    }

    /// The variables of its program.
    ///
    /// # Errors
    /// The name of a file that is not there.
    pub fn variables(&self, machine: &Machine) -> Result<BTreeMap<String, String>, String> {
        let mut all = self.environment.clone();
        for file in &self.environment_files {
            let path = file.trim_start_matches('-');
            match machine.disk.read(&User::root(), path) {
                Ok(content) => {
                    let text = String::from_utf8_lossy(&content);
                    let lines = text.lines().map(str::trim);
                    for line in lines.filter(|line| !line.starts_with(['#', ';'])) {
                        if let Some((name, value)) = line.split_once('=') {
                            let value = words(value).join(" ");
                            all.insert(name.trim().to_owned(), value);
                        }
                    }
                }
                Err(_) if file.starts_with('-') => {}
                Err(_) => return Err(path.to_owned()),
            }
        }
        Ok(all)
    }
}

/// Starts the hosted program of a unit.
///
/// # Errors
/// systemd's word for why it cannot.
pub fn start(machine: &mut Machine, name: &str, own: &OwnUnit) -> Result<(), String> {
    let account = own.user.as_deref().unwrap_or("root");
    let trouble = if users::by_name(&machine.disk, account).is_none() {
        Some(format!(
            "{name}.service: Failed to determine user credentials: No such process (status=217/USER)"
        ))
    } else if let Err(file) = own.variables(machine) {
        Some(format!(
            "{name}.service: Failed to load environment files: {file}: No such file or directory"
        ))
    } else {
        None
    };
    if let Some(trouble) = trouble {
        machine.note(name, "systemd[1]", trouble.clone());
        let unit = machine.units.entry(name.to_owned()).or_default();
        (unit.failed, unit.since) = (true, None);
        return Err(trouble);
    }
    machine.note(
        name,
        "systemd[1]",
        format!("Started {name}.service - {}.", own.description),
    );
    let now = machine.clock;
    let unit = machine.units.entry(name.to_owned()).or_default();
    unit.since = Some(now);
    unit.failed = false;
    unit.hosted = true;
    Ok(())
}

/// The program of a unit, which ran since `since`, has ended by itself with `status`.
pub fn ended(machine: &mut Machine, name: &str, since: jiff::Timestamp, status: i32) {
    let Some(unit) = machine.units.get(name).cloned() else {
        return;
    };
    if unit.since != Some(since) {
        return;
    }
    let own = read(machine, name).unwrap_or_default();
    let (result, well) = match status {
        0 => ("success", true),
        _ => ("exit-code", false),
    };
    if !well {
        machine.note(
            name,
            "systemd[1]",
            format!("{name}.service: Main process exited, code=exited, status={status}/FAILURE"),
        );
        machine.note(
            name,
            "systemd[1]",
            format!("{name}.service: Failed with result '{result}'."),
        );
    }
    let again = match own.restart.as_str() {
        "always" => true,
        "on-failure" | "on-abnormal" => !well,
        "on-success" => well,
        _ => false,
    };
    let now = machine.clock;
    let quick = if now.duration_since(since) < AT_ONCE {
        unit.quick + 1
    } else {
        1
    };
    let next = Unit {
        since: None,
        failed: !well,
        quick,
        ..unit
    };
    let next = match (again, quick < BURST) {
        (true, true) => Unit {
            since: now.checked_add(own.pause).ok(),
            failed: false,
            ..next
        },
        (true, false) => {
            let text = format!("{name}.service: Start request repeated too quickly.");
            machine.note(name, "systemd[1]", text);
            Unit {
                failed: true,
                ..next
            }
        }
        (false, _) => next,
    };
    machine.units.insert(name.to_owned(), next);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_escapes_is_read_as_it_was_meant() {
        let command = |line: &str| {
            let start = vec![line.to_owned()];
            let unit = OwnUnit {
                start,
                ..OwnUnit::default()
            };
            unit.command()
        };
        assert_eq!(
            command(r#"-/opt/it run "a=100%% of $$HOME" "b=\"$${X}\"""#),
            ["/opt/it", "run", "a=100% of $HOME", r#"b="${X}""#]
        );
        assert_eq!(command(":/opt/it $$x"), ["/opt/it", "$$x"]);
    }
}
