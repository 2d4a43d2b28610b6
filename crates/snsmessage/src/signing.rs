//! What is signed, and with what: for [`Key`]s that verify and for
//! those who sign ([`crate::signer`]).
//!
//! Name and content of each field, a line each, in the order of the names; the subject
//! only if there is one
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>).

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::message::{Kind, Message};
use crate::refusal::Refusal;

/// What the signature of a message is over.
#[must_use]
pub fn signed_text(message: &Message) -> String {
    let mut text = String::with_capacity(message.text.len() + 512);
    let mut line = |name: &str, content: &str| {
        for part in [name, "\n", content, "\n"] {
            text.push_str(part);
        }
    };
    line("Message", &message.text);
    line("MessageId", &message.id);
    if message.kind == Kind::Notification {
        if let Some(subject) = &message.subject {
            line("Subject", subject);
        }
    } else {
        line(
            "SubscribeURL",
            message.subscribe_url.as_deref().unwrap_or_default(),
        );
    }
    line("Timestamp", &message.timestamp);
    if message.kind != Kind::Notification {
        line("Token", message.token.as_deref().unwrap_or_default());
    }
    line("TopicArn", &message.topic);
    line("Type", message.kind.name());
    text
}

/// A key that SNS signs with, ready to verify.
#[derive(Debug)]
pub struct Key {
    sha256: ParsedPublicKey,
    sha1: ParsedPublicKey,
}

impl Key {
    /// Reads a key as it stands in a certificate (`SubjectPublicKeyInfo`).
    ///
    /// # Errors
    /// [`Refusal::Key`]: no RSA key, or one of fewer than 2048 bits.
    pub fn read(info: &[u8]) -> Result<Self, Refusal> {
        let sha256 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, info);
        let sha1 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, info);
        match (sha256, sha1) {
            (Ok(sha256), Ok(sha1)) => Ok(Self { sha256, sha1 }),
            _ => Err(Refusal::Key),
        }
    }

    /// Verifies the signature of a message, by its version.
    ///
    /// # Errors
    /// [`Refusal::Signature`].
    pub fn verify(&self, message: &Message) -> Result<(), Refusal> {
        let signature = STANDARD
            .decode(&message.signature)
            .map_err(|_| Refusal::Signature)?;
        let key = match message.version.as_str() {
            "2" => &self.sha256,
            "1" => &self.sha1,
            _ => return Err(Refusal::Signature),
        };
        key.verify_sig(signed_text(message).as_bytes(), &signature)
            .map_err(|_| Refusal::Signature)
    }
}
