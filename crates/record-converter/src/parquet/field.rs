//! The JSON text of a Parquet value.

use jiff::Timestamp;
use parquet::record::Field;

use super::hint::{Hint, Means};
use crate::cell;
use crate::foreign::{NANOS_PER_MICRO, NANOS_PER_MILLI, bytes, clock, day, double, point, single, uuid};

/// Adds the JSON text of `field` to `line`; why, if its value is not wholly there.
pub(super) fn write(line: &mut String, field: &Field, hint: &Hint) -> Option<&'static str> {
    match field {
        Field::Null => line.push_str("null"),
        Field::Bool(truth) => line.push_str(if *truth { "true" } else { "false" }),
        Field::Byte(number) => line.push_str(&number.to_string()),
        Field::Short(number) => line.push_str(&number.to_string()),
        Field::Int(number) => whole(line, i64::from(*number), hint),
        Field::UByte(number) => line.push_str(&number.to_string()),
        Field::UShort(number) => line.push_str(&number.to_string()),
        Field::UInt(number) => line.push_str(&number.to_string()),
        Field::ULong(number) => line.push_str(&number.to_string()),
        Field::Long(number) => whole(line, *number, hint),
        Field::TimestampMillis(number) if hint.means == Means::Int96 => {
            point(line, (*number).into(), NANOS_PER_MILLI, true);
            return Some("a time of the old form INT96 inside another value; it is there to the millisecond");
        }
        Field::TimestampMillis(number) => point(line, (*number).into(), NANOS_PER_MILLI, hint.is_utc()),
        Field::TimestampMicros(number) => {
            if let (Some(digits), Ok(time)) = (hint.digits, Timestamp::from_microsecond(*number)) {
                line.push_str(&cell::literal(&format!("{time:.digits$}")));
                return None;
            }
            point(line, (*number).into(), NANOS_PER_MICRO, hint.is_utc());
        }
        Field::Float16(number) => return single(line, number.to_f32()),
        Field::Float(number) => return single(line, *number),
        Field::Double(number) => return double(line, *number),
        Field::Decimal(_) => {
            let text = field.to_string();
            let text = text.trim_end_matches('.');
            if cell::is_json(text) { line.push_str(text) } else { line.push_str(&cell::literal(text)) }
        }
        Field::Str(text) if hint.means == Means::Json && cell::is_json(text) => {
            line.push_str(&cell::compact(text));
        }
        Field::Str(text) => line.push_str(&cell::literal(text)),
        Field::Bytes(raw) => match <[u8; 16]>::try_from(raw.data()) {
            Ok(all) if hint.means == Means::Uuid => uuid(line, &all),
            _ => return bytes(line, raw.data()),
        },
        Field::Date(days) => day(line, *days),
        Field::TimeMillis(number) => clock(line, i64::from(*number) * NANOS_PER_MILLI),
        Field::TimeMicros(number) => clock(line, number.saturating_mul(NANOS_PER_MICRO)),
        Field::Group(row) => {
            let members = row.get_column_iter().enumerate();
            return several(line, '{', members, '}', |line, (at, (name, field))| {
                line.push_str(&cell::literal(name));
                line.push(':');
                write(line, field, hint.inner(at))
            });
        }
        Field::ListInternal(list) => {
            let (elements, hint) = hint.elements(list.elements());
            return several(line, '[', elements.into_iter(), ']', |line, field| write(line, field, hint));
        }
        Field::MapInternal(map) => {
            return several(line, '{', map.entries().iter(), '}', |line, (key, field)| {
                let mut name = String::new();
                let why = write(&mut name, key, hint.inner(0));
                if !name.starts_with('"') {
                    name = cell::literal(&name);
                }
                line.push_str(&name);
                line.push(':');
                write(line, field, hint.inner(1)).or(why)
            });
        }
    }
    None
}

/// A whole number, or what it counts.
fn whole(line: &mut String, number: i64, hint: &Hint) {
    match hint.means {
        Means::Point { nanos, utc } => point(line, number.into(), nanos, utc),
        Means::Clock { nanos } => clock(line, number.saturating_mul(nanos)),
        _ => line.push_str(&number.to_string()),
    }
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
