//! `logrotate`: checks configuration (`-d`), and rotates when forced (`-f`).

use super::call::{Call, Reply, Stop, done, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::disk::{Disk, Kind};
use crate::hosts::machine::Machine;
use crate::hosts::shell::Outcome;
use crate::hosts::users::User;

/// A section: logs and how they are rotated.
#[derive(Debug, Clone)]
struct Section {
    patterns: Vec<String>,
    keep: usize,
    dated: bool,
    create: bool,
    truncate: bool,
    missing_ok: bool,
    not_empty: bool,
    compress: bool,
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

/// `logrotate`.
pub fn logrotate(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "d|debug f|force v|verbose s|state=")?;
    if options.operands.is_empty() {
        return fail(1, "logrotate: no configuration file specified\n");
    }
    let mut log = String::new();
    let mut sections = Vec::new();
    {
        let timeline = call.machine();
        for file in &options.operands {
            let path = call.path(file);
            read(
                call,
                &timeline.present.disk,
                &path,
                &mut sections,
                &mut log,
                0,
            )?;
        }
    }
    log.push_str(&format!("\nHandling {} logs\n", sections.len()));
    let debug = options.has("debug");
    if debug {
        log.insert_str(0, "warning: logrotate in debug mode does nothing except printing debug messages!  Consider using verbose mode (-v) instead if this is not what you want.\n\n");
    }
    let mut complaints = String::new();
    let mut timeline = call.machine();
    for section in &sections {
        log.push_str(&format!(
            "\nrotating pattern: {}  ({} rotations)\n",
            section.patterns.join(" "),
            section.keep
        ));
        for pattern in &section.patterns {
            let files = matching(&timeline.present.disk, pattern);
            if files.is_empty() && !section.missing_ok && !pattern.contains('*') {
                complaints.push_str(&format!(
                    "error: stat of {pattern} failed: No such file or directory\n"
                ));
            }
            for file in files {
                log.push_str(&format!("considering log {file}\n"));
                if options.has("force") && !debug {
                    rotate(call, &mut timeline.present, section, &file)?;
                } else {
                    log.push_str("  log does not need rotating\n");
                }
            }
        }
    }
    let talks = debug || options.has("verbose");
    Ok(Outcome {
        exit_code: i32::from(!complaints.is_empty()),
        stdout: Vec::new(),
        stderr: if talks {
            format!("{log}{complaints}")
        } else {
            complaints
        }
        .into_bytes(),
    })
}

fn matching(disk: &Disk, pattern: &str) -> Vec<String> {
    let (directory, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((before, after)) = name.split_once('*') else {
        return disk
            .node(pattern)
            .map(|_| pattern.to_owned())
            .into_iter()
            .collect();
    };
    disk.children(directory)
        .filter(|(entry, node)| {
            matches!(node.kind, Kind::File(_))
                && entry.len() >= before.len() + after.len()
                && entry.starts_with(before)
                && entry.ends_with(after)
        })
        .map(|(entry, _)| format!("{directory}/{entry}"))
        .collect()
}

fn read(
    call: &Call<'_>,
    disk: &Disk,
    path: &str,
    sections: &mut Vec<Section>,
    log: &mut String,
    depth: u8,
) -> Result<(), Stop> {
    if depth > 4 {
        return Err(failure(
            1,
            format!("error: {path}: includes are nested too deeply\n"),
        ));
    }
    if disk.node(path).is_some_and(|node| node.is_directory()) {
        log.push_str(&format!("including {path}\n"));
        let names: Vec<String> = disk.children(path).map(|(name, _)| name).collect();
        for name in names {
            read(
                call,
                disk,
                &format!("{path}/{name}"),
                sections,
                log,
                depth + 1,
            )?;
        }
        return Ok(());
    }
    let content = disk
        .read(&call.session.user, path)
        .map_err(|reason| failure(1, format!("error: cannot stat {path}: {reason}\n")))?;
    log.push_str(&format!("reading config file {path}\n"));
    let mut open: Option<Section> = None;
    let mut pending: Vec<String> = Vec::new();
    let mut script = false;
    let text = String::from_utf8_lossy(&content).into_owned();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{path}:{}", number + 1);
        let line = line.trim();
        if script {
            script = line != "endscript";
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (body, opens) = match line.strip_suffix('{') {
            Some(body) => (body.trim(), true),
            None => (line, false),
        };
        if open.is_none()
            && (body.starts_with('/') || body.starts_with('"') || (body.is_empty() && opens))
        {
            pending.extend(
                body.split_whitespace()
                    .map(|word| word.trim_matches('"').to_owned()),
            );
            if opens {
                open = Some(Section {
                    patterns: std::mem::take(&mut pending),
                    keep: 4,
                    dated: false,
                    create: true,
                    truncate: false,
                    missing_ok: false,
                    not_empty: false,
                    compress: false,
                });
            }
            continue;
        }
        if line == "}" {
            match open.take() {
                Some(section) => sections.push(section),
                None => return Err(failure(1, format!("error: {place} unexpected }}\n"))),
            }
            continue;
        }
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let value = words.next();
        if matches!(
            name,
            "postrotate" | "prerotate" | "firstaction" | "lastaction" | "preremove"
        ) {
            script = true;
            continue;
        }
        if name == "include"
            && let Some(directory) = value
        {
            read(call, disk, directory, sections, log, depth + 1)?;
            continue;
        }
        if !(WORDS.contains(&name) || VALUED.contains(&name) && value.is_some()) {
            return Err(failure(
                1,
                format!("error: {place} unknown option '{name}' -- ignoring line\n"),
            ));
        }
        let Some(section) = &mut open else { continue };
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
            "compress" => section.compress = true,
            "olddir" => return Err(call.not_modelled("the directive olddir")),
            _ => {}
        }
    }
    if open.is_some() {
        return Err(failure(
            1,
            format!("error: {path}: unexpected end of file, missing }}\n"),
        ));
    }
    Ok(())
}

/// Rotates one log; compression is put off (`delaycompress`), so the newest stays readable.
fn rotate(
    call: &Call<'_>,
    machine: &mut Machine,
    section: &Section,
    file: &str,
) -> Result<(), Stop> {
    let at = machine.clock;
    let root = User::root();
    if !call.is_root() {
        return Err(failure(
            1,
            format!("error: error opening {file}: Permission denied\n"),
        ));
    }
    let disk = &mut machine.disk;
    let Some(node) = disk.node(file).cloned() else {
        return Ok(());
    };
    if section.not_empty && node.size() == 0 {
        return Ok(());
    }
    let newest = if section.dated {
        format!("{file}-{}", at.strftime("%Y%m%d"))
    } else {
        for number in (1..=section.keep).rev() {
            let from = format!("{file}.{number}");
            let Some(node) = disk.node(&from).cloned() else {
                continue;
            };
            disk.erase(&from);
            if number < section.keep {
                disk.put(&format!("{file}.{}", number + 1), node);
            }
        }
        format!("{file}.1")
    };
    disk.put(&newest, node.clone());
    if section.create || section.truncate {
        disk.put(
            file,
            crate::hosts::disk::Node {
                uid: node.uid,
                gid: node.gid,
                ..base::file("", node.mode, at)
            },
        );
    } else {
        disk.erase(file);
    }
    let state = "/var/lib/logrotate/logrotate.status";
    let line = format!("\"{file}\" {}\n", at.strftime("%Y-%-m-%-d-%-H:%-M:%-S"));
    // The state file belongs to root and so does this command.
    let _ = disk.append(&root, state, line.as_bytes(), at);
    done("").map(|_| ())
}
