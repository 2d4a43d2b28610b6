//! Names that are no variables, and variables that nobody looks at.

use std::collections::HashSet;

use opsh_operation::suggest::did_you_mean;
use rhai::Expr;

use crate::surface::lint::finding::Finding;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::scope::Kind;
use crate::surface::lint::subject::Subject;

/// There is no such variable.
pub static UNKNOWN_VARIABLE: Rule = Rule {
    name: "unknown-variable",
    severity: Severity::Error,
    doc: "A name is no variable where it stands; a function sees none of those around it.",
    bad: "let count = 3;\nfn double() { count * 2 }\nprint(coutn + count + double());",
    good: "let count = 3;\nfn double(number) { number * 2 }\nprint(count + double(count));",
};

/// The parameter has no effect.
pub static UNUSED_PARAMETER: Rule = Rule {
    name: "unused-parameter",
    severity: Severity::Warning,
    doc: "A parameter of the playbook is declared and never read.",
    bad: "let name = param(\"name\", #{ default: \"web\", doc: \"Its name.\" });\nprint(1);",
    good: "let name = param(\"name\", #{ default: \"web\", doc: \"Its name.\" });\nprint(name);",
};

/// The variable has no effect.
pub static UNUSED_VARIABLE: Rule = Rule {
    name: "unused-variable",
    severity: Severity::Warning,
    doc: "A variable is declared and never read; one whose name begins with _ may be.",
    bad: "let vpcs = ec2::describe_vpcs(#{}).vpcs;\nprint(1);",
    good: "let vpcs = ec2::describe_vpcs(#{}).vpcs;\nprint(vpcs.len());",
};

/// Names that are no variables.
pub fn unknown(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for name in &subject.facts.unbound {
        let message = if name.outside {
            format!(
                "a function does not see the variable '{0}' outside of it; give it '{0}' as a parameter, or make that a const and write global::{0}",
                name.name
            )
        } else {
            let tail = did_you_mean(name.name, name.visible.iter().copied());
            format!("there is no variable '{}'{tail}", name.name)
        };
        findings.push(subject.finding(&UNKNOWN_VARIABLE, name.position, message));
    }
}

/// Variables that nobody looks at.
pub fn unused(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let variables = &subject.facts.variables;
    // Closures of the same text are one to Rhai: what one of them reads is read.
    let read: HashSet<_> = variables
        .iter()
        .filter(|variable| variable.read)
        .map(|variable| variable.position)
        .collect();
    for variable in variables {
        let name = variable.name;
        if variable.kind != Kind::Declared
            || variable.read
            || read.contains(&variable.position)
            || name.starts_with('_')
            || (variable.top && subject.facts.globals.contains(name))
        {
            continue;
        }
        findings.push(match variable.value.and_then(parameter) {
            Some(parameter) => subject.finding(
                &UNUSED_PARAMETER,
                variable.position,
                format!("the parameter '{parameter}' is never read"),
            ),
            None => subject.finding(
                &UNUSED_VARIABLE,
                variable.position,
                format!("the variable '{name}' is never read; remove it, or call it _{name}"),
            ),
        });
    }
}

/// The parameter that a variable is declared as.
fn parameter(value: &Expr) -> Option<&str> {
    match value {
        Expr::FnCall(call, _) if !call.is_qualified() && call.name == "param" => {
            match call.args.first() {
                Some(Expr::StringConstant(name, _)) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}
