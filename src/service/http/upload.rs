//! Uploads, streamed to disk.
//!
//! A file gets its name when all of it is there: until then it has one that begins with a
//! dot, and is removed if the rest does not come. A name that is taken gets a number;
//! nothing is ever overwritten.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, StatusCode, header};
use opsh_operation::{Map, Value};
use tempfile::NamedTempFile;

use super::answer::{Patience, Refusal};

/// Most parts of a form.
const PARTS: usize = 100;

/// Longest name of a file, in bytes.
const LONGEST: usize = 200;

/// Most fields' text, in bytes.
const FIELD: usize = 64 * 1024;

/// A file that has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Where it is.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// What the client called it.
    pub name: String,
    /// The field of the form that it was in.
    pub field: String,
}

/// What has come with an upload.
#[derive(Debug, Default)]
pub struct Upload {
    /// The files.
    pub files: Vec<Received>,
    /// The other fields of the form.
    pub fields: Map,
}

/// Receives the files of `request` into `folder`: the parts of a form, or its whole body
/// as `name`.
///
/// # Errors
/// What the client is told.
pub async fn receive(
    folder: &Path,
    name: Option<&str>,
    most: u64,
    mut patience: Patience,
    request: Request<Body>,
) -> Result<Upload, Refusal> {
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if form {
        return parts(folder, most, patience, request).await;
    }
    let name = name.ok_or_else(|| {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send multipart/form-data",
        )
    })?;
    let mut file = Receiving::new(folder, most).await?;
    let mut pieces = request.into_body().into_data_stream();
    while let Some(piece) = patience.wait(pieces.next()).await? {
        let piece = piece.map_err(|_| Refusal::broken_off())?;
        patience.came(piece.len());
        file = file.take(piece).await?;
    }
    let received = file.finish(folder, name, String::new()).await?;
    Ok(Upload {
        files: vec![received],
        fields: Map::new(),
    })
}

async fn parts(
    folder: &Path,
    most: u64,
    mut patience: Patience,
    mut request: Request<Body>,
) -> Result<Upload, Refusal> {
    // What is too much is counted here, as it comes.
    DefaultBodyLimit::disable().apply(&mut request);
    let malformed = |why: String| Refusal::new(StatusCode::BAD_REQUEST, why);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| malformed(error.body_text()))?;
    let mut upload = Upload::default();
    let mut left = most;
    let mut seen = 0;
    loop {
        let next = patience.wait(form.next_field()).await;
        let next = next.and_then(|next| next.map_err(|error| malformed(error.body_text())));
        let mut part = match next {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(refusal) => return Err(discard(upload, refusal)),
        };
        seen += 1;
        if seen > PARTS {
            return Err(discard(
                upload,
                malformed(format!("more than {PARTS} parts")),
            ));
        }
        let field = part.name().unwrap_or_default().to_owned();
        let Some(name) = part.file_name().map(str::to_owned) else {
            let mut text = Vec::new();
            while let Ok(Ok(Some(piece))) = patience.wait(part.chunk()).await {
                patience.came(piece.len());
                text.extend_from_slice(&piece);
                if text.len() > FIELD {
                    let why = malformed(format!("the field '{field}' is too long"));
                    return Err(discard(upload, why));
                }
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            upload.fields.insert(field, text.into());
            continue;
        };
        let received = async {
            let mut file = Receiving::new(folder, left).await?;
            loop {
                match patience.wait(part.chunk()).await? {
                    Ok(Some(piece)) => {
                        patience.came(piece.len());
                        file = file.take(piece).await?;
                    }
                    Ok(None) => return file.finish(folder, &name, field).await,
                    Err(_) => return Err(Refusal::broken_off()),
                }
            }
        };
        match received.await {
            Ok(received) => {
                left = left.saturating_sub(received.bytes);
                upload.files.push(received);
            }
            Err(refusal) => return Err(discard(upload, refusal)),
        }
    }
    if upload.files.is_empty() {
        return Err(malformed("there is no file in the form".to_owned()));
    }
    Ok(upload)
}

/// Removes what has come of an upload that is refused.
fn discard(upload: Upload, refusal: Refusal) -> Refusal {
    for file in upload.files {
        // A file that cannot be removed is there for its operator to see.
        let _ = std::fs::remove_file(file.path);
    }
    refusal
}

/// A file that is coming.
struct Receiving {
    file: NamedTempFile,
    bytes: u64,
    most: u64,
}

impl Receiving {
    async fn new(folder: &Path, most: u64) -> Result<Self, Refusal> {
        let folder = folder.to_path_buf();
        let file = on_disk(move || {
            tempfile::Builder::new()
                .prefix(".opsh-upload-")
                .tempfile_in(folder)
        })
        .await?;
        Ok(Self {
            file,
            bytes: 0,
            most,
        })
    }

    async fn take(mut self, piece: Bytes) -> Result<Self, Refusal> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.most {
            return Err(Refusal::too_large(self.most));
        }
        on_disk(move || {
            self.file.write_all(&piece)?;
            Ok(self)
        })
        .await
    }

    async fn finish(self, folder: &Path, name: &str, field: String) -> Result<Received, Refusal> {
        let folder = folder.to_path_buf();
        let name = name.to_owned();
        on_disk(move || {
            self.file.as_file().sync_all()?;
            let mut file = self.file;
            let safe = safe(&name);
            for number in 1..=1000 {
                let path = folder.join(numbered(&safe, number));
                match file.persist_noclobber(&path) {
                    Ok(_) => {
                        return Ok(Received {
                            path,
                            bytes: self.bytes,
                            name,
                            field,
                        });
                    }
                    Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                        file = error.file;
                    }
                    Err(error) => return Err(error.error),
                }
            }
            Err(std::io::Error::other(
                "there are too many files of this name",
            ))
        })
        .await
    }
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Refusal::disk(&error)),
        Err(_) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "")),
    }
}

/// The name of a file as it may stand in a folder: no path, nothing hidden, not too long.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).collect();
    let clean = clean.trim().trim_start_matches('.');
    let mut end = clean.len().min(LONGEST);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    match &clean[..end] {
        "" => "upload".to_owned(),
        name => name.to_owned(),
    }
}

fn numbered(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem}-{number}.{extension}"),
        _ => format!("{name}-{number}"),
    }
}

impl Received {
    /// For the handler and for the client; `shown` is its path as the playbook knows it.
    #[must_use]
    pub fn to_value(&self, shown: &str) -> Value {
        let bytes = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        Value::Map(Map::from([
            ("path".to_owned(), shown.into()),
            ("bytes".to_owned(), bytes.into()),
            ("name".to_owned(), self.name.as_str().into()),
            ("field".to_owned(), self.field.as_str().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere() {
        for (name, made) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.log", "y.log"),
            (".bashrc", "bashrc"),
            ("..", "upload"),
            ("", "upload"),
            ("a\r\nb", "ab"),
        ] {
            assert_eq!(safe(name), made, "{name}");
        }
        assert_eq!(safe(&"ä".repeat(200)).len(), 200);
        assert_eq!(numbered("a.tar.gz", 2), "a.tar-2.gz");
        assert_eq!(numbered("a", 3), "a-3");
    }
}
