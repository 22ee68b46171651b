//! Which JSON numbers a spreadsheet cell can hold without loss, and their JSON text on the way back.

/// The largest whole number up to which every whole number has a double of its own: 2 to the power of 53.
const WHOLE_LIMIT: f64 = 9_007_199_254_740_992.0;
/// The smallest and the largest number that is written as a number. Excel holds up to 1e308, but the library
/// spells numbers without exponent, and nobody promises that every reader takes 300 digits.
const RANGE: std::ops::RangeInclusive<f64> = 1e-99..=1e99;
/// Up to this many digits a decimal number always survives the way to a double and back.
const SAFE_DIGITS: usize = 15;
/// So many digits tell each double from every other.
const DOUBLE_DIGITS: usize = 17;

/// Whether the JSON number is spelled as a whole number (`1`), not as a float (`1.0`, `1e0`).
pub(crate) fn is_whole_form(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// The double for the JSON number `text`, if a cell gives back the same value in the same form.
///
/// `floats` says that the column holds no number in whole form, so that `1.0` may become `1`.
pub(crate) fn as_cell(text: &str, floats: bool) -> Option<f64> {
    let number = as_double(text)?;
    let same_form = if is_whole_form(text) {
        !floats && number.abs() <= WHOLE_LIMIT
    } else {
        floats || number.fract() != 0.0
    };
    same_form.then_some(number)
}

/// The JSON text of the number in a cell; in a column of `floats`, whole numbers get their `.0` back.
pub(crate) fn from_cell(number: f64, floats: bool) -> String {
    if !floats && number.fract() == 0.0 && number.abs() <= WHOLE_LIMIT {
        // No cast loses anything here: the number is whole and within the limit.
        return (number as i64).to_string();
    }
    serde_json::Number::from_f64(number).map_or_else(|| "null".to_owned(), |number| number.to_string())
}

/// Whether a cell's text is a number that JSON readers take: not `NaN`, not beyond what a double holds.
pub(crate) fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let all_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let (whole, fraction) = unsigned(mantissa).split_once('.').unwrap_or((unsigned(mantissa), ""));
    let spelled = !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction);
    let spelled = spelled && !unsigned(exponent).is_empty() && all_digits(unsigned(exponent));
    spelled && text.parse().is_ok_and(f64::is_finite)
}

/// The JSON text of the number that a cell spells as `text`, for which [`is_number`] holds; `floats` as in
/// [`from_cell`].
///
/// Where a double would change the value (whole numbers beyond 2^53, more digits than a double has), the digits
/// stay as the file spells them. 17 digits are how programs spell a double: they are no more exact than it.
pub(crate) fn from_text(text: &str, floats: bool) -> String {
    let count = text.bytes().filter(u8::is_ascii_digit).count();
    if !floats && count > SAFE_DIGITS && is_whole_form(text) {
        return json(text);
    }
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    let vanished = number == 0.0 && !digits(text).is_empty();
    let beyond = count > DOUBLE_DIGITS
        && digits(text).len() > DOUBLE_DIGITS
        && decimal(text) != decimal(&format!("{number:e}"));
    if vanished || beyond { json(text) } else { from_cell(number, floats) }
}

/// A number as JSON spells it: no plus, no zeros in front, digits on both sides of the point.
fn json(text: &str) -> String {
    let (mantissa, exponent) = text.find(['e', 'E']).map_or((text, ""), |at| text.split_at(at));
    let (whole, fraction) = unsigned(mantissa).split_once('.').unwrap_or((unsigned(mantissa), ""));
    let whole = whole.trim_start_matches('0');
    let sign = if text.starts_with('-') { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}{exponent}", if whole.is_empty() { "0" } else { whole })
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// The double that has exactly the value of the JSON number `text`, if there is one.
pub(crate) fn exact_double(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    if number == 0.0 {
        return digits(text).is_empty().then_some(number);
    }
    let short =
        RANGE.contains(&number.abs()) && text.bytes().filter(u8::is_ascii_digit).count() <= SAFE_DIGITS;
    (short || decimal(text) == decimal(&format!("{number:e}"))).then_some(number)
}

fn as_double(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    if number == 0.0 {
        // Excel drops the sign of zero, and what is too small to hold must not become zero.
        return (!text.starts_with('-') && digits(text).is_empty()).then_some(number);
    }
    if !RANGE.contains(&number.abs()) {
        return None;
    }
    let short = text.bytes().filter(u8::is_ascii_digit).count() <= SAFE_DIGITS;
    (short || decimal(text) == decimal(&format!("{number:e}"))).then_some(number)
}

/// The significant digits, without zeros at either end.
fn digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    all.trim_matches('0').to_owned()
}

/// Sign, significant digits and the power of ten of the last of them: equal for equal numbers.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let zeros = all.len() - all.trim_end_matches('0').len();
    let exponent: i64 = exponent.parse().ok()?;
    Some((text.starts_with('-'), digits(text), exponent - fraction.len() as i64 + zeros as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_double_holds_become_cells() {
        for text in ["0", "1", "-7", "9007199254740992", "1.5", "0.1", "0.30000000000000004", "1e-7", "-2.50"]
        {
            assert!(as_cell(text, false).is_some(), "{text}");
        }
        assert_eq!(from_cell(9_007_199_254_740_992.0, false), "9007199254740992");
        assert_eq!(from_cell(1.0, true), "1.0");
    }

    #[test]
    fn numbers_that_would_change_do_not() {
        let lossy = [
            "9007199254740993",
            "-0",
            "-0.0",
            "1e400",
            "1e-400",
            "1e300",
            "5e-324",
            "0.1000000000000000055511151231257827",
        ];
        for text in lossy {
            assert_eq!(as_cell(text, false), None, "{text}");
            assert_eq!(as_cell(text, true), None, "{text}");
        }
        assert_eq!(as_cell("1.0", false), None);
        assert_eq!(as_cell("1", true), None);
        assert_eq!(as_cell("1.0", true), Some(1.0));
        assert_eq!(as_cell("1e30", true), Some(1e30));
    }
    #[test]
    fn the_digits_of_others_keep_their_value() {
        for (text, expected) in [
            ("1", "1"),
            ("007", "7"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E+20", "1e+20"),
            ("0.10000000000000001", "0.1"),
            ("9007199254740993", "9007199254740993"),
            ("-12345678901234567890", "-12345678901234567890"),
            ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
            ("1E-400", "1E-400"),
        ] {
            assert!(is_number(text), "{text}");
            assert_eq!(from_text(text, false), expected);
        }
        assert_eq!(from_text("1000000000000000000000000000000", true), "1e+30");
        for text in [
            "", ".", "-", "1e", "e5", "NaN", "inf", "1e400", "1,5", "1 2", "0x1", "１", "--1", "1.2.3",
            "1e+-5",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }
}
