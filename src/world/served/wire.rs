//! What is said between a run and the process that serves its cloud.
//!
//! A question is a POST to [`PATH`] with the token of the [notice](super::notice) as
//! bearer. Question and answer alike are one line of JSON (a [`Frame`]: what time it is
//! on the sender's clock, and what there is to say) and, after it, whatever bytes go
//! with it: a body, a file, what a command reads or wrote.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opsh_cloud::chronicle::Happening;
use opsh_cloud::discord::Message;
use opsh_cloud::talk::Said;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::world::local::doors::{Account, Refusal, Welcome};

/// Where questions go; another way of asking will have another number.
pub const PATH: &str = "/_opsh/v1/call";

/// Something said at some time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Frame<T> {
    /// The time on the sender's clock. The receiver's goes on to it if it is earlier.
    pub now: Option<Timestamp>,
    /// What is said.
    pub what: T,
}

impl<T> Frame<T> {
    /// `what`, said at `now`.
    pub fn of(now: Option<Timestamp>, what: T) -> Self {
        Self { now, what }
    }
}

/// What a run asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// What cloud this is: [`Answer::Hello`].
    Hello,
    /// A request of an AWS SDK, with its body: [`Answer::Http`], [`Answer::Broken`].
    Aws(Head),
    /// A visit to the host in the URL, with its body: [`Answer::Http`], refused.
    Visit(Head),
    /// A connection to a host's SSH port: [`Answer::Welcome`], refused.
    Knock {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A login: [`Answer::Nothing`], refused.
    Login {
        /// Where, and as whom.
        account: Account,
        /// The public half of the key.
        public_key: String,
    },
    /// A command line, with what it reads: [`Answer::Done`], refused.
    Run {
        /// Whose shell.
        account: Account,
        /// The line.
        line: String,
    },
    /// A file to write, with its content: [`Answer::Nothing`], refused.
    Upload {
        /// Whose file.
        account: Account,
        /// Its path.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A file to read: [`Answer::Nothing`] with the content, refused.
    Download {
        /// Whose file.
        account: Account,
        /// Its path.
        path: String,
    },
    /// Time that is to go on, with all that happens: [`Answer::Happened`].
    Advance {
        /// By how much.
        by: Duration,
    },
    /// Something that somebody says on Discord: [`Answer::Said`], refused.
    Say(Said),
    /// A command line at a machine's console: [`Answer::Executed`], refused.
    Execute {
        /// What the machine is called.
        name: String,
        /// The line.
        line: String,
    },
    /// Nothing more in this command: what is under way comes to its end: [`Answer::Nothing`].
    Rest,
}

/// What the server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The cloud.
    Hello(Hello),
    /// A response, with its body.
    Http(Head),
    /// The connection to the service broke.
    Broken(String),
    /// Who answers at an SSH port.
    Welcome(Welcome),
    /// What a command did, with what it wrote and, after that, complained.
    Done {
        /// Its exit status.
        exit_code: i32,
        /// How many of the bytes it wrote; it complained the rest.
        stdout: usize,
        /// How much of the machine's time it took.
        took: Duration,
    },
    /// What happened while the time went on.
    Happened(Vec<Happening>),
    /// What bots say to that.
    Said(Vec<Message>),
    /// What a command at a console did, with what it wrote and, after that, complained.
    Executed {
        /// The instance.
        instance: String,
        /// How many others are called the same.
        others: usize,
        /// Its exit status.
        exit_code: i32,
        /// How many of the bytes it wrote; it complained the rest.
        stdout: usize,
    },
    /// It is done.
    Nothing,
    /// Nobody answers there, or a machine refuses.
    Refused(Refusal),
}

/// The cloud that is served.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// Its region.
    pub region: String,
    /// How many made-up values it has drawn.
    pub drawn: u64,
}

/// An HTTP message without its body.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Head {
    /// A request's method; empty in a response.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    method: String,
    /// A request's URL; empty in a response.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    url: String,
    /// A response's status; 0 in a request.
    #[serde(default)]
    status: u16,
    /// Names and values; each byte of a value is one character.
    headers: Vec<(String, String)>,
}

impl Head {
    /// The head of a request.
    #[must_use]
    pub fn of_request(request: &http::Request<Bytes>) -> Self {
        Self {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            status: 0,
            headers: listed(request.headers()),
        }
    }

    /// The head of a response.
    #[must_use]
    pub fn of_response(response: &http::Response<Bytes>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: listed(response.headers()),
            ..Self::default()
        }
    }

    /// The request that has this head and `body`; `None` if no request can have it.
    #[must_use]
    pub fn request(&self, body: Bytes) -> Option<http::Request<Bytes>> {
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(&self.url)
            .body(body)
            .ok()?;
        fill(request.headers_mut(), &self.headers)?;
        Some(request)
    }

    /// The response that has this head and `body`; `None` if no response can have it.
    #[must_use]
    pub fn response(&self, body: Bytes) -> Option<http::Response<Bytes>> {
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).ok()?;
        fill(response.headers_mut(), &self.headers)?;
        Some(response)
    }
}

fn listed(headers: &http::HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = value.as_bytes().iter().map(|byte| char::from(*byte));
            (name.to_string(), value.collect())
        })
        .collect()
}

fn fill(headers: &mut http::HeaderMap, listed: &[(String, String)]) -> Option<()> {
    for (name, value) in listed {
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        headers.append(
            http::HeaderName::try_from(name).ok()?,
            http::HeaderValue::from_bytes(&bytes?).ok()?,
        );
    }
    Some(())
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The line does not end.
    #[error("the message has no line of JSON")]
    Line,
    /// The line is something else.
    #[error("the message is of another kind: {0}")]
    Json(#[from] serde_json::Error),
}

/// A frame and what goes with it, as bytes.
///
/// # Errors
/// The frame has no form in JSON.
pub fn pack<T: Serialize>(frame: &Frame<T>, payload: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut bytes = serde_json::to_vec(frame)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// A frame and what goes with it.
///
/// # Errors
/// [`Malformed`].
pub fn unpack<T: DeserializeOwned>(bytes: &Bytes) -> Result<(Frame<T>, Bytes), Malformed> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(Malformed::Line)?;
    let frame = serde_json::from_slice(&bytes[..end])?;
    Ok((frame, bytes.slice(end + 1..)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::{Answer, Call, Frame, Head, pack, unpack};

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let request = http::Request::builder()
            .method("PUT")
            .uri("https://b.s3.us-east-1.amazonaws.com/a%20b?x=%2F")
            .header(
                "x-amz-meta-name",
                http::HeaderValue::from_bytes(b"\xc3\xa9").unwrap(),
            )
            .header("x-amz-meta-name", "second")
            .body(Bytes::from_static(b"line\nand \xff bytes"))
            .unwrap();
        let frame = Frame::of(None, Call::Aws(Head::of_request(&request)));
        let bytes = Bytes::from(pack(&frame, request.body()).unwrap());
        let (frame, body) = unpack::<Call>(&bytes).unwrap();
        let Call::Aws(head) = frame.what else {
            panic!("{frame:?}");
        };
        let arrived = head.request(body).unwrap();
        assert_eq!(arrived.method(), request.method());
        assert_eq!(arrived.uri(), request.uri());
        assert_eq!(arrived.headers(), request.headers());
        assert_eq!(arrived.body(), request.body());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bytes in ["", "{}", "{}\n", "{\"now\":null,\"what\":\"fly\"}\n"] {
            let bytes = Bytes::from(bytes);
            assert!(unpack::<Call>(&bytes).is_err(), "{bytes:?}");
            assert!(unpack::<Answer>(&bytes).is_err(), "{bytes:?}");
        }
    }
}
