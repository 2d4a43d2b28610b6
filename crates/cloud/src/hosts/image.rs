//! What a self-made image keeps of the machine that it was made from.

use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// The content of an image: files, packages, and which services start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub(super) machine: Machine,
}

impl Image {
    pub(super) fn of(machine: &Machine) -> Self {
        Self {
            machine: machine.clone(),
        }
    }
}
