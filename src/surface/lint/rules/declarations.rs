//! Declarations of the playbook's own parameters.

use rhai::{Expr, Position};

use crate::script::param;
use crate::surface::lint::finding::Finding;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::subject::Subject;

/// It makes no sense, or stands where it is not seen.
pub static DECLARATION: Rule = Rule {
    name: "declaration",
    severity: Severity::Error,
    doc: "A parameter of the playbook is declared wrongly, or is asked for and not declared.",
    bad: "let count = param(\"count\", #{ default: 9, max: 5, doc: \"How many.\" });\nprint(count);",
    good: "let count = param(\"count\", #{ default: 3, max: 5, doc: \"How many.\" });\nprint(count);",
};

/// Looks at the declarations of the playbook itself.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.index != 0 {
        // A module asks for what the playbook declares.
        return;
    }
    let declared = match param::declared(&subject.unit.name, &subject.unit.ast) {
        Ok(declared) => declared,
        Err(error) => {
            findings.extend(error.findings.into_iter().map(|found| {
                let mut finding = subject.finding(&DECLARATION, Position::NONE, found.message);
                if let Some(site) = found.site {
                    finding.site = site;
                }
                finding
            }));
            return;
        }
    };
    for call in &subject.facts.calls {
        if call.method || call.call.is_qualified() || call.call.name != "param" {
            continue;
        }
        let Some(Expr::StringConstant(name, _)) = call.call.args.first() else {
            continue;
        };
        if !declared
            .iter()
            .any(|parameter| parameter.name == name.as_str())
        {
            let message = format!(
                "parameter '{name}' must be declared at the top level: let {name} = param({name:?}, #{{ … }});"
            );
            findings.push(subject.finding(&DECLARATION, call.position, message));
        }
    }
}
