//! Deliveries of SNS over HTTP: proved before anybody believes them.
//!
//! Whoever knows the address of an endpoint can send it anything. [`Verifier::verify`] asks,
//! in this order, and the first thing that does not hold is the [`Refusal`]:
//!
//! 1. the body is not larger than agreed, and is the JSON of a message of SNS ([`message`]);
//! 2. its topic is one of those that are listened to;
//! 3. the signature is of a version that is accepted (2; 1 only when asked for);
//! 4. the certificate is at a place where SNS keeps its certificates ([`place`]);
//! 5. that certificate descends from a trust anchor and is SNS's ([`certificate`]);
//! 6. the signature is that key's, of this message ([`signing`]);
//! 7. the message is fresh, and has not come before ([`memory`]).
//!
//! Nothing here opens a connection. The certificate is fetched by the caller's
//! [`Certificates`], which is only ever given a [`place::Place`], and only what was signed
//! comes out ([`Verified`]): neither the URL that would confirm a subscription nor the one
//! that would end it.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>

pub mod certificate;
pub mod memory;
pub mod message;
pub mod place;
pub mod refusal;
mod shelf;
pub mod signer;
pub mod signing;
pub mod verifier;

pub use certificate::Trust;
pub use message::Kind;
pub use refusal::Refusal;
pub use shelf::{Answer, Certificates, Unreachable};
pub use verifier::{Rules, Verified, Verifier};
