//! Parameters of operations, in literal maps and in variables that hold one.

use opsh_operation::validate::{Gap, Wrong, partial};
use opsh_operation::{Map, Operation, Problem, Value};
use rhai::Position;

use super::calls::bounds;
use crate::gate::prepare::CONTROLS;
use crate::script::bind::takes_maps;
use crate::surface::lint::finding::Finding;
use crate::surface::lint::known::Known;
use crate::surface::lint::rule::{Rule, Severity};
use crate::surface::lint::scope::{Call, Facts};
use crate::surface::lint::subject::{Callee, Subject, called, start};

/// There is no such parameter.
pub static UNKNOWN_PARAMETER: Rule = Rule {
    name: "unknown-parameter",
    severity: Severity::Error,
    doc: "An operation is given a parameter or a control that it does not have.",
    bad: "ec2::describe_instances(#{ instance_id: [\"i-1\"] }, #{ timout: \"5m\" })",
    good: "ec2::describe_instances(#{ instance_ids: [\"i-1\"] }, #{ timeout: \"5m\" })",
};

/// It must be given.
pub static MISSING_PARAMETER: Rule = Rule {
    name: "missing-parameter",
    severity: Severity::Error,
    doc: "An operation is not given a parameter that it needs.",
    bad: "let topic = #{ tags: #{ team: \"shop\" } };\nsns::create_topic(topic)",
    good: "let topic = #{ name: \"news\", tags: #{ team: \"shop\" } };\nsns::create_topic(topic)",
};

/// It cannot have that value.
pub static PARAMETER_TYPE: Rule = Rule {
    name: "parameter-type",
    severity: Severity::Error,
    doc: "A parameter is given a value of another type, or one that it cannot take.",
    bad: "let port = \"8080\";\nserve(#{ port: port, routes: #{ \"GET /\": |request| request.path } });\nrun_forever();",
    good: "let port = 8080;\nserve(#{ port: port, routes: #{ \"GET /\": |request| request.path } });\nrun_forever();",
};

/// The API does not know that value, as far as opsh knows.
pub static UNKNOWN_VALUE: Rule = Rule {
    name: "unknown-value",
    severity: Severity::Warning,
    doc: "A parameter is given a word that is none of those the API is known to take.",
    bad: "ec2::describe_instance_types(#{ instance_types: [\"t3.nanu\"] })",
    good: "ec2::describe_instance_types(#{ instance_types: [\"t3.nano\"] })",
};

/// Looks at every call of an operation.
pub fn look(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for call in &subject.facts.calls {
        let Callee::Operation(entry) = subject.callee(call) else {
            continue;
        };
        let operation = entry.operation;
        let (least, most) = bounds(entry);
        if !(least..=most).contains(&call.call.args.len()) {
            // That is said already.
            continue;
        }
        let mut say = |rule, position: Option<Position>, message: &str| {
            findings.push(subject.finding(
                rule,
                position.unwrap_or_else(|| start(call)),
                format!("{}: {message}", called(call)),
            ));
        };
        match given(subject.facts, operation, call) {
            Err((position, message)) => say(&PARAMETER_TYPE, Some(position), &message),
            Ok((input, controls)) => {
                for (known, structure) in [(&input, operation.input), (&controls, &CONTROLS)] {
                    let Some(map) = known.map() else { continue };
                    let report = partial(structure, map, &known.gaps);
                    for problem in report.errors.iter().chain(&report.warnings) {
                        say(rule(problem), known.place(&problem.path), &problem.message);
                    }
                }
            }
        }
    }
}

fn rule(problem: &Problem) -> &'static Rule {
    match problem.wrong {
        Wrong::Unknown => &UNKNOWN_PARAMETER,
        Wrong::Missing => &MISSING_PARAMETER,
        Wrong::Mistyped => &PARAMETER_TYPE,
        Wrong::Value => &UNKNOWN_VALUE,
    }
}

/// Sorts a call's arguments into parameters and controls, as the binding does.
fn given(
    facts: &Facts<'_>,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<(Known, Known), (Position, String)> {
    let mut input = Known {
        value: Value::Map(Map::new()),
        ..Known::default()
    };
    let mut rest = call
        .call
        .args
        .iter()
        .enumerate()
        .map(|(index, argument)| (index, argument.start_position(), Known::of(facts, argument)))
        .peekable();
    for name in operation.positional {
        let Some((_, _, known)) = rest.peek() else {
            break;
        };
        if !takes_maps(operation, name) {
            if known.gap() == Some(Gap::Anything) {
                // It may be this parameter, or the map of the others.
                return Ok((Known::open(), Known::open()));
            }
            if known.map().is_some() {
                break;
            }
        }
        if let Some((_, position, known)) = rest.next() {
            input.insert(name, position, known);
        }
    }
    let mut map_of = |what: &str| match rest.next() {
        None => Ok(Known {
            value: Value::Map(Map::new()),
            ..Known::default()
        }),
        Some((index, position, known)) => match known.gap() {
            Some(Gap::Anything) => Ok(Known::open()),
            _ if known.map().is_some() => Ok(known),
            _ => Err((
                position,
                format!(
                    "argument {} must be the map of {what}, not {}",
                    index + 1,
                    known.value.type_name()
                ),
            )),
        },
    };
    let parameters = map_of("parameters")?;
    let controls = map_of("controls")?;
    Ok((merged(input, parameters)?, controls))
}

/// What was given by position with what was given by name.
fn merged(mut input: Known, parameters: Known) -> Result<Known, (Position, String)> {
    let Value::Map(map) = parameters.value else {
        return Ok(input);
    };
    if let Value::Map(known) = &mut input.value {
        for (name, value) in map {
            if known.insert(name.clone(), value).is_some() {
                let place = parameters.places.get(&vec![name.clone()]);
                let message = format!("parameter '{name}' is given twice");
                return Err((place.copied().unwrap_or(Position::NONE), message));
            }
        }
    }
    input.gaps.extend(parameters.gaps);
    input.places.extend(parameters.places);
    Ok(input)
}
