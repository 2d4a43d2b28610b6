//! What HTTP is to a playbook: a request, an answer, a transport between them.

use std::path::PathBuf;
use std::time::Duration;

use opsh_operation::Fault;

use super::Cancel;

/// A request; secrets in it are plain here, for the one place that sends them.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The absolute URL, `http` or `https`.
    pub url: String,
    /// Names and values in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// For the whole exchange, redirects included.
    pub timeout: Duration,
    /// How many redirects are followed.
    pub redirects: u32,
    /// A body beyond this many bytes is refused.
    pub limit: u64,
    /// Write the body of a successful (2xx) answer to this file instead of memory;
    /// the file appears whole or not at all.
    pub download_to: Option<PathBuf>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The URL that answered, after redirects.
    pub url: String,
    /// Lower-case names and values in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty if it was written to a file.
    pub body: Vec<u8>,
    /// How many bytes the body had.
    pub length: u64,
}

/// Sends requests.
pub trait Transport: Send + Sync {
    /// Sends `request` and waits for the whole answer.
    ///
    /// # Errors
    /// `unreachable`, `timeout`, `limit`, `invalid`; never for a status.
    fn send(&self, request: &Request, cancel: &Cancel) -> Result<Response, Fault>;
}
