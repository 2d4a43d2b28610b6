//! `host::bundle`: what a machine needs to run a playbook as a service.

use opsh_operation::{Effect, Fault, FaultKind, Map, Shape, Structure, Value};
use sha2::{Digest as _, Sha256};

use super::declare::{entry, optional, required};
use super::lambda::{fault, program, script};
use super::{Context, Entry, Handler, given};
use crate::fleet::bundle::{Bundle, Opsh, VERSION};
use crate::lambda::package::binary::{Architecture, GLIBC, Version};
use crate::script::source::Sources;
use crate::world::Kind;

/// Where the files are written, below the working directory.
const FOLDER: &str = ".opsh/bundle";

static FILE: Structure = Structure {
    name: "host::file",
    fields: &[
        required("name", Shape::Text, "Its name on the machine."),
        required("path", Shape::Path, "Where it is here, for ssh::upload."),
        required("mode", Shape::INT64, "Its permission bits."),
        required(
            "sha256",
            Shape::Text,
            "Its SHA-256 in hexadecimal digits, as sha256sum writes it.",
        ),
        required("size", Shape::INT64, "Its size in bytes."),
    ],
};

static BUNDLE: Structure = Structure {
    name: "host::bundle",
    fields: &[
        required(
            "files",
            Shape::List(&Shape::Struct(&FILE)),
            "The program `opsh`, the playbook, what it imports.",
        ),
        required("playbook", Shape::Text, "The playbook's name among them."),
        required("version", Shape::Text, "The version of the program."),
        required(
            "actions",
            Shape::List(&Shape::Text),
            "The IAM actions that the playbook can reach.",
        ),
        required(
            "sum",
            Shape::Text,
            "Differs where any of the files differs.",
        ),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[entry! {
    "host" "bundle" "host:Bundle" Effect::Read, Handler::Native(bundle),
    () [
        required("script", Shape::Text, "The playbook beside this one that is to run as a service."),
        optional("include", Shape::List(&Shape::Text), "Files and folders beside it that it names at run time only."),
        optional("architecture", Shape::Enum(&["x86_64", "arm64"]), "The machine's processor. Default: x86_64."),
        optional("glibc", Shape::Text, "The version of the machine's C library, as `getconf GNU_LIBC_VERSION` says it. Default: 2.34, that of Amazon Linux 2023."),
        optional("binary", Shape::Path, "The opsh to copy, built for that machine. Default: this one."),
    ] -> Shape::Struct(&BUNDLE),
    "Collects what a machine needs to run a playbook as a service; on the embedded cloud a short text stands for the program.",
    r#"file::write("hello.rhai", "every(\"1m\", || log::info(\"hello\")); run_forever();");
let bundle = host::bundle(#{ script: "hello.rhai" });
assert(bundle.files.map(|file| file.name) == ["hello.rhai", "opsh"]);"#,
}];

fn bundle(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let script = script(context, given::text(input, "script"))?;
    let include: Vec<String> = given::list(input, "include")
        .iter()
        .filter_map(|path| path.as_text().map(str::to_owned))
        .collect();
    let name = given::optional_text(input, "architecture").unwrap_or("x86_64");
    let architecture = Architecture::named(name).unwrap_or(Architecture::X86);
    let glibc = match given::optional_text(input, "glibc") {
        None => GLIBC,
        Some(name) => Version::named(name).ok_or_else(|| {
            Fault::new(
                FaultKind::Invalid,
                format!("'{name}' is no version of glibc; write one such as 2.34"),
            )
        })?,
    };
    let opsh = match context.world.kind() {
        Kind::Live => Opsh::File(program(given::text(input, "binary"))?, architecture, glibc),
        Kind::Local | Kind::DryRun => Opsh::StandIn,
    };
    let bundle = Bundle::gather(&script, &include, &opsh, &Sources::default()).map_err(fault)?;
    let files = context.world.files();
    let mut listed = Vec::new();
    for (name, content) in &bundle.files {
        let path = format!("{FOLDER}/{}/{name}", &bundle.sum()[..16]);
        let mode = if name == "opsh" { 0o755 } else { 0o644 };
        let file = context.files.resolve_output(&path, files)?;
        files.write(&file, content, mode).map_err(|error| {
            Fault::new(
                FaultKind::Failed,
                format!("the file '{path}' cannot be written: {error}"),
            )
        })?;
        listed.push(Value::Map(Map::from([
            ("name".to_owned(), name.as_str().into()),
            ("path".to_owned(), file.display().to_string().into()),
            ("mode".to_owned(), Value::Int(i64::from(mode))),
            (
                "sha256".to_owned(),
                hex::encode(Sha256::digest(content)).into(),
            ),
            (
                "size".to_owned(),
                Value::Int(i64::try_from(content.len()).unwrap_or(i64::MAX)),
            ),
        ])));
    }
    Ok(Value::Map(Map::from([
        ("files".to_owned(), Value::List(listed)),
        ("playbook".to_owned(), bundle.playbook.as_str().into()),
        ("version".to_owned(), VERSION.into()),
        ("actions".to_owned(), bundle.actions.clone().into()),
        ("sum".to_owned(), bundle.sum().into()),
    ])))
}
