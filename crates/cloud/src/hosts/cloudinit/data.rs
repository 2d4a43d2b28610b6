//! User-data: what kind it is, and running it.

use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hosts::base;
use crate::hosts::boot::Boot;
use crate::hosts::timeline::Timeline;
use crate::hosts::users::User;

use super::{BEFORE_DATA, LOG, OUTPUT_LOG, finish, run_script};

/// Where cloud-init keeps the script.
const SCRIPT: &str = "/var/lib/cloud/instance/scripts/part-001";

/// Runs the instance's user-data on the machine, which is recording.
pub fn run(mut timeline: Timeline, facts: &Arc<Boot>) -> Timeline {
    let on = timeline.present.booted;
    timeline.pass(BEFORE_DATA);
    let mut errors = Vec::new();
    if let Some(data) = facts.user_data.as_deref().filter(|data| !data.is_empty()) {
        match decode(data) {
            Ok(text) => {
                let at = timeline.present.clock;
                let disk = &mut timeline.present.disk;
                disk.put(
                    "/var/lib/cloud/instance/user-data.txt",
                    base::file(text.as_str(), 0o600, at),
                );
                timeline = act(timeline, facts, &text, &mut errors);
            }
            Err(reason) => errors.push(reason),
        }
    }
    for error in &errors {
        say(
            &mut timeline,
            LOG,
            &format!("cloud-init[WARNING]: {error}\n"),
        );
        say(&mut timeline, OUTPUT_LOG, &format!("{error}\n"));
    }
    finish(&mut timeline.present, on, &errors);
    timeline
}

fn act(
    mut timeline: Timeline,
    facts: &Arc<Boot>,
    text: &str,
    errors: &mut Vec<String>,
) -> Timeline {
    let first = text.lines().next().unwrap_or_default().trim_end();
    if !first.starts_with("#!") {
        errors.push(format!(
            "opsh local: user-data that begins with {first:?} is not modelled by the embedded cloud; use a script (#!/bin/bash)"
        ));
        return timeline;
    }
    let at = timeline.present.clock;
    timeline
        .present
        .disk
        .put(SCRIPT, base::file(text, 0o700, at));
    let interpreter = first.trim_start_matches("#!").trim();
    let shell = matches!(
        interpreter.split_whitespace().next().unwrap_or_default(),
        "/bin/bash" | "/usr/bin/bash" | "/bin/sh" | "/usr/bin/sh"
    ) || matches!(interpreter, "/usr/bin/env bash" | "/usr/bin/env sh");
    if !shell {
        errors.push(format!(
            "opsh local: user-data for {interpreter} is not modelled by the embedded cloud"
        ));
        return timeline;
    }
    // `#!/bin/bash -xe` sets options: they become the script's first line.
    let options: Vec<&str> = interpreter
        .split_whitespace()
        .filter(|word| word.starts_with('-'))
        .collect();
    let body = if options.is_empty() {
        text.to_owned()
    } else {
        format!("set {}\n{}", options.join(" "), text)
    };
    let (mut timeline, outcome) = run_script(timeline, facts, &body, SCRIPT);
    if outcome.stdout.is_empty() && outcome.exit_code != 0 {
        // Ended from outside: why is in no log yet.
        let why = String::from_utf8_lossy(&outcome.stderr).into_owned();
        if why.starts_with("opsh local:") {
            say(&mut timeline, OUTPUT_LOG, &why);
        }
    }
    if outcome.exit_code != 0 {
        errors.push(format!("Failed to run {SCRIPT} [{}]", outcome.exit_code));
    }
    timeline
}

fn say(timeline: &mut Timeline, path: &str, text: &str) {
    let at = timeline.present.clock;
    let root = User::root();
    let disk = &mut timeline.present.disk;
    // Root may write its own log: only a full disk could refuse, and then the log is lost.
    let _ = disk.append(&root, path, text.as_bytes(), at);
}

/// User-data may be packed with gzip, or be base64 once more, as EC2 itself allows neither
/// to be told apart from text.
fn decode(data: &[u8]) -> Result<String, String> {
    let mut bytes = data.to_vec();
    let text = String::from_utf8_lossy(&bytes);
    if !text.starts_with('#')
        && let Ok(inner) = STANDARD.decode(text.split_whitespace().collect::<String>())
        && (inner.starts_with(b"#") || inner.starts_with(&[0x1f, 0x8b]))
    {
        bytes = inner;
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(1 << 20)
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("user-data is gzip that cannot be read: {error}"))?;
        bytes = unpacked;
    }
    String::from_utf8(bytes).map_err(|_| "user-data is neither text nor gzip".to_owned())
}
