//! What is sent to others: bytes, or a file that is read as it is sent.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use opsh_operation::{Fault, FaultKind};

/// Bytes, or the file of the disk that holds them; however large that is, it is never all in
/// memory on its way over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These.
    Bytes(Vec<u8>),
    /// What is in this file.
    File(PathBuf),
}

impl Content {
    /// From its beginning.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn open(&self) -> Result<Box<dyn Read + '_>, Fault> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(self.unreadable(&error)),
            },
        }
    }

    /// How many bytes that are.
    ///
    /// # Errors
    /// There is no such file.
    pub fn length(&self) -> Result<u64, Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(path) => std::fs::metadata(path)
                .map(|known| known.len())
                .map_err(|error| self.unreadable(&error)),
        }
    }

    /// All of it at once.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn whole(&self) -> Result<Cow<'_, [u8]>, Fault> {
        match self {
            Self::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(path) => std::fs::read(path)
                .map(Cow::Owned)
                .map_err(|error| self.unreadable(&error)),
        }
    }

    /// What is said where reading it fails.
    #[must_use]
    pub fn unreadable(&self, error: &io::Error) -> Fault {
        let kind = if error.kind() == io::ErrorKind::NotFound {
            FaultKind::NotFound
        } else {
            FaultKind::Invalid
        };
        let shown = match self {
            Self::Bytes(_) => "content".to_owned(),
            Self::File(path) => format!("file {}", path.display()),
        };
        Fault::new(kind, format!("cannot read the {shown}: {error}"))
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
