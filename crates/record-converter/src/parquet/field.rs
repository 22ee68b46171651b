//! The JSON text of a Parquet value.

use jiff::Timestamp;
use parquet::basic::{LogicalType, TimeUnit};
use parquet::record::Field;
use parquet::schema::types::Type as Schema;

use crate::cell;
use crate::foreign::{NANOS_PER_MICRO, NANOS_PER_MILLI, bytes, clock, day, double, point, single};

/// What the type of a column says that its values do not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Hint {
    json: bool,
    /// Nanoseconds in one unit of a point in time, and whether it is in UTC.
    time: Option<(i64, bool)>,
    /// How many digits of a second the texts had that the times were.
    digits: Option<usize>,
}

impl Hint {
    pub(super) fn of(column: &Schema) -> Self {
        match column.get_basic_info().logical_type_ref() {
            Some(LogicalType::Json) => Hint { json: true, ..Hint::default() },
            Some(LogicalType::Timestamp(time)) => {
                let unit = match time.unit {
                    TimeUnit::MILLIS => NANOS_PER_MILLI,
                    TimeUnit::MICROS => NANOS_PER_MICRO,
                    TimeUnit::NANOS => 1,
                };
                Hint { time: Some((unit, time.is_adjusted_to_u_t_c)), ..Hint::default() }
            }
            _ => Hint::default(),
        }
    }

    /// With so many digits of a second.
    pub(super) fn with_digits(self, digits: Option<usize>) -> Self {
        Hint { digits, ..self }
    }

    /// Whether its texts are JSON.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Microseconds in one unit of a point in time, if it has whole ones.
    pub(super) fn micros(self) -> Option<i64> {
        self.time.map(|(nanos, _)| nanos / NANOS_PER_MICRO).filter(|micros| *micros > 0)
    }
}

/// Adds the JSON text of `field` to `line`; why, if its value is not wholly there.
pub(super) fn write(line: &mut String, field: &Field, hint: Hint) -> Option<&'static str> {
    match field {
        Field::Null => line.push_str("null"),
        Field::Bool(truth) => line.push_str(if *truth { "true" } else { "false" }),
        Field::Byte(number) => line.push_str(&number.to_string()),
        Field::Short(number) => line.push_str(&number.to_string()),
        Field::Int(number) => line.push_str(&number.to_string()),
        Field::UByte(number) => line.push_str(&number.to_string()),
        Field::UShort(number) => line.push_str(&number.to_string()),
        Field::UInt(number) => line.push_str(&number.to_string()),
        Field::ULong(number) => line.push_str(&number.to_string()),
        Field::Long(number) => match hint.time {
            Some((unit, utc)) => point(line, *number, unit, utc),
            None => line.push_str(&number.to_string()),
        },
        Field::TimestampMillis(number) => {
            let (unit, utc) = hint.time.unwrap_or((NANOS_PER_MILLI, true));
            point(line, *number, unit, utc);
        }
        Field::TimestampMicros(number) => {
            if let (Some(digits), Ok(time)) = (hint.digits, Timestamp::from_microsecond(*number)) {
                line.push_str(&cell::literal(&format!("{time:.digits$}")));
                return None;
            }
            let (unit, utc) = hint.time.unwrap_or((NANOS_PER_MICRO, true));
            point(line, *number, unit, utc);
        }
        Field::Float16(number) => return single(line, number.to_f32()),
        Field::Float(number) => return single(line, *number),
        Field::Double(number) => return double(line, *number),
        Field::Decimal(_) => {
            let text = field.to_string();
            let text = text.trim_end_matches('.');
            if cell::is_json(text) { line.push_str(text) } else { line.push_str(&cell::literal(text)) }
        }
        Field::Str(text) if hint.json && cell::is_json(text) => line.push_str(&cell::compact(text)),
        Field::Str(text) => line.push_str(&cell::literal(text)),
        Field::Bytes(raw) => return bytes(line, raw.data()),
        Field::Date(days) => day(line, *days),
        Field::TimeMillis(number) => clock(line, i64::from(*number) * NANOS_PER_MILLI),
        Field::TimeMicros(number) => clock(line, number.saturating_mul(NANOS_PER_MICRO)),
        Field::Group(row) => {
            return several(line, '{', row.get_column_iter(), '}', |line, (name, field)| {
                line.push_str(&cell::literal(name));
                line.push(':');
                write(line, field, Hint::default())
            });
        }
        Field::ListInternal(list) => {
            return several(line, '[', list.elements().iter(), ']', |line, field| {
                write(line, field, Hint::default())
            });
        }
        Field::MapInternal(map) => {
            return several(line, '{', map.entries().iter(), '}', |line, (key, field)| {
                let mut name = String::new();
                let why = write(&mut name, key, Hint::default());
                if !name.starts_with('"') {
                    name = cell::literal(&name);
                }
                line.push_str(&name);
                line.push(':');
                write(line, field, Hint::default()).or(why)
            });
        }
    }
    None
}

fn several<T>(
    line: &mut String,
    open: char,
    items: impl Iterator<Item = T>,
    close: char,
    mut each: impl FnMut(&mut String, T) -> Option<&'static str>,
) -> Option<&'static str> {
    let mut lost = None;
    line.push(open);
    for (place, item) in items.enumerate() {
        if place > 0 {
            line.push(',');
        }
        lost = each(line, item).or(lost);
    }
    line.push(close);
    lost
}
