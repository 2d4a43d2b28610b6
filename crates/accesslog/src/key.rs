//! Short names, such as addresses, without an allocation each.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

/// The longest name: an IPv6 address with brackets and a port.
pub const LONGEST: usize = 47;

/// A name of at most [`LONGEST`] bytes; looked up by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    bytes: [u8; LONGEST],
    length: u8,
}

impl Key {
    /// `name`, cut at [`LONGEST`] bytes; the parser lets none through that is longer.
    pub fn new(name: &[u8]) -> Self {
        let length = name.len().min(LONGEST);
        let mut bytes = [0; LONGEST];
        bytes[..length].copy_from_slice(&name[..length]);
        Self {
            bytes,
            // At most 47.
            length: u8::try_from(length).unwrap_or(u8::MAX),
        }
    }

    /// The name.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}
