//! From Excel's serial numbers to ISO text.

use std::fmt::Write;

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::styles::Form;

const DAY: i64 = 86_400_000;
/// Behind the last day that Excel knows, 9999-12-31, in either calendar.
const END: f64 = 2_958_466.0;

/// Appends the ISO text of `serial`; `false` if it is no date, time or duration, so that it is a number.
///
/// The number format decides whether the text has a date, a time, or both; but a time of day that is not midnight
/// is never left out, nor is a date. Milliseconds are the finest; `since_1904` says from when days are counted.
pub(crate) fn append(serial: f64, form: Form, since_1904: bool, into: &mut String) -> bool {
    match form {
        Form::Number => return false,
        Form::Duration => return append_duration(serial, into),
        Form::Date | Form::Time | Form::Both => {}
    }
    if !(0.0..END).contains(&serial) {
        return false;
    }
    // A day has less than 2^53 milliseconds, and so have all days together.
    let moment = (serial * DAY as f64).round() as i64;
    let (day, clock) = (moment / DAY, moment % DAY);
    if serial < 1.0 && (form == Form::Time || !since_1904) {
        // A time without a date. Day 0 of the calendar of 1900 is none.
        if form == Form::Date {
            return false;
        }
        append_clock(moment.min(DAY - 1), into);
        return true;
    }
    let Some(day) = civil(day, since_1904) else { return false };
    let _ = write!(into, "{day}");
    if form != Form::Date || clock > 0 {
        into.push('T');
        append_clock(clock, into);
    }
    true
}

/// The date of a day's number. Excel counts a 29th of February 1900, number 60, that was none.
fn civil(day: i64, since_1904: bool) -> Option<Date> {
    let zero = match day {
        _ if since_1904 => date(1904, 1, 1),
        60 => return None,
        1..60 => date(1899, 12, 31),
        _ => date(1899, 12, 30),
    };
    zero.checked_add(day.days()).ok()
}

fn append_clock(clock: i64, into: &mut String) {
    let (seconds, milli) = (clock / 1000, clock % 1000);
    let _ = write!(into, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    append_fraction(milli, into);
}

fn append_duration(days: f64, into: &mut String) -> bool {
    let moment = (days * DAY as f64).round();
    // Beyond this a double does not hold single milliseconds.
    if moment.is_nan() || moment.abs() > 9e15 {
        return false;
    }
    let moment = moment as i64;
    if moment < 0 {
        into.push('-');
    }
    let (seconds, milli) = (moment.abs() / 1000, moment.abs() % 1000);
    let _ = write!(into, "PT{}H{}M{}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    append_fraction(milli, into);
    into.push('S');
    true
}

fn append_fraction(milli: i64, into: &mut String) {
    if milli > 0 {
        let _ = write!(into, ".{milli:03}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(serial: f64, form: Form, since_1904: bool, expected: &str) {
        let mut text = String::new();
        let done = append(serial, form, since_1904, &mut text);
        assert_eq!(if done { text.as_str() } else { "none" }, expected, "{serial} {form:?}");
    }

    #[test]
    fn the_format_decides_what_the_text_has() {
        check(45_351.0, Form::Date, false, "2024-02-29");
        check(45_351.0, Form::Both, false, "2024-02-29T00:00:00");
        check(45_351.0, Form::Time, false, "2024-02-29T00:00:00");
        check(45_351.5, Form::Date, false, "2024-02-29T12:00:00");
        check(45_351.999_999_999_9, Form::Both, false, "2024-03-01T00:00:00");
        check(0.0, Form::Time, false, "00:00:00");
        check(0.0, Form::Both, false, "00:00:00");
        check(0.573, Form::Both, false, "13:45:07.200");
        check(0.999_999_999_9, Form::Time, false, "23:59:59.999");
    }

    #[test]
    fn both_calendars_have_their_first_and_last_days() {
        check(1.0, Form::Date, false, "1900-01-01");
        check(59.0, Form::Date, false, "1900-02-28");
        check(60.0, Form::Date, false, "none");
        check(61.0, Form::Date, false, "1900-03-01");
        check(2_958_465.0, Form::Date, false, "9999-12-31");
        check(2_957_003.0, Form::Date, true, "9999-12-31");
        check(0.0, Form::Date, true, "1904-01-01");
        check(0.5, Form::Time, true, "12:00:00");
        check(0.5, Form::Both, true, "1904-01-01T12:00:00");
        for (serial, since_1904) in
            [(0.0, false), (-1.0, false), (2_958_466.0, false), (2_957_004.0, true), (f64::NAN, false)]
        {
            check(serial, Form::Date, since_1904, "none");
        }
        check(2_958_465.999_999_999_9, Form::Both, false, "none");
    }

    #[test]
    fn durations_go_beyond_a_day() {
        check(1.5, Form::Duration, false, "PT36H0M0S");
        check(-0.25, Form::Duration, false, "-PT6H0M0S");
        check(1.25 / 86_400.0, Form::Duration, true, "PT0H0M1.250S");
        check(1e300, Form::Duration, false, "none");
    }
}
