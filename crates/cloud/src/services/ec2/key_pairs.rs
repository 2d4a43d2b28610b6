//! Key pairs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::filters::{Facet, Filters, one};
use super::kinds;
use super::params::Params;
use super::region::{Action, Region, Site};
use super::tags;
use super::xml::Xml;
use crate::api::ApiError;

/// The actions on key pairs.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateKeyPair", create),
    ("DeleteKeyPair", delete),
    ("DescribeKeyPairs", describe),
    ("ImportKeyPair", import),
];

/// A key pair, of which the cloud keeps the public half.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyPair {
    /// `key-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `rsa` or `ed25519`.
    pub key_type: String,
    /// As AWS computes it, see [`fingerprint`].
    pub fingerprint: String,
    /// The line for `authorized_keys`, without comment.
    pub public_key: String,
    /// Since when.
    pub created: Timestamp,
}

/// A public key as it is in an `authorized_keys` line.
struct PublicKey {
    key_type: &'static str,
    line: String,
    blob: Vec<u8>,
}

fn invalid() -> ApiError {
    ApiError::new(
        "InvalidKey.Format",
        "Key is not in valid OpenSSH public key format",
    )
}

/// The fields of an SSH wire blob (RFC 4253, section 6.6).
fn fields(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !blob.is_empty() {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (field, rest) = rest.split_at_checked(length)?;
        fields.push(field);
        blob = rest;
    }
    Some(fields)
}

fn parse(line: &str) -> Result<PublicKey, ApiError> {
    let mut words = line.split_whitespace();
    let (Some(algorithm), Some(data)) = (words.next(), words.next()) else {
        return Err(invalid());
    };
    let key_type = match algorithm {
        "ssh-rsa" => "rsa",
        "ssh-ed25519" => "ed25519",
        // EC2 supports RSA and ED25519 only.
        _ => return Err(invalid()),
    };
    let blob = STANDARD
        .decode(data)
        .or_else(|_| STANDARD_NO_PAD.decode(data))
        .map_err(|_| invalid())?;
    let parts = fields(&blob).ok_or_else(invalid)?;
    let shaped = match key_type {
        "rsa" => parts.len() == 3,
        _ => parts.len() == 2 && parts[1].len() == 32,
    };
    if parts.first().copied() != Some(algorithm.as_bytes()) || !shaped {
        return Err(invalid());
    }
    Ok(PublicKey {
        key_type,
        line: format!("{algorithm} {data}"),
        blob,
    })
}

/// The fingerprint as AWS shows it: MD5 of the DER public key for an imported RSA key, SHA-256 of
/// the SSH blob in base64 for ED25519
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html>).
fn fingerprint(key: &PublicKey) -> String {
    if key.key_type == "ed25519" {
        return STANDARD.encode(sha2::Sha256::digest(&key.blob));
    }
    let parts = fields(&key.blob).unwrap_or_default();
    let digest = md5::Md5::digest(rsa_der(parts[1], parts[2]));
    digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// A DER `SubjectPublicKeyInfo` of an RSA key (RFC 3279, section 2.3.1).
fn rsa_der(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        let length = content.len().to_be_bytes();
        let significant: Vec<u8> = length
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => out.push(short),
            _ => {
                // A length has at most eight bytes.
                out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
                out.extend(significant);
            }
        }
        out.extend(content);
        out
    }
    // rsaEncryption, with NULL parameters.
    const ALGORITHM: [u8; 15] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let numbers = [tagged(2, modulus), tagged(2, exponent)].concat();
    let mut bits = vec![0];
    bits.extend(tagged(0x30, &numbers));
    tagged(0x30, &[ALGORITHM.to_vec(), tagged(3, &bits)].concat())
}

fn check_name(region: &Region, name: &str) -> Result<(), ApiError> {
    if name.chars().count() > 255 || !name.is_ascii() {
        return Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Value ({name}) for parameter KeyName is invalid. Up to 255 ASCII characters are allowed."
            ),
        ));
    }
    if region.key_pairs.contains_key(name) {
        return Err(ApiError::new(
            "InvalidKeyPair.Duplicate",
            format!("The keypair already exists: {name}"),
        ));
    }
    Ok(())
}

fn keep(site: &mut Site<'_>, name: String, key: &PublicKey) -> KeyPair {
    let pair = KeyPair {
        id: site.new_id(&kinds::KEY_PAIR),
        name: name.clone(),
        key_type: key.key_type.to_owned(),
        fingerprint: fingerprint(key),
        public_key: key.line.clone(),
        created: site.now,
    };
    site.region.key_pairs.insert(name, pair.clone());
    pair
}

fn import(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let name = params.need("KeyName")?;
    let material = params.need("PublicKeyMaterial")?;
    let tags = tags::specification(params, &kinds::KEY_PAIR)?;
    params.finish()?;
    let text = STANDARD
        .decode(&material)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(invalid)?;
    let key = parse(&text)?;
    check_name(site.region, &name)?;
    let pair = keep(site, name, &key);
    site.tag(&pair.id, &tags);
    let mut xml = Xml::new();
    facts(&mut xml, &pair);
    xml.tags(Some(&tags));
    Ok(xml)
}

fn create(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let name = params.need("KeyName")?;
    let key_type = params.text("KeyType")?.unwrap_or_else(|| "rsa".to_owned());
    let format = params
        .text("KeyFormat")?
        .unwrap_or_else(|| "pem".to_owned());
    let tags = tags::specification(params, &kinds::KEY_PAIR)?;
    params.finish()?;
    if key_type != "ed25519" {
        return Err(ApiError::not_modelled(format_args!(
            "a new key pair of type {key_type} (ed25519 is)"
        )));
    }
    if format != "pem" {
        return Err(ApiError::not_modelled(format_args!(
            "a new key pair in format {format} (pem is)"
        )));
    }
    check_name(site.region, &name)?;
    let seed = ssh_key::private::Ed25519Keypair::from_seed(&site.ids.bytes::<32>());
    let failed = |error: ssh_key::Error| ApiError::new("InternalError", error.to_string());
    let private = ssh_key::PrivateKey::from(seed);
    let material = private
        .to_openssh(ssh_key::LineEnding::LF)
        .map_err(failed)?;
    let line = private.public_key().to_openssh().map_err(failed)?;
    let pair = keep(site, name, &parse(&line)?);
    site.tag(&pair.id, &tags);
    let mut xml = Xml::new();
    facts(&mut xml, &pair);
    xml.leaf("keyMaterial", material.as_str()).tags(Some(&tags));
    Ok(xml)
}

fn facts(xml: &mut Xml, pair: &KeyPair) {
    xml.leaf("keyPairId", &pair.id)
        .leaf("keyName", &pair.name)
        .leaf("keyFingerprint", &pair.fingerprint);
}

const FACETS: &[Facet<KeyPair>] = &[
    ("key-pair-id", |_, pair| one(&pair.id)),
    ("key-name", |_, pair| one(&pair.name)),
    ("fingerprint", |_, pair| one(&pair.fingerprint)),
];

fn missing(name: &str) -> ApiError {
    ApiError::new(
        "InvalidKeyPair.NotFound",
        format!("The key pair '{name}' does not exist"),
    )
}

impl Region {
    /// A key pair by name.
    pub fn key_pair(&self, name: &str) -> Result<&KeyPair, ApiError> {
        self.key_pairs.get(name).ok_or_else(|| missing(name))
    }
}

fn describe(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let names = params.list("KeyName")?;
    let ids = params.list("KeyPairId")?;
    let public = params.flag("IncludePublicKey")?.unwrap_or(false);
    let filters = Filters::read(params)?;
    params.finish()?;
    let region = &*site.region;
    for name in &names {
        region.key_pair(name)?;
    }
    kinds::KEY_PAIR.check(region, &ids)?;
    let by_id: BTreeMap<&str, &KeyPair> = region
        .key_pairs
        .values()
        .filter(|pair| {
            (names.is_empty() && ids.is_empty())
                || names.contains(&pair.name)
                || ids.contains(&pair.id)
        })
        .map(|pair| (pair.name.as_str(), pair))
        .collect();
    let found = filters.select(region, FACETS, |pair| &pair.id, by_id.into_values())?;
    let mut xml = Xml::new();
    xml.list("keySet", found, |xml, pair| {
        facts(xml, pair);
        xml.leaf("keyType", &pair.key_type)
            .time("createTime", pair.created)
            .maybe("publicKey", public.then_some(&pair.public_key))
            .tags(region.tags_of(&pair.id));
    });
    Ok(xml)
}

fn delete(site: &mut Site<'_>, params: &mut Params) -> Result<Xml, ApiError> {
    let name = params.text("KeyName")?;
    let id = params.text("KeyPairId")?;
    params.finish()?;
    if name.is_none() && id.is_none() {
        return Err(params.missing("KeyName"));
    }
    let region = &mut *site.region;
    let pair = region
        .key_pairs
        .values()
        .find(|pair| Some(&pair.name) == name.as_ref() || Some(&pair.id) == id.as_ref())
        .cloned();
    let mut xml = Xml::done();
    match pair {
        Some(pair) => {
            region.key_pairs.remove(&pair.name);
            region.tags.remove(&pair.id);
            xml.leaf("keyPairId", &pair.id);
        }
        // A name that is not there is no error; an id that is not there is.
        None => {
            if let Some(id) = id {
                return Err(kinds::KEY_PAIR.not_found(&id));
            }
        }
    }
    Ok(xml)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rsa_fingerprint_is_that_of_openssl() {
        // openssl rsa -in KEY -pubout -outform DER | openssl md5 -c
        let line = include_str!("testdata/rsa.pub");
        let wanted = include_str!("testdata/rsa.md5").trim();
        assert_eq!(fingerprint(&parse(line).unwrap()), wanted);
    }

    #[test]
    fn other_keys_are_refused() {
        for line in ["", "ssh-rsa", "ssh-rsa AAAA", "ssh-dss AAAAB3NzaC1kc3M= x"] {
            assert_eq!(parse(line).err().unwrap().code, "InvalidKey.Format");
        }
    }
}
