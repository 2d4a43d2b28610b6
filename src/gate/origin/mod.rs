//! Where a run was: in which world, folder, account and region.
//!
//! What goes on with a run or undoes it has to be there, too. Anywhere else nothing is found
//! of what it made, which would be taken for gone: so it is led there, or refused.

pub mod account;
pub mod folder;
pub mod paths;
pub mod region;
pub mod world;

use std::fmt;

/// What is to be done with a run that was somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// To go on with it.
    Resume,
    /// To undo it.
    Undo,
}

impl fmt::Display for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Resume => "resume",
            Self::Undo => "undo",
        })
    }
}
