//! The keys of the columns of a table that somebody else made: no two are the same.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = Names::default();
        let keys: Vec<_> = ["a", "a_2", "a", "a"].map(|name| names.key(name)).into();
        assert_eq!(keys, ["\"a\"", "\"a_2\"", "\"a_3\"", "\"a_4\""]);
    }
}
