//! The declarations of a playbook's parameters, read from its program.

use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Map, Value};
use rhai::{AST, Dynamic, Expr, Position, Stmt};

use super::{Parameter, Type};
use crate::script::error::{Class, Finding, ScriptError, site};
use crate::script::values::to_value;

/// What a declaration can say of its parameter.
const OPTIONS: [&str; 6] = ["default", "type", "doc", "min", "max", "choices"];

/// Lists the parameters that `ast` declares at its top level.
///
/// # Errors
/// A declaration that is not literal or makes no sense.
pub fn declared(source: &str, ast: &AST) -> Result<Vec<Parameter>, ScriptError> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut findings = Vec::new();
    for statement in ast.statements() {
        let (call, position) = match statement {
            Stmt::Var(declaration, ..) => match &declaration.1 {
                Expr::FnCall(call, position) => (call, *position),
                _ => continue,
            },
            Stmt::FnCall(call, position) => (call, *position),
            _ => continue,
        };
        if call.is_qualified() || call.name != "param" {
            continue;
        }
        match declaration(&call.args, position) {
            Ok(parameter) if parameters.iter().any(|known| known.name == parameter.name) => {
                findings.push(Finding {
                    site: site(source, position),
                    message: format!("parameter '{}' is declared twice", parameter.name),
                });
            }
            Ok(parameter) => parameters.push(parameter),
            Err(message) => findings.push(Finding {
                site: site(source, position),
                message,
            }),
        }
    }
    if findings.is_empty() {
        return Ok(parameters);
    }
    Err(ScriptError::of(Class::Start, findings))
}

fn declaration(args: &[Expr], position: Position) -> Result<Parameter, String> {
    let literal = |index: usize| {
        args.get(index)
            .and_then(|expr: &Expr| expr.get_literal_value(None))
    };
    let name = literal(0)
        .and_then(|name| name.into_immutable_string().ok())
        .ok_or("param() needs the parameter's name as a literal text")?
        .to_string();
    let options = match args.get(1) {
        None => rhai::Map::new(),
        Some(_) => literal(1)
            .and_then(Dynamic::try_cast::<rhai::Map>)
            .ok_or_else(|| {
                format!("the options of parameter '{name}' must be a map of literals")
            })?,
    };
    let mut options = Options::of(&name, &options)?;
    let default = options.left.remove("default");
    let kind = match options.text("type")? {
        None => default.as_ref().map_or(Type::Text, Type::of),
        Some(word) => Type::named(&word).ok_or_else(|| {
            let known: Vec<_> = Type::NAMES.iter().map(|(name, _)| *name).collect();
            format!(
                "parameter '{name}' has the unknown type '{word}'; known: {}",
                known.join(", ")
            )
        })?,
    };
    let mut parameter = Parameter {
        doc: options.text("doc")?.unwrap_or_default(),
        min: options.number("min")?,
        max: options.number("max")?,
        choices: options.list("choices")?,
        kind,
        default,
        name: name.clone(),
        position,
    };
    check_limits(&parameter)?;
    // What is written in a playbook is no secret: a given one is compared with its text.
    if kind != Type::Secret {
        let choices = parameter.choices.iter();
        parameter.choices = choices
            .map(|choice| parameter.typed(choice))
            .collect::<Result<_, _>>()
            .map_err(|wrong| format!("a choice of {wrong}"))?;
    }
    if let Some(default) = parameter.default.take_if(|default| !default.is_null()) {
        let default = parameter.read(&default);
        parameter.default = Some(default.map_err(|wrong| format!("the default of {wrong}"))?);
    }
    Ok(parameter)
}

fn check_limits(parameter: &Parameter) -> Result<(), String> {
    let limited = parameter.min.or(parameter.max).is_some();
    if limited && !matches!(parameter.kind, Type::Int | Type::Float) {
        return Err(format!(
            "parameter '{}' has a limit but is no number: say type: \"int\" or type: \"float\"",
            parameter.name
        ));
    }
    match (parameter.min, parameter.max) {
        (Some(min), Some(max)) if min > max => Err(format!(
            "parameter '{}' can have no value: its min {min} is above its max {max}",
            parameter.name
        )),
        _ => Ok(()),
    }
}

/// What a declaration says of its parameter, and has not been read yet.
struct Options<'a> {
    parameter: &'a str,
    left: Map,
}

impl<'a> Options<'a> {
    fn of(parameter: &'a str, options: &rhai::Map) -> Result<Self, String> {
        let mut left = Map::new();
        for (option, value) in options {
            if !OPTIONS.contains(&option.as_str()) {
                let tail = did_you_mean(option, OPTIONS);
                return Err(format!(
                    "parameter '{parameter}' has the unknown option '{option}'{tail}"
                ));
            }
            left.insert(option.to_string(), to_value(value)?);
        }
        Ok(Self { parameter, left })
    }

    fn taken<T>(
        &mut self,
        option: &str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.left.remove(option) else {
            return Ok(None);
        };
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(format!(
                "the option '{option}' of parameter '{}' must be {wanted}, not {}",
                self.parameter,
                value.to_json()
            )),
        }
    }

    fn text(&mut self, option: &str) -> Result<Option<String>, String> {
        self.taken(option, "a text", |value| value.as_text().map(str::to_owned))
    }

    fn number(&mut self, option: &str) -> Result<Option<f64>, String> {
        self.taken(option, "a number", Value::as_float)
    }

    fn list(&mut self, option: &str) -> Result<Vec<Value>, String> {
        let list = self.taken(option, "a list", |value| value.as_list().map(<[_]>::to_vec))?;
        Ok(list.unwrap_or_default())
    }
}
