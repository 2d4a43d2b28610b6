//! `ssh::generate_key`, `ssh::remove_key`: keys that belong to a stack.

use std::io;
use std::path::Path;

use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{
    Effect, Fault, FaultKind, Inverse, InverseCall, Makes, Map, Operation, Removes, Settle, Value,
    Write,
};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey};

use crate::modules::Context;
use crate::modules::declare::{optional, required};
use crate::modules::file::THERE;
use crate::modules::given;
use crate::world::ssh::key_file::{self, KeyFile};

/// The resource: a key pair's files, by the private one's path.
const KEY: &str = "ssh:key";

static GENERATE_INPUT: Structure = Structure {
    name: "ssh::generate_key",
    fields: &[
        required(
            "path",
            Shape::Output,
            "Where the private key goes; the public one gets .pub behind.",
        ),
        optional("comment", Shape::Text, "What stands behind the public key."),
        optional(
            "token",
            Shape::Text,
            "Kept in the private file: asked for again with the same token, the key there is the answer.",
        ),
    ],
};

static GENERATE_OUTPUT: Structure = Structure {
    name: "ssh::generate_key",
    fields: &[
        optional("path", Shape::Path, "The private key's file."),
        optional(
            "public_key",
            Shape::Text,
            "The public half, as authorized_keys has it.",
        ),
        optional(
            "fingerprint",
            Shape::Text,
            "SHA256:…, as ssh-keygen -l prints it.",
        ),
    ],
};

/// Makes a key.
///
/// It is settled by a token, as a service would do it: the private file's comment
/// keeps it, so a key that this very step has made is told from anybody else's.
pub static GENERATE_KEY: Operation = Operation {
    module: "ssh",
    name: "generate_key",
    action: "ssh:GenerateKey",
    summary: "Makes an Ed25519 key for logging in, in a file that only the caller can read.",
    input: &GENERATE_INPUT,
    positional: &["path"],
    output: Shape::Struct(&GENERATE_OUTPUT),
    effect: Effect::Write(Write {
        // A key that was made for a stack opens nothing once the stack is gone.
        makes: &[Makes {
            kind: KEY,
            id: "result.path",
        }],
        ..Write::plain(
            Inverse::Calls(&[InverseCall {
                operation: "ssh::remove_key",
                arguments: &[
                    ("path", "result.path"),
                    ("fingerprint", "result.fingerprint"),
                ],
            }]),
            Settle::Token("token"),
        )
    }),
    raises: &[],
    example: r#"let key = ssh::generate_key("example-key", #{ comment: "example" });
assert(key.public_key.starts_with("ssh-ed25519 "));
assert(key.public_key.ends_with(" example"));
"#,
};

/// Makes it from the world's randomness, and never in place of anything.
pub fn generate_key(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = Path::new(given::text(input, "path"));
    let files = context.world.files();
    let token = given::optional_text(input, "token");
    let comment = given::text(input, "comment");
    let key = match token.and_then(|token| made_with(context, path, token)) {
        Some(key) => key,
        None => new_key(context, path, &key_file::marked(comment, token))?,
    };
    let mut public = key.public_key().clone();
    public.set_comment(comment);
    let broken = |error| broken(&error);
    let line = public.to_openssh().map_err(broken)?;
    let public_path = KeyFile::public_path_of(path);
    let whole = format!("{line}\n");
    // Half of the work of a process that died is the private file alone.
    if files.read(&public_path).ok().as_deref() != Some(whole.as_bytes()) {
        files
            .create(&public_path, whole.as_bytes(), 0o644)
            .map_err(|error| refused(&public_path, &error))?;
    }
    Ok(Map::from([
        (
            "path".to_owned(),
            context.shown(&path.display().to_string()).into(),
        ),
        ("public_key".to_owned(), line.into()),
        (
            "fingerprint".to_owned(),
            public.fingerprint(HashAlg::Sha256).to_string().into(),
        ),
    ])
    .into())
}

/// The key at `path`, if it was made with this token.
fn made_with(context: &Context<'_>, path: &Path, token: &str) -> Option<PrivateKey> {
    let file = KeyFile::read_from(context.world.files(), path).ok()?;
    let key = PrivateKey::from_openssh(file.text.reveal()).ok()?;
    let (_, mark) = key_file::unmarked(key.comment());
    (mark == Some(token)).then_some(key)
}

fn new_key(context: &Context<'_>, path: &Path, comment: &str) -> Result<PrivateKey, Fault> {
    let files = context.world.files();
    for existing in [path, &KeyFile::public_path_of(path)] {
        if files.exists(existing) {
            return Err(refused(existing, &io::ErrorKind::AlreadyExists.into()));
        }
    }
    let mut seed = [0; 32];
    context.world.random(&mut seed);
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment).map_err(|error| broken(&error))?;
    let private = key
        .to_openssh(LineEnding::LF)
        .map_err(|error| broken(&error))?;
    files
        .create(path, private.as_bytes(), 0o600)
        .map_err(|error| refused(path, &error))?;
    Ok(key)
}

fn broken(error: &ssh_key::Error) -> Fault {
    Fault::new(FaultKind::Failed, format!("cannot make a key: {error}"))
}

fn refused(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Fault::new(FaultKind::AlreadyExists, format!("the file {path} exists"))
            .hint("use that key, or choose another path; keys are never overwritten");
    }
    Fault::new(
        FaultKind::Invalid,
        format!("cannot write the file {path}: {error}"),
    )
    .hint("the folder must exist and be writable")
}

static REMOVE_INPUT: Structure = Structure {
    name: "ssh::remove_key",
    fields: &[
        required(
            "path",
            Shape::Output,
            "The private key's file; the public one has .pub behind.",
        ),
        optional(
            "fingerprint",
            Shape::Text,
            "SHA256:… of the key that is meant; another key there stays.",
        ),
    ],
};

static REMOVE_OUTPUT: Structure = Structure {
    name: "ssh::remove_key",
    fields: &[
        required("path", Shape::Path, "The private key's file."),
        required("removed", Shape::Bool, "Whether it was there."),
    ],
};

/// Removes both halves of a key.
pub static REMOVE_KEY: Operation = Operation {
    module: "ssh",
    name: "remove_key",
    action: "ssh:RemoveKey",
    summary: "Removes the files of a key, private and public half.",
    input: &REMOVE_INPUT,
    positional: &["path"],
    output: Shape::Struct(&REMOVE_OUTPUT),
    effect: Effect::Write(Write {
        removes: &[Removes {
            kind: KEY,
            id: "result.path",
        }],
        before: Some(&THERE),
        answers: Some("result.removed"),
        ..Write::plain(
            Inverse::Nothing("the key is gone, and none like it can be made"),
            Settle::Repeat,
        )
    }),
    raises: &[],
    example: r#"let key = ssh::generate_key("example-key");
assert(ssh::remove_key(key.path, #{ fingerprint: key.fingerprint }).removed);
assert(!file::exists("example-key") && !file::exists("example-key.pub"));
"#,
};

/// Removes it; nothing else than a key is removed, and no other key than is meant.
pub fn remove_key(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = Path::new(given::text(input, "path"));
    let files = context.world.files();
    let there = files.exists(path);
    match given::optional_text(input, "fingerprint") {
        Some(meant) if there && fingerprint(context, path).as_deref() != Some(meant) => {
            return Err(Fault::new(
                FaultKind::NotFound,
                format!(
                    "the key {meant} is not in {} any more: something else is there",
                    path.display()
                ),
            )
            .hint("what is there now stays"));
        }
        None if there => drop(KeyFile::read_from(files, path)?),
        _ => {}
    }
    for half in [path, &KeyFile::public_path_of(path)] {
        match files.remove(half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::new(
                    FaultKind::Failed,
                    format!("cannot remove the file {}: {error}", half.display()),
                ));
            }
            _ => {}
        }
    }
    Ok(Map::from([
        (
            "path".to_owned(),
            context.shown(&path.display().to_string()).into(),
        ),
        ("removed".to_owned(), there.into()),
    ])
    .into())
}

/// The fingerprint of the private key at `path`, if there is one.
fn fingerprint(context: &Context<'_>, path: &Path) -> Option<String> {
    let files = context.world.files();
    let key = KeyFile::read_from(files, path).ok()?;
    let public = PublicKey::from_openssh(&key.public_key_from(files).ok()?).ok()?;
    Some(public.fingerprint(HashAlg::Sha256).to_string())
}
