//! Where an embedded cloud is served, and the token that lets its user drive it.
//!
//! A file in the cloud's folder, which only its owner may read. The server holds its
//! lock, so that a file that a killed server left behind is told from a living one's.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file's name in the cloud's folder.
const NAME: &str = "served.json";

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// E.g. `http://127.0.0.1:4566`.
    pub url: String,
    /// Who sends it may drive the server.
    pub token: String,
    /// The server's process.
    pub pid: u32,
}

/// A notice that stays as long as this is held.
#[derive(Debug)]
pub struct Posted {
    path: PathBuf,
    _lock: File,
}

impl Notice {
    /// A notice of this process, which listens at `address`, with a new token.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let mut token = [0; 32];
        rand::fill(&mut token);
        Self {
            url: format!("http://{address}"),
            token: hex::encode(token),
            pid: std::process::id(),
        }
    }

    /// The port in the URL.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok())
            .unwrap_or_default()
    }

    /// Puts the notice into `folder`, for its owner's eyes only.
    ///
    /// # Errors
    /// As the system says; `WouldBlock` if a living server's notice is there.
    pub fn post(&self, folder: &Path) -> io::Result<Posted> {
        let path = folder.join(NAME);
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Whoever made a file of this name first might have let others read it.
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(self)?)?;
        Ok(Posted { path, _lock: file })
    }

    /// The notice of the living server of the cloud in `folder`.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let mut file = File::open(folder.join(NAME)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            // Nobody holds it: a server was killed.
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        let mut json = Vec::new();
        file.read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Notice;

    #[test]
    fn a_notice_counts_as_long_as_its_server_lives() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Notice::read(folder.path()), None);
        let notice = Notice::new(([127, 0, 0, 1], 4566).into());
        assert_eq!(notice.port(), 4566);
        let posted = notice.post(folder.path()).unwrap();
        assert_eq!(Notice::read(folder.path()), Some(notice.clone()));
        let refused = notice.post(folder.path()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
        drop(posted);
        assert_eq!(Notice::read(folder.path()), None);
        // What a killed server leaves behind.
        std::fs::write(
            folder.path().join("served.json"),
            serde_json::to_vec(&notice).unwrap(),
        )
        .unwrap();
        assert_eq!(Notice::read(folder.path()), None);
        drop(notice.post(folder.path()).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_the_token() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("served.json");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let _posted = Notice::new(([127, 0, 0, 1], 0).into())
            .post(folder.path())
            .unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
