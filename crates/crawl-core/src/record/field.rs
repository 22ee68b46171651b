//! Fields of a view: there, absent, or of another type than expected.

use std::collections::BTreeMap;

use serde::Serialize;

/// A field of a record, read leniently: a bad field never loses its record.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Field<T> {
    /// The member is not there, or `null`: unknown.
    #[default]
    Absent,
    /// The member is there with another type than expected: unknown too, but worth counting.
    Wrong,
    /// The value.
    Is(T),
}

impl<T> Field<T> {
    /// The value of a member that is there: `None` from the reader means another type.
    pub fn read(raw: crate::json::Raw<'_>, value: Option<T>) -> Self {
        match value {
            Some(value) => Field::Is(value),
            None if raw.is_null() => Field::Absent,
            None => Field::Wrong,
        }
    }

    /// The value, if it is there and of the expected type.
    pub fn get(&self) -> Option<&T> {
        match self {
            Field::Is(value) => Some(value),
            _ => None,
        }
    }
}

/// Counts, over many records, of fields that were absent or of another type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Records looked at.
    pub records: u64,
    /// How often each field was absent or null.
    pub absent: BTreeMap<&'static str, u64>,
    /// How often each field had another type than expected.
    pub wrong: BTreeMap<&'static str, u64>,
}

impl Census {
    /// Counts one field of one record.
    pub fn count<T>(&mut self, name: &'static str, field: &Field<T>) {
        match field {
            Field::Is(_) => {}
            Field::Absent => *self.absent.entry(name).or_default() += 1,
            Field::Wrong => *self.wrong.entry(name).or_default() += 1,
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Census) {
        self.records += other.records;
        for (from, to) in [(&other.absent, &mut self.absent), (&other.wrong, &mut self.wrong)] {
            for (name, count) in from {
                *to.entry(name).or_default() += count;
            }
        }
    }
}
