//! The module `ssh`: commands and files on hosts.
//!
//! | file | operations |
//! |---|---|
//! | `run` | `run`, `read` |
//! | `run_all` | `run_all` |
//! | `transfer` | `upload`, `download` |
//! | `wait` | `wait` |
//! | `generate` | `generate_key`, `remove_key` |
//! | `keys` | `public_key`, `console_host_keys` |
//! | `quote` | `quote` |
//!
//! `target` reads the parameters that all of them share.

use opsh_operation::{FaultKind, Raises};

use super::declare::raises;
use super::{Entry, Handler};

mod generate;
mod keys;
mod quote;
mod run;
mod run_all;
mod target;
mod transfer;
mod wait;

/// What everything fails with that logs in.
const LOGIN: &[Raises] = &[
    raises(
        FaultKind::HostKey,
        "The host's key is unknown, or another than the one that is known.",
    ),
    raises(
        FaultKind::Denied,
        "The host lets the user not in, or the key file cannot be read.",
    ),
    raises(FaultKind::Unreachable, "Nothing listens there."),
    raises(
        FaultKind::Timeout,
        "The host, or the command, has not answered in time.",
    ),
    raises(
        FaultKind::Failed,
        "The command ended with another exit code than 0 (code ExitStatus), unless check is false.",
    ),
];

/// The module's operations.
pub static ENTRIES: &[Entry] = &[
    Entry {
        operation: &run::RUN,
        handler: Handler::Native(run::run),
    },
    Entry {
        operation: &run::READ,
        handler: Handler::Native(run::run),
    },
    Entry {
        operation: &run_all::RUN_ALL,
        handler: Handler::Native(run_all::run_all),
    },
    Entry {
        operation: &transfer::UPLOAD,
        handler: Handler::Native(transfer::upload),
    },
    Entry {
        operation: &transfer::DOWNLOAD,
        handler: Handler::Native(transfer::download),
    },
    Entry {
        operation: &wait::WAIT,
        handler: Handler::Native(wait::wait),
    },
    Entry {
        operation: &generate::GENERATE_KEY,
        handler: Handler::Native(generate::generate_key),
    },
    Entry {
        operation: &generate::REMOVE_KEY,
        handler: Handler::Native(generate::remove_key),
    },
    Entry {
        operation: &keys::PUBLIC_KEY,
        handler: Handler::Native(keys::public_key),
    },
    Entry {
        operation: &keys::CONSOLE_HOST_KEYS,
        handler: Handler::Native(keys::console_host_keys),
    },
    Entry {
        operation: &quote::QUOTE,
        handler: Handler::Native(quote::quote),
    },
];

/// Rhai that leaves a running machine's address, user and key in `host`: what the examples begin with.
macro_rules! with_machine {
    ($example:literal) => {
        concat!(
            "let image = ssm::get_parameter(#{ name: \"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64\" }).parameter.value;\n",
            "let key = ssh::generate_key(\"example-key\");\n",
            "ec2::import_key_pair(#{ key_name: \"example\", public_key_material: key.public_key });\n",
            "let group = ec2::create_security_group(#{ group_name: \"ssh\", description: \"SSH\" }).group_id;\n",
            "ec2::authorize_security_group_ingress(#{ group_id: group, ip_permissions: [#{ ip_protocol: \"tcp\", from_port: 22, to_port: 22, ip_ranges: [#{ cidr_ip: \"0.0.0.0/0\" }] }] });\n",
            "let id = ec2::run_instances(#{ image_id: image, instance_type: \"t3.nano\", min_count: 1, max_count: 1, key_name: \"example\", security_group_ids: [group] }).instances[0].instance_id;\n",
            "ec2::wait_until_instance_running(#{ instance_ids: [id] });\n",
            "let address = ec2::describe_instances(#{ instance_ids: [id] }).reservations[0].instances[0].public_ip_address;\n",
            "let host = #{ host: address, user: \"ec2-user\", key_file: key.path, host_key: \"accept-new\" };\n",
            "ssh::wait(host, #{ timeout: \"3m\" });\n",
            $example
        )
    };
}
use with_machine;
