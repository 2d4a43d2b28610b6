//! How many different things there were, in 512 bytes.
//!
//! Up to 64 exactly; beyond that estimated from 512 registers (`HyperLogLog`, with linear
//! counting while registers are empty): some five percent off.

use foldhash::fast::FixedState;
use std::hash::BuildHasher as _;

const FEW: usize = 64;
const REGISTERS: usize = 512;

/// Different things, by their bytes.
pub enum Distinct {
    /// The hash of each.
    Few(Vec<u64>),
    /// For each register the longest run of zeros.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    /// Notes a thing; whether it is new for sure.
    pub fn note(&mut self, thing: &[u8]) -> bool {
        self.hashed(FixedState::with_seed(1).hash_one(thing))
    }

    fn hashed(&mut self, hash: u64) -> bool {
        match self {
            Self::Few(hashes) if hashes.contains(&hash) => false,
            Self::Few(hashes) if hashes.len() < FEW => {
                hashes.push(hash);
                true
            }
            Self::Few(hashes) => {
                let mut registers = Box::new([0; REGISTERS]);
                for hash in hashes.iter().chain([&hash]) {
                    register(&mut registers, *hash);
                }
                *self = Self::Many(registers);
                true
            }
            Self::Many(registers) => register(registers, hash),
        }
    }

    /// Adds what another one has noted.
    pub fn add(&mut self, other: Self) {
        match other {
            Self::Few(hashes) => {
                for hash in hashes {
                    self.hashed(hash);
                }
            }
            Self::Many(theirs) => {
                let mut registers = theirs;
                match std::mem::take(self) {
                    Self::Few(hashes) => {
                        for hash in hashes {
                            register(&mut registers, hash);
                        }
                    }
                    Self::Many(ours) => {
                        for (register, ours) in registers.iter_mut().zip(ours.iter()) {
                            *register = (*register).max(*ours);
                        }
                    }
                }
                *self = Self::Many(registers);
            }
        }
    }

    /// Whether [`Distinct::count`] is exact.
    pub fn exact(&self) -> bool {
        matches!(self, Self::Few(_))
    }

    /// How many.
    #[allow(clippy::cast_precision_loss)] // 512 registers
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
    pub fn count(&self) -> u64 {
        let registers = match self {
            Self::Few(hashes) => return hashes.len() as u64,
            Self::Many(registers) => registers,
        };
        let count = REGISTERS as f64;
        let sum: f64 = registers.iter().map(|run| (-f64::from(*run)).exp2()).sum();
        let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        let empty: usize = registers.iter().map(|run| usize::from(*run == 0)).sum();
        let estimate = if empty > 0 && raw <= 2.5 * count {
            count * (count / empty as f64).ln()
        } else {
            raw
        };
        estimate.round() as u64
    }
}

/// Notes a hash; whether that changed a register.
fn register(registers: &mut [u8; REGISTERS], hash: u64) -> bool {
    // The low nine bits choose the register, the others are judged.
    let place = usize::try_from(hash % REGISTERS as u64).unwrap_or_default();
    let run = u8::try_from((hash >> 9 | 1 << 55).trailing_zeros() + 1).unwrap_or(u8::MAX);
    let longer = run > registers[place];
    if longer {
        registers[place] = run;
    }
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: std::ops::Range<u32>) -> Distinct {
        let mut distinct = Distinct::default();
        for number in numbers.clone().chain(numbers) {
            distinct.note(format!("/path/{number}").as_bytes());
        }
        distinct
    }

    #[test]
    fn few_are_exact_many_are_near() {
        assert_eq!(of(0..64).count(), 64);
        assert!(of(0..64).exact());
        for many in [65, 300, 1000, 20_000] {
            let found = of(0..many);
            assert!(!found.exact());
            let off = found.count().abs_diff(many.into());
            assert!(off * 10 <= u64::from(many), "{} of {many}", found.count());
        }
    }

    #[test]
    fn what_both_have_counts_once() {
        let mut few = of(0..40);
        few.add(of(20..60));
        assert_eq!((few.count(), few.exact()), (60, true));
        for (one, two) in [(0..40, 20..500), (0..500, 480..520), (0..500, 250..750)] {
            let all = f64::from(two.end);
            let mut both = of(one);
            both.add(of(two));
            #[allow(clippy::cast_precision_loss)]
            let off = (both.count() as f64 - all).abs();
            assert!(off <= all / 10.0, "{} of {all}", both.count());
        }
    }
}
