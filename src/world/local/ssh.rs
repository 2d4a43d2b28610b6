//! SSH to simulated machines.

use std::sync::Arc;

use opsh_cloud::Cloud;
use opsh_operation::{Fault, FaultKind};

use super::known_hosts::KnownHosts;
use crate::world::Cancel;
use crate::world::files::Files;
use crate::world::ssh::{Session, Target, Transport};

/// The world's SSH.
pub(super) struct Logins {
    _cloud: Cloud,
    _known: KnownHosts,
    _files: Arc<dyn Files>,
}

impl Logins {
    pub fn new(cloud: Cloud, known: KnownHosts, files: Arc<dyn Files>) -> Self {
        Self {
            _cloud: cloud,
            _known: known,
            _files: files,
        }
    }
}

impl Transport for Logins {
    fn connect(&self, target: &Target, cancel: &Cancel) -> Result<Box<dyn Session>, Fault> {
        cancel.check()?;
        Err(Fault::new(
            FaultKind::Unreachable,
            format!("{}: no such simulated host", target.host),
        ))
    }
}
