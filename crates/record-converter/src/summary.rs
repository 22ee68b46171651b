//! What a conversion did, in numbers that add up.

use std::time::Duration;

use crate::lines::BadLine;

/// So many bad lines are kept by name; the others are only counted.
const NAMED: usize = 100;

/// What a conversion did.
///
/// `records_read = records_written`, unless the conversion failed; `missing` lines come on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records in the input.
    pub records_read: u64,
    /// Records in the output.
    pub records_written: u64,
    /// Sheets with records, read or written.
    pub sheets: u32,
    /// Columns: different keys of the records.
    pub columns: usize,
    /// Cells and headers that were too long for Excel and are cut, with a visible note.
    pub cells_cut: u64,
    /// Addresses that stayed plain text although links were asked for: too long, or too many in a sheet.
    pub links_plain: u64,
    /// Input lines that are no JSON object: their records are missing from the output.
    pub missing: u64,
    /// The first 100 of them.
    pub bad_lines: Vec<BadLine>,
    /// Input lines with nothing on them.
    pub blank_lines: u64,
    /// Bytes of the output.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    pub(crate) fn note_bad(&mut self, bad: BadLine) {
        self.missing += 1;
        if self.bad_lines.len() < NAMED {
            self.bad_lines.push(bad);
        }
    }
}
