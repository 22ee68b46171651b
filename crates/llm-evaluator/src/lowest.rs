//! Draws: of many rows those of lowest rank, in whatever order they come.

use std::collections::BTreeMap;

/// The rows of lowest rank so far, at most so many; a row is there once.
pub(crate) struct Lowest<T> {
    most: usize,
    pub(crate) rows: BTreeMap<(u64, String), T>,
}

impl<T> Lowest<T> {
    pub(crate) fn new(most: usize) -> Self {
        Lowest { most, rows: BTreeMap::new() }
    }

    pub(crate) fn offer(&mut self, rank: u64, id: &str, row: impl FnOnce() -> T) {
        if self.rows.len() >= self.most && self.rows.last_key_value().is_none_or(|(key, _)| key.0 <= rank) {
            return;
        }
        self.rows.entry((rank, id.to_owned())).or_insert_with(row);
        if self.rows.len() > self.most {
            self.rows.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_are_kept_each_once_in_whatever_order_they_come() {
        let numbers = [5, 3, 9, 3, 1, 7, 2];
        let of = |numbers: &mut dyn Iterator<Item = &u64>| {
            let mut lowest = Lowest::new(3);
            numbers.for_each(|number| lowest.offer(*number, &number.to_string(), || ()));
            lowest.rows.into_keys().map(|(rank, _)| rank).collect::<Vec<_>>()
        };
        assert_eq!(of(&mut numbers.iter()), [1, 2, 3]);
        assert_eq!(of(&mut numbers.iter().rev()), [1, 2, 3]);
    }
}
