//! `lambda`, beside the API's own operations: scripts as functions.
//!
//! `package` reads the script and writes the archive; `deploy` is Rhai
//! (`stdlib/functions.rhai`) over that and the operations of AWS.

use std::path::{Path, PathBuf};

use opsh_operation::{Effect, Fault, FaultKind, Map, Shape, Structure, Value};

use super::declare::{entry, int, optional, required};
use super::{Context, Entry, Files, Handler, given};
use crate::lambda::package::binary::Architecture;
use crate::lambda::package::{Bootstrap, Wanted};
use crate::script::error::ScriptError;
use crate::script::source::Sources;
use crate::world::Kind;

/// Lambda's processors.
const ARCHITECTURES: Shape = Shape::Enum(&["x86_64", "arm64"]);

/// Where archives are written, below the working directory.
const FOLDER: &str = ".opsh/lambda";

static PACKAGE: Structure = Structure {
    name: "package",
    fields: &[
        required("file", Shape::Path, "The archive."),
        required(
            "sha256",
            Shape::Text,
            "Its SHA-256 in base64, as Lambda's `code_sha256`.",
        ),
        required("size", Shape::INT64, "Its size in bytes."),
        required(
            "handler",
            Shape::Text,
            "The handler's name for Lambda, e.g. `check.handler`.",
        ),
        required("files", Shape::List(&Shape::Text), "What is in it."),
        required(
            "actions",
            Shape::List(&Shape::Text),
            "The IAM actions that the script can reach.",
        ),
    ],
};

static DEPLOYED: Structure = Structure {
    name: "deployed",
    fields: &[
        required("name", Shape::Text, "The function's name."),
        required("arn", Shape::Text, "Its ARN."),
        required("role", Shape::Text, "The ARN of its role."),
        required(
            "sha256",
            Shape::Text,
            "The SHA-256 of its code, as Lambda tells it.",
        ),
        required(
            "actions",
            Shape::List(&Shape::Text),
            "The IAM actions that its script can reach.",
        ),
        required(
            "changed",
            Shape::List(&Shape::Text),
            "What was made or changed; nothing if all was as wanted.",
        ),
    ],
};

static S3_TRIGGER: Structure = Structure {
    name: "s3_trigger",
    fields: &[
        required("bucket", Shape::Text, "The bucket's name."),
        optional("prefix", Shape::Text, "Only objects whose keys begin so."),
        optional("suffix", Shape::Text, "Only objects whose keys end so."),
        optional(
            "events",
            Shape::List(&Shape::Text),
            "Which events. Default: `s3:ObjectCreated:*`.",
        ),
    ],
};

const SCRIPT: opsh_operation::Field = required(
    "script",
    Shape::Text,
    "The script's file beside the playbook, which has a function handler(event, context).",
);
const INCLUDE: opsh_operation::Field = optional(
    "include",
    Shape::List(&Shape::Text),
    "Files and folders beside the script that it names at run time only.",
);
const ARCHITECTURE: opsh_operation::Field = optional(
    "architecture",
    ARCHITECTURES,
    "The processor. Default: x86_64.",
);
const BINARY: opsh_operation::Field = optional(
    "binary",
    Shape::Path,
    "The opsh to package, built for Amazon Linux 2023. Default: this one.",
);

/// The table. `deploy` is no write of its own: the calls that it makes are.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "lambda" "package" "lambda:Package" Effect::Read, Handler::Native(package),
        () [SCRIPT, INCLUDE, ARCHITECTURE, BINARY] -> Shape::Struct(&PACKAGE),
        "Packages a script as a Lambda function; on the embedded cloud a short text stands for the program.",
        r#"file::write("hello.rhai", "fn handler(event, context) { `hello ${event.name}` }");
let package = lambda::package(#{ script: "hello.rhai" });
if package.files != ["bootstrap", "hello.rhai"] { throw package.files; }"#,
    },
    entry! {
        "lambda" "deploy" "lambda:Deploy" Effect::Read, Handler::Library { module: "functions", function: "deploy" },
        () [
            required("name", Shape::Text, "The function's name."),
            SCRIPT,
            optional("schedule", Shape::Text, "When it is called, e.g. `rate(1 minute)` or `cron(0 3 * * ? *)`."),
            optional("s3_trigger", Shape::Struct(&S3_TRIGGER), "The bucket whose events call it."),
            optional("sns_trigger", Shape::Text, "The ARN of the topic whose messages call it."),
            optional("env", Shape::MapOf(&Shape::Any), "Its environment: the values of the script's parameters."),
            optional("memory", int(128, 10_240), "Its memory in MiB. Default: 256."),
            optional("timeout", int(1, 900), "How many seconds it may take. Default: 60."),
            optional("role", Shape::Text, "The ARN of its role. Default: one is made, with the permissions that it needs."),
            optional("policy", Shape::Any, "What that role may do, a policy document as a map or JSON. Default: what the script can reach, on the resources that are known."),
            INCLUDE,
            ARCHITECTURE,
            BINARY,
            optional("tags", Shape::Tags, "Tags for the function."),
        ] -> Shape::Struct(&DEPLOYED),
        "Makes the Lambda function of a script with its role and triggers, or brings it up to date; what does not differ is left alone.",
        r#"file::write("hello.rhai", "let who = param(\"who\", #{ default: \"you\" }); fn handler(event, context) { `hello ${who}` }");
let wanted = #{ name: "hello", script: "hello.rhai", schedule: "rate(5 minutes)", env: #{ who: "world" } };
lambda::deploy(wanted);
if lambda::deploy(wanted).changed != [] { throw "the second time changes nothing"; }"#,
    },
];

fn package(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let script = script(context, given::text(input, "script"))?;
    let include: Vec<String> = given::list(input, "include")
        .iter()
        .filter_map(|path| path.as_text().map(str::to_owned))
        .collect();
    let architecture = match given::text(input, "architecture") {
        "" => Architecture::X86,
        name => Architecture::named(name).ok_or_else(|| {
            Fault::new(
                FaultKind::Invalid,
                format!("Lambda has no architecture '{name}'"),
            )
            .hint("it has x86_64 and arm64")
        })?,
    };
    let bootstrap = match context.world.kind() {
        Kind::Live => Bootstrap::Program(program(given::text(input, "binary"))?, architecture),
        Kind::Local | Kind::DryRun => Bootstrap::Marker,
    };
    let wanted = Wanted {
        script: &script,
        include: &include,
        bootstrap,
    };
    let package = crate::lambda::package::package(&wanted, &Sources::default()).map_err(fault)?;
    let stem = script.file_stem().unwrap_or_default().to_string_lossy();
    let path = format!("{FOLDER}/{stem}.zip");
    let files = context.world.files();
    let file = context.files.resolve_output(&path, files)?;
    files.write(&file, &package.zip, 0o644).map_err(|error| {
        Fault::new(
            FaultKind::Failed,
            format!("the file '{path}' cannot be written: {error}"),
        )
    })?;
    Ok(Value::Map(Map::from([
        ("file".to_owned(), file.display().to_string().into()),
        ("sha256".to_owned(), package.sha256.into()),
        (
            "size".to_owned(),
            i64::try_from(package.zip.len()).unwrap_or(i64::MAX).into(),
        ),
        ("handler".to_owned(), package.handler.into()),
        ("files".to_owned(), package.files.into()),
        ("actions".to_owned(), package.actions.into()),
    ])))
}

/// The script, which is part of the program like an import.
pub(super) fn script(context: &Context<'_>, path: &str) -> Result<PathBuf, Fault> {
    let unusable = |error: std::io::Error| {
        Fault::new(
            FaultKind::Failed,
            format!("the script '{path}' cannot be used: {error}"),
        )
    };
    let folder = Files::new(context.files.program()).map_err(unusable)?;
    let real = folder.confined(path).map_err(|_| {
        Fault::new(
            FaultKind::Denied,
            format!("the script '{path}' is outside of the playbook's folder"),
        )
        .hint("functions are parts of the program: put them beside the playbook")
    })?;
    context.world.files().to_read(&real).map_err(unusable)
}

pub(super) fn program(path: &str) -> Result<PathBuf, Fault> {
    if !path.is_empty() {
        return Ok(Path::new(path).to_owned());
    }
    std::env::current_exe().map_err(|error| {
        Fault::new(
            FaultKind::Failed,
            format!("this program cannot be found: {error}"),
        )
        .hint("say which one is meant with the parameter `binary`")
    })
}

pub(super) fn fault(error: ScriptError) -> Fault {
    let fault = Fault::new(FaultKind::Invalid, error.summary());
    match error.hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}
