//! The JSON text of values that JSON has no type for.

use jiff::Timestamp;

use crate::cell;

pub(crate) const NANOS_PER_MILLI: i64 = 1_000_000;
pub(crate) const NANOS_PER_MICRO: i64 = 1_000;

/// Why a value is not wholly in the output, if it is not.
pub(crate) type Lost = Option<&'static str>;

/// Adds a double; null if it is no number.
pub(crate) fn double(line: &mut String, number: f64) -> Lost {
    let text = serde_json::Number::from_f64(number).map(|number| number.to_string());
    float(line, text.as_deref(), number.is_nan())
}

/// Adds a float with the digits that tell it from other floats, not those of the double beside it.
pub(crate) fn single(line: &mut String, number: f32) -> Lost {
    let text = number.is_finite().then(|| format!("{number:?}"));
    float(line, text.as_deref(), number.is_nan())
}

fn float(line: &mut String, text: Option<&str>, nan: bool) -> Lost {
    line.push_str(text.unwrap_or("null"));
    match text {
        Some(_) => None,
        None if nan => Some("NaN, which JSON does not have; null is there"),
        None => Some("infinity, which JSON does not have; null is there"),
    }
}

/// Adds bytes: text if they are, else Base64.
pub(crate) fn bytes(line: &mut String, bytes: &[u8]) -> Lost {
    if let Ok(text) = std::str::from_utf8(bytes) {
        line.push_str(&cell::literal(text));
        return None;
    }
    line.push_str(&cell::literal(&data_encoding::BASE64.encode(bytes)));
    Some("bytes that are no text; they are there as Base64")
}

/// Adds a point in time as RFC 3339, without zone where the file has none; a number if no calendar has it.
/// `unit` is how many nanoseconds `number` counts by.
pub(crate) fn point(line: &mut String, number: i128, unit: i64, utc: bool) {
    let Ok(time) = Timestamp::from_nanosecond(number.saturating_mul(unit.into())) else {
        line.push_str(&number.to_string());
        return;
    };
    let text = time.to_string();
    line.push_str(&cell::literal(if utc { &text } else { text.trim_end_matches('Z') }));
}

/// Adds the date so many days after 1970-01-01; a number if no calendar has it.
pub(crate) fn day(line: &mut String, days: i32) {
    let span = jiff::Span::new().try_days(days).ok();
    match span.and_then(|span| jiff::civil::date(1970, 1, 1).checked_add(span).ok()) {
        Some(date) => line.push_str(&cell::literal(&date.to_string())),
        None => line.push_str(&days.to_string()),
    }
}

/// Adds a time of day; a number if no day has it.
pub(crate) fn clock(line: &mut String, nanos: i64) {
    let time = jiff::civil::Time::midnight().checked_add(jiff::SignedDuration::from_nanos(nanos));
    match time {
        Ok(time) if nanos >= 0 => line.push_str(&cell::literal(&time.to_string())),
        _ => line.push_str(&nanos.to_string()),
    }
}

/// Adds a UUID as people write it.
pub(crate) fn uuid(line: &mut String, bytes: &[u8; 16]) {
    let text = data_encoding::HEXLOWER.encode(bytes);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    line.push_str(&format!("\"{}\"", parts.join("-")));
}

/// The decimal digits of a whole number in two's complement, smallest byte first.
pub(crate) fn digits(mut bytes: Vec<u8>) -> String {
    let negative = bytes.last().is_some_and(|last| *last >= 0x80);
    if negative {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    // Nine digits at a time, the last ones first.
    const PART: u64 = 1_000_000_000;
    let mut parts = Vec::new();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    while !bytes.is_empty() {
        let mut rest = 0;
        for byte in bytes.iter_mut().rev() {
            let value = rest << 8 | u64::from(*byte);
            *byte = (value / PART) as u8;
            rest = value % PART;
        }
        parts.push(rest);
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
    }
    let mut digits = String::from(if negative { "-" } else { "" });
    digits.push_str(&parts.pop().unwrap_or_default().to_string());
    parts.iter().rev().for_each(|part| digits.push_str(&format!("{part:09}")));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut String)) -> String {
        let mut line = String::new();
        write(&mut line);
        line
    }

    #[test]
    fn times_are_text_that_people_read_and_what_no_calendar_has_is_a_number() {
        assert_eq!(
            shown(|line| point(line, 1_700_000_000_123, NANOS_PER_MILLI, true)),
            "\"2023-11-14T22:13:20.123Z\""
        );
        assert_eq!(shown(|line| point(line, 0, 1, false)), "\"1970-01-01T00:00:00\"");
        assert_eq!(shown(|line| point(line, i64::MAX.into(), NANOS_PER_MILLI, true)), i64::MAX.to_string());
        assert_eq!(shown(|line| day(line, 19_000)), "\"2022-01-08\"");
        assert_eq!(shown(|line| day(line, i32::MIN)), i32::MIN.to_string());
        assert_eq!(shown(|line| clock(line, 3_600_000_000_000)), "\"01:00:00\"");
        assert_eq!(shown(|line| clock(line, -1)), "-1");
        assert_eq!(shown(|line| clock(line, i64::MAX)), i64::MAX.to_string());
    }

    #[test]
    fn what_json_does_not_have_is_named() {
        let mut line = String::new();
        assert!(double(&mut line, f64::NAN).is_some() && single(&mut line, f32::INFINITY).is_some());
        assert!(single(&mut line, 0.1).is_none() && double(&mut line, 1.0).is_none());
        assert!(bytes(&mut line, b"x").is_none() && bytes(&mut line, b"\xff").is_some());
        assert_eq!(line, "nullnull0.11.0\"x\"\"/w==\"");
    }

    #[test]
    fn whole_numbers_of_any_length_keep_their_digits() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..2000 {
            let number = rng.i128(..) >> rng.u32(0..128);
            assert_eq!(digits(number.to_le_bytes().to_vec()), number.to_string());
        }
        for (bytes, expected) in [(&[][..], "0"), (&[0xFF], "-1"), (&[0x80], "-128"), (&[0xFF, 0], "255")] {
            assert_eq!(digits(bytes.to_vec()), expected);
        }
        // 2 to the power of 200, and its negative.
        let mut large = vec![0; 25];
        large.push(1);
        assert_eq!(digits(large), "1606938044258990275541962092341162602522202993782792835301376");
        let mut small = vec![0; 25];
        small.push(0xFF);
        assert_eq!(digits(small), "-1606938044258990275541962092341162602522202993782792835301376");
    }
}
