//! What the type of a column says that its values do not.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::record::Field;
use parquet::schema::types::Type as Schema;

use crate::foreign::{NANOS_PER_MICRO, NANOS_PER_MILLI};

/// What numbers, texts and bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Means {
    #[default]
    Plain,
    Json,
    /// A point in time: nanoseconds in one unit, and whether it is in UTC.
    Point {
        nanos: i64,
        utc: bool,
    },
    /// A time of day: nanoseconds in one unit.
    Clock {
        nanos: i64,
    },
    Uuid,
    /// A point in time of the old form, to the nanosecond; the library gives milliseconds.
    Int96,
}

/// Of a column, and of what is inside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hint {
    pub(super) means: Means,
    /// How many digits of a second the texts had that the times were.
    pub(super) digits: Option<usize>,
    /// Of the members of an object, of the elements of a list, of the names and values of a map.
    inner: Vec<Hint>,
    /// Whether it is a list of two levels, as old writers have them: the library gives it inside another list.
    doubled: bool,
}

const PLAIN: &Hint = &Hint { means: Means::Plain, digits: None, inner: Vec::new(), doubled: false };

impl Hint {
    pub(super) fn of(column: &Schema) -> Self {
        let info = column.get_basic_info();
        let of = if column.is_primitive() {
            Hint { means: means(column), ..Hint::default() }
        } else {
            let fields = column.get_fields();
            let mut doubled = false;
            let inner = match (info.converted_type(), fields) {
                (ConvertedType::LIST, [repeated]) => {
                    let element = element(repeated);
                    doubled = std::ptr::eq(element, &**repeated);
                    vec![Hint::of(element)]
                }
                (ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE, [pair]) if !pair.is_primitive() => {
                    pair.get_fields().iter().map(|field| Hint::of(field)).collect()
                }
                _ => fields.iter().map(|field| Hint::of(field)).collect(),
            };
            Hint { inner, doubled, ..Hint::default() }
        };
        // What is repeated is a list, also where nothing says so.
        let repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
        if repeated { Hint { inner: vec![of], ..Hint::default() } } else { of }
    }

    /// With so many digits of a second.
    pub(super) fn with_digits(self, digits: Option<usize>) -> Self {
        Hint { digits, ..self }
    }

    /// That of a part of it.
    pub(super) fn inner(&self, at: usize) -> &Hint {
        self.inner.get(at).unwrap_or(PLAIN)
    }

    /// The elements of a list.
    pub(super) fn elements<'f>(&'f self, list: &'f [Field]) -> (Vec<&'f Field>, &'f Hint) {
        let inner = self.inner(0);
        if !self.doubled {
            return (list.iter().collect(), inner);
        }
        let lists = list.iter().filter_map(|list| match list {
            Field::ListInternal(list) => Some(list.elements()),
            _ => None,
        });
        (lists.flatten().collect(), inner.inner(0))
    }

    /// Whether it is in UTC, if it is a point in time.
    pub(super) fn is_utc(&self) -> bool {
        !matches!(self.means, Means::Point { utc: false, .. })
    }

    /// Microseconds in one unit of a point in time, if it has whole ones.
    pub(super) fn micros(&self) -> Option<i64> {
        match self.means {
            Means::Point { nanos, .. } => Some(nanos / NANOS_PER_MICRO).filter(|micros| *micros > 0),
            _ => None,
        }
    }
}

/// The element of a list: below what is repeated, or in lists of two levels that itself. As the library tells them apart.
fn element(repeated: &Schema) -> &Schema {
    let Schema::GroupType { fields, .. } = repeated else { return repeated };
    let [only] = fields.as_slice() else { return repeated };
    let list = repeated.get_basic_info().converted_type() == ConvertedType::LIST
        || only.get_basic_info().repetition() == Repetition::REPEATED;
    let itself = repeated.name() == "array" || repeated.name().ends_with("_tuple");
    if itself && !list { repeated } else { only }
}

fn means(column: &Schema) -> Means {
    let nanos = |unit: TimeUnit| match unit {
        TimeUnit::MILLIS => NANOS_PER_MILLI,
        TimeUnit::MICROS => NANOS_PER_MICRO,
        TimeUnit::NANOS => 1,
    };
    match (column.get_physical_type(), logical(column)) {
        (Physical::INT96, _) => Means::Int96,
        (_, Some(LogicalType::Json)) => Means::Json,
        (_, Some(LogicalType::Timestamp(time))) => {
            Means::Point { nanos: nanos(time.unit), utc: time.is_adjusted_to_u_t_c }
        }
        (_, Some(LogicalType::Time(time))) => Means::Clock { nanos: nanos(time.unit) },
        (_, Some(LogicalType::Uuid)) => Means::Uuid,
        _ => Means::Plain,
    }
}

/// What a column holds: as its file says, or as files said it before there were logical types. Times were all in UTC then.
pub(super) fn logical(column: &Schema) -> Option<LogicalType> {
    let info = column.get_basic_info();
    if let Some(logical) = info.logical_type_ref() {
        return Some(logical.clone());
    }
    Some(match info.converted_type() {
        ConvertedType::UTF8 => LogicalType::String,
        ConvertedType::ENUM => LogicalType::Enum,
        ConvertedType::JSON => LogicalType::Json,
        ConvertedType::LIST => LogicalType::List,
        ConvertedType::DATE => LogicalType::Date,
        ConvertedType::TIME_MILLIS => LogicalType::time(true, TimeUnit::MILLIS),
        ConvertedType::TIME_MICROS => LogicalType::time(true, TimeUnit::MICROS),
        ConvertedType::TIMESTAMP_MILLIS => LogicalType::timestamp(true, TimeUnit::MILLIS),
        ConvertedType::TIMESTAMP_MICROS => LogicalType::timestamp(true, TimeUnit::MICROS),
        ConvertedType::INT_8 => LogicalType::integer(8, true),
        ConvertedType::INT_16 => LogicalType::integer(16, true),
        ConvertedType::INT_32 => LogicalType::integer(32, true),
        ConvertedType::INT_64 => LogicalType::integer(64, true),
        ConvertedType::UINT_8 => LogicalType::integer(8, false),
        ConvertedType::UINT_16 => LogicalType::integer(16, false),
        ConvertedType::UINT_32 => LogicalType::integer(32, false),
        ConvertedType::UINT_64 => LogicalType::integer(64, false),
        _ => return None,
    })
}
