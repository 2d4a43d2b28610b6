//! Ids and other made-up values, the same for the same seed.

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A seeded source: the n-th value depends on the seed and n only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    /// A source for `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// What it was made for.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many values it has given.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    fn next(&mut self) -> ChaCha8Rng {
        let mut source = ChaCha8Rng::seed_from_u64(self.seed);
        source.set_stream(self.drawn);
        self.drawn += 1;
        source
    }

    /// An EC2-style id, e.g. `i-0a1b2c3d4e5f60718`.
    pub fn resource(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.next().random::<u64>())
    }

    /// A UUID (version 4 in form).
    pub fn uuid(&mut self) -> String {
        let bits: u128 = self.next().random();
        let hex = format!("{bits:032x}");
        format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.next().random_range(0..bound)
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.next().random()
    }
}
