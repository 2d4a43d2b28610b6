//! `logrotate`'s configuration.

use crate::hosts::disk::{Disk, Node};

use super::super::call::{Call, Stop, failure};

/// A section: logs and how they are rotated.
#[allow(
    clippy::struct_excessive_bools,
    reason = "logrotate's own switches, each independent of the others"
)]
#[derive(Debug, Clone)]
pub struct Section {
    pub patterns: Vec<String>,
    pub keep: usize,
    pub dated: bool,
    pub create: bool,
    pub truncate: bool,
    pub missing_ok: bool,
    pub not_empty: bool,
}

/// Directives without a value that are modelled or make no difference to the files.
const WORDS: &[&str] = &[
    "compress",
    "copytruncate",
    "create",
    "daily",
    "dateext",
    "delaycompress",
    "hourly",
    "ifempty",
    "missingok",
    "monthly",
    "nocompress",
    "nocreate",
    "nodateext",
    "nodelaycompress",
    "nomissingok",
    "notifempty",
    "nosharedscripts",
    "sharedscripts",
    "weekly",
    "yearly",
];

/// Directives with values.
const VALUED: &[&str] = &[
    "create",
    "dateformat",
    "include",
    "maxage",
    "maxsize",
    "minsize",
    "rotate",
    "size",
    "su",
    "tabooext",
    "olddir",
    "extension",
    "weekly",
    "start",
];

/// A configuration that is being read.
pub struct Config<'a> {
    call: &'a Call<'a>,
    disk: &'a Disk,
    /// The sections so far.
    pub sections: Vec<Section>,
    /// What `-v` says about it.
    pub log: String,
    open: Option<Section>,
    /// Patterns before a section's brace.
    pending: Vec<String>,
    /// Between `postrotate` and `endscript`.
    script: bool,
}

impl<'a> Config<'a> {
    /// Nothing read yet.
    pub fn new(call: &'a Call<'a>, disk: &'a Disk) -> Self {
        Self {
            call,
            disk,
            sections: Vec::new(),
            log: String::new(),
            open: None,
            pending: Vec::new(),
            script: false,
        }
    }

    /// Reads a file, or the files of a directory.
    ///
    /// # Errors
    /// What `logrotate` complains of.
    pub fn read(&mut self, path: &str, depth: u8) -> Result<(), Stop> {
        if depth > 4 {
            return Err(failure(
                1,
                format!("error: {path}: includes are nested too deeply\n"),
            ));
        }
        if self.disk.node(path).is_some_and(Node::is_directory) {
            self.log.push_str(&format!("including {path}\n"));
            for (name, _) in self.disk.children(path) {
                self.read(&format!("{path}/{name}"), depth + 1)?;
            }
            return Ok(());
        }
        let content = self
            .disk
            .read(&self.call.session.user, path)
            .map_err(|reason| failure(1, format!("error: cannot stat {path}: {reason}\n")))?;
        self.log.push_str(&format!("reading config file {path}\n"));
        for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            self.line(line.trim(), &format!("{path}:{}", number + 1), depth)?;
        }
        if self.open.is_some() {
            return Err(failure(
                1,
                format!("error: {path}: unexpected end of file, missing }}\n"),
            ));
        }
        Ok(())
    }

    fn line(&mut self, line: &str, place: &str, depth: u8) -> Result<(), Stop> {
        if self.script {
            self.script = line != "endscript";
            return Ok(());
        }
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (body, opens) = match line.strip_suffix('{') {
            Some(body) => (body.trim(), true),
            None => (line, false),
        };
        if self.open.is_none() && (opens || body.starts_with(['/', '"'])) {
            self.pending.extend(
                body.split_whitespace()
                    .map(|word| word.trim_matches('"').to_owned()),
            );
            if opens {
                self.open = Some(Section::of(std::mem::take(&mut self.pending)));
            }
            return Ok(());
        }
        if line == "}" {
            return match self.open.take() {
                Some(section) => {
                    self.sections.push(section);
                    Ok(())
                }
                None => Err(failure(1, format!("error: {place} unexpected }}\n"))),
            };
        }
        let mut words = line.split_whitespace();
        self.directive(words.next().unwrap_or_default(), words.next(), place, depth)
    }

    fn directive(
        &mut self,
        name: &str,
        value: Option<&str>,
        place: &str,
        depth: u8,
    ) -> Result<(), Stop> {
        if SCRIPTS.contains(&name) {
            self.script = true;
            return Ok(());
        }
        if let ("include", Some(directory)) = (name, value) {
            return self.read(directory, depth + 1);
        }
        if !(WORDS.contains(&name) || VALUED.contains(&name) && value.is_some()) {
            return Err(failure(
                1,
                format!("error: {place} unknown option '{name}' -- ignoring line\n"),
            ));
        }
        if name == "olddir" {
            return Err(self.call.not_modelled("the directive olddir"));
        }
        let Some(section) = &mut self.open else {
            return Ok(());
        };
        match name {
            "rotate" => {
                section.keep = value.and_then(|count| count.parse().ok()).ok_or_else(|| {
                    failure(
                        1,
                        format!(
                            "error: {place} bad rotation count '{}'\n",
                            value.unwrap_or_default()
                        ),
                    )
                })?;
            }
            "dateext" => section.dated = true,
            "nodateext" => section.dated = false,
            "create" => section.create = true,
            "nocreate" => section.create = false,
            "copytruncate" => section.truncate = true,
            "missingok" => section.missing_ok = true,
            "notifempty" => section.not_empty = true,
            _ => {}
        }
        Ok(())
    }
}

impl Section {
    fn of(patterns: Vec<String>) -> Self {
        Self {
            patterns,
            keep: 4,
            dated: false,
            create: true,
            truncate: false,
            missing_ok: false,
            not_empty: false,
        }
    }
}

const SCRIPTS: &[&str] = &[
    "postrotate",
    "prerotate",
    "firstaction",
    "lastaction",
    "preremove",
];
