//! The whole text of an error: what, where, the line that is meant, the calls that led there,
//! the next step.

use std::fmt::Write as _;

use super::{Finding, ScriptError};
use crate::gate::event::Site;
use crate::script::source::Sources;

impl ScriptError {
    /// The whole message as text, with excerpts from `sources`.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let place = finding.site.as_ref();
            let lead = place.map_or_else(String::new, |site| format!("{site}: "));
            let _ = writeln!(out, "error: {lead}{}", finding.message);
            if let Some(site) = place {
                excerpt(&mut out, site, sources);
            }
        }
        calls(&mut out, &self.calls);
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "  next: {hint}");
        }
        out
    }
}

/// `  in f called at file:line:column`, a line each: what repeats itself once, and
/// of a long way its beginning and its end.
fn calls(out: &mut String, calls: &[Finding]) {
    const SHOWN: usize = 8;
    let placed: Vec<_> = calls
        .iter()
        .filter_map(|call| Some((call.site.as_ref()?, call.message.as_str())))
        .collect();
    let mut lines: Vec<_> = placed
        .chunk_by(|one, next| one == next)
        .map(|run| {
            let (site, function) = run[0];
            let times = match run.len() {
                1 => String::new(),
                times => format!(" ({times} times)"),
            };
            format!("in {function} called at {site}{times}")
        })
        .collect();
    if lines.len() > SHOWN {
        let hidden = lines.drain(SHOWN - 2..lines.len() - 1).count();
        lines.insert(SHOWN - 2, format!("… {hidden} more"));
    }
    for line in lines {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "  {line}");
    }
}

/// The line at `site` and a caret below it.
pub fn excerpt(out: &mut String, site: &Site, sources: &Sources) {
    let source = sources.get(&site.source);
    let Some(line) = source
        .as_ref()
        .and_then(|source| source.text.lines().nth(site.line.max(1) - 1))
    else {
        return;
    };
    let number = site.line.to_string();
    let gutter = " ".repeat(number.len());
    let lead: String = line
        .chars()
        .take(site.column.saturating_sub(1))
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    let width = line
        .chars()
        .skip(site.column.saturating_sub(1))
        .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':'))
        .collect::<String>()
        .trim_end_matches(':')
        .chars()
        .count()
        .max(1);
    let _ = writeln!(
        out,
        " {gutter} |\n {number} | {line}\n {gutter} | {lead}{}",
        "^".repeat(width)
    );
}
