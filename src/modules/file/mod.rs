//! `file`: files below the working directory, to which the gate confines them.

mod look;
mod write;

use std::path::Path;

use opsh_operation::{
    Before, Effect, Fault, FaultKind, Inverse, Look, Map, Settle, Shape, Structure, Write,
};

use super::declare::{entry, int, optional, plain_write, required};
use super::{Entry, Handler, given};

/// What a file is read up to, unless the playbook says otherwise.
const LIMIT: i64 = 16 << 20;
/// What a playbook may say.
const MOST: i64 = 1 << 30;

/// How it is seen whether a file is there that is to be removed.
pub(super) const THERE: Before = Before {
    look: Look {
        operation: "file::exists",
        arguments: &[("path", "input.path")],
        within: "result",
    },
    same: &[("found", "=true")],
    only_if: None,
    every: None,
    restore: &[],
};

static INFO: Structure = Structure {
    name: "file",
    fields: &[
        required("name", Shape::Text, "Its name in its folder."),
        required("size", Shape::INT64, "Its size in bytes."),
        required("modified", Shape::Time, "When it was last written."),
        required("folder", Shape::Bool, "Whether it is a folder."),
        required(
            "mode",
            Shape::Text,
            "Its permissions in octal, e.g. \"0644\".",
        ),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "file" "read" "file:Read" Effect::Read, Handler::Native(look::read),
        ("path") [
            required("path", Shape::Path, "The file."),
            optional("limit", int(1, MOST), "The most bytes; a larger file is refused. Default: 16 MiB."),
        ] -> Shape::Text,
        "Reads a file as text.",
        r#"file::write("notes.txt", "hello");
    if file::read("notes.txt") != "hello" { throw "wrong"; }"#,
    },
    entry! {
        "file" "read_bytes" "file:ReadBytes" Effect::Read, Handler::Native(look::read_bytes),
        ("path") [
            required("path", Shape::Path, "The file."),
            optional("limit", int(1, MOST), "The most bytes; a larger file is refused. Default: 16 MiB."),
        ] -> Shape::Bytes,
        "Reads a file as bytes.",
        r#"file::write("notes.txt", "hello");
    if file::read_bytes("notes.txt").len() != 5 { throw "wrong"; }"#,
    },
    entry! {
        "file" "exists" "file:Exists" Effect::Read, Handler::Native(look::exists),
        ("path") [required("path", Shape::Path, "The file or folder.")] -> Shape::Bool,
        "Whether there is a file or folder.",
        r#"if file::exists("no such file") { throw "wrong"; }"#,
    },
    entry! {
        "file" "list" "file:List" Effect::Read, Handler::Native(look::list),
        ("path") [optional("path", Shape::Path, "The folder. Default: the working directory.")] -> Shape::List(&Shape::Struct(&INFO)),
        "The files and folders in a folder, by name.",
        r#"for entry in file::list(".") { log::debug(entry.name); }"#,
    },
    entry! {
        "file" "info" "file:Info" Effect::Read, Handler::Native(look::info),
        ("path") [required("path", Shape::Path, "The file or folder.")] -> Shape::Struct(&INFO),
        "Size, time and permissions of a file or folder.",
        r#"file::write("notes.txt", "hello");
    if file::info("notes.txt").size != 5 { throw "wrong"; }"#,
    },
    entry! {
        "file" "content_type" "file:ContentType" Effect::Read, Handler::Native(look::content_type),
        ("path") [required("path", Shape::Path, "The file.")] -> Shape::Text,
        "The content type of a file, told from what it begins with.",
        r#"file::write("page.html", "<!DOCTYPE html><p>Hi");
    if file::content_type("page.html") != "text/html" { throw "wrong"; }"#,
    },
    entry! {
        "file" "sha256" "file:Sha256" Effect::Read, Handler::Native(look::sha256),
        ("path") [required("path", Shape::Path, "The file.")] -> Shape::Text,
        "The SHA-256 of a file in hexadecimal digits, as sha256sum writes it; its content is not kept anywhere.",
        r#"file::write("notes.txt", "hello");
    if file::sha256("notes.txt") != text::sha256("hello") { throw "wrong"; }"#,
    },
    entry! {
        "file" "write" "file:Write"
        Effect::Write(plain_write(Inverse::Impossible("what the file held before is not kept"), Settle::Repeat)),
        Handler::Native(write::write),
        ("path", "content") [
            required("path", Shape::Output, "The file; folders that are missing on the way are made."),
            required("content", Shape::Bytes, "Text, bytes or a secret."),
            optional("mode", Shape::Text, "Its permissions in octal, e.g. \"0600\". Default: as they are, \"0600\" for a secret, \"0644\" for a new file."),
        ] -> Shape::Nothing,
        "Writes a file as a whole: a reader sees the old content or the new, never a part.",
        r#"file::write("key.pem", "-----BEGIN-----", #{ mode: "0600" });
    if file::info("key.pem").mode != "0600" { throw "wrong"; }"#,
    },
    entry! {
        "file" "append" "file:Append"
        Effect::Write(plain_write(Inverse::Impossible("what was appended is not told from what others wrote"), Settle::Ask)),
        Handler::Native(write::append),
        ("path", "content") [
            required("path", Shape::Output, "The file; made if it is not there."),
            required("content", Shape::Bytes, "Text, bytes or a secret."),
        ] -> Shape::Nothing,
        "Appends to a file.",
        r#"file::append("events.log", "begun\n");
file::append("events.log", "done\n");
if text::lines(file::read("events.log")).len() != 2 { throw "wrong"; }"#,
    },
    entry! {
        "file" "remove" "file:Remove"
        Effect::Write(Write {
            before: Some(&THERE),
            answers: Some("result"),
            ..plain_write(Inverse::Impossible("what the file held is not kept"), Settle::Repeat)
        }),
        Handler::Native(write::remove),
        ("path") [required("path", Shape::Output, "The file, or an empty folder.")] -> Shape::Bool,
        "Removes a file or an empty folder; says whether it was there.",
        r#"file::write("notes.txt", "hello");
    if !file::remove("notes.txt") || file::remove("notes.txt") { throw "wrong"; }"#,
    },
];

fn path(input: &Map) -> &Path {
    Path::new(match given::text(input, "path") {
        "" => ".",
        path => path,
    })
}

/// Why `path` cannot be used, in the words of a fault.
fn failed(what: &str, path: &Path, error: &std::io::Error) -> Fault {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => FaultKind::NotFound,
        std::io::ErrorKind::PermissionDenied => FaultKind::Denied,
        std::io::ErrorKind::StorageFull => FaultKind::Capacity,
        _ => FaultKind::Failed,
    };
    // Without the system's error number.
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    };
    Fault::new(
        kind,
        format!("cannot {what} the file {}: {reason}", path.display()),
    )
}

#[cfg(test)]
mod tests;
