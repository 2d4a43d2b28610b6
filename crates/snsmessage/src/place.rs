//! Where SNS keeps the certificates that it signs with: nowhere else is anything fetched.
//!
//! A place is read letter by letter against one pattern instead of being parsed as a URL,
//! so there is nothing on which two readers of URLs could differ:
//!
//! ```text
//! https://sns.REGION.amazonaws.com/SimpleNotificationService-ID.pem
//! https://sns.REGION.amazonaws.com.cn/SimpleNotificationService-ID.pem   (China)
//! ```
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>

use std::fmt;

use crate::message::shortened;
use crate::refusal::Refusal;

const SCHEME: &str = "https://";
const FILE: &str = "/SimpleNotificationService-";
const ENDING: &str = ".pem";
const DOMAIN: &str = ".amazonaws.com";
const CHINA: &str = ".amazonaws.com.cn";

/// What is wrong with the place of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// Not `https://`, in small letters.
    #[error("it does not begin with https://")]
    Scheme,
    /// A user's name or password before the host.
    #[error("it names a user")]
    User,
    /// A port, even the usual one.
    #[error("it names a port")]
    Port,
    /// Another host than SNS has in any region.
    #[error("the host is none of SNS")]
    Host,
    /// SNS's host of another region than the topic's.
    #[error("the host is not that of the topic's region")]
    Region,
    /// Another path than SNS's certificates have.
    #[error("the path is none of a certificate of SNS")]
    Path,
}

/// A place where SNS keeps a certificate; there is no other way to make one than to read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    region: String,
    host: String,
    path: String,
}

impl Place {
    /// Reads the place that a message of `topic` names.
    ///
    /// # Errors
    /// [`Refusal::Place`], with what is wrong.
    pub fn read(url: &str, topic: &str) -> Result<Self, Refusal> {
        read(url, topic).map_err(|oddity| Refusal::Place {
            url: shortened(url),
            oddity,
        })
    }

    /// The host, e.g. `sns.eu-west-1.amazonaws.com`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path, which begins with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names of which a certificate of this place may carry any.
    ///
    /// Older regions sign as `sns.amazonaws.com`, younger ones as `sns-signing.REGION`, and
    /// those apart as `sns-REGION`; see `SnsHostProvider` of the AWS SDK for Java.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let region = &self.region;
        if self.host.ends_with(CHINA) {
            return vec![
                self.host.clone(),
                format!("sns-{region}{CHINA}"),
                format!("sns-signing.{region}{CHINA}"),
            ];
        }
        let shared = if region.starts_with("us-gov-") {
            "sns-us-gov-west-1.amazonaws.com"
        } else {
            "sns.amazonaws.com"
        };
        vec![
            self.host.clone(),
            format!("sns-signing.{region}{DOMAIN}"),
            shared.to_owned(),
        ]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{SCHEME}{}{}", self.host, self.path)
    }
}

fn read(url: &str, topic: &str) -> Result<Place, Oddity> {
    let rest = url.strip_prefix(SCHEME).ok_or(Oddity::Scheme)?;
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    if host.contains('@') {
        return Err(Oddity::User);
    }
    // A literal address of IPv6 is no host of SNS whatever port follows it.
    if host.contains(':') && !host.starts_with('[') {
        return Err(Oddity::Port);
    }
    let name = host.strip_prefix("sns.").ok_or(Oddity::Host)?;
    let (region, china) = match name.strip_suffix(CHINA) {
        Some(region) => (region, true),
        None => (name.strip_suffix(DOMAIN).ok_or(Oddity::Host)?, false),
    };
    if !is_region(region) || china != region.starts_with("cn-") {
        return Err(Oddity::Host);
    }
    if topic.split(':').nth(3) != Some(region) {
        return Err(Oddity::Region);
    }
    let id = path
        .strip_prefix(FILE)
        .and_then(|file| file.strip_suffix(ENDING))
        .ok_or(Oddity::Path)?;
    if !(1..=64).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Oddity::Path);
    }
    Ok(Place {
        region: region.to_owned(),
        host: host.to_owned(),
        path: path.to_owned(),
    })
}

/// As AWS names regions: words of small letters and a number, e.g. `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let mut words: Vec<&str> = name.split('-').collect();
    let Some(number) = words.pop() else {
        return false;
    };
    (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (2..=4).contains(&words.len())
        && words.iter().all(|word| {
            (2..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
        })
}
