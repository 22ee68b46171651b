//! What a conversion did, in numbers that add up.

use std::time::Duration;

use crate::lines::BadLine;
use crate::losses::{Losses, LostCell};

/// So many bad lines are kept by name; the others are only counted.
const NAMED: usize = 100;

/// What a conversion did.
///
/// `records_read = records_written + left_out`, unless the conversion failed; `missing` lines come on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records in the input.
    pub records_read: u64,
    /// Records in the output.
    pub records_written: u64,
    /// Records that were not asked for.
    pub left_out: u64,
    /// Members that [`Options::selection`](crate::Options::selection) names and no record has.
    pub unknown: Vec<String>,
    /// Sheets with records, read or written.
    pub sheets: u32,
    /// Columns: different keys of the records.
    pub columns: usize,
    /// Cells and headers that were too long for Excel and are cut, with a visible note.
    pub cells_cut: u64,
    /// Cells of a workbook whose value is not in the output, or stands in doubt, beside those that are cut.
    pub cells_lost: u64,
    /// The first 100 of the cells that are cut or lost.
    pub lost_cells: Vec<LostCell>,
    /// Sheets of a workbook that were not read because people do not see them, or because they are none of ours.
    pub sheets_left_out: Vec<String>,
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

    /// Counts a cell that is cut; `name` is asked for its place and why.
    pub(crate) fn note_cut(&mut self, name: impl FnOnce() -> (String, String)) {
        self.cells_cut += 1;
        self.collect(|losses| losses.note(name));
    }

    /// Counts a cell, or whatever `name` calls a place, whose value is lost.
    pub(crate) fn note_lost(&mut self, name: impl FnOnce() -> (String, String)) {
        self.cells_lost += 1;
        self.collect(|losses| losses.note(name));
    }

    /// Counts the losses of a row of `sheet`.
    pub(crate) fn note_losses(&mut self, sheet: &str, row: Losses) {
        if row.count > 0 {
            self.cells_lost += row.count;
            self.collect(|losses| losses.absorb(sheet, row));
        }
    }

    /// Whether all of the input is in the output: nothing is missing, cut or lost.
    pub fn is_whole(&self) -> bool {
        self.missing + self.cells_cut + self.cells_lost == 0
    }

    fn collect(&mut self, add: impl FnOnce(&mut Losses)) {
        let mut losses = Losses { count: 0, named: std::mem::take(&mut self.lost_cells) };
        add(&mut losses);
        self.lost_cells = losses.named;
    }
}
