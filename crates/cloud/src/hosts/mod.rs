//! Simulated machines: files, shell, packages, services, web server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The machines by instance id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hosts {
    by_instance: BTreeMap<String, Host>,
}

/// One machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {}
