//! The values of one column in the row group that is gathered.

use bytes::Bytes;
use crawl_core::table::{Type, Value};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;

/// A column's part of a row group.
pub(super) struct Chunk {
    values: Values,
    nullable: bool,
    /// How much of each value is there: nothing of null; of a list the list alone if it is empty. Empty if there can be
    /// nothing else than values.
    levels: Vec<i16>,
    /// For each element of lists: 0 if it begins a row, else 1.
    repeats: Vec<i16>,
}

enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
    Text(Texts),
    Texts(Texts),
    /// Microseconds of UTC.
    Time(Vec<i64>),
}

/// All texts in one piece, and where each ends.
#[derive(Default)]
struct Texts {
    all: Vec<u8>,
    ends: Vec<usize>,
}

impl Chunk {
    pub(super) fn new(kind: Type, nullable: bool) -> Self {
        let values = match kind {
            Type::Int => Values::Int(Vec::new()),
            Type::Float => Values::Float(Vec::new()),
            Type::Bool => Values::Bool(Vec::new()),
            Type::Text | Type::Json => Values::Text(Texts::default()),
            Type::Texts => Values::Texts(Texts::default()),
            Type::Time => Values::Time(Vec::new()),
        };
        Chunk { values, nullable, levels: Vec::new(), repeats: Vec::new() }
    }

    /// Adds a value; so many bytes it takes. `None` if it is not of the column's type.
    pub(super) fn push(&mut self, value: &Value<'_>) -> Option<usize> {
        let mut bytes = size_of::<i16>() + size_of::<i64>();
        let mut level = i16::from(self.nullable);
        match (&mut self.values, value) {
            (_, Value::Null) if !self.nullable => return None,
            (values, Value::Null) => {
                level = 0;
                if matches!(values, Values::Texts(_)) {
                    self.repeats.push(0);
                }
            }
            (Values::Int(all), Value::Int(number)) => all.push(*number),
            (Values::Float(all), Value::Float(number)) => all.push(*number),
            (Values::Bool(all), Value::Bool(truth)) => all.push(*truth),
            (Values::Text(all), Value::Text(text)) => bytes += all.push(text),
            (Values::Time(all), Value::Time(time)) => all.push(time.as_microsecond()),
            (Values::Texts(_), Value::Texts(texts)) if texts.is_empty() => self.repeats.push(0),
            (Values::Texts(all), Value::Texts(texts)) => {
                for (place, text) in texts.iter().enumerate() {
                    self.repeats.push(i16::from(place > 0));
                    self.levels.push(level + 1);
                    bytes += all.push(text) + 2 * size_of::<i16>();
                }
                return Some(bytes);
            }
            _ => return None,
        }
        if self.nullable || matches!(self.values, Values::Texts(_)) {
            self.levels.push(level);
        }
        Some(bytes)
    }

    /// Writes what was added, and is empty again.
    pub(super) fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        let repeats = std::mem::take(&mut self.repeats);
        let levels = (!levels.is_empty()).then_some(levels.as_slice());
        let repeats = (!repeats.is_empty()).then_some(repeats.as_slice());
        match &mut self.values {
            Values::Int(all) | Values::Time(all) => {
                batch::<Int64Type>(&mut writer, &std::mem::take(all), levels, repeats)?;
            }
            Values::Float(all) => batch::<DoubleType>(&mut writer, &std::mem::take(all), levels, repeats)?,
            Values::Bool(all) => batch::<BoolType>(&mut writer, &std::mem::take(all), levels, repeats)?,
            Values::Text(all) | Values::Texts(all) => {
                batch::<ByteArrayType>(&mut writer, &std::mem::take(all).slices(), levels, repeats)?;
            }
        }
        writer.close()
    }
}

impl Texts {
    fn push(&mut self, text: &str) -> usize {
        self.all.extend_from_slice(text.as_bytes());
        self.ends.push(self.all.len());
        text.len() + size_of::<ByteArray>()
    }

    fn slices(self) -> Vec<ByteArray> {
        let all = Bytes::from(self.all);
        let mut begin = 0;
        let slice = |end| ByteArray::from(all.slice(std::mem::replace(&mut begin, end)..end));
        self.ends.into_iter().map(slice).collect()
    }
}

fn batch<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    levels: Option<&[i16]>,
    repeats: Option<&[i16]>,
) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, levels, repeats).map(|_| ())
}
