//! The keys of the columns of a table that somebody else made: no two are the same; and which of them may have been meant.

use std::collections::{HashMap, HashSet};

use crate::cell;

/// The keys so far, as JSON text.
#[derive(Debug, Default)]
pub(crate) struct Names {
    keys: HashSet<String>,
    /// For a name that came twice, the number of the last one.
    numbers: HashMap<String, u32>,
}

impl Names {
    /// The key for a column of this name, as JSON text; `name_2` and so on if it is taken.
    pub(crate) fn key(&mut self, name: &str) -> String {
        let mut key = cell::literal(name);
        while !self.keys.insert(key.clone()) {
            let number = self.numbers.entry(name.to_owned()).or_insert(1);
            *number += 1;
            key = cell::literal(&format!("{name}_{number}"));
        }
        key
    }
}

/// So many names are looked at, by so many of their first bytes.
const LOOKED_AT: usize = 2_000;
const LONG: usize = 40;

/// Names that are known, those first that are most like one that is not.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> impl Iterator<Item = &'n str> {
    let holds = |own: &str| !own.is_empty() && (own.contains(name) || name.contains(own));
    let rank = |own: &'n str| (!holds(own), distance(name, own), own);
    let mut all: Vec<_> = known.take(LOOKED_AT).map(rank).collect();
    all.sort_unstable();
    all.into_iter().map(|(.., own)| own)
}

/// How many letters have to be put in, left out or replaced to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let first = |text: &str| text.to_lowercase().bytes().take(LONG).collect::<Vec<_>>();
    let (one, other) = (first(one), first(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut aslant = std::mem::replace(&mut row[0], at + 1);
        for place in 0..other.len() {
            let replaced = aslant + usize::from(other[place] != *letter);
            aslant = row[place + 1];
            row[place + 1] = replaced.min(aslant + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_comes_first() {
        let known = [
            "id",
            "downloads",
            "downloads_all_time",
            "memory_8k_low",
            "memory_8k_high",
            "likes",
            "license_spdx",
        ];
        for (name, meant) in [
            ("download", "downloads, downloads_all_time"),
            ("dwonloads", "downloads"),
            ("memory_8k", "memory_8k_low, memory_8k_high"),
            ("Likes", "likes"),
            ("licence_spdx", "license_spdx"),
        ] {
            let told = nearest(name, known.into_iter()).collect::<Vec<_>>().join(", ");
            assert!(told.starts_with(meant), "{name}: {told}");
        }
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("x", std::iter::empty()).count(), 0);
        assert_eq!(nearest("x", known.into_iter()).count(), known.len());
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = Names::default();
        let keys: Vec<_> = ["a", "a_2", "a", "a"].map(|name| names.key(name)).into();
        assert_eq!(keys, ["\"a\"", "\"a_2\"", "\"a_3\"", "\"a_4\""]);
    }
}
