//! Programs that make up values: nobody could guess them, and every run makes the same.

use super::call::{Call, Reply, done, fail, failure};
use super::options::Options;
use crate::hosts::procfs;

fn bytes(call: &Call<'_>, count: usize) -> Vec<u8> {
    procfs::random(&mut call.machine().present, &call.session.facts, count)
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// `mktemp`.
pub fn mktemp(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "d|directory p|tmpdir= q|quiet t| u|dry-run |suffix=")?;
    let template = options
        .operands
        .first()
        .map_or("tmp.XXXXXXXXXX", String::as_str);
    let holes = template
        .chars()
        .rev()
        .take_while(|letter| *letter == 'X')
        .count();
    if holes < 3 {
        return fail(1, format!("mktemp: too few X's in template '{template}'\n"));
    }
    let filled: String = bytes(call, holes)
        .into_iter()
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
        .collect();
    let name = format!(
        "{}{filled}{}",
        &template[..template.len() - holes],
        options.value("suffix").unwrap_or_default()
    );
    let directory = match options.value("tmpdir") {
        Some(directory) => Some(directory),
        None if options.operands.is_empty() || options.has("t") => Some("/tmp"),
        None => None,
    };
    let shown = match directory {
        Some(directory) => format!("{}/{name}", directory.trim_end_matches('/')),
        None => name,
    };
    let path = call.path(&shown);
    if !options.has("dry-run") {
        let mut timeline = call.machine();
        let machine = &mut timeline.present;
        let at = machine.clock;
        let user = &call.session.user;
        let (done_so_far, mode) = if options.has("directory") {
            (machine.disk.make_directory(user, &path, false, at), 0o700)
        } else {
            (machine.disk.write(user, &path, "", at), 0o600)
        };
        done_so_far
            .and_then(|()| machine.disk.set_mode(user, &path, mode))
            .map_err(|reason| {
                failure(
                    1,
                    format!("mktemp: failed to create file via template '{template}': {reason}\n"),
                )
            })?;
    }
    done(format!("{shown}\n"))
}

/// `uuidgen`.
pub fn uuidgen(call: &Call<'_>) -> Reply {
    Options::parse(call, "r|random")?;
    let mut value = bytes(call, 16);
    value[6] = value[6] & 0x0f | 0x40;
    value[8] = value[8] & 0x3f | 0x80;
    let hex = hex::encode(value);
    done(format!(
        "{}-{}-{}-{}-{}\n",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

/// `openssl rand`.
pub fn openssl(call: &Call<'_>) -> Reply {
    use base64::Engine as _;
    let [command, rest @ ..] = call.args else {
        return Err(call.not_modelled("the prompt"));
    };
    if command != "rand" {
        return Err(call.not_modelled(command));
    }
    let (mut in_hex, mut in_base64, mut count) = (false, false, None);
    for word in rest {
        match word.as_str() {
            "-hex" => in_hex = true,
            "-base64" => in_base64 = true,
            number => {
                count = Some(
                    number
                        .parse::<usize>()
                        .ok()
                        .filter(|count| *count <= 1 << 20)
                        .ok_or_else(|| call.not_modelled(&format!("rand {number}")))?,
                );
            }
        }
    }
    let Some(count) = count else {
        return fail(1, "rand: Use -help for summary.\n");
    };
    let value = bytes(call, count);
    done(if in_hex {
        format!("{}\n", hex::encode(value)).into_bytes()
    } else if in_base64 {
        format!(
            "{}\n",
            base64::engine::general_purpose::STANDARD.encode(value)
        )
        .into_bytes()
    } else {
        value
    })
}
