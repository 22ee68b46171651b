//! Writing Parquet, a row group at a time.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use crawl_core::{Error, Kind, Result};
use parquet::basic::{Compression as Codec, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type as Schema};

use super::RAW_KEY;
use crate::request::Compression;
use crate::typed::{Type, Typed};

/// A row group ends at so many rows, or at so many bytes before they are compressed.
const GROUP_ROWS: usize = 131_072;
const GROUP_BYTES: usize = 64 << 20;

/// A Parquet file being written.
pub(crate) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    /// Rows and bytes in the row group that is gathered.
    rows: usize,
    bytes: usize,
}

/// The values of one column in the row group that is gathered.
struct Column {
    values: Values,
    /// 1 for each value, 0 for each null; empty if there can be none.
    levels: Vec<i16>,
    nullable: bool,
}

enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
    /// All texts in one piece, and where each ends.
    Text(Vec<u8>, Vec<usize>),
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file with these columns; `raw` names one more, with the records word for word.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn new<'k>(
        to: W,
        keys: impl Iterator<Item = (&'k str, Type)>,
        raw: Option<&str>,
        compression: Option<Compression>,
    ) -> Result<Self> {
        let mut fields = Vec::new();
        let mut columns = Vec::new();
        for (key, kind) in keys {
            fields.push(Arc::new(field(key, kind, true).map_err(refused)?));
            columns.push(Column::new(kind, true));
        }
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("gleaner record-converter ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(codec(compression).map_err(refused)?);
        if let Some(raw) = raw {
            fields.push(Arc::new(field(raw, Type::Json, false).map_err(refused)?));
            columns.push(Column::new(Type::Json, false));
            let path = ColumnPath::new(vec![raw.to_owned()]);
            // Each is its own: neither a dictionary nor a smallest one helps anybody.
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None)
                .set_key_value_metadata(Some(vec![KeyValue::new(RAW_KEY.to_owned(), raw.to_owned())]));
        }
        let schema = Schema::group_type_builder("records").with_fields(fields).build().map_err(refused)?;
        let file =
            SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties.build())).map_err(refused)?;
        Ok(Writer { file, columns, rows: 0, bytes: 0 })
    }

    /// Adds a row with a value for each column, and the record if there is a column for it.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn push<'v>(&mut self, values: Vec<Typed<'v>>, record: &'v str) -> Result<()> {
        let raw = std::iter::once(Typed::Text(record.into()));
        for (column, value) in self.columns.iter_mut().zip(values.into_iter().chain(raw)) {
            self.bytes += column.push(value);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the footer.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.file.close().map_err(refused)?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(refused)?;
        let mut columns = self.columns.iter_mut();
        while let Some(writer) = group.next_column().map_err(refused)? {
            if let Some(column) = columns.next() {
                column.write(writer).map_err(refused)?;
            }
        }
        group.close().map_err(refused)?;
        Ok(())
    }
}

impl Column {
    fn new(kind: Type, nullable: bool) -> Self {
        let values = match kind {
            Type::Int => Values::Int(Vec::new()),
            Type::Float => Values::Float(Vec::new()),
            Type::Bool => Values::Bool(Vec::new()),
            Type::Text | Type::Json => Values::Text(Vec::new(), Vec::new()),
        };
        Column { values, levels: Vec::new(), nullable }
    }

    /// Adds a value of the column's type; so many bytes it takes.
    fn push(&mut self, value: Typed<'_>) -> usize {
        let mut bytes = size_of::<i16>();
        let mut level = 1;
        match (&mut self.values, value) {
            (Values::Int(all), Typed::Int(number)) => all.push(number),
            (Values::Float(all), Typed::Float(number)) => all.push(number),
            (Values::Bool(all), Typed::Bool(truth)) => all.push(truth),
            (Values::Text(all, ends), Typed::Text(text)) => {
                all.extend_from_slice(text.as_bytes());
                ends.push(all.len());
                bytes += text.len() + size_of::<ByteArray>();
            }
            _ => level = 0,
        }
        if self.nullable {
            self.levels.push(level);
        }
        bytes + size_of::<i64>()
    }

    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        let levels = self.nullable.then_some(levels.as_slice());
        match &mut self.values {
            Values::Int(all) => batch::<Int64Type>(&mut writer, &std::mem::take(all), levels)?,
            Values::Float(all) => batch::<DoubleType>(&mut writer, &std::mem::take(all), levels)?,
            Values::Bool(all) => batch::<BoolType>(&mut writer, &std::mem::take(all), levels)?,
            Values::Text(all, ends) => {
                let all = Bytes::from(std::mem::take(all));
                let mut begin = 0;
                let slice = |end| ByteArray::from(all.slice(std::mem::replace(&mut begin, end)..end));
                let texts: Vec<ByteArray> = std::mem::take(ends).into_iter().map(slice).collect();
                batch::<ByteArrayType>(&mut writer, &texts, levels)?;
            }
        }
        writer.close()
    }
}

fn batch<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, levels, None).map(|_| ())
}

fn field(key: &str, kind: Type, nullable: bool) -> Result<Schema, ParquetError> {
    let (physical, logical) = match kind {
        Type::Int => (Physical::INT64, None),
        Type::Float => (Physical::DOUBLE, None),
        Type::Bool => (Physical::BOOLEAN, None),
        Type::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Type::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
    };
    Schema::primitive_type_builder(key, physical)
        .with_repetition(if nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED })
        .with_logical_type(logical)
        .build()
}

fn codec(compression: Option<Compression>) -> Result<Codec, ParquetError> {
    Ok(match compression.unwrap_or(Compression::Zstd) {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(3)?),
        Compression::Snappy => Codec::SNAPPY,
        Compression::None => Codec::UNCOMPRESSED,
    })
}

fn refused(cause: ParquetError) -> Error {
    Error::new(Kind::Storage, "cannot write the Parquet file").because(cause)
}
