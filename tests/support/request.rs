//! A request over HTTP as the servers of the tests read it.

use std::collections::BTreeMap;
use std::io::{BufRead, Error, ErrorKind};

/// A request's head and body.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// E.g. `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// By name in lower case; of several with one name, the last.
    pub headers: BTreeMap<String, String>,
    /// As long as `Content-Length` says.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads the next request of a connection; nothing at the connection's end.
    pub fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or("0", String::as_str);
        let mut body = vec![0; length.parse().map_err(Error::other)?];
        reader.read_exact(&mut body)?;
        let mut words = first.split(' ').map(str::to_owned);
        let mut word = || words.next().ok_or(ErrorKind::InvalidData);
        Ok(Some(Self {
            method: word()?,
            path: word()?,
            headers,
            body,
        }))
    }
}
