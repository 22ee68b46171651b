//! Reading Parquet, ours and that of others, into JSON lines.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crawl_core::{Error, Kind, Result};
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::Row;
use parquet::record::reader::RowIter;
use parquet::schema::types::{ColumnDescriptor, Type as Schema};

use super::field;
use super::hint::Hint;
use super::int96::Int96s;
use super::{DIGITS_KEY, RAW_KEY};
use crate::foreign::point;
use crate::lines::{self, BadLine};
use crate::names::Names;
use crate::summary::Summary;
use crate::supply::cannot_open;

/// So many rows are decoded at once.
pub(super) const BATCH: usize = 256;

/// A column that is read.
struct Column {
    /// As JSON text.
    key: String,
    hint: Hint,
    times: Option<Int96s>,
}

/// Gives each row to `each`, as one line of JSON without its end.
///
/// # Errors
/// [`Kind::Config`] if the file cannot be found; [`Kind::Shape`] if it is no Parquet, is damaged or has a type that is not
/// known; those of `each`.
pub(crate) fn read(
    path: &Path,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
    let shown = path.display().to_string();
    let damaged = |cause: ParquetError| damaged(cause).at(&shown);
    let reader = guarded(|| SerializedFileReader::new(file)).map_err(damaged)?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema().clone();
    let raw = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == RAW_KEY);
    let raw = raw.and_then(|pair| pair.value.as_deref());
    let raw = raw.and_then(|name| schema.get_fields().iter().find(|field| field.name() == name).cloned());
    summary.columns = schema.get_fields().len() - usize::from(raw.is_some());
    let projection = match &raw {
        Some(raw) => {
            let only = Schema::group_type_builder(schema.name()).with_fields(vec![raw.clone()]);
            Some(only.build().map_err(damaged)?)
        }
        None => {
            let known = metadata.schema_descr().columns().iter().try_for_each(|column| is_known(column));
            known.map_err(|error| error.at(&shown))?;
            None
        }
    };
    let pairs = metadata.key_value_metadata();
    let hint = |column: &Schema| {
        let key = format!("{DIGITS_KEY}{}", column.name());
        let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
        // None other is written.
        let digits = pair.and_then(|pair| pair.value.as_deref()?.parse().ok()).filter(|digits| *digits <= 6);
        Hint::of(column).with_digits(digits)
    };
    let mut names = Names::default();
    let mut columns: Vec<_> = schema
        .get_fields()
        .iter()
        .map(|column| Column {
            key: names.key(column.name()),
            hint: hint(column),
            times: if raw.is_some() { None } else { Int96s::of(&reader, column) },
        })
        .collect();
    let expected = u64::try_from(metadata.num_rows()).unwrap_or_default();
    let rows = guarded(|| RowIter::from_file(projection, &reader)).map_err(damaged)?;
    let mut rows = rows.with_batch_size(BATCH);
    let mut line = String::new();
    let mut number = 0;
    while let Some(row) = guarded(|| rows.next().transpose()).map_err(damaged)? {
        number += 1;
        line.clear();
        if raw.is_some() {
            if let Err(why) = record(&row, &mut line) {
                summary.note_bad(BadLine { place: shown.clone(), line: number, why });
                continue;
            }
        } else {
            let lost = |key: &str, why: &str| {
                summary.note_lost(|| (format!("{shown} row {number}, {key}"), why.into()));
            };
            guarded(|| members(&row, &mut columns, &reader, &mut line, lost)).map_err(damaged)?;
        }
        summary.records_read += 1;
        each(&line)?;
        summary.records_written += 1;
    }
    if number != expected {
        let what = format!("the file says that it has {expected} rows, and has {number}");
        return Err(Error::new(Kind::Shape, what).at(shown).advise("get the file again"));
    }
    Ok(())
}

/// The record in the one column of a row.
fn record(row: &Row, line: &mut String) -> Result<(), String> {
    use parquet::record::RowAccessor;
    let text = row.get_string(0).map_err(|_| "the record is no text")?;
    line.push_str(lines::record(text.as_bytes())?.text());
    // A line break between the parts of JSON that somebody put there must not break the line.
    if line.contains(['\n', '\r']) {
        *line = crate::cell::compact(line).into_owned();
    }
    Ok(())
}

fn members(
    row: &Row,
    columns: &mut [Column],
    file: &SerializedFileReader<File>,
    line: &mut String,
    mut lost: impl FnMut(&str, &str),
) -> Result<(), ParquetError> {
    line.push('{');
    for ((_, value), column) in row.get_column_iter().zip(columns) {
        if line.len() > 1 {
            line.push(',');
        }
        line.push_str(&column.key);
        line.push(':');
        match &mut column.times {
            Some(times) => match times.next(file)? {
                Some(nanos) => point(line, nanos, 1, true),
                None => line.push_str("null"),
            },
            None => {
                if let Some(why) = field::write(line, value, &column.hint) {
                    lost(&column.key, why);
                }
            }
        }
    }
    line.push('}');
    Ok(())
}

/// Refuses the types that the library would panic at.
pub(super) fn is_known(column: &ColumnDescriptor) -> Result<()> {
    use ConvertedType as Converted;
    let known = match (column.physical_type(), column.converted_type()) {
        (Physical::BOOLEAN | Physical::INT96 | Physical::FLOAT | Physical::DOUBLE, _) => true,
        (Physical::INT32, converted) => matches!(
            converted,
            Converted::NONE
                | Converted::INT_8
                | Converted::INT_16
                | Converted::INT_32
                | Converted::UINT_8
                | Converted::UINT_16
                | Converted::UINT_32
                | Converted::DATE
                | Converted::TIME_MILLIS
                | Converted::DECIMAL
        ),
        (Physical::INT64, converted) => matches!(
            converted,
            Converted::NONE
                | Converted::INT_64
                | Converted::UINT_64
                | Converted::TIME_MICROS
                | Converted::TIMESTAMP_MILLIS
                | Converted::TIMESTAMP_MICROS
                | Converted::DECIMAL
        ),
        (Physical::BYTE_ARRAY, converted) => matches!(
            converted,
            Converted::NONE
                | Converted::UTF8
                | Converted::ENUM
                | Converted::JSON
                | Converted::BSON
                | Converted::DECIMAL
        ),
        (Physical::FIXED_LEN_BYTE_ARRAY, converted) => {
            matches!(converted, Converted::NONE | Converted::DECIMAL)
        }
    };
    let exotic = matches!(column.logical_type_ref(), Some(LogicalType::Variant(_)));
    if known && !exotic {
        return Ok(());
    }
    let name = crate::losses::visible(&column.path().string());
    let what = format!("the column `{name}` has a type that is not known ({:?})", column.converted_type());
    Err(Error::new(Kind::Shape, what).advise("write the file without that column, or with it as text"))
}

/// Runs the library, which panics at some damages, so that they are errors.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its parts contradict each other".into())))
}

pub(super) fn damaged(cause: ParquetError) -> Error {
    let disk = match &cause {
        ParquetError::External(inner) => {
            inner.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.raw_os_error().is_some())
        }
        _ => false,
    };
    if disk {
        return Error::new(Kind::Storage, "cannot read the Parquet file").because(cause);
    }
    let unknown = match &cause {
        ParquetError::NYI(_) => true,
        ParquetError::General(why) => why.contains("Disabled feature"),
        _ => false,
    };
    if unknown {
        return Error::new(Kind::Shape, "the Parquet file is written in a way that is not known here")
            .advise("write it with zstd, snappy, gzip, lz4 or brotli, or without compression")
            .because(cause);
    }
    Error::new(Kind::Shape, "the file is no Parquet file, or is damaged or cut short")
        .advise("get it again, and see that it is whole")
        .because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_called_damaged() {
        let unknown = damaged(ParquetError::NYI("The codec type LZO is not supported yet".into()));
        assert!(unknown.advice().contains("gzip") && !unknown.to_string().contains("damaged"), "{unknown}");
        assert!(damaged(ParquetError::EOF("x".into())).to_string().contains("damaged"));
    }
}
