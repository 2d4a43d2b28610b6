//! What the rules look at: one text of a program, with all that it can call.

use std::collections::HashMap;
use std::sync::OnceLock;

use rhai::{AST, Position};

use super::finding::Finding;
use super::natives::natives;
use super::program::{Program, Unit};
use super::rule::Rule;
use super::scope::{Call, Facts};
use super::text::Text;
use crate::cases::declaration::{DECLARES, TEST};
use crate::cases::find::ENDING;
use crate::modules::Entry;
use crate::modules::registry::registry;
use crate::modules::service::MODULE as SERVICE;

/// A function of another text, as it can be called.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The names of its parameters.
    pub params: Vec<String>,
    /// Whether only its own text may call it.
    pub private: bool,
}

/// One text that is checked.
pub struct Subject<'a> {
    /// The program that it belongs to.
    pub program: &'a Program,
    /// Which of its texts it is.
    pub index: usize,
    /// The text.
    pub unit: &'a Unit,
    /// Its statements.
    pub text: &'a Text<'a>,
    /// What it says.
    pub facts: &'a Facts<'a>,
    /// The functions of the program's texts, by text and name.
    pub exports: &'a Exports<'a>,
}

/// The functions of the texts of a program, each text looked at when it is asked for.
pub struct Exports<'a> {
    program: &'a Program,
    known: Vec<OnceLock<HashMap<String, Vec<Signature>>>>,
}

impl<'a> Exports<'a> {
    /// Those of `program`.
    #[must_use]
    pub fn of(program: &'a Program) -> Self {
        Self {
            program,
            known: program.units.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// The functions of the text `unit` by name.
    #[must_use]
    pub fn unit(&self, unit: usize) -> &HashMap<String, Vec<Signature>> {
        self.known[unit].get_or_init(|| signatures(&self.program.units[unit].ast))
    }
}

fn signatures(ast: &AST) -> HashMap<String, Vec<Signature>> {
    let mut all: HashMap<String, Vec<Signature>> = HashMap::new();
    for function in ast.iter_functions() {
        all.entry(function.name.to_owned())
            .or_default()
            .push(Signature {
                params: function.params.iter().map(ToString::to_string).collect(),
                private: function.access == rhai::FnAccess::Private,
            });
    }
    all
}

/// What a call calls.
pub enum Callee<'a> {
    /// An operation of the registry.
    Operation(&'static Entry),
    /// A function of an imported text.
    Imported(usize, &'a [Signature]),
    /// A function of this text.
    Own,
    /// A function that Rhai or opsh has built in.
    Native,
    /// An imported text has no such function.
    NotExported(usize),
    /// The registry's module has no such operation.
    NoOperation,
    /// There is no such module.
    NoModule,
    /// Nothing of that name can be called like that.
    Nothing,
    /// It depends on what cannot be read off the text.
    Unclear,
}

impl<'a> Subject<'a> {
    /// What `rule` says of a place in this text.
    #[must_use]
    pub fn finding(
        &self,
        rule: &'static Rule,
        position: Position,
        message: impl Into<String>,
    ) -> Finding {
        Finding::new(rule, &self.unit.name, position, message)
    }

    /// What `call` calls.
    #[must_use]
    pub fn callee(&self, call: &Call<'_>) -> Callee<'a> {
        let name = call.call.name.as_str();
        if call.call.is_qualified() {
            let [module] = &call.call.namespace.path[..] else {
                return Callee::Unclear;
            };
            return self.through(&module.name, name);
        }
        if self.facts.function(name, None).is_some() {
            return Callee::Own;
        }
        let in_cases = self.unit.name.ends_with(ENDING);
        if name == DECLARES && in_cases && !call.method {
            return Callee::Operation(&TEST);
        }
        let service = registry()
            .module(SERVICE)
            .and_then(|module| module.get(name));
        match service {
            Some(entry) if !call.method => Callee::Operation(entry),
            _ if natives().contains(name) => Callee::Native,
            _ if call.shadowed => Callee::Unclear,
            _ => Callee::Nothing,
        }
    }

    fn through(&self, module: &str, name: &str) -> Callee<'a> {
        if let Some(import) = self.unit.imports.get(module) {
            let Some(unit) = *import else {
                return Callee::Unclear;
            };
            return match self.exports.unit(unit).get(name) {
                Some(signatures) => Callee::Imported(unit, signatures),
                None => Callee::NotExported(unit),
            };
        }
        if module == "global" {
            return Callee::Unclear;
        }
        match registry().module(module) {
            Some(entries) => match entries.get(name) {
                Some(entry) => Callee::Operation(entry),
                None => Callee::NoOperation,
            },
            None => Callee::NoModule,
        }
    }
}

/// Where a call begins: with its namespace, if it has one.
#[must_use]
pub fn start(call: &Call<'_>) -> Position {
    crate::script::check::start(call.call, call.position)
}

/// The call as a person names it, e.g. `ec2::run_instances`.
#[must_use]
pub fn called(call: &Call<'_>) -> String {
    let mut name = String::new();
    for module in &call.call.namespace.path {
        name.push_str(&module.name);
        name.push_str("::");
    }
    name + call.call.name.as_str()
}
