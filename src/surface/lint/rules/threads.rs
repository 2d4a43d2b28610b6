//! Writes that happen on many threads at once, without anybody having said on how many.

use std::collections::{HashMap, HashSet};

use crate::surface::lint::finding::Finding;
use crate::surface::lint::known::Known;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::scope::Facts;
use crate::surface::lint::subject::{Callee, Subject, start};
use crate::surface::lint::text::Text;

/// Nobody has said on how many threads.
pub static UNBOUNDED_WRITES: Rule = Rule {
    name: "unbounded-writes",
    severity: Severity::Warning,
    doc: "What parallel::map does for each item writes, and its threads are not given.",
    bad: "parallel::map([\"a\", \"b\"], |name| sns::create_topic(#{ name: name }));",
    good: "parallel::map([\"a\", \"b\"], |name| sns::create_topic(#{ name: name }), #{ threads: 2 });",
};

/// Looks at every `parallel::map`.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut reach = None;
    for call in &subject.facts.calls {
        let found = subject.callee(call);
        let Callee::Operation(entry) = found else {
            continue;
        };
        if entry.operation.full_name() != "parallel::map" || is_bounded(subject, &call.call.args) {
            continue;
        }
        let Some(body) = call
            .call
            .args
            .get(1)
            .and_then(|body| subject.facts.body(body))
        else {
            continue;
        };
        let reach = reach.get_or_insert_with(|| Reach::of(subject));
        if let Some(write) = reach.write_of(&done(subject, body)) {
            findings.push(subject.finding(
                &UNBOUNDED_WRITES,
                start(call),
                format!(
                    "parallel::map: for each item something is written ({write}), on up to 8 threads at once; say how many: #{{ threads: 4 }}"
                ),
            ));
        }
    }
}

fn is_bounded(subject: &Subject<'_>, arguments: &[rhai::Expr]) -> bool {
    let Some(options) = arguments.get(2) else {
        return false;
    };
    let known = Known::of(subject.facts, options);
    known.gap().is_some() || known.map().is_none_or(|map| map.contains_key("threads"))
}

/// A function by its text and its name.
type Name = (usize, String);

/// What is done in a region: what it writes itself, and the functions that it calls.
#[derive(Default, Clone)]
struct Done {
    write: Option<String>,
    calls: Vec<Name>,
}

fn done(subject: &Subject<'_>, region: usize) -> Done {
    let mut done = Done::default();
    let facts = subject.facts;
    for call in &facts.calls {
        if !facts.within(call.region, region) {
            continue;
        }
        match subject.callee(call) {
            Callee::Operation(entry) if entry.operation.write().is_some() => {
                done.write
                    .get_or_insert_with(|| entry.operation.full_name());
            }
            Callee::Own => done.calls.push((subject.index, call.call.name.to_string())),
            Callee::Imported(unit, _) => done.calls.push((unit, call.call.name.to_string())),
            _ => {}
        }
    }
    done
}

/// What the functions of a program do.
struct Reach {
    functions: HashMap<Name, Done>,
}

impl Reach {
    fn of(subject: &Subject<'_>) -> Self {
        let mut functions = HashMap::new();
        for (index, unit) in subject.program.units.iter().enumerate() {
            let text = Text::of(&unit.ast);
            let facts = Facts::of(&text);
            let other = Subject {
                program: subject.program,
                index,
                unit,
                text: &text,
                facts: &facts,
                exports: subject.exports,
            };
            for function in &facts.functions {
                let name = (index, function.name.to_owned());
                let found = done(&other, function.region);
                let known: &mut Done = functions.entry(name).or_default();
                known.write = known.write.take().or(found.write);
                known.calls.extend(found.calls);
            }
        }
        Self { functions }
    }

    /// A write that is done, or called by what is done.
    fn write_of(&self, done: &Done) -> Option<String> {
        let mut seen: HashSet<&Name> = HashSet::new();
        let mut open = vec![done];
        while let Some(done) = open.pop() {
            if let Some(write) = &done.write {
                return Some(write.clone());
            }
            for name in &done.calls {
                if seen.insert(name) {
                    open.extend(self.functions.get(name));
                }
            }
        }
        None
    }
}
