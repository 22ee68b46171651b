//! Chance that is the same for the same seed on every machine, and in every version of the program.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{RngCore, SeedableRng};

/// A stream of numbers that look random, for the bootstrap: PCG XSL RR 128/64 (O'Neill 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(Pcg64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(Pcg64::seed_from_u64(seed))
    }

    /// A number below `end`, which is not 0 (Lemire's multiplication; its bias is below 2^-40 for our ends). That of
    /// `rand` may change with its version.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

/// A number that belongs to a text under a seed: FNV-1a, and the end of SplitMix64 (Steele, Lea and Flood 2014). It picks the rows
/// of a sample and those that a head does not learn from, so it stays as it is: with another one no earlier gold file would be
/// drawn again.
pub(crate) fn number(seed: u64, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ mixed(seed);
    mixed(text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

fn mixed(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_stay_what_they_are() {
        // By the definitions of PCG64 and of `seed_from_u64`, computed apart.
        let mut dice = Dice::new(1);
        assert_eq!([(); 4].map(|()| dice.below(1000)), [839, 17, 113, 983]);
    }

    #[test]
    fn the_number_of_a_text_stays_what_it_is() {
        assert_eq!(
            [number(1, "o/1"), number(2, "o/1"), number(1, "")],
            [8_174_841_510_740_540_892, 517_017_969_159_017_945, 1_170_960_519_757_942_239]
        );
    }

    #[test]
    fn every_number_below_the_end_comes_about_as_often() {
        let mut dice = Dice::new(7);
        let mut seen = [0u32; 10];
        (0..100_000).for_each(|_| seen[dice.below(10)] += 1);
        assert!(seen.iter().all(|count| (9_500..10_500).contains(count)), "{seen:?}");
    }
}
