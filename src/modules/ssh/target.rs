//! Where to log in: the parameters that every operation with a host shares.

use std::time::Duration;

use opsh_operation::shape::Shape;
use opsh_operation::{Fault, FaultKind, Map, Value, suggest};

use crate::modules::Context;
use crate::modules::declare::optional;
use crate::modules::given;
use crate::world::ssh::key_file::expand_home;
use crate::world::ssh::{HostKey, Session, Target};

/// For connecting and logging in, unless the playbook says otherwise.
const CONNECT: Duration = Duration::from_secs(15);

/// The names that a host given as a map may have.
const NAMES: [&str; 6] = ["host", "user", "port", "key_file", "passphrase", "host_key"];

/// `text or #{ host, user, port, key_file, passphrase, host_key }`.
pub(super) const HOST: &str = "Name, alias of ~/.ssh/config or address; or a map with host, user, port, key_file, passphrase, host_key.";

/// Fields of an operation that logs in: its own, then those of the login.
macro_rules! login_fields {
    ($($own:expr),+ $(,)?) => {
        &[
            $($own,)+
            $crate::modules::declare::optional(
                "user",
                opsh_operation::Shape::Text,
                "Whom to log in as; otherwise what ~/.ssh/config says, or the local user.",
            ),
            $crate::modules::declare::optional(
                "port",
                opsh_operation::Shape::Int { min: 1, max: 65535 },
                "Port; otherwise what ~/.ssh/config says, or 22.",
            ),
            $crate::modules::declare::optional(
                "key_file",
                opsh_operation::Shape::Text,
                "Private key file, may begin with ~/; otherwise the ssh-agent and ~/.ssh are asked.",
            ),
            $crate::modules::declare::secret(
                "passphrase",
                opsh_operation::Shape::Text,
                "Opens the key file.",
            ),
            $crate::modules::declare::optional(
                "host_key",
                opsh_operation::Shape::Any,
                "Keys or fingerprints (SHA256:…) of which the host must show one, or \"accept-new\"; otherwise it must be in known_hosts.",
            ),
            $crate::modules::declare::optional(
                "connect_timeout",
                opsh_operation::Shape::Duration,
                "For connecting and logging in; 15 s by default.",
            ),
        ]
    };
}
pub(super) use login_fields;

/// The target that `input` describes, its parameter `host` being `host`.
pub(super) fn of(host: &Value, input: &Map) -> Result<Target, Fault> {
    let own = match host {
        Value::Map(map) => map.clone(),
        Value::Text(name) => Map::from([("host".to_owned(), name.as_str().into())]),
        other => {
            return Err(invalid(format!(
                "parameter 'host' must be text or a map, not {}",
                other.type_name()
            )));
        }
    };
    if let Some(name) = own.keys().find(|name| !NAMES.contains(&name.as_str())) {
        let near = suggest::did_you_mean(name, NAMES);
        return Err(invalid(format!("unknown parameter 'host.{name}'{near}")));
    }
    // What stands in the host's own map is nearer to it than the call's parameters.
    let mut merged = input.clone();
    merged.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    let port = match merged.get("port") {
        None => None,
        Some(Value::Int(port)) => Some(
            u16::try_from(*port)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| invalid(format!("parameter 'port' is out of range: {port}")))?,
        ),
        Some(other) => {
            return Err(invalid(format!(
                "parameter 'host.port' must be an integer, not {}",
                other.type_name()
            )));
        }
    };
    // Of a map only what stands in it is known to be there.
    let host = given::optional_text(&merged, "host")
        .ok_or_else(|| invalid("missing parameter 'host' (text)".to_owned()))?;
    Ok(Target {
        host: host.to_owned(),
        port,
        user: given::optional_text(&merged, "user").map(str::to_owned),
        key_file: given::optional_text(&merged, "key_file")
            .map(|path| expand_home(path, std::env::home_dir().as_deref())),
        passphrase: given::secret(&merged, "passphrase"),
        host_key: host_key(merged.get("host_key"))?,
        connect_timeout: given::duration(&merged, "connect_timeout").unwrap_or(CONNECT),
    })
}

/// The target of an operation whose host is its parameter `host`.
pub(super) fn of_input(input: &Map) -> Result<Target, Fault> {
    of(input.get("host").unwrap_or(&Value::Null), input)
}

/// A session on the operation's host; a key file is looked for from the working folder.
pub(super) fn connect(context: &Context<'_>, target: &Target) -> Result<Box<dyn Session>, Fault> {
    let mut target = target.clone();
    target.key_file = target.key_file.map(|file| context.files.anywhere(&file));
    let connected = context.world.ssh().connect(&target, context.cancel);
    connected.map_err(|mut fault| {
        fault.message = context.shown(&fault.message);
        fault.hint = fault.hint.map(|hint| context.shown(&hint));
        fault
    })
}

fn host_key(value: Option<&Value>) -> Result<HostKey, Fault> {
    match value {
        None | Some(Value::Null) => Ok(HostKey::Known),
        Some(Value::Text(text)) if text == "accept-new" => Ok(HostKey::AcceptNew),
        Some(Value::Text(text)) => Ok(HostKey::Pinned(vec![text.clone()])),
        Some(Value::List(items)) => items
            .iter()
            .map(|item| {
                item.as_text().map(str::to_owned).ok_or_else(|| {
                    invalid(format!(
                        "parameter 'host_key' must be a list of text, not of {}",
                        item.type_name()
                    ))
                })
            })
            .collect::<Result<_, _>>()
            .map(HostKey::Pinned),
        Some(other) => Err(invalid(format!(
            "parameter 'host_key' must be a list of keys or \"accept-new\", not {}",
            other.type_name()
        ))),
    }
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

/// What a result says about its host.
pub(super) const RESULT_HOST: opsh_operation::Field =
    optional("host", Shape::Text, "The host as the playbook calls it.");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_host_may_be_a_map_and_is_nearer_than_the_call() {
        let host = Value::Map(Map::from([
            ("host".into(), "web".into()),
            ("user".into(), "ec2-user".into()),
            ("host_key".into(), vec!["SHA256:abc"].into()),
        ]));
        let input = Map::from([
            ("user".into(), "root".into()),
            ("port".into(), 2222_i64.into()),
        ]);
        let target = of(&host, &input).unwrap();
        assert_eq!(target.host, "web");
        assert_eq!(target.user.as_deref(), Some("ec2-user"));
        assert_eq!(target.port, Some(2222));
        assert_eq!(target.host_key, HostKey::Pinned(vec!["SHA256:abc".into()]));
    }

    #[test]
    fn what_is_wrong_with_a_host_is_said() {
        let wrong = |host: Value| of(&host, &Map::new()).unwrap_err().message;
        assert_eq!(
            wrong(Value::Map(Map::from([("usr".into(), "x".into())]))),
            "unknown parameter 'host.usr'; did you mean 'user'?"
        );
        assert_eq!(
            wrong(7_i64.into()),
            "parameter 'host' must be text or a map, not integer"
        );
        assert_eq!(
            wrong(Value::Map(Map::new())),
            "missing parameter 'host' (text)"
        );
    }
}
