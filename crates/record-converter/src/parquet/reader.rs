//! Reading rows of chosen columns.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use crawl_core::table::{Column, Type, Value};
use crawl_core::{Error, Kind, Result};
use jiff::Timestamp;
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::{Type as Schema, TypePtr};

use super::field;
use super::hint::{Hint, Means, logical};
use super::int96::{self, Int96s};
use super::lines::{BATCH, damaged, guarded, is_known};
use crate::names::nearest;
use crate::supply::cannot_open;

/// A Parquet file, of ours or of others.
pub struct Reader {
    file: SerializedFileReader<File>,
    shown: String,
    columns: Vec<Column>,
}

impl Reader {
    /// Opens a file and reads its footer.
    ///
    /// Of files of others, in the old way too: whole numbers that fit 64 bits with a sign are [`Type::Int`], UTC times of
    /// milli- and microseconds and those of the old form INT96 [`Type::Time`], lists of texts without null
    /// [`Type::Texts`]; what no type fits, such as a struct, a date or a decimal, is [`Type::Json`].
    ///
    /// # Errors
    /// [`Kind::Config`] if the file cannot be found; [`Kind::Storage`] if it cannot be read; [`Kind::Shape`] if it is no
    /// Parquet, or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
        let shown = path.display().to_string();
        let file = guarded(|| SerializedFileReader::new(file)).map_err(|cause| damaged(cause).at(&shown))?;
        let fields = file.metadata().file_metadata().schema().get_fields();
        let columns = fields.iter().map(|field| Column::new(field.name().to_owned(), kind(field))).collect();
        Ok(Reader { file, shown, columns })
    }

    /// All columns, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows the file says that it has.
    pub fn len(&self) -> u64 {
        u64::try_from(self.file.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the file's own metadata says under `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let pairs = self.file.metadata().file_metadata().key_value_metadata();
        pairs.into_iter().flatten().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// All rows, each with the values of the columns `names` in that order; none are named: of all. The pages of other
    /// columns are not read; of these a page each is in memory.
    ///
    /// # Errors
    /// [`Kind::Config`] if a name is not that of a column, or comes twice; [`Kind::Shape`] if a column has a type that is
    /// not known.
    pub fn rows(&self, names: &[&str]) -> Result<Rows<'_>> {
        let metadata = self.file.metadata().file_metadata();
        let fields = metadata.schema().get_fields();
        let mut wanted = Vec::with_capacity(names.len());
        for name in names {
            let at = self.columns.iter().position(|column| column.name == *name);
            let at = at.filter(|at| !wanted.contains(at)).ok_or_else(|| {
                let known = nearest(name, self.columns.iter().map(|column| column.name.as_ref()));
                Error::new(Kind::Config, "the file has no such column, or it is named twice")
                    .at(format!("{} column {name}", self.shown))
                    .advise(format!("those most like it: {}", known.take(8).collect::<Vec<_>>().join(", ")))
            })?;
            wanted.push(at);
        }
        if names.is_empty() {
            wanted.extend(0..fields.len());
        }
        // The library gives the columns in the order of the file.
        let mut read = wanted.clone();
        read.sort_unstable();
        for leaf in 0..metadata.schema_descr().num_columns() {
            if read.binary_search(&metadata.schema_descr().get_column_root_idx(leaf)).is_ok() {
                is_known(&metadata.schema_descr().column(leaf)).map_err(|error| error.at(&self.shown))?;
            }
        }
        let mut columns = Vec::with_capacity(read.len());
        for at in &read {
            let to = wanted.iter().position(|other| other == at).unwrap_or_default();
            columns.push(Read {
                to,
                kind: self.columns[*at].kind,
                hint: Hint::of(&fields[*at]),
                times: Int96s::of(&self.file, &fields[*at]),
            });
        }
        let damaged = |cause| damaged(cause).at(&self.shown);
        let read = read.iter().map(|at| fields[*at].clone()).collect();
        let projection = Schema::group_type_builder(metadata.schema().name()).with_fields(read).build();
        let projection = projection.map_err(damaged)?;
        let rows = guarded(|| RowIter::from_file(Some(projection), &self.file)).map_err(damaged)?;
        let rows = rows.with_batch_size(BATCH);
        let (file, shown) = (&self.file, &self.shown);
        Ok(Rows { rows, file, shown, columns, number: 0, expected: self.len(), over: false })
    }
}

/// The rows of a file, in order. After an error there are no more.
pub struct Rows<'r> {
    rows: RowIter<'r>,
    file: &'r SerializedFileReader<File>,
    shown: &'r str,
    columns: Vec<Read>,
    number: u64,
    expected: u64,
    over: bool,
}

/// A column that is read: where its value goes, and what it is.
struct Read {
    to: usize,
    kind: Type,
    hint: Hint,
    times: Option<Int96s>,
}

impl Iterator for Rows<'_> {
    type Item = Result<Vec<Value<'static>>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let row = self.row();
        self.over = !matches!(row, Ok(Some(_)));
        row.transpose()
    }
}

impl Rows<'_> {
    fn row(&mut self) -> Result<Option<Vec<Value<'static>>>> {
        let rows = &mut self.rows;
        let row = guarded(|| rows.next().transpose()).map_err(|cause| damaged(cause).at(self.shown))?;
        let Some(row) = row else {
            if self.number == self.expected {
                return Ok(None);
            }
            let what = format!("the file says that it has {} rows, and has {}", self.expected, self.number);
            return Err(Error::new(Kind::Shape, what).at(self.shown).advise("get the file again"));
        };
        self.number += 1;
        let mut values = vec![Value::Null; self.columns.len()];
        for ((name, field), column) in row.into_columns().into_iter().zip(&mut self.columns) {
            let found = match &mut column.times {
                Some(times) => match guarded(|| times.next(self.file)) {
                    Ok(None) => Some(Value::Null),
                    Ok(Some(nanos)) => int96::time(nanos).map(Value::Time),
                    Err(cause) => return Err(damaged(cause).at(self.shown)),
                },
                None => value(field, column.kind, &column.hint),
            };
            values[column.to] = found.ok_or_else(|| {
                let place = format!("{} row {} column {name}", self.shown, self.number);
                Error::new(Kind::Shape, "a value is not what its column holds").at(place)
            })?;
        }
        Ok(Some(values))
    }
}

fn value(field: Field, kind: Type, hint: &Hint) -> Option<Value<'static>> {
    let micros = |number, per: i64| Timestamp::from_microsecond(i64::checked_mul(number, per)?).ok();
    Some(match (kind, field) {
        (_, Field::Null) => Value::Null,
        (Type::Int, Field::Byte(number)) => Value::Int(number.into()),
        (Type::Int, Field::Short(number)) => Value::Int(number.into()),
        (Type::Int, Field::Int(number)) => Value::Int(number.into()),
        (Type::Int, Field::Long(number)) => Value::Int(number),
        (Type::Int, Field::UByte(number)) => Value::Int(number.into()),
        (Type::Int, Field::UShort(number)) => Value::Int(number.into()),
        (Type::Int, Field::UInt(number)) => Value::Int(number.into()),
        (Type::Float, Field::Float(number)) => Value::Float(number.into()),
        (Type::Float, Field::Double(number)) => Value::Float(number),
        (Type::Bool, Field::Bool(truth)) => Value::Bool(truth),
        (Type::Text, Field::Str(text)) => Value::Text(text.into()),
        (Type::Json, Field::Str(text)) if hint.means == Means::Json => Value::Text(text.into()),
        (Type::Texts, Field::ListInternal(list)) => Value::Texts(texts(list.elements())?),
        (Type::Time, Field::TimestampMillis(number)) => Value::Time(micros(number, 1000)?),
        (Type::Time, Field::TimestampMicros(number)) => Value::Time(micros(number, 1)?),
        (Type::Time, Field::Long(number)) => Value::Time(micros(number, hint.micros()?)?),
        (Type::Json, field) => {
            let mut text = String::new();
            // NaN and bytes that are no text are the only ones that JSON has not wholly.
            match field::write(&mut text, &field, hint) {
                None => Value::Text(text.into()),
                Some(_) => return None,
            }
        }
        _ => return None,
    })
}

fn texts(elements: &[Field]) -> Option<Vec<Cow<'static, str>>> {
    let text = |element: &Field| match element {
        Field::Str(text) => Some(text.clone().into()),
        _ => None,
    };
    elements.iter().map(text).collect()
}

/// The type of a column.
fn kind(column: &TypePtr) -> Type {
    let info = column.get_basic_info();
    if !column.is_primitive() {
        return if is_texts(column) { Type::Texts } else { Type::Json };
    }
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return Type::Json;
    }
    match (column.get_physical_type(), logical(column)) {
        (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(number)))
            if number.is_signed || number.bit_width < 64 =>
        {
            Type::Int
        }
        (Physical::INT64, Some(LogicalType::Timestamp(time)))
            if time.is_adjusted_to_u_t_c && time.unit != TimeUnit::NANOS =>
        {
            Type::Time
        }
        (Physical::INT96, _) => Type::Time,
        (Physical::INT32 | Physical::INT64, None) if is_plain(column) => Type::Int,
        (Physical::FLOAT | Physical::DOUBLE, None) => Type::Float,
        (Physical::BOOLEAN, None) => Type::Bool,
        (Physical::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum)) => Type::Text,
        _ => Type::Json,
    }
}

/// Whether a column says nothing more of its numbers, in the old way neither.
fn is_plain(column: &Schema) -> bool {
    column.get_basic_info().converted_type() == ConvertedType::NONE
}

/// Whether it is the list of three levels whose elements are texts and never null.
fn is_texts(column: &Schema) -> bool {
    let [middle] = column.get_fields() else { return false };
    let list = matches!(logical(column), Some(LogicalType::List));
    if !list || middle.is_primitive() || middle.get_basic_info().repetition() != Repetition::REPEATED {
        return false;
    }
    let [element] = middle.get_fields() else { return false };
    let inner = element.get_basic_info();
    element.is_primitive()
        && inner.repetition() == Repetition::REQUIRED
        && matches!(logical(element), Some(LogicalType::String))
}
