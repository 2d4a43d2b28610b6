//! What is delivered over HTTP is signed, as by SNS: with a key of this cloud.
//!
//! The key is the same in every cloud and no secret: who trusts [`AUTHORITY`] trusts what
//! anybody with this source can write. opsh does so where the cloud is this one, and there
//! only. Made by `crates/snsmessage/examples/authority.rs`.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>

use std::sync::LazyLock;

use bytes::Bytes;
use opsh_snsmessage::message::Message;
use opsh_snsmessage::signer::{Signer, Unfit};
use serde_json::{Map, Value};

use crate::state;

/// Who vouches for the certificate of this cloud's SNS, as PEM.
pub const AUTHORITY: &str = include_str!("authority.pem");

const CERTIFICATE: &str = include_str!("certificate.pem");
const KEY: &[u8] = include_bytes!("key.der");

/// Where the certificate is, on the host of SNS.
const PATH: &str = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

static SIGNER: LazyLock<Result<Signer, Unfit>> = LazyLock::new(|| Signer::read(KEY));

/// The URL of the certificate.
#[must_use]
pub fn certificate_url(cloud: &state::State) -> String {
    format!("https://sns.{}.amazonaws.com{PATH}", cloud.region)
}

/// The certificate, if that is what is asked for.
pub fn visit(host: &str, request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
    if request.uri().path() != PATH || !host.starts_with("sns.") {
        return None;
    }
    Some(http::Response::new(Bytes::from_static(
        CERTIFICATE.as_bytes(),
    )))
}

/// The version of signatures that a topic asks for; 1 if it says nothing.
#[must_use]
pub fn version(cloud: &state::State, topic: &str) -> String {
    let topic = cloud.sns.topics.get(topic);
    let version = topic.and_then(|topic| topic.attributes.get("SignatureVersion"));
    version.map_or("1", String::as_str).to_owned()
}

/// The JSON of a message, signed.
#[must_use]
pub fn signed(mut message: Message) -> Map<String, Value> {
    if let Ok(signer) = &*SIGNER
        && let Ok(signature) = signer.sign(&message)
    {
        message.signature = signature;
    }
    let fields = [
        ("Type", Some(message.kind.name().to_owned())),
        ("MessageId", Some(message.id)),
        ("Token", message.token),
        ("TopicArn", Some(message.topic)),
        ("Subject", message.subject),
        ("Message", Some(message.text)),
        ("SubscribeURL", message.subscribe_url),
        ("Timestamp", Some(message.timestamp)),
        ("SignatureVersion", Some(message.version)),
        ("Signature", Some(message.signature)),
        ("SigningCertURL", Some(message.certificate)),
    ];
    fields
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?))))
        .collect()
}
