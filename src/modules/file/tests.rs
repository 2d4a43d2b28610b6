#![allow(clippy::unwrap_used)]

use opsh_operation::{FaultKind, Secret, Value};

use super::ENTRIES;
use crate::modules::testing::Bench;

struct Folder {
    folder: tempfile::TempDir,
    bench: Bench,
}

impl Folder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            bench: Bench::new(ENTRIES),
        }
    }

    /// The value of a path parameter, as the gate resolves it.
    fn at(&self, name: &str) -> (&'static str, Value) {
        let path = self.folder.path().join(name);
        ("path", path.display().to_string().into())
    }

    fn write(&self, name: &str, content: impl Into<Value>) {
        self.bench
            .call("write", [self.at(name), ("content", content.into())])
            .unwrap();
    }

    fn mode(&self, name: &str) -> Value {
        self.bench
            .call("info", [self.at(name)])
            .unwrap()
            .get("mode")
            .unwrap()
            .clone()
    }
}

#[test]
fn what_is_written_is_read() {
    let it = Folder::new();
    it.write("deep/er/a.txt", "one\n");
    let more = [it.at("deep/er/a.txt"), ("content", "two\n".into())];
    it.bench.call("append", more).unwrap();
    let path = || it.at("deep/er/a.txt");
    assert_eq!(it.bench.call("read", [path()]), Ok("one\ntwo\n".into()));
    assert_eq!(it.bench.call("exists", [path()]), Ok(true.into()));
    assert_eq!(it.bench.call("remove", [path()]), Ok(true.into()));
    assert_eq!(it.bench.call("remove", [path()]), Ok(false.into()));
    assert_eq!(it.bench.call("exists", [path()]), Ok(false.into()));
    it.write("b", vec![0xff_u8, 0]);
    assert_eq!(
        it.bench.call("read_bytes", [it.at("b")]),
        Ok(vec![0xff_u8, 0].into())
    );
    assert_eq!(
        it.bench.call("content_type", [it.at("b")]),
        Ok("application/octet-stream".into())
    );
}

#[cfg(unix)]
#[test]
fn modes_are_kept_and_secrets_are_private() {
    let it = Folder::new();
    it.write("plain", "x");
    it.write("secret", Secret::new("x"));
    assert_eq!(it.mode("plain"), "0644".into());
    assert_eq!(it.mode("secret"), "0600".into());
    let input = [
        it.at("plain"),
        ("content", "y".into()),
        ("mode", "0755".into()),
    ];
    it.bench.call("write", input).unwrap();
    it.write("plain", "z");
    assert_eq!(it.mode("plain"), "0755".into());
    let input = [
        it.at("plain"),
        ("content", "y".into()),
        ("mode", "rw".into()),
    ];
    let error = it.bench.call("write", input).unwrap_err();
    assert_eq!(
        error.message,
        "\"rw\" is not a file mode; write it in octal, e.g. \"0600\""
    );
}

#[test]
fn folders_are_listed_by_name() {
    let it = Folder::new();
    it.write("b.txt", "12345");
    it.write("a/c.txt", "");
    let listed = it.bench.call("list", [it.at(".")]).unwrap();
    let names: Vec<_> = listed
        .as_list()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry.get("name").unwrap().clone(),
                entry.get("folder").unwrap().clone(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [("a".into(), true.into()), ("b.txt".into(), false.into())]
    );
    let error = it.bench.call("remove", [it.at("a")]).unwrap_err();
    assert_eq!(error.kind, FaultKind::Dependency);
}

#[test]
fn what_cannot_be_read_is_said() {
    let it = Folder::new();
    let path = |name: &str| it.folder.path().join(name).display().to_string();
    let fault = it.bench.call("read", [it.at("none")]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(
        fault.message,
        format!("cannot read the file {}: it is not there", path("none"))
    );
    it.write("long", "12345");
    let fault = it
        .bench
        .call("read", [it.at("long"), ("limit", 4.into())])
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit);
    assert_eq!(
        fault.message,
        format!("the file {} is larger than 4 bytes", path("long"))
    );
    assert!(
        it.bench
            .call("read", [it.at("long"), ("limit", 5.into())])
            .is_ok()
    );
    it.write("bytes", vec![0xff_u8]);
    let fault = it.bench.call("read", [it.at("bytes")]).unwrap_err();
    assert_eq!(
        fault.hint.as_deref(),
        Some("read it as bytes: file::read_bytes(path)")
    );
    let fault = it
        .bench
        .call("write", [it.at("."), ("content", "x".into())])
        .unwrap_err();
    assert!(
        fault.message.ends_with("it is a folder"),
        "{}",
        fault.message
    );
}
