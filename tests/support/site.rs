//! A tiny web site on a loopback port, for what a playbook fetches and for services that refuse.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::request::Request;

/// What the site answers for a path, whatever the method.
#[derive(Clone)]
pub struct Page {
    /// The status line's code and words.
    pub status: &'static str,
    /// The `Content-Type`, which may lie.
    pub content_type: &'static str,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// The length that is announced, if more follows than `body`: zeros.
    pub announced: Option<u64>,
}

impl Page {
    /// A page that is there.
    pub fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            content_type,
            body: body.into(),
            announced: None,
        }
    }
}

/// The site; it lasts as long as the test process.
pub struct Site {
    /// Its address, without a slash at the end.
    pub url: String,
    sent: Arc<AtomicU64>,
}

impl Site {
    /// Serves `pages` by path; anything else is 404.
    pub fn start(pages: BTreeMap<&'static str, Page>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pages, count) = (pages.clone(), Arc::clone(&count));
                // A visitor that goes away early is no failure of the site.
                std::thread::spawn(move || drop(answer(&stream, &pages, &count)));
            }
        });
        Self { url, sent }
    }

    /// How many bytes of bodies have been sent, as far as the kernel took them.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

fn answer(
    stream: &TcpStream,
    pages: &BTreeMap<&'static str, Page>,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    let Some(request) = Request::read(&mut BufReader::new(stream))? else {
        return Ok(());
    };
    let missing = Page {
        status: "404 Not Found",
        ..Page::ok("text/plain", "")
    };
    let page = pages.get(request.path.as_str()).unwrap_or(&missing);
    let length = page.announced.unwrap_or(page.body.len() as u64);
    let (status, kind) = (page.status, page.content_type);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&page.body)?;
    let mut written = page.body.len() as u64;
    let zeros = vec![0; 64 * 1024];
    while written < length {
        let next = zeros.len().min(usize::try_from(length - written).unwrap());
        stream.write_all(&zeros[..next])?;
        written += next as u64;
        sent.fetch_add(next as u64, Ordering::SeqCst);
    }
    Ok(())
}
