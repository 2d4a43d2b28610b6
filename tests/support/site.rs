//! A tiny web site on a loopback port, for what a playbook fetches.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

/// What the site answers for a path.
#[derive(Clone)]
pub struct Page {
    /// The `Content-Type`, which may lie.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// The site; it lasts as long as the test process.
pub struct Site {
    /// Its address, without a slash at the end.
    pub url: String,
}

impl Site {
    /// Serves `pages` by path; anything else is 404.
    pub fn start(pages: BTreeMap<&'static str, Page>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let pages = pages.clone();
                // A visitor that goes away early is no failure of the site.
                std::thread::spawn(move || drop(answer(&stream, &pages)));
            }
        });
        Self { url }
    }
}

fn answer(stream: &TcpStream, pages: &BTreeMap<&'static str, Page>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let mut stream = stream;
    match pages.get(path) {
        Some(page) => {
            let size = page.body.len();
            let kind = page.content_type;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
            )?;
            stream.write_all(&page.body)
        }
        None => write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
    }
}
