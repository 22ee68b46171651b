//! What was worked out lately, kept for who asks again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The newest few of what was worked out, by what it was worked out of.
pub(crate) struct Kept<K, V> {
    most: usize,
    /// The one that was used last stands first.
    all: Mutex<VecDeque<(K, V)>>,
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    /// Keeps so many that sets of `places` places take no more than about 32 MiB.
    pub(crate) fn for_places(places: usize) -> Self {
        Kept { most: ((32 << 20) / (places / 8 + 1)).clamp(8, 128), all: Mutex::default() }
    }

    /// What was worked out of this, or what is worked out now. Two who ask at once may both work.
    pub(crate) fn or_make<E>(&self, key: K, make: impl FnOnce(&K) -> Result<V, E>) -> Result<V, E> {
        if let Some(found) = self.find(&key) {
            return Ok(found);
        }
        let made = make(&key)?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_front((key, made.clone()));
        all.truncate(self.most);
        Ok(made)
    }

    fn find(&self, key: &K) -> Option<V> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(own, _)| own == key)?;
        let entry = all.remove(at)?;
        let found = entry.1.clone();
        all.push_front(entry);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_is_kept_and_nothing_that_failed() {
        let kept = Kept::for_places(32 << 20);
        let ask = |key: u32, made: &mut Vec<u32>| {
            kept.or_make(key, |key| {
                made.push(*key);
                if *key == 99 { Err("odd") } else { Ok(key * 2) }
            })
        };
        let mut made = Vec::new();
        for key in [1, 2, 1, 99, 99, 3, 4, 5, 6, 7, 8, 1, 9, 2, 1] {
            assert_eq!(ask(key, &mut made), if key == 99 { Err("odd") } else { Ok(key * 2) });
        }
        // Eight have room: 2 went when 9 came, 1 had been used.
        assert_eq!(made, [1, 2, 99, 99, 3, 4, 5, 6, 7, 8, 9, 2]);
    }
}
