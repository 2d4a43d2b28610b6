//! `ssh::public_key`, `ssh::console_host_keys`: what keys say of themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, Map, Operation, Value};

use crate::modules::Context;
use crate::modules::declare::required;
use crate::modules::given;
use crate::world::ssh::key_file::{KeyFile, expand_home};

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
    raises: &[],
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
    raises: &[],
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
