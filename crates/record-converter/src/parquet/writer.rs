//! Writing Parquet, a row group at a time.

use std::cmp::Ordering;
use std::io::Write;
use std::sync::Arc;

use crawl_core::table::{Column, Type, Value};
use crawl_core::{Error, Kind, Result};
use parquet::basic::{Compression as Codec, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type as Schema, TypePtr};

use super::RAW_KEY;
use super::chunk::Chunk;
use crate::request::Compression;

/// A row group ends at so many rows, or at so many bytes before they are compressed.
const GROUP_ROWS: usize = 131_072;
const GROUP_BYTES: usize = 64 << 20;

/// How a Parquet file is written. Names are those of columns.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// `None`: zstd.
    pub compression: Option<Compression>,
    /// Which columns get a bloom filter, with which a reader knows row groups that lack a value. Not lists.
    pub bloom: Vec<String>,
    /// The column by which the rows come in order, smallest first and nulls before all; the file says so.
    pub sorted_by: Option<String>,
    /// Pairs for the file's own metadata; [`Writer::note`] adds those that are known only at the end.
    pub metadata: Vec<(String, String)>,
    /// The column that holds each record word for word: it is never null, and has neither a dictionary nor statistics.
    /// The converter reads records back from it, unless `raw_beside` says otherwise.
    pub raw: Option<String>,
    /// The other columns tell more than `raw`: the converter reads records from all of them, `raw` among them.
    pub raw_beside: bool,
}

/// A Parquet file being written. It is whole only after [`Self::finish`].
///
/// Every column has statistics and a page index. Row groups end at 131,072 rows or 64 MiB; one is held in memory.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    chunks: Vec<Chunk>,
    /// The place of the column that is in order, and its last value.
    sorted: Option<(usize, Value<'static>)>,
    /// Rows and bytes in the row group that is gathered.
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file with these columns.
    ///
    /// # Errors
    /// [`Kind::Config`] if two columns have one name or the options name a column that is not there;
    /// [`Kind::Storage`] if the disk refuses.
    pub fn new(to: W, columns: &[Column], options: &WriteOptions) -> Result<Self> {
        check_names(columns)?;
        let raw = options.raw.as_deref().map(|name| place(columns, name)).transpose()?;
        let sorted = options.sorted_by.as_deref().map(|name| place(columns, name)).transpose()?;
        let mut fields = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            fields.push(field(column, raw != Some(at)).map_err(refused)?);
        }
        let schema = Schema::group_type_builder("records").with_fields(fields).build().map_err(refused)?;
        let properties = Arc::new(properties(columns, options, raw, sorted)?);
        let file = SerializedFileWriter::new(to, Arc::new(schema), properties).map_err(refused)?;
        let chunks = columns.iter().enumerate();
        let chunks = chunks.map(|(at, column)| Chunk::new(column.kind, raw != Some(at))).collect();
        let sorted = sorted.map(|at| (at, Value::Null));
        Ok(Writer { file, columns: columns.to_vec(), chunks, sorted, rows: 0, bytes: 0 })
    }

    /// Adds a row with a value for each column.
    ///
    /// # Errors
    /// [`Kind::Config`] if there are more or fewer values than columns, one is not of its column's type, or the row is out
    /// of the order that was promised: the file is of no use then; [`Kind::Storage`] if the disk refuses.
    pub fn push(&mut self, values: &[Value<'_>]) -> Result<()> {
        if values.len() != self.columns.len() {
            let what = format!("a row of {} values for {} columns", values.len(), self.columns.len());
            return Err(Error::new(Kind::Config, what));
        }
        if let Some((at, last)) = &mut self.sorted {
            let value = &values[*at];
            match order(last, value) {
                Ordering::Equal => {}
                Ordering::Less => *last = owned(value),
                Ordering::Greater => {
                    let what = "the rows are not in the order that the file is to have";
                    return Err(Error::new(Kind::Config, what)
                        .at(self.columns[*at].name.to_string())
                        .advise("sort them first, or do not say that they are sorted"));
                }
            }
        }
        for ((chunk, value), column) in self.chunks.iter_mut().zip(values).zip(&self.columns) {
            self.bytes += chunk.push(value).ok_or_else(|| {
                Error::new(
                    Kind::Config,
                    format!("a value is not of the type of its column, {:?}", column.kind),
                )
                .at(column.name.to_string())
            })?;
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// Adds a pair to the file's own metadata.
    pub fn note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.file.append_key_value_metadata(KeyValue::new(key.into(), value.into()));
    }

    /// Writes what is left, and the footer. Gives back what was written to.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.file.into_inner().map_err(refused)
    }

    fn write_group(&mut self) -> Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(refused)?;
        let mut chunks = self.chunks.iter_mut();
        while let Some(writer) = group.next_column().map_err(refused)? {
            if let Some(chunk) = chunks.next() {
                chunk.write(writer).map_err(refused)?;
            }
        }
        group.close().map_err(refused)?;
        Ok(())
    }
}

fn check_names(columns: &[Column]) -> Result<()> {
    let mut names: Vec<_> = columns.iter().map(|column| column.name.as_ref()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::new(Kind::Config, "two columns have one name").at(pair[0].to_owned())),
        None => Ok(()),
    }
}

/// Where the column `name` is.
fn place(columns: &[Column], name: &str) -> Result<usize> {
    columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| Error::new(Kind::Config, "there is no such column in the table").at(name.to_owned()))
}

fn properties(
    columns: &[Column],
    options: &WriteOptions,
    raw: Option<usize>,
    sorted: Option<usize>,
) -> Result<WriterProperties> {
    let mut pairs = options.metadata.clone();
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("gleaner record-converter ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(codec(options.compression).map_err(refused)?);
    for name in &options.bloom {
        if columns[place(columns, name)?].kind == Type::Texts {
            return Err(Error::new(Kind::Config, "a list gets no bloom filter").at(name.clone()));
        }
        let path = ColumnPath::new(vec![name.clone()]);
        properties = properties
            .set_column_bloom_filter_fpp(path.clone(), 0.01)
            .set_column_bloom_filter_max_ndv(path.clone(), GROUP_ROWS as u64)
            .set_column_bloom_filter_enabled(path, true);
    }
    if let Some(raw) = raw {
        let name = columns[raw].name.to_string();
        let path = ColumnPath::new(vec![name.clone()]);
        // Each is its own: neither a dictionary nor a smallest one helps anybody.
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
        if !options.raw_beside {
            pairs.push((RAW_KEY.to_owned(), name));
        }
    }
    // Each column is one leaf, so that its place is that of the leaf.
    let sorted = sorted.and_then(|at| i32::try_from(at).ok());
    properties = properties.set_sorting_columns(
        sorted.map(|column_idx| vec![SortingColumn { column_idx, descending: false, nulls_first: true }]),
    );
    let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    Ok(properties.set_key_value_metadata(Some(pairs).filter(|pairs| !pairs.is_empty())).build())
}

fn field(column: &Column, nullable: bool) -> Result<TypePtr, ParquetError> {
    let repetition = if nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let (physical, logical) = match column.kind {
        Type::Int => (Physical::INT64, None),
        Type::Float => (Physical::DOUBLE, None),
        Type::Bool => (Physical::BOOLEAN, None),
        Type::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Type::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Type::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Type::Texts => return list(column, repetition),
    };
    let field = Schema::primitive_type_builder(&column.name, physical);
    Ok(Arc::new(field.with_repetition(repetition).with_logical_type(logical).build()?))
}

/// The three levels of a list that all readers know.
fn list(column: &Column, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let element = Schema::primitive_type_builder("element", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::String))
        .build()?;
    let middle = Schema::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    let outer = Schema::group_type_builder(&column.name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(middle)])
        .build()?;
    Ok(Arc::new(outer))
}

/// The order of Parquet's statistics: texts by their bytes, null before all.
fn order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Texts(a), Value::Texts(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        // Of two types: the column's type is checked elsewhere.
        _ => Ordering::Equal,
    }
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Int(number) => Value::Int(*number),
        Value::Float(number) => Value::Float(*number),
        Value::Bool(truth) => Value::Bool(*truth),
        Value::Text(text) => Value::Text(text.to_string().into()),
        Value::Texts(texts) => Value::Texts(texts.iter().map(|text| text.to_string().into()).collect()),
        Value::Time(time) => Value::Time(*time),
    }
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
