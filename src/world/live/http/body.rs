//! Receiving a body: bounded, into memory or into a file that appears whole or not at all.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};
use tempfile::NamedTempFile;

use super::faults;

const CHUNK: usize = 64 * 1024;

pub(super) struct Receiver<'a> {
    pub url: &'a str,
    pub limit: u64,
    pub timeout: Duration,
    pub abandoned: &'a AtomicBool,
}

pub(super) struct Taken {
    pub body: Vec<u8>,
    pub length: u64,
}

impl Receiver<'_> {
    /// The whole body; into the file `path` if there is one.
    pub fn take(&self, mut stream: ureq::Body, path: Option<&Path>) -> Result<Taken, Fault> {
        if stream
            .content_length()
            .is_some_and(|length| length > self.limit)
        {
            return Err(faults::too_large(self.url, self.limit));
        }
        // One byte more than allowed tells "as large as" from "larger than".
        let reader = stream.as_reader();
        let Some(path) = path else {
            let mut body = Vec::new();
            let length = self.copy(reader, &mut body)?;
            return Ok(Taken { body, length });
        };
        let mut file = beside(path).map_err(|error| cannot_write(path, &error))?;
        let length = self.copy(reader, &mut file)?;
        if self.abandoned.load(Ordering::SeqCst) {
            return Err(Fault::new(
                FaultKind::Interrupted,
                "the download was interrupted",
            ));
        }
        file.persist(path)
            .map_err(|error| cannot_write(path, &error.error))?;
        Ok(Taken {
            body: Vec::new(),
            length,
        })
    }

    fn copy(&self, mut from: impl Read, to: &mut impl Write) -> Result<u64, Fault> {
        let mut chunk = vec![0; CHUNK];
        let mut length = 0_u64;
        loop {
            if self.abandoned.load(Ordering::SeqCst) {
                return Err(Fault::new(
                    FaultKind::Interrupted,
                    "the exchange was interrupted",
                ));
            }
            let count = match from.read(&mut chunk) {
                Ok(0) => return Ok(length),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(faults::from_ureq(error.into(), self.url, self.timeout));
                }
            };
            length += count as u64;
            if length > self.limit {
                return Err(faults::too_large(self.url, self.limit));
            }
            to.write_all(&chunk[..count]).map_err(|error| {
                Fault::new(FaultKind::Failed, format!("cannot store the body: {error}"))
            })?;
        }
    }
}

/// A temporary file in the folder of `path`, removed unless it is persisted.
fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".opsh-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file; the umask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        FaultKind::Invalid,
        format!("cannot write the file {}: {error}", path.display()),
    )
    .hint("the folder must exist and be writable")
}
