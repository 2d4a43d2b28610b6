//! `opsh lambda package`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use crate::support::opsh::User;
use crate::support::program::smallest_program;

fn user() -> User {
    let user = User::new();
    for (name, text) in [
        (
            "alert.rhai",
            "import \"rules\" as rules;\nfn handler(event, context) { rules::act(event) }",
        ),
        (
            "rules.rhai",
            "fn act(event) { sns::publish(#{ topic_arn: event.topic, message: asset(\"a.txt\").as_string() }) }",
        ),
        ("a.txt", "down"),
    ] {
        std::fs::write(user.home().join(name), text).unwrap();
    }
    user
}

fn files(zip: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            let mode = file.unix_mode().unwrap() & 0o777;
            (file.name().unwrap().into_owned(), (mode, content))
        })
        .collect()
}

#[test]
fn an_archive_has_program_script_imports_and_assets() {
    let user = user();
    std::fs::write(user.home().join("program"), smallest_program()).unwrap();
    let package = |output: &str| {
        user.opsh([
            "lambda",
            "package",
            "alert.rhai",
            "-o",
            output,
            "--arch",
            "x86_64",
            "--binary",
            "program",
        ])
        .done()
    };
    let first = package("one.zip");
    assert!(first.out.contains("handler alert.handler"), "{}", first.out);
    assert!(
        first.out.ends_with("actions sns:Publish\n"),
        "{}",
        first.out
    );
    package("two.zip");
    let one = user.home().join("one.zip");
    assert_eq!(
        std::fs::read(&one).unwrap(),
        std::fs::read(user.home().join("two.zip")).unwrap()
    );
    let files = files(&one);
    let names: Vec<_> = files
        .iter()
        .map(|(name, (mode, _))| (name.as_str(), *mode))
        .collect();
    assert_eq!(
        names,
        [
            ("a.txt", 0o644),
            ("alert.rhai", 0o644),
            ("bootstrap", 0o755),
            ("rules.rhai", 0o644)
        ]
    );
    assert_eq!(files["bootstrap"].1, smallest_program());
}

#[test]
fn a_program_that_would_not_run_there_is_refused() {
    let user = user();
    std::fs::write(user.home().join("script.sh"), "#!/bin/sh\n").unwrap();
    std::fs::write(user.home().join("program"), smallest_program()).unwrap();
    for (binary, arch, why) in [
        (
            "script.sh",
            "x86_64",
            "error: the program 'script.sh' would not run in Lambda: it is no 64-bit Linux program (ELF)\n  next: build one with: cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.34",
        ),
        (
            "program",
            "arm64",
            "error: the program 'program' would not run in Lambda: it is for x86_64, the function for arm64\n  next: build one with: cargo zigbuild --release --target aarch64-unknown-linux-gnu.2.34",
        ),
        (
            "none",
            "x86_64",
            "error: cannot read the program 'none': no such file",
        ),
    ] {
        let ended = user.opsh([
            "lambda",
            "package",
            "alert.rhai",
            "-o",
            "f.zip",
            "--arch",
            arch,
            "--binary",
            binary,
        ]);
        assert_eq!(ended.code, 2);
        assert!(ended.err.starts_with(why), "{}", ended.err);
        assert!(!user.home().join("f.zip").exists());
    }
}
