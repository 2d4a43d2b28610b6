//! Why a delivery is not believed: one variant a check, in the order of the checks.

use jiff::{SignedDuration, Timestamp};

use crate::place::Oddity;

/// The check that a delivery did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than a message of SNS can have.
    #[error("the delivery has {size} bytes, more than the {limit} that are read")]
    Size {
        /// How many came.
        size: usize,
        /// How many are read.
        limit: usize,
    },
    /// Not JSON, or not an object.
    #[error("the delivery is no JSON object: {0}")]
    Json(String),
    /// A field that counts stands there twice; readers differ in which one they believe.
    #[error("the field '{0}' stands there twice")]
    Twice(&'static str),
    /// A field is not there.
    #[error("the field '{0}' is missing")]
    Missing(&'static str),
    /// A field is no text, or holds what a field of that name cannot hold.
    #[error("the field '{0}' does not hold what it holds in a message of SNS")]
    Content(&'static str),
    /// Neither a notification nor a confirmation.
    #[error("'{0}' is no type of message of SNS")]
    Kind(String),
    /// A topic that nobody listens to.
    #[error("the topic '{0}' is not listened to")]
    Topic(String),
    /// A version of the signature that is not accepted.
    #[error("a signature of version '{0}' is not accepted{1}")]
    Version(String, &'static str),
    /// The certificate is said to be where SNS keeps none.
    #[error("'{url}' is no place of a certificate of SNS: {oddity}")]
    Place {
        /// What the message says.
        url: String,
        /// What is wrong with it.
        oddity: Oddity,
    },
    /// So many certificates were asked for lately that another one is not fetched.
    #[error("too many certificates were asked for within a minute")]
    Haste,
    /// The place of the certificate could not be reached.
    #[error("the certificate could not be fetched: {0}")]
    Unreachable(String),
    /// The place of the certificate points elsewhere; nobody goes there.
    #[error("the place of the certificate answers with a redirection ({0})")]
    Redirected(u16),
    /// The place of the certificate answers with a failure.
    #[error("the place of the certificate answers with status {0}")]
    Status(u16),
    /// What is there is no certificate.
    #[error("what is at the certificate's place is no certificate: {0}")]
    Certificate(String),
    /// The certificate does not descend from a trust anchor.
    #[error("the certificate does not descend from a trusted authority: {0}")]
    Chain(String),
    /// The certificate, or one above it, is no longer valid.
    #[error("the certificate is no longer valid")]
    Expired,
    /// The certificate, or one above it, is not valid yet.
    #[error("the certificate is not valid yet")]
    Early,
    /// The certificate is somebody else's.
    #[error("the certificate is not made out to SNS ({0})")]
    Name(String),
    /// The certificate's key is none that SNS signs with.
    #[error("the certificate's key is no RSA key of 2048 bits or more")]
    Key,
    /// The signature is not this key's, or is of something else.
    #[error("the signature does not match the message")]
    Signature,
    /// Signed too long ago.
    #[error("the message of {sent} is older than {limit:#}")]
    Stale {
        /// When it was sent.
        sent: Timestamp,
        /// How old it may be.
        limit: SignedDuration,
    },
    /// Signed in the future.
    #[error("the message of {sent} is more than {limit:#} ahead of the clock")]
    Ahead {
        /// When it claims to have been sent.
        sent: Timestamp,
        /// How far ahead it may be.
        limit: SignedDuration,
    },
    /// It has come before.
    #[error("the message {0} has come before")]
    Replay(String),
    /// It has come before, and whoever took it has not dealt with it yet.
    #[error("the message {0} has come before and is being dealt with")]
    UnderWay(String),
}

impl Refusal {
    /// The check that refused, as logs and tests name it.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Size { .. } => "size",
            Self::Json(_)
            | Self::Twice(_)
            | Self::Missing(_)
            | Self::Content(_)
            | Self::Kind(_) => "form",
            Self::Topic(_) => "topic",
            Self::Version(..) => "version",
            Self::Place { .. } => "place",
            Self::Haste | Self::Unreachable(_) | Self::Redirected(_) | Self::Status(_) => "fetch",
            Self::Certificate(_)
            | Self::Chain(_)
            | Self::Expired
            | Self::Early
            | Self::Name(_)
            | Self::Key => "certificate",
            Self::Signature => "signature",
            Self::Stale { .. } | Self::Ahead { .. } => "freshness",
            Self::Replay(_) | Self::UnderWay(_) => "once",
        }
    }

    /// Whether the same delivery may pass later: the certificate could not be had just now, or
    /// it is not known yet what became of it when it came first.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Haste | Self::Unreachable(_) | Self::UnderWay(_) => true,
            Self::Status(status) => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}
