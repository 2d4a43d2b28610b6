#![allow(clippy::unwrap_used)]

use opsh_operation::{Secret, Value};

use super::{Parameter, declared, of_words, resolve};

fn read(text: &str) -> Result<Vec<Parameter>, String> {
    let ast = crate::script::engine::bare().compile(text).unwrap();
    declared("p.rhai", &ast).map_err(|error| {
        let messages = error.findings.into_iter().map(|found| found.message);
        messages.collect::<Vec<_>>().join("\n")
    })
}

fn resolved(text: &str, given: &[(&str, Value)]) -> Result<Value, String> {
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    resolve("p.rhai", &read(text)?, &given, &mut |_| Ok(None))
        .map(|mut values| values.remove("p").unwrap())
        .map_err(|error| error.findings[0].message.clone())
}

#[test]
fn a_default_is_of_the_declared_type() {
    let default =
        |options: &str| resolved(&format!("let p = param(\"p\", #{{ {options} }});"), &[]);
    for (options, value) in [
        (r#"type: "float", default: 1"#, Value::Float(1.0)),
        (r#"type: "list", default: "a, b""#, vec!["a", "b"].into()),
        (r#"type: "list", default: """#, Value::List(Vec::new())),
        (r#"type: "secret", default: "x""#, Secret::new("x").into()),
        (r#"type: "text", default: 5"#, "5".into()),
        (r#"type: "bool", default: "yes""#, true.into()),
        (r#"type: "secret", default: ()"#, Value::Null),
        ("default: 1", Value::Int(1)),
    ] {
        assert_eq!(default(options), Ok(value), "{options}");
    }
    assert_eq!(
        default(r#"type: "int", default: "many""#),
        Err("the default of parameter 'p' must be a whole number, not \"many\"".into())
    );
}

#[test]
fn what_is_given_for_a_secret_is_not_said() {
    let refused = |options: &str, given: Value| {
        let text = format!("let p = param(\"p\", #{{ type: \"secret\", {options} }});");
        resolved(&text, &[("p", given)])
    };
    assert_eq!(
        refused("", 12345.into()),
        Err("parameter 'p' must be text, not integer".into())
    );
    let choices = r#"choices: ["red", "blue"]"#;
    assert_eq!(
        refused(choices, "hunter2".into()),
        Err("parameter 'p' must be one of red, blue".into())
    );
    assert_eq!(
        refused(choices, "red".into()),
        Ok(Secret::new("red").into())
    );
}

#[test]
fn choices_are_of_the_declared_type() {
    let given = |options: &str, given: Value| {
        let text = format!("let p = param(\"p\", #{{ {options} }});");
        resolved(&text, &[("p", given)])
    };
    let weights = r#"type: "float", choices: [1, 2.5]"#;
    for one in [Value::Int(1), Value::Float(1.0), "1".into(), "1.0".into()] {
        assert_eq!(given(weights, one), Ok(Value::Float(1.0)));
    }
    assert_eq!(
        given(weights, "30".into()),
        Err("parameter 'p' must be one of 1.0, 2.5, not 30.0".into())
    );
    let ports = r#"type: "text", choices: [80, 443]"#;
    assert_eq!(given(ports, "443".into()), Ok("443".into()));
    assert_eq!(
        given(r#"type: "int", choices: [1, "two"]"#, Value::Int(1)),
        Err("a choice of parameter 'p' must be a whole number, not \"two\"".into())
    );
}

#[test]
fn what_a_declaration_says_of_its_parameter_is_never_ignored() {
    for (options, message) in [
        (
            r#"default: 5, max: "9""#,
            "the option 'max' of parameter 'p' must be a number, not \"9\"",
        ),
        (
            r#"choices: "red, blue""#,
            "the option 'choices' of parameter 'p' must be a list, not \"red, blue\"",
        ),
        (
            "doc: 1",
            "the option 'doc' of parameter 'p' must be a text, not 1",
        ),
        (
            "type: int",
            "the options of parameter 'p' must be a map of literals",
        ),
        (
            "defualt: 1",
            "parameter 'p' has the unknown option 'defualt'; did you mean 'default'?",
        ),
    ] {
        let text = format!("let p = param(\"p\", #{{ {options} }});");
        assert_eq!(read(&text).map(drop), Err(message.to_owned()), "{options}");
    }
}

#[test]
fn a_parameter_is_given_once() {
    let given = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        of_words(&words).map_err(|error| error.findings[0].message.clone())
    };
    assert_eq!(
        given(&["a=1", "b=2", "a=3"]),
        Err("parameter 'a' is given twice".into())
    );
    let pairs = given(&["a=b=c", "d="]).unwrap();
    assert_eq!(pairs["a"], "b=c".into());
    assert_eq!(pairs["d"], "".into());
}
