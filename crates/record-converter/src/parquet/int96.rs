//! Times of the old form INT96, which Spark and Impala still write. The library's rows have them to the millisecond, so
//! the column is read once more beside the rows.

use std::fs::File;

use jiff::Timestamp;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{Int96, Int96Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::Type as Schema;

use super::lines::BATCH;

/// The values of one column, from the first row on.
pub(super) struct Int96s {
    leaf: usize,
    /// The row group that is read next.
    group: usize,
    reader: Option<ColumnReaderImpl<Int96Type>>,
    /// Of the rows that are decoded: which have a value, and the values of these.
    levels: Vec<i16>,
    values: Vec<Int96>,
    /// The next of both.
    at: usize,
    value_at: usize,
}

impl Int96s {
    /// That of the column `field` of the schema, if it is of that form and has no more than one value a row.
    pub(super) fn of(file: &SerializedFileReader<File>, field: &Schema) -> Option<Self> {
        let schema = file.metadata().file_metadata().schema_descr();
        let leaf = schema.columns().iter().position(|column| {
            let old = column.physical_type() == parquet::basic::Type::INT96;
            old && column.max_rep_level() == 0 && column.path().parts() == [field.name()]
        })?;
        let (levels, values) = (Vec::new(), Vec::new());
        Some(Int96s { leaf, group: 0, reader: None, levels, values, at: 0, value_at: 0 })
    }

    /// The nanoseconds since 1970 of the next row, if it has a value.
    pub(super) fn next(&mut self, file: &SerializedFileReader<File>) -> Result<Option<i128>> {
        while self.at == self.levels.len() {
            self.decode(file)?;
        }
        self.at += 1;
        let most = file.metadata().file_metadata().schema_descr().column(self.leaf).max_def_level();
        if self.levels[self.at - 1] < most {
            return Ok(None);
        }
        let value = self.values.get(self.value_at).ok_or_else(too_few)?;
        self.value_at += 1;
        Ok(Some(nanos(value)))
    }

    fn decode(&mut self, file: &SerializedFileReader<File>) -> Result<()> {
        (self.at, self.value_at) = (0, 0);
        self.levels.clear();
        self.values.clear();
        if let Some(reader) = &mut self.reader {
            let (rows, ..) = reader.read_records(BATCH, Some(&mut self.levels), None, &mut self.values)?;
            // What is never null has no levels.
            self.levels.resize(rows, 0);
            if rows > 0 {
                return Ok(());
            }
        }
        if self.group == file.num_row_groups() {
            return Err(too_few());
        }
        let column = file.get_row_group(self.group)?.get_column_reader(self.leaf)?;
        self.group += 1;
        let ColumnReader::Int96ColumnReader(reader) = column else { return Err(too_few()) };
        self.reader = Some(reader);
        Ok(())
    }
}

fn too_few() -> ParquetError {
    ParquetError::General("a column has fewer values than the others".into())
}

/// Nanoseconds of the day, and the day as astronomers count.
fn nanos(value: &Int96) -> i128 {
    const DAY: i128 = 86_400_000_000_000;
    const FIRST: i128 = 2_440_588;
    let [low, high, day] = [0, 1, 2].map(|at| value.data().get(at).copied().unwrap_or_default());
    // Before noon of the year 4713 BC the day is negative.
    let day = i128::from(i32::from_le_bytes(day.to_le_bytes()));
    (day - FIRST) * DAY + (i128::from(high) << 32) + i128::from(low)
}

/// The point in time, if a calendar has it.
pub(super) fn time(nanos: i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(nanos).ok()
}
