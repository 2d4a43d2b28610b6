//! `logrotate`: checks configuration (`-d`), and rotates when forced (`-f`).

mod config;

use config::{Config, Section};

use super::call::{Call, Reply, Stop, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::disk::{Disk, Kind};
use crate::hosts::machine::Machine;
use crate::hosts::shell::Outcome;
use crate::hosts::users::User;

/// `logrotate`.
pub fn logrotate(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "d|debug f|force v|verbose s|state=")?;
    if options.operands.is_empty() {
        return fail(1, "logrotate: no configuration file specified\n");
    }
    let mut log = String::new();
    let sections = {
        let timeline = call.machine();
        let mut config = Config::new(call, &timeline.present.disk);
        for file in &options.operands {
            config.read(&call.path(file), 0)?;
        }
        log.push_str(&config.log);
        config.sections
    };
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
    Ok(())
}
