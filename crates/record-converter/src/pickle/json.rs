//! The JSON of what a pickle holds.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::names::{Bag, at_the_hub};
use super::value::{Form, Group, Value};
use crate::{cell, foreign};

/// The longest line: values that are used in many places may become very many.
const LONGEST: usize = 256 << 20;

/// Members whose value is not wholly there, and why.
pub(super) type Lost = Vec<(String, &'static str)>;

/// The line of an object, or why there is none.
pub(super) fn record(value: &Value, lost: &mut Lost) -> Result<String, String> {
    match value {
        Value::Group(group) if matches!(group.form, Form::Dict | Form::Object(_)) => {
            let mut line = String::new();
            write(&mut line, value, "", lost)?;
            Ok(line)
        }
        _ => Err("a value of the pickle, but no object".into()),
    }
}

fn write(line: &mut String, value: &Value, key: &str, lost: &mut Lost) -> Result<(), String> {
    if line.len() > LONGEST {
        return Err(format!("longer than {LONGEST} bytes"));
    }
    let mut note = |why: foreign::Lost| {
        if let Some(why) = why {
            lost.push((key.to_owned(), why));
        }
    };
    match value {
        Value::None => line.push_str("null"),
        Value::Bool(truth) => line.push_str(if *truth { "true" } else { "false" }),
        Value::Whole(text) | Value::Half(text) => line.push_str(text),
        Value::Float(number) => note(foreign::double(line, *number)),
        Value::Text(text) => line.push_str(&cell::literal(text)),
        Value::Bytes(bytes) => note(foreign::bytes(line, bytes)),
        Value::Zone(_) | Value::Span(..) | Value::Name(_) => {
            return Err("a zone, a span of time or a class stands as a value".into());
        }
        Value::Group(group) if matches!(group.form, Form::Dict | Form::Object(_)) => {
            members(line, group, lost)?;
        }
        Value::Group(group) => {
            line.push('[');
            for (place, item) in group.items.borrow().iter().enumerate() {
                if place > 0 {
                    line.push(',');
                }
                write(line, item, key, lost)?;
            }
            line.push(']');
        }
    }
    Ok(())
}

fn members(line: &mut String, group: &Group, lost: &mut Lost) -> Result<(), String> {
    let pairs = group.pairs.borrow();
    // Of several values of one key the last counts, at the place of the first: as in Python.
    let mut order: Vec<&str> = Vec::new();
    let mut values: HashMap<&str, (&Value, bool)> = HashMap::new();
    for (key, value) in pairs.iter() {
        let is_text = matches!(key, Value::Text(_));
        let key = match key {
            Value::Text(key) | Value::Whole(key) => key.as_ref(),
            _ => return Err("a key that is neither a text nor a whole number".into()),
        };
        let unset = group.form == Form::Object(Bag::Card) && matches!(value, Value::None);
        if unset {
            continue;
        }
        let key = if group.form == Form::Object(Bag::Info) { at_the_hub(key) } else { key };
        match values.insert(key, (value, is_text)) {
            None => order.push(key),
            // 1 and "1" are two keys in Python, and one in JSON.
            Some((_, before)) if before != is_text => {
                lost.push((
                    key.to_owned(),
                    "one of two values, of a number and of a text that is spelled like it",
                ));
            }
            Some(_) => {}
        }
    }
    line.push('{');
    for (place, key) in order.into_iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        line.push_str(&cell::literal(key));
        line.push(':');
        write(line, values[key].0, key, lost)?;
    }
    line.push('}');
    Ok(())
}

/// A `datetime` from its ten bytes, as RFC 3339; without a zone if it has none.
pub(super) fn time(state: &[u8], zone: Option<i32>) -> Option<String> {
    let [year_high, year_low, month, day, hour, minute, second, high, middle, low] = state else {
        return None;
    };
    let year = i16::from_be_bytes([*year_high, *year_low]);
    let micros = i32::from_be_bytes([0, *high, *middle, *low]);
    // The highest bit of the month tells apart the two hours when clocks go back; with a fixed zone it says nothing.
    let small = |byte: &u8| i8::try_from(*byte).ok();
    let time = DateTime::new(
        year,
        small(&(month & 0x7F))?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        micros.checked_mul(1000)?,
    )
    .ok()?;
    let Some(zone) = zone else { return Some(time.to_string()) };
    let offset = Offset::from_seconds(zone).ok()?;
    let point: Timestamp = offset.to_timestamp(time).ok()?;
    Some(if zone == 0 { point.to_string() } else { point.display_with_offset(offset).to_string() })
}

/// A `date` from its four bytes.
pub(super) fn date(state: &[u8]) -> Option<String> {
    let [year_high, year_low, month, day] = state else { return None };
    let year = i16::from_be_bytes([*year_high, *year_low]);
    let date = jiff::civil::Date::new(year, i8::try_from(*month).ok()?, i8::try_from(*day).ok()?);
    date.ok().map(|date| date.to_string())
}
