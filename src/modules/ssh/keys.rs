//! `ssh::generate_key`, `ssh::remove_key`, `ssh::public_key`, `ssh::console_host_keys`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{
    Effect, Fault, FaultKind, Inverse, InverseCall, Makes, Map, Operation, Removes, Settle, Value,
    Write,
};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use crate::modules::Context;
use crate::modules::declare::{optional, required};
use crate::modules::given;
use crate::world::ssh::key_file::{KeyFile, expand_home};

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
        inverse: Inverse::Calls(&[InverseCall {
            operation: "ssh::remove_key",
            arguments: &[("path", "result.path")],
        }]),
        settle: Settle::Ask,
        makes: &[Makes {
            kind: KEY,
            id: "result.path",
        }],
        removes: &[],
        tags: None,
    }),
    example: r#"let key = ssh::generate_key("example-key", #{ comment: "example" });
assert(key.public_key.starts_with("ssh-ed25519 "));
assert(key.public_key.ends_with(" example"));
"#,
};

/// Makes it from the world's randomness.
pub fn generate_key(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = given::text(input, "path");
    let comment = given::text(input, "comment");
    let public_path = format!("{path}.pub");
    for existing in [path, public_path.as_str()] {
        if context.world.files().exists(Path::new(existing)) {
            return Err(Fault::new(
                FaultKind::AlreadyExists,
                format!("the file {existing} exists"),
            )
            .hint("use that key, or choose another path; keys are never overwritten"));
        }
    }
    let mut seed = [0; 32];
    context.world.random(&mut seed);
    let broken = |error: ssh_key::Error| {
        Fault::new(FaultKind::Failed, format!("cannot make a key: {error}"))
    };
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment).map_err(broken)?;
    let private = key.to_openssh(LineEnding::LF).map_err(broken)?;
    let public = key.public_key().to_openssh().map_err(broken)?;
    let write = |path: &str, content: &[u8], mode| {
        let written = context.world.files().write(Path::new(path), content, mode);
        written.map_err(|error| {
            Fault::new(
                FaultKind::Invalid,
                format!("cannot write the file {path}: {error}"),
            )
            .hint("the folder must exist and be writable")
        })
    };
    write(path, private.as_bytes(), 0o600)?;
    write(&public_path, format!("{public}\n").as_bytes(), 0o644)?;
    Ok(Map::from([
        ("path".to_owned(), context.shown(path).into()),
        ("public_key".to_owned(), public.into()),
        (
            "fingerprint".to_owned(),
            key.fingerprint(ssh_key::HashAlg::Sha256).to_string().into(),
        ),
    ])
    .into())
}

static REMOVE_INPUT: Structure = Structure {
    name: "ssh::remove_key",
    fields: &[required(
        "path",
        Shape::Output,
        "The private key's file; the public one has .pub behind.",
    )],
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
        inverse: Inverse::Impossible("a private key cannot be made a second time"),
        settle: Settle::Repeat,
        makes: &[],
        removes: &[Removes {
            kind: KEY,
            id: "result.path",
        }],
        tags: None,
    }),
    example: r#"let key = ssh::generate_key("example-key");
assert(ssh::remove_key(key.path).removed);
assert(!file::exists("example-key") && !file::exists("example-key.pub"));
"#,
};

/// Removes it; nothing else than a key is removed.
pub fn remove_key(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = given::text(input, "path");
    let there = context.world.files().exists(Path::new(path));
    if there {
        KeyFile::read(Path::new(path))?;
    }
    for half in [path, &format!("{path}.pub")] {
        match context.world.files().remove(Path::new(half)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Fault::new(
                    FaultKind::Failed,
                    format!("cannot remove the file {half}: {error}"),
                ));
            }
            _ => {}
        }
    }
    Ok(Map::from([
        ("path".to_owned(), context.shown(path).into()),
        ("removed".to_owned(), there.into()),
    ])
    .into())
}

static PUBLIC_INPUT: Structure = Structure {
    name: "ssh::public_key",
    fields: &[required(
        "key_file",
        Shape::Text,
        "A private key file, OpenSSH or PEM; may begin with ~/.",
    )],
};

/// Reads a public key.
pub static PUBLIC_KEY: Operation = Operation {
    module: "ssh",
    name: "public_key",
    action: "ssh:PublicKey",
    summary: "Gives the public half of a private key file, as authorized_keys and ec2::import_key_pair take it.",
    input: &PUBLIC_INPUT,
    positional: &["key_file"],
    output: Shape::Text,
    effect: Effect::Read,
    example: r#"let key = ssh::generate_key("example-key");
assert(ssh::public_key(key.path) == key.public_key);
"#,
};

/// Reads it.
pub fn public_key(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let home = std::env::home_dir();
    let path = expand_home(given::text(input, "key_file"), home.as_deref());
    let path = context.files.anywhere(&path);
    Ok(KeyFile::read_from(context.world.files(), &path)?
        .public_key_from(context.world.files())?
        .into())
}

static CONSOLE_INPUT: Structure = Structure {
    name: "ssh::console_host_keys",
    fields: &[required(
        "text",
        Shape::Text,
        "The output of ec2::get_console_output, in base64 or decoded.",
    )],
};

/// Finds host keys in a console's output.
pub static CONSOLE_HOST_KEYS: Operation = Operation {
    module: "ssh",
    name: "console_host_keys",
    action: "ssh:ConsoleHostKeys",
    summary: "Finds the host keys that cloud-init prints on a new instance's console, for host_key; an empty list while there are none.",
    input: &CONSOLE_INPUT,
    positional: &["text"],
    output: Shape::List(&Shape::Text),
    effect: Effect::Pure,
    example: r#"let console = "boot\n-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f root@host\n-----END SSH HOST KEY KEYS-----\n";
assert(ssh::console_host_keys(console).len() == 1);
"#,
};

/// Finds them.
pub fn console_host_keys(_context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let text = given::text(input, "text");
    // EC2 gives the console in base64; a decoded one holds spaces and dashes.
    let decoded = BASE64
        .decode(text.trim())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let keys = keys_in(decoded.as_deref().unwrap_or(text));
    Ok(Value::List(keys.into_iter().map(Value::Text).collect()))
}

/// The keys between cloud-init's marks; where the console only kept the
/// fingerprints, those. Each line may carry a prefix such as `ci-info: `.
fn keys_in(text: &str) -> Vec<String> {
    let block = |name: &str| -> Vec<&str> {
        let begin = format!("BEGIN SSH HOST KEY {name}");
        let end = format!("END SSH HOST KEY {name}");
        text.lines()
            .skip_while(|line| !line.contains(&begin))
            .skip(1)
            .take_while(|line| !line.contains(&end))
            .collect()
    };
    let keys: Vec<String> = block("KEYS")
        .into_iter()
        .filter_map(|line| {
            let mut words = line
                .split_whitespace()
                .skip_while(|word| !word.starts_with("ssh-") && !word.starts_with("ecdsa-"));
            let (kind, key) = (words.next()?, words.next()?);
            key.starts_with("AAAA").then(|| format!("{kind} {key}"))
        })
        .collect();
    if !keys.is_empty() {
        return keys;
    }
    block("FINGERPRINTS")
        .into_iter()
        .filter_map(|line| {
            line.split_whitespace()
                .find(|word| word.starts_with("SHA256:"))
                .map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "\
[   12.1] cloud-init[1]: ...
ec2: #############################################################
ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----
ec2: 256 SHA256:abc root@ip (ECDSA)
ec2: 256 SHA256:def root@ip (ED25519)
ec2: -----END SSH HOST KEY FINGERPRINTS-----
ec2: #############################################################
-----BEGIN SSH HOST KEY KEYS-----
ecdsa-sha2-nistp256 AAAAE2 root@ip
ssh-ed25519 AAAAC3 root@ip
-----END SSH HOST KEY KEYS-----
login:
";

    #[test]
    fn keys_are_found_and_fingerprints_stand_in() {
        assert_eq!(
            keys_in(CONSOLE),
            ["ecdsa-sha2-nistp256 AAAAE2", "ssh-ed25519 AAAAC3"]
        );
        let cut = CONSOLE.split("-----BEGIN SSH HOST KEY KEYS").next();
        assert_eq!(
            keys_in(cut.unwrap_or_default()),
            ["SHA256:abc", "SHA256:def"]
        );
        assert!(keys_in("booting").is_empty());
    }
}
