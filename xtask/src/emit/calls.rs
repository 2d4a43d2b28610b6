//! Declarations and calls.

use std::fmt::Write as _;

use super::effect::{self, sources};
use super::{literal, table_name, tables};
use crate::list::{Fails, Line};
use crate::model::{Paging, Type};
use crate::resolve::{Resolved, Service};

/// `mod.rs` of `service`.
pub fn all(service: &Service<'_>) -> String {
    let mut out = format!(
        "//! The operations of `{}`, module `{}`.\n\n\
         mod codec;\npub mod tables;\n\n\
         #[allow(clippy::wildcard_imports)] // every helper may be used, or not, by a service\n\
         use crate::glue::*;\n\
         {}",
        service.list.krate,
        service.list.module,
        if service.list.module == "s3" {
            String::new()
        } else {
            format!("use {}::Client;\n", service.krate)
        }
    );
    out.push_str(
        "#[allow(unused_imports)] // not every service has every kind of operation\n\
         use opsh_operation::{Before, Effect, Fault, Find, Found, Inverse, InverseCall, Look, Makes, Map, Operation, Proof, Raises, Removes, Settle, Shape, Tagged, Write};\n",
    );
    out.push_str("\nuse crate::{Binding, Controls, Fills};\n");
    for operation in &service.operations {
        declaration(&mut out, service, operation);
        call(&mut out, service, operation);
    }
    out.push_str("\n/// Ordered by name.\npub static BINDINGS: &[Binding] = &[\n");
    for operation in &service.operations {
        let name = &operation.line.name;
        let _ = writeln!(
            out,
            "    Binding {{ operation: &{}, call: {name}, fills: {} }},",
            table_name(name),
            fills(operation.line),
        );
    }
    out.push_str("];\n");
    out
}

fn fills(line: &Line) -> String {
    if line.always.is_empty() && line.absent.is_empty() && line.untagged_if.is_none() {
        return "Fills::NONE".to_owned();
    }
    format!(
        "Fills {{ always: &[{}], absent: &[{}], untagged_if: {:?} }}",
        sources(&line.always),
        sources(&line.absent),
        line.untagged_if,
    )
}

fn declaration(out: &mut String, service: &Service<'_>, operation: &Resolved<'_>) {
    let line = operation.line;
    let table = table_name(&line.name);
    let module = &service.list.module;
    let action = action(service, operation);
    let output = if tables::has_output(operation) {
        format!("Shape::Struct(&tables::{table}_OUTPUT)")
    } else {
        "Shape::Nothing".to_owned()
    };
    let _ = writeln!(
        out,
        "\npub static {table}: Operation = Operation {{\n    module: {module:?}, name: {:?}, action: {action:?},\n    \
         summary: {},\n    input: &tables::{table}_INPUT, positional: &[], output: {output},\n    \
         effect: {},\n    raises: &[{}],\n    example: {},\n}};",
        line.name,
        literal(line.doc.as_deref().unwrap_or(&operation.sdk.doc)),
        effect::of(service, operation),
        raises(operation),
        literal(&line.example),
    );
}

fn raises(operation: &Resolved<'_>) -> String {
    let raises: Vec<String> = operation
        .sdk
        .errors
        .iter()
        .map(|(code, doc)| {
            format!(
                "Raises {{ kind: None, code: {code:?}, doc: {} }}",
                literal(doc)
            )
        })
        .collect();
    raises.join(", ")
}

/// The action as IAM names it.
pub fn action(service: &Service<'_>, operation: &Resolved<'_>) -> String {
    operation
        .line
        .action
        .clone()
        .unwrap_or_else(|| format!("{}:{}", service.list.actions, operation.sdk.api_name))
}

fn call(out: &mut String, service: &Service<'_>, operation: &Resolved<'_>) {
    let name = &operation.line.name;
    let mutable = if operation.parameters.is_empty() {
        "_"
    } else {
        "mut "
    };
    let client = if service.list.module == "s3" {
        "s3_client"
    } else {
        "Client::new"
    };
    let patience = if operation.request_body().is_some() || operation.response_body().is_some() {
        "Patience::Transfer"
    } else {
        "Patience::Call"
    };
    let _ = writeln!(
        out,
        "\npub fn {name}(session: &Session, {mutable}input: Map, controls: Controls) -> Reply {{\n    \
         let (client, limit) = open(session, &controls, {patience}, {client});\n    \
         limit.run(Box::pin(async move {{"
    );
    if operation.specifies_tags {
        let _ = writeln!(
            out,
            "        specify_tags(&mut input, &{:?});",
            operation.line.tags
        );
    }
    if operation.response_body().is_some() {
        out.push_str("        let to_file = input.remove(\"to_file\");\n");
    }
    let _ = writeln!(out, "        let request = client.{name}()");
    for member in &operation.parameters {
        if member.ty == Type::Stream {
            let _ = writeln!(
                out,
                "            .set_{0}(request_body(input.remove({0:?})).await?)",
                member.name
            );
        } else {
            let _ = writeln!(
                out,
                "            .set_{0}(take(&mut input, {0:?})?)",
                member.name
            );
        }
    }
    out.truncate(out.trim_end().len());
    out.push_str(";\n");
    match (&operation.paging, operation.response_body()) {
        (Some(paging), _) => paged(out, operation, paging),
        (None, Some(body)) => {
            let _ = writeln!(
                out,
                "        let mut output = request.send().await.map_err(fault)?;\n        \
                 let body = std::mem::take(&mut output.{});\n        \
                 with_body(output.encode(), {:?}, body, to_file).await",
                body.ident, body.name
            );
        }
        (None, None) if tables::has_output(operation) => {
            let whole = operation
                .line
                .fails
                .as_ref()
                .map_or_else(String::new, whole);
            let _ = writeln!(
                out,
                "        request.send().await.map(Encode::encode).map_err(fault){whole}"
            );
        }
        (None, None) => {
            out.push_str(
                "        request.send().await.map_err(fault)?;\n        Ok(opsh_operation::Value::Null)\n",
            );
        }
    }
    out.push_str("    }))\n}\n");
}

/// The check of an answer that says what of the call has failed.
fn whole(fails: &Fails) -> String {
    let unless = fails.unless.as_ref().map_or_else(
        || "None".to_owned(),
        |(field, values)| format!("Some(({field:?}, &{values:?}))"),
    );
    format!(
        "\n            .and_then(|answer| whole(answer, {:?}, {unless}))",
        fails.within
    )
}

fn paged(out: &mut String, operation: &Resolved<'_>, paging: &Paging) {
    let merge = match &operation.line.merge {
        Some(key) => format!("Some({key:?})"),
        None => "None".to_owned(),
    };
    let _ = writeln!(
        out,
        "        let mut pages = Pages::new(&controls, &{:?}, {merge});\n        \
         let mut tokens: [Option<String>; {}] = Default::default();\n        loop {{\n            \
         let page = request.clone()",
        operation.items,
        paging.tokens.len()
    );
    for (index, (input, _)) in paging.tokens.iter().enumerate() {
        let _ = writeln!(out, "                .set_{input}(tokens[{index}].clone())");
    }
    let next: Vec<String> = paging
        .tokens
        .iter()
        .map(|(_, token)| format!("page.{token}.clone()"))
        .collect();
    let _ = writeln!(
        out,
        "                .send().await.map_err(fault)?;\n            \
         let next = [{}];\n            \
         let more = goes_on(&tokens, &next);\n            \
         tokens = next;\n            \
         if !pages.add(page.encode()) || !more {{\n                \
         return Ok(pages.finish());\n            }}\n        }}",
        next.join(", ")
    );
}
