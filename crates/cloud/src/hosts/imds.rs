//! The instance metadata service at 169.254.169.254.
//!
//! Paths and answers as in the EC2 user guide, "Instance metadata categories" and "Use the
//! Instance Metadata Service": a `PUT` to `/latest/api/token` gives a token for
//! `X-aws-ec2-metadata-token-ttl-seconds` (1 to 21600); with tokens required, a request
//! without one gets 401.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::boot::Boot;
use super::machine::Machine;

/// Where it answers.
pub const ADDRESS: &str = "169.254.169.254";

/// An answer: status, content type and text.
pub struct Answer {
    pub status: StatusCode,
    pub kind: &'static str,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// The same as a response.
    pub fn response(self) -> http::Response<bytes::Bytes> {
        let mut response = http::Response::new(self.body.into());
        *response.status_mut() = self.status;
        let kind = [
            ("content-type", self.kind.to_owned()),
            ("server", "EC2ws".to_owned()),
        ];
        for (name, value) in kind.into_iter().chain(self.headers) {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self {
            status,
            kind: "text/plain",
            body: body.into(),
            headers: Vec::new(),
        }
    }

    fn error(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "text/html",
            ..Self::text(
                status,
                format!(
                    "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n <head>\n  <title>{0} - {reason}</title>\n </head>\n <body>\n  <h1>{0} - {reason}</h1>\n </body>\n</html>\n",
                    status.as_u16()
                ),
            )
        }
    }
}

/// Answers a request of a program on the machine.
pub fn answer(
    machine: &mut Machine,
    facts: &Boot,
    method: &Method,
    path: &str,
    header: &dyn Fn(&str) -> Option<String>,
) -> Answer {
    let path = path.split('?').next().unwrap_or(path);
    if path == "/latest/api/token" {
        return token(
            machine,
            facts,
            method,
            header("x-aws-ec2-metadata-token-ttl-seconds"),
        );
    }
    if *method != Method::GET && *method != Method::HEAD {
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED);
    }
    match header("x-aws-ec2-metadata-token") {
        Some(token) if !valid(facts, &token, machine.clock) => {
            return Answer::error(StatusCode::UNAUTHORIZED);
        }
        None if facts.http_tokens_required => return Answer::error(StatusCode::UNAUTHORIZED),
        _ => {}
    }
    let Some(rest) = path
        .strip_prefix("/latest/")
        .or_else(|| path.strip_prefix("/2021-07-15/"))
        .or_else(|| path.strip_prefix("/1.0/"))
    else {
        return match path {
            "/" | "" => Answer::text(StatusCode::OK, "1.0\n2021-07-15\nlatest"),
            "/latest" => Answer::text(StatusCode::OK, "dynamic\nmeta-data\nuser-data"),
            _ => Answer::error(StatusCode::NOT_FOUND),
        };
    };
    if rest == "user-data" {
        return match &facts.user_data {
            Some(data) => Answer::text(StatusCode::OK, String::from_utf8_lossy(data)),
            None => Answer::error(StatusCode::NOT_FOUND),
        };
    }
    let all = categories(facts, machine.booted);
    let wanted = rest.trim_end_matches('/');
    if let Some(value) = all.get(wanted) {
        return Answer::text(StatusCode::OK, value.clone());
    }
    match listing(&all, wanted) {
        Some(names) => Answer::text(StatusCode::OK, names),
        None => Answer::error(StatusCode::NOT_FOUND),
    }
}

/// The names directly below a path; those that have something below end in a slash.
fn listing(all: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut names: Vec<String> = Vec::new();
    for key in all.keys() {
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        let name = match rest.split_once('/') {
            Some((name, _)) => format!("{name}/"),
            None => rest.to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join("\n"))
}

/// A token says until when it is good, and proves that this instance gave it.
fn seal(facts: &Boot, until: i64) -> String {
    let proof = Sha256::digest(format!("{} until {until}", facts.instance_id));
    format!("AQAEA{until:011}{}==", &hex::encode(proof)[..40])
}

fn valid(facts: &Boot, token: &str, now: Timestamp) -> bool {
    token
        .strip_prefix("AQAEA")
        .and_then(|rest| rest.get(..11)?.parse::<i64>().ok())
        .is_some_and(|until| now.as_second() < until && seal(facts, until) == token)
}

fn token(machine: &Machine, facts: &Boot, method: &Method, ttl: Option<String>) -> Answer {
    if *method != Method::PUT {
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED);
    }
    let seconds = ttl
        .and_then(|ttl| ttl.parse::<i64>().ok())
        .filter(|seconds| (1..=21_600).contains(seconds));
    let Some(seconds) = seconds else {
        return Answer::error(StatusCode::BAD_REQUEST);
    };
    let until = machine
        .clock
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    Answer {
        headers: vec![("x-aws-ec2-metadata-token-ttl-seconds", seconds.to_string())],
        ..Answer::text(StatusCode::OK, seal(facts, until.as_second()))
    }
}

/// Everything there is to ask for, by path below `/latest/`.
fn categories(facts: &Boot, booted: Timestamp) -> BTreeMap<String, String> {
    let own = &facts.addresses;
    let groups: Vec<&str> = facts
        .security_groups
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let group_ids: Vec<&str> = facts
        .security_groups
        .iter()
        .map(|(_, id)| id.as_str())
        .collect();
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |path: String, value: &str| {
        all.insert(path, value.to_owned());
    };
    for (name, value) in [
        ("ami-id", facts.image_id.as_str()),
        ("ami-launch-index", "0"),
        ("ami-manifest-path", "(unknown)"),
        ("hostname", &own.private_dns),
        ("instance-action", "none"),
        ("instance-id", &facts.instance_id),
        ("instance-life-cycle", "on-demand"),
        ("instance-type", &facts.instance_type),
        ("local-hostname", &own.private_dns),
        ("local-ipv4", &own.private),
        ("mac", &facts.mac),
        ("placement/availability-zone", &facts.availability_zone),
        ("placement/region", &facts.region),
        ("profile", "default-hvm"),
        ("reservation-id", &facts.reservation_id),
        ("security-groups", &groups.join("\n")),
        ("services/domain", "amazonaws.com"),
        ("services/partition", "aws"),
    ] {
        put(format!("meta-data/{name}"), value);
    }
    let interface = format!("meta-data/network/interfaces/macs/{}", facts.mac);
    for (name, value) in [
        ("device-number", "0"),
        ("interface-id", facts.interface_id.as_str()),
        ("local-hostname", &own.private_dns),
        ("local-ipv4s", &own.private),
        ("mac", &facts.mac),
        ("owner-id", &facts.account),
        ("security-group-ids", &group_ids.join("\n")),
        ("security-groups", &groups.join("\n")),
        ("subnet-id", &facts.subnet_id),
        ("subnet-ipv4-cidr-block", &facts.subnet_cidr),
        ("vpc-id", &facts.vpc_id),
        ("vpc-ipv4-cidr-block", &facts.vpc_cidr),
        ("vpc-ipv4-cidr-blocks", &facts.vpc_cidr),
    ] {
        put(format!("{interface}/{name}"), value);
    }
    if let Some(public) = &own.public {
        put("meta-data/public-ipv4".to_owned(), public);
        put(format!("{interface}/public-ipv4s"), public);
    }
    if let Some(name) = &own.public_dns {
        put("meta-data/public-hostname".to_owned(), name);
        put(format!("{interface}/public-hostname"), name);
    }
    if let Some((name, public)) = &facts.key {
        put(
            "meta-data/public-keys/0/openssh-key".to_owned(),
            &format!(
                "{} {name}\n",
                public
                    .split_whitespace()
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        );
    }
    if facts.tags_in_metadata {
        for (name, value) in &facts.tags {
            put(format!("meta-data/tags/instance/{name}"), value);
        }
    }
    if let Some(profile) = &facts.iam_profile {
        let info = serde_json::json!({
            "Code": "Success",
            "LastUpdated": booted.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "InstanceProfileArn": profile,
        });
        put("meta-data/iam/info".to_owned(), &format!("{info:#}"));
    }
    let document = identity(facts, booted);
    put(
        "dynamic/instance-identity/document".to_owned(),
        &format!("{document:#}"),
    );
    all
}

/// The instance identity document.
fn identity(facts: &Boot, booted: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "accountId": facts.account,
        "architecture": facts.architecture,
        "availabilityZone": facts.availability_zone,
        "billingProducts": null,
        "devpayProductCodes": null,
        "marketplaceProductCodes": null,
        "imageId": facts.image_id,
        "instanceId": facts.instance_id,
        "instanceType": facts.instance_type,
        "kernelId": null,
        "pendingTime": booted.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "privateIp": facts.addresses.private,
        "ramdiskId": null,
        "region": facts.region,
        "version": "2017-09-30",
    })
}
