//! Secrets where people or other programs would read them.

use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use crate::surface::lint::finding::Finding;
use crate::surface::lint::known::{Known, behind};
use crate::surface::lint::results::declared;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::scope::Facts;
use crate::surface::lint::subject::{Subject, called, start};

/// It is printed, logged or written where others may read it.
pub static SECRET_SHOWN: Rule = Rule {
    name: "secret-shown",
    severity: Severity::Warning,
    doc: "A secret is printed or logged, where only [secret] is seen, or written to a file that others may read.",
    bad: "let token = secret(\"TOKEN\");\nlet line = \"token \" + token;\nprint(line);\nfile::write(\"token.txt\", token);",
    good: "let token = secret(\"TOKEN\");\nprint(\"a token is there\");\nfile::write(\"token.txt\", token, #{ mode: \"0600\" });",
};

/// It is lost in a text.
pub static SECRET_IN_TEXT: Rule = Rule {
    name: "secret-in-text",
    severity: Severity::Warning,
    doc: "A secret in `…${…}…` becomes the word [secret]; joined with + it stays one.",
    bad: "let token = secret(\"TOKEN\");\nhttp::get(\"https://example.com/\", #{ headers: #{ authorization: `Bearer ${token}` } });",
    good: "let token = secret(\"TOKEN\");\nhttp::get(\"https://example.com/\", #{ headers: #{ authorization: \"Bearer \" + token } });",
};

/// How many variables are followed behind each other.
const DEEP: usize = 8;

/// Looks at everything that shows something, and at every text with a value in it.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let facts = subject.facts;
    let mut shown: Vec<Position> = Vec::new();
    for call in facts.calls.iter().filter(|call| !call.method) {
        let Some(sink) = sink(&called(call)) else {
            continue;
        };
        let secret = call.call.args.iter().any(|argument| {
            shown.extend(interpolations(argument));
            is_secret(facts, argument, DEEP)
        });
        if !secret {
            continue;
        }
        let message = match sink {
            Sink::People => format!(
                "{}: this shows a secret, of which people only see [secret]; leave it out",
                called(call)
            ),
            Sink::File if is_private(facts, call.call) => continue,
            Sink::File => format!(
                "{}: a secret is written to a file that others may read; give it the mode \"0600\"",
                called(call)
            ),
        };
        findings.push(subject.finding(&SECRET_SHOWN, start(call), message));
    }
    for (parts, position) in &facts.interpolated {
        let holds = parts.iter().any(|part| is_secret(facts, part, DEEP));
        if holds && !shown.contains(position) {
            let message = "in a text like this a secret becomes the word [secret]; join the two with +: \"…\" + secret";
            findings.push(subject.finding(&SECRET_IN_TEXT, *position, message));
        }
    }
}

#[derive(Clone, Copy)]
enum Sink {
    People,
    File,
}

/// Who reads what a function is given.
fn sink(function: &str) -> Option<Sink> {
    match function {
        "print" | "debug" | "term::print" | "term::progress" | "term::table" | "metrics::table" => {
            Some(Sink::People)
        }
        "file::write" | "file::append" => Some(Sink::File),
        _ if function.starts_with("log::") => Some(Sink::People),
        _ => None,
    }
}

/// Whether a file is written that only its owner may read.
fn is_private(facts: &Facts<'_>, call: &FnCallExpr) -> bool {
    call.args.iter().any(|argument| {
        let known = Known::of(facts, argument);
        let Some(map) = known.map() else {
            return false;
        };
        match map.get("mode").and_then(opsh_operation::Value::as_text) {
            // An unknown mode is not held against it.
            Some(mode) => mode.is_empty() || mode.ends_with("00"),
            None => map.contains_key("mode") || known.gap().is_some(),
        }
    })
}

/// The places of all texts with values in `expression`.
fn interpolations(expression: &Expr) -> Vec<Position> {
    let mut found = Vec::new();
    expression.walk(&mut Vec::new(), &mut |nodes| {
        if let Some(ASTNode::Expr(Expr::InterpolatedString(_, position))) = nodes.last() {
            found.push(*position);
        }
        true
    });
    found
}

/// Whether the value of `expression` is a secret, holds one or is made of one.
fn is_secret(facts: &Facts<'_>, expression: &Expr, deep: usize) -> bool {
    let any = |parts: &[Expr]| parts.iter().any(|part| is_secret(facts, part, deep));
    match expression {
        Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => any(&parts[..]),
        Expr::Coalesce(parts, _) => any(&parts[..]),
        Expr::Map(map, _) => map.0.iter().any(|(_, value)| is_secret(facts, value, deep)),
        Expr::Variable(..) => {
            deep > 0
                && behind(facts, expression).is_some_and(|value| is_secret(facts, value, deep - 1))
        }
        Expr::FnCall(call, _) => is_secret_call(facts, call, deep),
        Expr::Stmt(block) => ends_in_secret(facts, block.statements(), deep),
        Expr::Dot(..) | Expr::Index(..) => {
            declared(facts, expression).is_some_and(|found| found.sensitive)
        }
        _ => false,
    }
}

fn is_secret_call(facts: &Facts<'_>, call: &FnCallExpr, deep: usize) -> bool {
    let made_of_one = || call.args.iter().any(|part| is_secret(facts, part, deep));
    if call.is_operator_call() {
        return call.name == "+" && made_of_one();
    }
    gives_secret(call) || (derives(call) && made_of_one())
}

/// Whether the last value of a block is a secret.
fn ends_in_secret(facts: &Facts<'_>, block: &[Stmt], deep: usize) -> bool {
    match block.last() {
        Some(Stmt::Expr(expression)) => is_secret(facts, expression, deep),
        Some(Stmt::FnCall(call, _)) => is_secret_call(facts, call, deep),
        Some(Stmt::Block(block)) => ends_in_secret(facts, block.statements(), deep),
        Some(Stmt::If(flow, _)) => [&flow.body, &flow.branch]
            .into_iter()
            .any(|block| ends_in_secret(facts, block.statements(), deep)),
        _ => false,
    }
}

/// Whether a function gives a secret, whatever it is given.
fn gives_secret(call: &FnCallExpr) -> bool {
    if !call.is_qualified() {
        return match call.name.as_str() {
            "secret" => true,
            "param" => call.args.get(1).is_some_and(is_declared_secret),
            _ => false,
        };
    }
    call.namespace.root() == "term" && call.name == "secret"
}

/// Whether the options of a parameter say that it is a secret.
fn is_declared_secret(options: &Expr) -> bool {
    let Expr::Map(options, _) = options else {
        return false;
    };
    options.0.iter().any(|(key, value)| {
        key.name == "type"
            && matches!(value, Expr::StringConstant(word, _) if word.as_str() == "secret")
    })
}

/// Whether what a function makes of a secret is one: encodings and templates.
fn derives(call: &FnCallExpr) -> bool {
    call.is_qualified() && call.namespace.root() == "text"
}
