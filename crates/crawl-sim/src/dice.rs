//! A seeded stream of numbers (splitmix64): cheap, portable and the same on every machine.

/// The same seed and place always throw the same numbers.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, place: u64) -> Self {
        Self(mix(seed ^ mix(place.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number in `[0, 1)`.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Skewed towards the front of the list, as popularity is.
    pub(crate) fn pick_early<T: Copy>(&mut self, from: &[T]) -> T {
        let share = self.share();
        from[((share * share * share) * from.len() as f64) as usize]
    }

    /// Mostly small, seldom huge: `10^(0..digits)`, bent by `skew` (1 is log-uniform, more is smaller).
    pub(crate) fn heavy(&mut self, digits: f64, skew: i32) -> u64 {
        10f64.powf(self.share().powi(skew) * digits) as u64 - 1
    }
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A stable number for a text (FNV-1a, then mixed).
pub(crate) fn hash(text: &str) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fnv))
}
