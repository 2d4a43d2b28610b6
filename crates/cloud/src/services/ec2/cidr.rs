//! Blocks of IPv4 addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A block, e.g. `172.31.0.0/20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    base: u32,
    bits: u8,
}

impl Cidr {
    /// The block of `bits` that `address` is in.
    pub fn around(address: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        Self {
            base: u32::from(address) & mask(bits),
            bits,
        }
    }

    /// The length of its prefix.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether `address` is in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.bits) == self.base
    }

    /// Whether all of `other` is in it.
    pub fn covers(self, other: Self) -> bool {
        other.bits >= self.bits && self.contains(Ipv4Addr::from(other.base))
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// How many addresses a subnet of this block can give: AWS keeps five
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>).
    pub fn usable(self) -> u32 {
        (u64::from(u32::MAX) + 1)
            .checked_shr(u32::from(self.bits))
            .and_then(|size| u32::try_from(size.saturating_sub(5)).ok())
            .unwrap_or(u32::MAX - 4)
    }

    /// The n-th of the usable addresses.
    pub fn nth(self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base + 4 + index)
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", Ipv4Addr::from(self.base), self.bits)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("CIDR block {text} is malformed");
        let (address, bits) = text.split_once('/').ok_or_else(bad)?;
        let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
        let bits: u8 = bits.parse().map_err(|_| bad())?;
        if bits > 32 {
            return Err(bad());
        }
        Ok(Self::around(address, bits))
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_contain_and_overlap() {
        let vpc: Cidr = "172.31.0.0/16".parse().unwrap();
        let subnet: Cidr = "172.31.16.0/20".parse().unwrap();
        assert!(vpc.covers(subnet) && vpc.overlaps(subnet) && !subnet.covers(vpc));
        assert!(subnet.contains("172.31.31.255".parse().unwrap()));
        assert!(!subnet.contains("172.31.32.0".parse().unwrap()));
        assert_eq!(subnet.usable(), 4091);
        assert_eq!(subnet.nth(0).to_string(), "172.31.16.4");
        let all: Cidr = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        assert_eq!(
            "10.0.0.9/8".parse::<Cidr>().unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
    }
}
