//! Calls of what is not there, or cannot be called like that.

use std::collections::BTreeSet;

use opsh_operation::suggest::closest;
use rhai::{ASTNode, Expr};

use crate::modules::registry::registry;
use crate::modules::service::MODULE as SERVICE;
use crate::modules::{Entry, Handler};
use crate::script::check;
use crate::script::engine::NO_REAL_TIME;
use crate::surface::lint::finding::Finding;
use crate::surface::lint::natives::natives;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::scope::Call;
use crate::surface::lint::subject::{Callee, Signature, Subject, called, start};

/// There is no such module.
pub static UNKNOWN_MODULE: Rule = Rule {
    name: "unknown-module",
    severity: Severity::Error,
    doc: "A call goes through a module that there is not, or that is not imported.",
    bad: "ec3::describe_vpcs(#{})",
    good: "ec2::describe_vpcs(#{})",
};

/// There is no such function.
pub static UNKNOWN_FUNCTION: Rule = Rule {
    name: "unknown-function",
    severity: Severity::Error,
    doc: "A function, an operation or a method is called that there is not.",
    bad: "ec2::describe_vpc(#{});\nlet names = [\"a\"];\nnames.lenght()",
    good: "ec2::describe_vpcs(#{});\nlet names = [\"a\"];\nnames.len()",
};

/// It takes another number of arguments.
pub static ARGUMENT_COUNT: Rule = Rule {
    name: "argument-count",
    severity: Severity::Error,
    doc: "A call gives too few or too many arguments.",
    bad: "fn area(width, height) { width * height }\nimport \"web\" as web;\nprint(area(2));\nweb::bucket_name()",
    good: "fn area(width, height) { width * height }\nimport \"web\" as web;\nprint(area(2, 3));\nweb::bucket_name(\"shop\")",
};

/// Looks at every call.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for call in &subject.facts.calls {
        if let Some((rule, message)) = wrong(subject, call) {
            findings.push(subject.finding(rule, start(call), message));
        }
    }
}

fn wrong(subject: &Subject<'_>, call: &Call<'_>) -> Option<(&'static Rule, String)> {
    let name = call.call.name.as_str();
    let count = call.call.args.len();
    match subject.callee(call) {
        Callee::Operation(entry) => {
            let (least, most) = bounds(entry);
            let message = || {
                let takes = takes(least, most);
                format!(
                    "{} takes {takes} ({}), not {count}",
                    called(call),
                    arguments(entry)
                )
            };
            (count < least || count > most).then(|| (&ARGUMENT_COUNT, message()))
        }
        Callee::Imported(_, signatures) => {
            let open: Vec<_> = signatures
                .iter()
                .filter(|signature| !signature.private)
                .collect();
            if open.is_empty() {
                let message = format!("{} is private to its module", called(call));
                return Some((&UNKNOWN_FUNCTION, message));
            }
            scripted(call, &open)
        }
        Callee::Own => own(subject, call),
        Callee::Native => native(subject, call),
        Callee::NotExported(unit) => {
            let module = &call.call.namespace.path[0].name;
            let exported = subject.exports.unit(unit);
            let mut open: Vec<_> = exported
                .iter()
                .filter(|(_, signatures)| signatures.iter().any(|signature| !signature.private))
                .map(|(name, _)| name.as_str())
                .collect();
            open.sort_unstable();
            let near = closest(name, open).map(|near| format!("{module}::{near}"));
            let message = format!("there is no function {}{}", called(call), meant(near));
            Some((&UNKNOWN_FUNCTION, message))
        }
        Callee::NoOperation | Callee::NoModule => {
            let module = call.call.namespace.path[0].name.as_str();
            let imported = subject.unit.imports.keys().cloned().collect();
            let rule = match registry().module(module) {
                Some(_) => &UNKNOWN_FUNCTION,
                None => &UNKNOWN_MODULE,
            };
            check::unknown(module, name, &imported).map(|message| (rule, message))
        }
        Callee::Nothing => nothing(subject, call),
        Callee::Unclear => None,
    }
}

/// The least and the greatest number of arguments that an operation takes.
pub fn bounds(entry: &Entry) -> (usize, usize) {
    let operation = entry.operation;
    let positional = operation.positional;
    if !matches!(entry.handler, Handler::Script { .. }) {
        // What is missing is said parameter by parameter.
        return (0, positional.len() + 2);
    }
    let required = |name: &&&str| {
        operation
            .input
            .field(name)
            .is_some_and(|field| field.required)
    };
    let mut others = operation
        .input
        .fields
        .iter()
        .filter(|field| !positional.contains(&field.name))
        .peekable();
    let map = usize::from(others.peek().is_some());
    let needed = usize::from(others.any(|field| field.required));
    (
        positional.iter().filter(required).count() + needed,
        positional.len() + map,
    )
}

/// What an operation takes, for people.
fn arguments(entry: &Entry) -> String {
    let operation = entry.operation;
    let mut names: Vec<&str> = operation.positional.to_vec();
    if operation.input.fields.len() > names.len()
        || !matches!(entry.handler, Handler::Script { .. })
    {
        names.push("the map of parameters");
    }
    if !matches!(entry.handler, Handler::Script { .. }) {
        names.push("the map of controls");
    }
    names.join(", ")
}

fn takes(least: usize, most: usize) -> String {
    match (least, most) {
        (0, most) => format!("at most {}", plural(most)),
        (least, most) if least == most => plural(most),
        (least, most) => format!("{least} to {}", plural(most)),
    }
}

fn plural(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}

fn meant(near: Option<String>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// A call of functions that are written in Rhai, all of one name.
fn scripted(call: &Call<'_>, signatures: &[&Signature]) -> Option<(&'static Rule, String)> {
    let count = call.call.args.len();
    if signatures
        .iter()
        .any(|signature| signature.params.len() == count)
    {
        return None;
    }
    let mut ways: Vec<String> = signatures
        .iter()
        .map(|signature| match &signature.params[..] {
            [] => plural(0),
            params => format!("{} ({})", plural(params.len()), params.join(", ")),
        })
        .collect();
    ways.sort();
    let message = format!("{} takes {}, not {count}", called(call), ways.join(" or "));
    Some((&ARGUMENT_COUNT, message))
}

fn own(subject: &Subject<'_>, call: &Call<'_>) -> Option<(&'static Rule, String)> {
    let name = call.call.name.as_str();
    let count = call.call.args.len() + usize::from(call.method);
    let native = natives().arities(name);
    if native.is_some_and(|counts| counts.contains(&count)) || anybodys(subject, call) {
        return None;
    }
    let own: Vec<Signature> = subject
        .facts
        .functions
        .iter()
        .filter(|function| function.name == name)
        .map(|function| Signature {
            params: function.params.iter().map(ToString::to_string).collect(),
            private: false,
        })
        .collect();
    scripted(call, &own.iter().collect::<Vec<_>>())
}

fn native(subject: &Subject<'_>, call: &Call<'_>) -> Option<(&'static Rule, String)> {
    let receiver = usize::from(call.method);
    let counts = natives().arities(&call.call.name)?;
    let given = call.call.args.len();
    if counts.contains(&(given + receiver)) || anybodys(subject, call) {
        return None;
    }
    let counts: BTreeSet<usize> = counts
        .iter()
        .filter_map(|count| count.checked_sub(receiver))
        .collect();
    let Some(most) = counts.last() else {
        return nothing(subject, call);
    };
    let others: Vec<_> = counts
        .iter()
        .filter(|count| *count != most)
        .map(ToString::to_string)
        .collect();
    let takes = match &others[..] {
        [] => plural(*most),
        others => format!("{} or {}", others.join(", "), plural(*most)),
    };
    let message = format!("{} takes {takes}, not {given}", call.call.name);
    Some((&ARGUMENT_COUNT, message))
}

fn nothing(subject: &Subject<'_>, call: &Call<'_>) -> Option<(&'static Rule, String)> {
    if anybodys(subject, call) {
        return None;
    }
    let name = call.call.name.as_str();
    if name == "timestamp" {
        return Some((&UNKNOWN_FUNCTION, NO_REAL_TIME.to_owned()));
    }
    let own = subject.facts.functions.iter().map(|function| function.name);
    let known = own.chain(natives().names());
    let message = if call.method {
        let near = closest(name, known).map(|near| format!("'{near}'"));
        format!("there is no method '{name}'{}", meant(near))
    } else {
        let service = registry().module(SERVICE).into_iter().flatten();
        let near = closest(name, known.chain(service.map(|(name, _)| *name)));
        let near = near.map(|near| format!("'{near}'"));
        format!("there is no function '{name}'{}", meant(near))
    };
    Some((&UNKNOWN_FUNCTION, message))
}

/// Whether `value.name(…)` may call a function that a map holds under that name.
fn anybodys(subject: &Subject<'_>, call: &Call<'_>) -> bool {
    if !call.method {
        return false;
    }
    let name = call.call.name.as_str();
    if subject.facts.words.contains(name) {
        return true;
    }
    let mut found = false;
    for unit in &subject.program.units {
        unit.ast.walk(&mut |nodes| {
            if let Some(ASTNode::Expr(expression)) = nodes.last() {
                found = found
                    || match expression {
                        Expr::Map(map, _) => map.0.iter().any(|(key, _)| key.name == name),
                        Expr::StringConstant(text, _) => text.as_str() == name,
                        Expr::Property(property, _) => property.2 == name,
                        _ => false,
                    };
            }
            !found
        });
    }
    found
}
