//! The plan of a dry run as text.

use std::fmt::Write as _;

use opsh_operation::Value;

use super::show;
use crate::gate::plan::Planned;

/// Each write with its parameters; reads too if `verbose`; a count at the end. A run that
/// failed (not `ended`) leaves a part of a plan.
#[must_use]
pub fn render(base: &str, steps: &[Planned], ended: bool, verbose: bool) -> String {
    let mut out = format!("plan on {base}\n\n");
    let writes = steps.iter().filter(|step| step.is_write()).count();
    for step in steps.iter().filter(|step| verbose || step.is_write()) {
        one(&mut out, step);
    }
    if writes == 0 && ended {
        out.push_str("  nothing to change\n");
    }
    let reads = steps.len() - writes;
    // Writing to a String cannot fail, here and below.
    let end = if ended {
        ""
    } else {
        "the plan ends here, where the run failed: "
    };
    let _ = write!(
        out,
        "\n{end}{writes} {}, {reads} {}",
        plural("write", writes),
        plural("read", reads)
    );
    out
}

/// All that a dry run shows, which came to its end or not: its plan, what it printed, and its result if it has one.
#[must_use]
pub fn whole(
    base: &str,
    steps: &[Planned],
    printed: &[String],
    result: Option<&Value>,
    ended: bool,
    verbose: bool,
) -> String {
    let mut parts = vec![render(base, steps, ended, verbose)];
    if !printed.is_empty() {
        parts.push(printed.join("\n"));
    }
    parts.extend(result.map(show::result).filter(|text| !text.is_empty()));
    parts.join("\n\n")
}

fn one(out: &mut String, step: &Planned) {
    let mark = if step.is_write() { "+" } else { " " };
    let made: Vec<_> = step
        .made
        .iter()
        .map(|made| format!("{} {}", made.kind, made.id))
        .collect();
    let made = if made.is_empty() {
        String::new()
    } else {
        format!(" → {}", made.join(", "))
    };
    let _ = writeln!(out, "{mark} {}{made}", step.operation.full_name());
    if let Some(map) = step.input.as_map().filter(|_| step.is_write()) {
        let width = map
            .keys()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, value) in map {
            let _ = writeln!(out, "    {name:width$}  {}", show::line(value));
        }
    }
    if let Some(failure) = &step.failure {
        let _ = writeln!(out, "    fails: {failure}");
    }
}

fn plural(word: &str, count: usize) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
