//! A set of places.

/// A set of numbers below a bound, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    size: usize,
}

impl Bitmap {
    /// None of `size` places.
    pub(crate) fn none(size: usize) -> Self {
        Bitmap { words: vec![0; size.div_ceil(64)], size }
    }

    /// The places for which `holds`.
    pub(crate) fn of(size: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let mut bitmap = Bitmap::none(size);
        for (at, word) in bitmap.words.iter_mut().enumerate() {
            for bit in 0..64.min(size - at * 64) {
                *word |= u64::from(holds(at * 64 + bit)) << bit;
            }
        }
        bitmap
    }

    /// The places of which something is known, and those of them for which it holds.
    #[inline(always)]
    pub(crate) fn known_and_held(size: usize, holds: impl Fn(usize) -> Option<bool>) -> (Bitmap, Bitmap) {
        let (mut known, mut held) = (Bitmap::none(size), Bitmap::none(size));
        for (at, (known, held)) in known.words.iter_mut().zip(&mut held.words).enumerate() {
            for bit in 0..64.min(size - at * 64) {
                let holds = holds(at * 64 + bit);
                *known |= u64::from(holds.is_some()) << bit;
                *held |= u64::from(holds == Some(true)) << bit;
            }
        }
        (known, held)
    }

    pub(crate) fn set(&mut self, place: u32) {
        if let Some(word) = self.words.get_mut(place as usize / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub(crate) fn unset(&mut self, place: u32) {
        if let Some(word) = self.words.get_mut(place as usize / 64) {
            *word &= !(1 << (place % 64));
        }
    }

    #[inline]
    pub(crate) fn has(&self, place: u32) -> bool {
        self.words.get(place as usize / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(crate) fn and(&mut self, other: &Bitmap) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn and_not(&mut self, other: &Bitmap) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    pub(crate) fn or(&mut self, other: &Bitmap) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The places in it, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.words_between(0, self.words.len())
    }

    /// The places in a part of it, by words of 64.
    pub(crate) fn words_between(&self, from: usize, to: usize) -> impl Iterator<Item = u32> + '_ {
        self.words[from..to].iter().enumerate().flat_map(move |(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros();
                left &= left - 1;
                Some(((from + at) * 64) as u32 + bit)
            })
        })
    }

    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// 64 of its places, the first in the lowest bit.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.words[at]
    }
}
