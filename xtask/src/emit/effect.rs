//! What an operation does to the world: all that its line says, as Rust.

use std::fmt::Write as _;

use crate::find::{Find, Proof};
use crate::list::{Call, Inverse, Line, Settle};
use crate::look::{Before, Found, Look, Tagged};
use crate::resolve::{Resolved, Service};

/// What `operation` does to the world, as Rust.
pub fn of(service: &Service<'_>, operation: &Resolved<'_>) -> String {
    let line = operation.line;
    let (Some(inverse), Some(settle)) = (&line.inverse, &line.settle) else {
        return "Effect::Read".to_owned();
    };
    let inverse = match inverse {
        Inverse::Calls(calls) => format!("Inverse::Calls(&[{}])", inverse_calls(calls)),
        Inverse::Nothing(why) => format!("Inverse::Nothing({why:?})"),
        Inverse::Impossible(why) => format!("Inverse::Impossible({why:?})"),
    };
    let settle = match settle {
        Settle::Token(parameter) => format!("Settle::Token({parameter:?})"),
        Settle::Find(search) => find(service, operation, search),
        Settle::Repeat => "Settle::Repeat".to_owned(),
        Settle::RepeatIf(parameter) => format!("Settle::RepeatIf({parameter:?})"),
        Settle::Ask => "Settle::Ask".to_owned(),
    };
    let kinds = |what: &str, list: &[(String, String)]| {
        let items: Vec<String> = list
            .iter()
            .map(|(kind, id)| format!("{what} {{ kind: {kind:?}, id: {id:?} }}"))
            .collect();
        format!("&[{}]", items.join(", "))
    };
    let mut more = String::new();
    if let Some(search) = &line.before {
        let _ = writeln!(more, "        before: Some(&{}),", before(search));
    }
    if let Some(search) = &line.found {
        let _ = writeln!(more, "        found: Some(&{}),", found(line, search));
    }
    if let Some(kind) = &line.goes_with {
        let _ = writeln!(more, "        goes_with: Some({kind:?}),");
    }
    if line.makes.is_empty() && line.removes.is_empty() && more.is_empty() {
        return format!(
            "Effect::Write(Write::plain(\n        {inverse},\n        {settle},\n    ))"
        );
    }
    format!(
        "Effect::Write(Write {{\n        makes: {}, removes: {}, tags: {:?},\n{more}        \
         ..Write::plain(\n            {inverse},\n            {settle},\n        )\n    }})",
        kinds("Makes", &line.makes),
        kinds("Removes", &line.removes),
        operation.tags_parameter(service),
    )
}

fn inverse_calls(calls: &[Call]) -> String {
    let calls: Vec<String> = calls
        .iter()
        .map(|call| format!("InverseCall {{ {} }}", target(call)))
        .collect();
    calls.join(", ")
}

fn look(look: &Look) -> String {
    format!(
        "Look {{ {}, within: {:?} }}",
        target(&look.call),
        look.within
    )
}

fn before(before: &Before) -> String {
    format!(
        "Before {{ look: {}, same: &[{}], only_if: {:?}, every: {:?}, restore: &[{}] }}",
        look(&before.look),
        sources(&before.same),
        before.only_if,
        before.every,
        inverse_calls(&before.restore),
    )
}

fn found(line: &Line, found: &Found) -> String {
    let tagged = match &found.tagged {
        Tagged::Filtered => "Tagged::Filtered".to_owned(),
        Tagged::At(path) => format!("Tagged::At({path:?})"),
        Tagged::Asked(read) => format!("Tagged::Asked({})", look(read)),
        Tagged::Of(kind, same) => format!("Tagged::Of({kind:?}, &[{}])", sources(same)),
    };
    let unless: Vec<String> = found
        .unless
        .iter()
        .map(|(path, values)| format!("({path:?}, &{values:?})"))
        .collect();
    format!(
        "Found {{ look: {}, id: {:?}, tagged: {tagged}, unless: &[{}], owner: {:?}, rank: {} }}",
        look(&found.look),
        line.found_id(found),
        unless.join(", "),
        found.owner,
        found.rank,
    )
}

fn find(service: &Service<'_>, operation: &Resolved<'_>, search: &Find) -> String {
    // What cannot be completed has been refused by the check.
    let completed = search.completed(service, operation).unwrap_or_default();
    let proof: Vec<String> = completed
        .proof
        .iter()
        .map(|proof| match proof {
            Proof::Tags(path) => format!("Proof::Tags({path:?})"),
            Proof::Since(path) => format!("Proof::Since({path:?})"),
            Proof::Same(left, right) => format!("Proof::Same({left:?}, {right:?})"),
            Proof::Named(left, right) => format!("Proof::Named({left:?}, {right:?})"),
        })
        .collect();
    format!(
        "Settle::Find(&Find {{ {}, within: {:?}, proof: &[{}], result: &[{}] }})",
        target(&search.call),
        search.within,
        proof.join(", "),
        sources(&completed.fields),
    )
}

fn target(call: &Call) -> String {
    format!(
        "operation: {:?}, arguments: &[{}]",
        call.operation,
        sources(&call.arguments)
    )
}

/// Names and sources, as Rust.
pub fn sources(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|pair| format!("{pair:?}")).collect();
    pairs.join(", ")
}
