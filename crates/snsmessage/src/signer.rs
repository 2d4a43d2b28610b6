//! The other side: signs as SNS does, for clouds that play SNS and for tests.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;

use crate::message::Message;
use crate::signing::signed_text;

/// What stands before a digest of SHA-1 in a signature (RFC 8017, 9.2, note 1).
const SHA1_PREFIX: [u8; 15] = [
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];

/// Why a key does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No RSA key in PKCS #8.
    #[error("no RSA key in PKCS #8: {0}")]
    Key(String),
    /// A version of the signature that there is none of.
    #[error("there is no signature of version '{0}'")]
    Version(String),
    /// The library refused.
    #[error("the message could not be signed")]
    Refused,
}

/// A private key that signs messages.
#[derive(Debug)]
pub struct Signer {
    key: KeyPair,
    modulus: BigUint,
    exponent: BigUint,
}

impl Signer {
    /// Reads a private key (RSA, PKCS #8, DER).
    ///
    /// # Errors
    /// [`Unfit::Key`].
    pub fn read(pkcs8: &[u8]) -> Result<Self, Unfit> {
        let key = KeyPair::from_pkcs8(pkcs8).map_err(|error| Unfit::Key(error.to_string()))?;
        let (modulus, exponent) =
            numbers(pkcs8).ok_or_else(|| Unfit::Key("its numbers are not there".to_owned()))?;
        Ok(Self {
            key,
            modulus,
            exponent,
        })
    }

    /// The signature of a message by its version, in base64.
    ///
    /// # Errors
    /// A version other than 1 and 2.
    pub fn sign(&self, message: &Message) -> Result<String, Unfit> {
        let text = signed_text(message);
        let signature = match message.version.as_str() {
            "2" => self.sha256(text.as_bytes())?,
            "1" => self.sha1(text.as_bytes()),
            other => return Err(Unfit::Version(other.to_owned())),
        };
        Ok(STANDARD.encode(signature))
    }

    fn sha256(&self, text: &[u8]) -> Result<Vec<u8>, Unfit> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text,
                &mut signature,
            )
            .map_err(|_| Unfit::Refused)?;
        Ok(signature)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017, 8.2.1), which no library should offer any more.
    fn sha1(&self, text: &[u8]) -> Vec<u8> {
        let length = self.key.public_modulus_len();
        let digest = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, text);
        let tail = SHA1_PREFIX.len() + digest.as_ref().len();
        let mut block = vec![0xff; length];
        block[0] = 0;
        block[1] = 1;
        block[length - tail - 1] = 0;
        block[length - tail..length - digest.as_ref().len()].copy_from_slice(&SHA1_PREFIX);
        block[length - digest.as_ref().len()..].copy_from_slice(digest.as_ref());
        let signature = BigUint::from_bytes_be(&block)
            .modpow(&self.exponent, &self.modulus)
            .to_bytes_be();
        let mut padded = vec![0; length - signature.len()];
        padded.extend(signature);
        padded
    }
}

/// The modulus and the private exponent: in PKCS #8 (RFC 5208) an octet string holds an
/// `RSAPrivateKey` (RFC 8017, A.1.2), whose second and fourth numbers they are.
fn numbers(pkcs8: &[u8]) -> Option<(BigUint, BigUint)> {
    let (outer, _) = item(pkcs8, 0x30)?;
    let (_, after_version) = item(outer, 0x02)?;
    let (_, after_algorithm) = item(after_version, 0x30)?;
    let (inner, _) = item(after_algorithm, 0x04)?;
    let (key, _) = item(inner, 0x30)?;
    let (_, rest) = item(key, 0x02)?;
    let (modulus, rest) = item(rest, 0x02)?;
    let (_, rest) = item(rest, 0x02)?;
    let (exponent, _) = item(rest, 0x02)?;
    Some((
        BigUint::from_bytes_be(modulus),
        BigUint::from_bytes_be(exponent),
    ))
}

/// The content of a DER item with this tag, and what comes after it.
fn item(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    if length < 0x80 {
        return rest.split_at_checked(usize::from(length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    if digits.len() > 4 {
        return None;
    }
    let length = digits
        .iter()
        .fold(0, |length, digit| length << 8 | usize::from(*digit));
    rest.split_at_checked(length)
}
