//! `imds`: what the instance that opsh runs on is told of itself (instance metadata,
//! version 2). Elsewhere it fails as `unreachable`; in the embedded cloud and in a dry run
//! it is that of a furnished instance.
//!
//! Paths and answers: EC2 user guide, "Instance metadata categories".

use opsh_operation::{Effect, Fault, FaultKind, Map, Secret, Shape, Structure, Value};

use super::declare::{entry, optional, required};
use super::{Context, Entry, Handler, given};

static INSTANCE: Structure = Structure {
    name: "instance",
    fields: &[
        required("instance_id", Shape::Text, "E.g. i-0a1b2c3d4e5f60718."),
        required("instance_type", Shape::Text, "E.g. t3.nano."),
        required("region", Shape::Text, "E.g. us-east-1."),
        required("availability_zone", Shape::Text, "E.g. us-east-1a."),
        required(
            "image_id",
            Shape::Text,
            "The image that it was launched from.",
        ),
        required("architecture", Shape::Text, "E.g. x86_64."),
        required("account_id", Shape::Text, "Whose it is, twelve digits."),
        required(
            "private_ip",
            Shape::Text,
            "Its address inside of its network.",
        ),
        optional(
            "public_ip",
            Shape::Text,
            "Its address from outside, if it has one.",
        ),
        optional(
            "public_dns_name",
            Shape::Text,
            "Its name from outside, if it has one.",
        ),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "imds" "instance" "imds:Instance" Effect::Read, Handler::Native(instance),
        () [] -> Shape::Struct(&INSTANCE),
        "Which instance opsh runs on: id, type, region, zone, addresses.",
        r#"let own = imds::instance();
    print(`${own.instance_id} in ${own.availability_zone}`);"#,
    },
    entry! {
        "imds" "get" "imds:Get" Effect::Read, Handler::Native(get),
        ("path") [required("path", Shape::Text, "Below /latest/, e.g. \"meta-data/public-ipv4\"; what ends in a slash is listed.")] -> Shape::Text,
        "The text at a path of the instance metadata; credentials and user data come as secrets.",
        r#"if imds::get("meta-data/placement/region") == "" { throw "nowhere"; }"#,
    },
];

/// What is at these paths may be secret.
const SECRET: [&str; 4] = [
    "meta-data/iam/security-credentials/",
    "meta-data/identity-credentials/",
    "user-data",
    "api/token",
];

fn get(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let path = given::text(input, "path").trim_start_matches('/');
    let path = path.strip_prefix("latest/").unwrap_or(path);
    let text = context.world.metadata(path, context.cancel)?;
    if SECRET.iter().any(|secret| path.starts_with(secret)) {
        return Ok(Secret::new(text).into());
    }
    Ok(text.into())
}

fn instance(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let metadata = |path: &str| context.world.metadata(path, context.cancel);
    let text = metadata("dynamic/instance-identity/document")?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        Fault::new(
            FaultKind::Failed,
            format!("the instance identity document is no JSON: {error}"),
        )
    })?;
    let mut result = Map::new();
    for (name, key) in [
        ("instance_id", "instanceId"),
        ("instance_type", "instanceType"),
        ("region", "region"),
        ("availability_zone", "availabilityZone"),
        ("image_id", "imageId"),
        ("architecture", "architecture"),
        ("account_id", "accountId"),
        ("private_ip", "privateIp"),
    ] {
        let value = document.get(key).and_then(serde_json::Value::as_str);
        result.insert(name.to_owned(), value.unwrap_or_default().into());
    }
    for (name, path) in [
        ("public_ip", "meta-data/public-ipv4"),
        ("public_dns_name", "meta-data/public-hostname"),
    ] {
        match metadata(path) {
            Ok(value) if !value.is_empty() => {
                result.insert(name.to_owned(), value.into());
            }
            Ok(_) => {}
            // An instance without a public address has no such path.
            Err(fault) if fault.kind == FaultKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Value::Map(result))
}
