//! Verdicts as CI reads them: the XML of `JUnit`, as Jenkins, GitLab and others take it.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::verdict::{Status, Verdict};
use super::{coverage, tell};
use crate::cases::{Coverage, Covered, Suite};

/// The whole report.
pub(super) fn report(
    suites: &[Suite],
    verdicts: &[Verdict],
    coverage: Option<&Coverage>,
    seconds: f64,
) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "<testsuites name=\"opsh test\" {} time=\"{seconds:.3}\">",
        counts(&verdicts.iter().collect::<Vec<_>>())
    );
    for (index, suite) in suites.iter().enumerate() {
        let own: Vec<&Verdict> = verdicts
            .iter()
            .filter(|verdict| verdict.place.0 == index)
            .collect();
        if own.is_empty() {
            continue;
        }
        let name = attribute(&suite.path.display().to_string());
        let time: f64 = own.iter().map(|verdict| verdict.seconds).sum();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" {} time=\"{time:.3}\">",
            counts(&own)
        );
        if let Some(coverage) = coverage {
            properties(&mut out, &coverage.files(std::slice::from_ref(suite)));
        }
        for verdict in own {
            case(&mut out, &name, suite, verdict);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// How many of a hundred lines a suite reaches, of each file and of all.
fn properties(out: &mut String, files: &[Covered]) {
    out.push_str("    <properties>\n");
    let mut property = |name: &str, (reached, lines)| {
        let percent = coverage::percent(reached, lines);
        let _ = writeln!(
            out,
            "      <property name=\"{}\" value=\"{percent}\"/>",
            attribute(name)
        );
    };
    for file in files {
        let name = format!("coverage {}", coverage::seen(&file.path));
        property(&name, (file.reached(), file.lines.len()));
    }
    property("coverage", coverage::sum(files));
    out.push_str("    </properties>\n");
}

fn counts(verdicts: &[&Verdict]) -> String {
    let count = |status| {
        let of = verdicts.iter().filter(|verdict| verdict.status == status);
        of.count()
    };
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"",
        verdicts.len(),
        count(Status::Failed),
        count(Status::New)
    )
}

fn case(out: &mut String, class: &str, suite: &Suite, verdict: &Verdict) {
    let name = attribute(&suite.cases[verdict.place.1].said.name);
    let seconds = verdict.seconds;
    let _ = write!(
        out,
        "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{seconds:.3}\""
    );
    match verdict.status {
        Status::Passed => out.push_str("/>\n"),
        Status::New => out.push_str(
            ">\n      <skipped message=\"its snapshot is proposed, not accepted\"/>\n    </testcase>\n",
        ),
        Status::Failed => {
            let mut text = verdict.problems.join("\n\n");
            if let Some(change) = &verdict.change {
                text.push_str(&tell::changed(change, false));
            }
            let first = attribute(text.lines().next().unwrap_or_default());
            let _ = writeln!(
                out,
                ">\n      <failure message=\"{first}\">{}</failure>\n    </testcase>",
                escape(allowed(&text))
            );
        }
    }
}

fn attribute(text: &str) -> String {
    escape(allowed(text)).into_owned()
}

/// `text` without the letters that XML cannot hold.
fn allowed(text: &str) -> String {
    let fits = |letter: &char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::attribute;

    #[test]
    fn any_text_can_be_in_it() {
        assert_eq!(attribute("a<b>\"&\u{1b}\u{0}é"), "a&lt;b&gt;&quot;&amp;é");
    }
}
