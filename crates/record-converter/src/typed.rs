//! Which type a column of Parquet or Avro has: the narrowest that holds all of its values exactly, else JSON text.

use std::borrow::Cow;

use crawl_core::Timestamp;
use crawl_core::json::Raw;
use crawl_core::table::{Type, Value};

use crate::cell;
use crate::number;

/// The largest whole number up to which every whole number has a double of its own.
const WHOLE_LIMIT: u64 = 1 << 53;

/// Which kinds of values a column was seen to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    whole: bool,
    /// Whole numbers beyond what each double tells apart.
    wide: bool,
    float: bool,
    truth: bool,
    text: bool,
    /// Texts that are times, all with so many digits of a second.
    times: Option<usize>,
    /// Lists of texts, and nothing else in them.
    texts: bool,
    /// What only JSON holds: other lists, objects, numbers beyond both types, half a surrogate pair.
    other: bool,
}

impl Seen {
    pub(crate) fn note(&mut self, value: Raw<'_>) {
        let text = value.text();
        match text.as_bytes().first() {
            Some(b'"') if value.str().is_some() => {
                let digits = value.str().and_then(|text| time(&text)).map(|(_, digits)| digits);
                match (self.times, digits) {
                    (Some(known), Some(digits)) if known == digits => {}
                    (None, Some(_)) if !self.text => self.times = digits,
                    _ => self.text = true,
                }
            }
            Some(b't' | b'f') => self.truth = true,
            Some(b'n') => {}
            Some(b'[') if value.elements().is_some_and(|mut all| all.all(|one| one.str().is_some())) => {
                self.texts = true;
            }
            Some(b'-' | b'0'..=b'9') => match (whole(text), number::exact_double(text)) {
                (Some(number), _) => {
                    self.whole = true;
                    self.wide |= number.unsigned_abs() > WHOLE_LIMIT;
                }
                (None, Some(_)) => self.float = true,
                (None, None) => self.other = true,
            },
            _ => self.other = true,
        }
    }

    /// How many digits of a second the times of a column of times have.
    pub(crate) fn digits(self) -> Option<usize> {
        self.times.filter(|_| self.column_type() == Type::Time)
    }

    /// The type that holds them all. A column of nulls is text.
    pub(crate) fn column_type(self) -> Type {
        match (self.whole | self.float, self.truth, self.text | self.times.is_some()) {
            _ if self.other => Type::Json,
            (false, false, false) if self.texts => Type::Texts,
            _ if self.texts => Type::Json,
            (true, false, false) if !self.float => Type::Int,
            (true, false, false) if !self.wide => Type::Float,
            (false, true, false) => Type::Bool,
            (false, false, true) if !self.text => Type::Time,
            (false, false, _) if !self.truth => Type::Text,
            _ => Type::Json,
        }
    }
}

/// The value for a column of type `kind`; `None` if it is none that [`Seen`] saw there.
pub(crate) fn typed<'r>(kind: Type, value: Option<Raw<'r>>) -> Option<Value<'r>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Some(Value::Null) };
    match kind {
        Type::Int => whole(value.text()).map(Value::Int),
        Type::Float => number::exact_double(value.text()).map(Value::Float),
        Type::Bool => value.bool().map(Value::Bool),
        Type::Text => value.str().map(Value::Text),
        Type::Json => Some(Value::Text(cell::compact(value.text()))),
        Type::Texts => texts(value).map(Value::Texts),
        Type::Time => time(&value.str()?).map(|(time, _)| Value::Time(time)),
    }
}

/// The time that a text is, and its digits of a second: only of the forms `2024-02-29T13:45:00Z`, `....000Z` and
/// `....000000Z`, so that it can be spelled again as it was.
fn time(text: &str) -> Option<(Timestamp, usize)> {
    let digits = match text.len() {
        20 => 0,
        24 => 3,
        27 => 6,
        _ => return None,
    };
    let time: Timestamp = text.strip_suffix('Z').and_then(|_| text.parse().ok())?;
    (format!("{time:.digits$}") == text).then_some((time, digits))
}

/// The texts of a list that holds nothing else.
fn texts<'r>(value: Raw<'r>) -> Option<Vec<Cow<'r, str>>> {
    value.elements()?.map(|element| element.str()).collect()
}

fn whole(text: &str) -> Option<i64> {
    // Minus zero is a whole number as JSON spells it, and none as i64.
    if text == "-0" || !number::is_whole_form(text) { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expected: Type) {
        let mut seen = Seen::default();
        let raws: Vec<_> = values.iter().map(|value| Raw::parse(value.as_bytes()).unwrap()).collect();
        raws.iter().for_each(|raw| seen.note(*raw));
        assert_eq!(seen.column_type(), expected, "{values:?}");
        assert!(raws.iter().all(|raw| typed(expected, Some(*raw)).is_some()), "{values:?}");
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_holds_all_exactly() {
        check(&["1", "null", "-9223372036854775808", "9223372036854775807"], Type::Int);
        check(&["1.5", "1", "9007199254740992", "5e-324", "1.7976931348623157e308", "-0"], Type::Float);
        check(&["true", "false", "null"], Type::Bool);
        check(&["\"x\"", "\"\\u00e9\""], Type::Text);
        check(&["null"], Type::Text);
        check(&["\"2024-02-29T13:45:00.000Z\"", "null", "\"0001-01-01T00:00:00.123Z\""], Type::Time);
        check(&["\"2024-02-29T13:45:00Z\""], Type::Time);
        check(&["\"2024-02-29T13:45:00.000Z\"", "\"2024-02-29T13:45:00Z\""], Type::Text);
        check(&["\"2024-02-29T13:45:00Z\"", "\"x\""], Type::Text);
        check(&["\"x\"", "\"2024-02-29T13:45:00Z\""], Type::Text);
        for odd in
            ["2023-02-29T13:45:00Z", "2024-02-29T13:45:60Z", "2024-02-29t13:45:00Z", "2024-02-29 13:45:00Z"]
        {
            check(&[&format!("\"{odd}\"")], Type::Text);
        }
        check(&["[]", "null", "[ \"x\", \"\\u00e9\"]"], Type::Texts);
        check(&[], Type::Text);
        for mixed in [
            &["1", "\"x\""][..],
            &["true", "1"],
            &["true", "\"x\""],
            &["18446744073709551615"],
            &["9007199254740993", "1.5"],
            &["1e400"],
            &["5e-325"],
            &["0.1000000000000000055511151231257827"],
            &["\"\\ud800\""],
            &["[]", "1"],
            &["\"2024-02-29T13:45:00Z\"", "1"],
            &["\"2024-02-29T13:45:00Z\"", "[]"],
            &["[\"x\"]", "\"x\""],
            &["[\"x\", null]"],
            &["[\"\\ud800\"]"],
            &["[[]]", "[]"],
            &["{}"],
        ] {
            check(mixed, Type::Json);
        }
    }
}
