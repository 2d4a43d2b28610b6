//! The public half of an unencrypted PEM private key.
//!
//! DER as far as PKCS#1 (RFC 8017), SEC1 (RFC 5915) and PKCS#8 (RFC 5958) need
//! it: nested tags with lengths.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ssh_key::private::Ed25519Keypair;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The curves of RFC 5656 by their object ids.
const CURVES: [(&[u8], &str); 3] = [
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        "nistp256",
    ),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "nistp384"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "nistp521"),
];

/// `ssh-rsa AAAA…` and the like, without a comment.
pub(super) fn public_key(pem: &str) -> Result<String, String> {
    let body: String = pem
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----") && !line.contains(':'))
        .collect();
    let der = BASE64
        .decode(body)
        .map_err(|error| format!("not base64: {error}"))?;
    let mut key = Der(&der).open(SEQUENCE)?;
    let (kind, blob) = if pem.contains("BEGIN RSA PRIVATE KEY") {
        rsa(key)?
    } else if pem.contains("BEGIN EC PRIVATE KEY") {
        ec(key, None)?
    } else {
        pkcs8(&mut key)?
    };
    Ok(format!("{kind} {}", BASE64.encode(blob)))
}

type Public = (String, Vec<u8>);

fn pkcs8(key: &mut Der<'_>) -> Result<Public, String> {
    key.open(INTEGER)?;
    let mut algorithm = key.open(SEQUENCE)?;
    let id = algorithm.open(OBJECT_ID)?.0;
    let mut inner = key.open(OCTET_STRING)?;
    match id {
        RSA => rsa(inner.open(SEQUENCE)?),
        EC => {
            let curve = algorithm.open(OBJECT_ID)?.0;
            ec(inner.open(SEQUENCE)?, Some(curve))
        }
        ED25519 => {
            let seed = inner
                .open(OCTET_STRING)?
                .0
                .try_into()
                .map_err(|_| "an Ed25519 key has 32 bytes".to_owned())?;
            let pair = Ed25519Keypair::from_seed(seed);
            Ok(ssh("ssh-ed25519", &[pair.public.as_ref()]))
        }
        _ => Err("its algorithm is not RSA, ECDSA or Ed25519".into()),
    }
}

fn rsa(mut key: Der<'_>) -> Result<Public, String> {
    key.open(INTEGER)?;
    let modulus = key.open(INTEGER)?.0;
    let exponent = key.open(INTEGER)?.0;
    Ok(ssh("ssh-rsa", &[exponent, modulus]))
}

fn ec(mut key: Der<'_>, curve: Option<&[u8]>) -> Result<Public, String> {
    key.open(INTEGER)?;
    key.open(OCTET_STRING)?;
    let named = key
        .open(CONTEXT_0)
        .and_then(|mut inner| inner.open(OBJECT_ID))
        .ok()
        .map(|id| id.0);
    let id = curve.or(named).ok_or("its curve is not named")?;
    let curve = CURVES
        .iter()
        .find(|(known, _)| *known == id)
        .map(|(_, name)| *name)
        .ok_or("its curve is not one of nistp256, nistp384, nistp521")?;
    let mut point = key
        .open(CONTEXT_1)
        .map_err(|_| "it does not hold its public point")?;
    let point = point
        .open(BIT_STRING)?
        .0
        .get(1..)
        .ok_or("its public point is empty")?;
    Ok(ssh(
        &format!("ecdsa-sha2-{curve}"),
        &[curve.as_bytes(), point],
    ))
}

/// Strings with their lengths in front (RFC 4251, section 5).
fn ssh(kind: &str, parts: &[&[u8]]) -> Public {
    let mut blob = Vec::new();
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        blob.extend_from_slice(&length.to_be_bytes());
        blob.extend_from_slice(part);
    }
    (kind.to_owned(), blob)
}

/// What is left of some DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Goes over one element, which must have `tag`, and gives its content.
    fn open(&mut self, tag: u8) -> Result<Der<'a>, String> {
        let damaged = || "its structure ends too early".to_owned();
        let found = *self.0.first().ok_or_else(damaged)?;
        if found != tag {
            return Err(format!(
                "its structure has {found:#04x} in place of {tag:#04x}"
            ));
        }
        let first = *self.0.get(1).ok_or_else(damaged)?;
        let (length, header) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let count = usize::from(first & 0x7f);
            let bytes = self.0.get(2..2 + count).ok_or_else(damaged)?;
            if count > 4 {
                return Err(damaged());
            }
            let length = bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, 2 + count)
        };
        let content = self.0.get(header..header + length).ok_or_else(damaged)?;
        self.0 = &self.0[header + length..];
        Ok(Der(content))
    }
}
