//! A CSV table of any length in little memory: where every 256th unit begins is known, the rest is made when it is read.

use std::sync::Arc;

use super::rope::Running32c;
use super::world::World;
use crate::http::answer::Source;

const STEP: u64 = 256;

/// Appends the rows of one unit (an item, or a topic with all its messages).
pub(super) type Rows = fn(&World, u64, &mut Csv);

/// A finished table; it is the world's of the moment when it is read, so it is made anew after a change.
pub(super) struct Table {
    world: Arc<World>,
    header: String,
    units: u64,
    rows: Rows,
    /// Where unit 0, 256, 512, ... begin.
    starts: Vec<u64>,
    /// In bytes.
    pub(super) length: u64,
    pub(super) crc32c: u32,
}

impl Table {
    /// Makes every row once, to know the length and the sum.
    pub(super) fn new(world: Arc<World>, columns: &[&str], units: u64, rows: Rows) -> Self {
        let mut csv = Csv::default();
        csv.header(columns);
        let header = std::mem::take(&mut csv.text);
        let mut sum = Running32c::new();
        sum.add(header.as_bytes());
        let (mut starts, mut length) = (Vec::new(), header.len() as u64);
        for first in (0..units).step_by(STEP as usize) {
            starts.push(length);
            csv.text.clear();
            (first..units.min(first + STEP)).for_each(|unit| rows(&world, unit, &mut csv));
            sum.add(csv.text.as_bytes());
            length += csv.text.len() as u64;
        }
        Self { world, header, units, rows, starts, length, crc32c: sum.value() }
    }

    fn block(&self, number: usize) -> String {
        let first = number as u64 * STEP;
        let mut csv = Csv::default();
        (first..self.units.min(first + STEP)).for_each(|unit| (self.rows)(&self.world, unit, &mut csv));
        csv.text
    }
}

/// How many bytes a table has.
pub(super) fn length(world: &World, columns: &[&str], units: u64, rows: Rows) -> u64 {
    let mut csv = Csv::default();
    csv.header(columns);
    let mut length = csv.text.len() as u64;
    for unit in 0..units {
        csv.text.clear();
        rows(world, unit, &mut csv);
        length += csv.text.len() as u64;
    }
    length
}

impl Source for Table {
    fn fill(&self, mut at: u64, mut into: &mut [u8]) {
        while !into.is_empty() && at < self.length {
            let number = self.starts.partition_point(|start| *start <= at);
            let (start, text) = match number.checked_sub(1) {
                None => (0, self.header.clone()),
                Some(number) => (self.starts[number], self.block(number)),
            };
            let rest = text.as_bytes().get((at - start) as usize..).unwrap_or_default();
            let count = rest.len().min(into.len());
            if count == 0 {
                // The world changed while it was read: the row is not there any more.
                into.fill(b' ');
                return;
            }
            into[..count].copy_from_slice(&rest[..count]);
            into = &mut into[count..];
            at += count as u64;
        }
    }
}

/// Rows that are being written, in the way of the tables: every field in quotes.
#[derive(Default)]
pub(super) struct Csv {
    text: String,
}

impl Csv {
    fn header(&mut self, columns: &[&str]) {
        self.row(columns);
    }

    pub(super) fn row(&mut self, fields: &[&str]) {
        for (number, field) in fields.iter().enumerate() {
            if number > 0 {
                self.text.push(',');
            }
            self.text.push('"');
            if field.contains('"') {
                self.text.push_str(&field.replace('"', "\"\""));
            } else {
                self.text.push_str(field);
            }
            self.text.push('"');
        }
        self.text.push('\n');
    }
}
