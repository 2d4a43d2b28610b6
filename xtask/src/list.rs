//! The hand-written lists: one line an operation, as `operations/README.md` describes.

use crate::find::{self, Find};
use crate::look::{self, Before, Found};
use crate::{Error, Result};

/// One service's list.
#[derive(Debug, Default)]
pub struct Service {
    /// The module in playbooks, the list's file stem.
    pub module: String,
    /// The SDK crate, e.g. `aws-sdk-ec2`.
    pub krate: String,
    /// The first half of IAM's action names, e.g. `ec2`.
    pub actions: String,
    /// Structures whose lists are maps of tags, with what else to set in each.
    pub tags: Vec<TagType>,
    /// Corrections of what the SDK says is sensitive.
    pub sensitivity: Vec<Sensitivity>,
    /// What `$NAME` in an example stands for.
    pub preludes: Vec<(String, String)>,
    pub operations: Vec<Line>,
}

/// A structure of key and value whose lists are maps.
#[derive(Debug, Clone)]
pub struct TagType {
    pub name: String,
    /// Members that are set to true in each tag.
    pub set: Vec<String>,
}

/// `@sensitive TYPE.MEMBER yes|no|when OTHER VALUE`.
#[derive(Debug, Clone)]
pub struct Sensitivity {
    pub structure: String,
    pub member: String,
    pub rule: Rule,
}

/// Whether a member is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Always,
    Never,
    /// In results, when this member has this value; always in inputs.
    When(String, String),
}

/// One operation.
#[derive(Debug, Default)]
pub struct Line {
    pub name: String,
    pub write: bool,
    pub inverse: Option<Inverse>,
    pub settle: Option<Settle>,
    /// Kinds and the paths to their ids.
    pub makes: Vec<(String, String)>,
    pub removes: Vec<(String, String)>,
    /// The resource types that the synthetic `tags` goes to.
    pub tags: Vec<String>,
    /// Members whose tags stay lists of structures.
    pub keep: Vec<String>,
    /// IAM's action, where it is not the API's name.
    pub action: Option<String>,
    /// Pairs of tokens, for listings without a generated paginator.
    pub page: Vec<(String, String)>,
    /// Result items of different pages with the same value here are one item.
    pub merge: Option<String>,
    /// Parameters that the service asks for though its model does not say so.
    pub require: Vec<String>,
    /// Parameters and the values that they always have.
    pub always: Vec<(String, String)>,
    /// Parameters and the values that they have unless others are given.
    pub absent: Vec<(String, String)>,
    /// The parameter with which the service refuses our tags.
    pub untagged_if: Option<String>,
    /// What the call would change instead of making it.
    pub before: Option<Before>,
    /// Where an answer says what of the call has failed.
    pub fails: Option<Fails>,
    /// How what it makes is found by the stack's tag.
    pub found: Option<Found>,
    /// The kind that what it makes goes with.
    pub goes_with: Option<String>,
    pub doc: Option<String>,
    pub example: String,
}

impl Line {
    /// Where the id of what is found is: at the end of the path in `makes`, unless the
    /// line says otherwise.
    pub fn found_id(&self, found: &Found) -> String {
        let made = self.makes.first().map_or("", |(_, path)| path.as_str());
        let last = made.rsplit('.').next().unwrap_or_default();
        found
            .id
            .clone()
            .unwrap_or_else(|| format!("result.{}", last.trim_end_matches("[]")))
    }
}

/// `fails PATH [unless FIELD is VALUE …]`.
#[derive(Debug, PartialEq)]
pub struct Fails {
    pub within: String,
    /// A field of an item and values with which it is no failure.
    pub unless: Option<(String, Vec<String>)>,
}

/// How a write is undone.
#[derive(Debug)]
pub enum Inverse {
    Calls(Vec<Call>),
    Nothing(String),
    Impossible(String),
}

/// An operation with arguments and their sources.
#[derive(Debug)]
pub struct Call {
    /// `module::name`.
    pub operation: String,
    pub arguments: Vec<(String, String)>,
}

/// How an interrupted write is settled.
#[derive(Debug)]
pub enum Settle {
    Token(String),
    Find(Find),
    Repeat,
    RepeatIf(String),
    Ask,
}

/// Reads the list in `text`; `place` is its file name.
pub fn parse(place: &str, text: &str) -> Result<Service> {
    let mut service = Service {
        module: place.trim_end_matches(".list").to_owned(),
        ..Service::default()
    };
    for (index, line) in text.lines().enumerate() {
        let at = |error: Error| Error(format!("{place}:{}: {error}", index + 1));
        let line = line.trim();
        if let Some(directive) = line.strip_prefix('@') {
            service.directive(directive).map_err(at)?;
        } else if !line.is_empty() && !line.starts_with('#') {
            let mut operation = operation(&service.module, line).map_err(at)?;
            operation.example = service.expand(&operation.example).map_err(at)?;
            if service
                .operations
                .iter()
                .any(|other| other.name == operation.name)
            {
                return Err(at(Error(format!("'{}' is there twice", operation.name))));
            }
            service.operations.push(operation);
        }
    }
    service
        .operations
        .sort_by(|left, right| left.name.cmp(&right.name));
    Ok(service)
}

impl Service {
    fn directive(&mut self, text: &str) -> Result<()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["prelude", name, ..] => {
                let (_, body) = text.split_once(name).unwrap_or_default();
                let body = self.expand(body.trim())?;
                self.preludes.push(((*name).to_owned(), body));
            }
            ["crate", name] => (*name).clone_into(&mut self.krate),
            ["actions", prefix] => (*prefix).clone_into(&mut self.actions),
            ["tags", name, set @ ..] => self.tags.push(TagType {
                name: (*name).to_owned(),
                set: set.iter().map(|member| (*member).to_owned()).collect(),
            }),
            ["sensitive", place, rule @ ..] => {
                let (structure, member) = place
                    .split_once('.')
                    .ok_or_else(|| Error(format!("'{place}' must be TYPE.MEMBER")))?;
                self.sensitivity.push(Sensitivity {
                    structure: structure.to_owned(),
                    member: member.to_owned(),
                    rule: match rule {
                        ["yes"] => Rule::Always,
                        ["no"] => Rule::Never,
                        ["when", member, value] => {
                            Rule::When((*member).to_owned(), (*value).to_owned())
                        }
                        _ => return Err(Error("write yes, no or when MEMBER VALUE".into())),
                    },
                });
            }
            _ => return Err(Error(format!("unknown directive '@{text}'"))),
        }
        Ok(())
    }

    /// An example with its preludes, a statement a line.
    fn expand(&self, example: &str) -> Result<String> {
        let mut text = example.to_owned();
        for (name, body) in &self.preludes {
            text = text.replace(&format!("${name} "), &format!("{body} "));
        }
        if text.split_whitespace().any(|word| word.starts_with('$')) {
            return Err(Error(format!("unknown prelude in '{text}'")));
        }
        Ok(text.replace("; ", ";\n"))
    }
}

fn operation(module: &str, line: &str) -> Result<Line> {
    let (head, example) = line
        .split_once(" | example ")
        .ok_or_else(|| Error("has no example".into()))?;
    let mut clauses = head.split(" | ").map(str::trim);
    let mut found = Line {
        name: clauses.next().unwrap_or_default().to_owned(),
        example: example.trim().to_owned(),
        ..Line::default()
    };
    let mut effect = false;
    for clause in clauses {
        let (word, rest) = clause.split_once(' ').unwrap_or((clause, ""));
        let rest = rest.trim();
        match word {
            "read" => effect = true,
            "write" => {
                effect = true;
                found.write = true;
            }
            "inverse" => found.inverse = Some(inverse(module, rest)?),
            "settle" => found.settle = Some(settle(module, rest)?),
            "makes" => found.makes.push(kind(rest)?),
            "removes" => found.removes.push(kind(rest)?),
            "tags" => found.tags = words(rest),
            "keep" => found.keep = words(rest),
            "require" => found.require = words(rest),
            "always" => found.always.push(filled(rest)?),
            "default" => found.absent.push(filled(rest)?),
            "untagged" => found.untagged_if = Some(condition(rest)?),
            "before" => found.before = Some(look::before(rest, |text| call(module, text))?),
            "among" => found.before = Some(look::among(rest, |text| call(module, text))?),
            "fails" => found.fails = Some(fails(rest)),
            "restore" => {
                let before = found
                    .before
                    .as_mut()
                    .ok_or_else(|| Error("`restore` stands behind `before` or `among`".into()))?;
                before.restore = calls(module, rest)?;
            }
            "found" => found.found = Some(look::found(rest, |text| call(module, text))?),
            "tagged" | "of" | "unless" | "owner" | "rank" => found
                .found
                .as_mut()
                .ok_or_else(|| Error(format!("`{word}` stands behind `found`")))?
                .clause(word, rest, |text| call(module, text))?,
            "goes" => {
                let kind = rest
                    .strip_prefix("with ")
                    .ok_or_else(|| Error(format!("'{clause}' must be goes with KIND")))?;
                found.goes_with = Some(kind.to_owned());
            }
            "action" => found.action = Some(rest.to_owned()),
            "merge" => found.merge = Some(rest.to_owned()),
            "doc" => found.doc = Some(rest.to_owned()),
            "page" => {
                found.page = words(rest)
                    .iter()
                    .map(|pair| {
                        pair.split_once(':')
                            .map(|(input, output)| (input.to_owned(), output.to_owned()))
                            .ok_or_else(|| Error(format!("'{pair}' must be INPUT:OUTPUT")))
                    })
                    .collect::<Result<_>>()?;
            }
            _ => return Err(Error(format!("unknown clause '{clause}'"))),
        }
    }
    let complete = if found.write {
        found.inverse.is_some() && found.settle.is_some()
    } else {
        effect && found.inverse.is_none() && found.settle.is_none() && found.makes.is_empty()
    };
    if complete {
        Ok(found)
    } else {
        Err(Error(format!(
            "'{}' must be read, or write with inverse and settle",
            found.name
        )))
    }
}

fn fails(text: &str) -> Fails {
    let (within, exception) = text.split_once(" unless ").unwrap_or((text, ""));
    Fails {
        within: within.to_owned(),
        unless: exception
            .split_once(" is ")
            .map(|(field, values)| (field.to_owned(), words(values))),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// `PARAMETER =VALUE`.
fn filled(text: &str) -> Result<(String, String)> {
    text.split_once(' ')
        .filter(|(_, value)| value.starts_with('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| Error(format!("'{text}' must be PARAMETER =VALUE")))
}

/// `if PARAMETER`.
fn condition(text: &str) -> Result<String> {
    text.strip_prefix("if ")
        .map(str::to_owned)
        .ok_or_else(|| Error(format!("'{text}' must be if PARAMETER")))
}

fn kind(text: &str) -> Result<(String, String)> {
    text.split_once(' ')
        .map(|(kind, path)| (kind.to_owned(), path.trim().to_owned()))
        .ok_or_else(|| Error(format!("'{text}' must be KIND PATH")))
}

fn inverse(module: &str, text: &str) -> Result<Inverse> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "nothing" => Ok(Inverse::Nothing(rest.to_owned())),
        "impossible" => Ok(Inverse::Impossible(rest.to_owned())),
        _ => calls(module, text).map(Inverse::Calls),
    }
}

fn calls(module: &str, text: &str) -> Result<Vec<Call>> {
    text.split_inclusive(')')
        .map(|part| call(module, part.trim_start_matches([',', ' '])))
        .collect()
}

fn settle(module: &str, text: &str) -> Result<Settle> {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("token", parameter) => Ok(Settle::Token(parameter.to_owned())),
        ("find", rest) => find::parse(rest, |text| call(module, text)).map(Settle::Find),
        ("repeat", "") => Ok(Settle::Repeat),
        ("repeat", rest) if rest.starts_with("if ") => {
            Ok(Settle::RepeatIf(rest["if ".len()..].to_owned()))
        }
        ("ask", "") => Ok(Settle::Ask),
        _ => Err(Error(format!("cannot settle by '{text}'"))),
    }
}

/// `name(argument: source, …)`.
fn call(module: &str, text: &str) -> Result<Call> {
    let (name, rest) = text
        .strip_suffix(')')
        .and_then(|text| text.split_once('('))
        .ok_or_else(|| Error(format!("'{text}' must be NAME(ARGUMENT: SOURCE, …)")))?;
    let arguments = rest
        .split(", ")
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once(": ")
                .map(|(name, source)| (name.trim().to_owned(), source.trim().to_owned()))
                .ok_or_else(|| Error(format!("'{pair}' must be ARGUMENT: SOURCE")))
        })
        .collect::<Result<_>>()?;
    Ok(Call {
        operation: if name.contains("::") {
            name.to_owned()
        } else {
            format!("{module}::{name}")
        },
        arguments,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_declares_all_that_cannot_be_derived() {
        let service = parse(
            "ec2.list",
            "@crate aws-sdk-ec2\n# comment\nmake | write | settle token client_token | \
             makes ec2:thing result.id | inverse unmake(id: result.id), wait(ids: result.ids[]) | \
             tags thing | example make(#{ a: |x| x });",
        )
        .unwrap();
        let line = &service.operations[0];
        assert_eq!(line.example, "make(#{ a: |x| x });");
        assert_eq!(line.makes, [("ec2:thing".into(), "result.id".into())]);
        let Some(Inverse::Calls(calls)) = &line.inverse else {
            panic!("no calls")
        };
        assert_eq!(calls[1].operation, "ec2::wait");
        assert_eq!(
            calls[1].arguments,
            [("ids".into(), "result.ids[]".to_owned())]
        );
    }

    #[test]
    fn a_write_without_inverse_is_refused_with_its_place() {
        let error = parse("x.list", "\nmake | write | settle ask | example 1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.list:2: 'make' must be read, or write with inverse and settle"
        );
    }
}
