//! The forms of dates: ISO 8601, RFC 2822, names of months, numbers with marks, spans before now.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::words::{Ago, days_ago, month};
use super::{Hints, Read};

pub(super) fn read(text: &str, hints: &Hints) -> Option<Read> {
    iso(text)
        .or_else(|| moment(text))
        .or_else(|| relative(&text.to_lowercase(), hints.now))
        .or_else(|| asian(text))
        .or_else(|| compact(text))
        .or_else(|| dated(&text.to_lowercase(), hints))
}

/// `2024`, `2024-05`, `2024-05-17`, `2024-05-17T08:30:00`.
fn iso(text: &str) -> Option<Read> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        4 if digits(text) => text.parse().ok().map(Read::Year),
        7 if text.as_bytes()[4] == b'-' && digits(&text[..4]) && digits(text.get(5..)?) => {
            Some(Read::Month(Date::new(text[..4].parse().ok()?, text[5..].parse().ok()?, 1).ok()?))
        }
        10 if text.as_bytes()[4] == b'-' => text.parse().ok().map(Read::Day),
        _ => None,
    }
}

/// A moment, or a time whose zone is not told.
fn moment(text: &str) -> Option<Read> {
    if !text.as_bytes().first()?.is_ascii_digit() {
        let rfc = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
        return rfc.map(Read::Moment);
    }
    let year = text
        .get(..5)
        .is_some_and(|head| head.ends_with('-') && head[..4].bytes().all(|b| b.is_ascii_digit()));
    if !year || text.len() < 16 {
        return None;
    }
    // `2024-05-17 08:30 UTC` and `2024-05-17 08:30:00 +0200`.
    let text = text
        .strip_suffix(" UTC")
        .or_else(|| text.strip_suffix(" GMT"))
        .map_or(text.to_owned(), |head| format!("{head}Z"));
    let text = text.replace(" +", "+").replace(" -", "-");
    match text.parse::<Timestamp>() {
        Ok(moment) => Some(Read::Moment(moment)),
        // What names a zone is not read as if it named none.
        Err(_) if text.get(10..)?.contains(['Z', 'z', '+', '-', '[']) => None,
        Err(_) => text.parse::<DateTime>().ok().map(Read::Local),
    }
}

fn relative(text: &str, now: Option<Timestamp>) -> Option<Read> {
    let now = now?;
    let today = now.to_zoned(TimeZone::UTC).date();
    match days_ago(text)? {
        Ago::Seconds(seconds) => {
            let then = now.checked_sub(seconds.seconds()).ok()?;
            Some(Read::Day(then.to_zoned(TimeZone::UTC).date()))
        }
        Ago::Days(days) => today.checked_sub(days.days()).ok().map(Read::Day),
        Ago::Months(months) => {
            today.checked_sub(months.months()).ok().map(|date| Read::Month(date.first_of_month()))
        }
        Ago::Years(years) => today.checked_sub(years.years()).ok().map(|date| Read::Year(date.year())),
    }
}

/// `2024年3月5日`, `2024년 3월 5일`.
fn asian(text: &str) -> Option<Read> {
    let (year, rest) = text.split_once(['年', '년'])?;
    let (month, rest) = rest.split_once(['月', '월'])?;
    let (year, month) = (year.trim().parse().ok()?, month.trim().parse().ok()?);
    match rest.split_once(['日', '일']) {
        Some((day, rest)) => {
            let date = Date::new(year, month, day.trim().parse().ok()?).ok()?;
            at_time(date, rest)
        }
        None if rest.trim().is_empty() => Date::new(year, month, 1).ok().map(Read::Month),
        None => None,
    }
}

/// `20240517`.
fn compact(text: &str) -> Option<Read> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok().map(Read::Day)
}

/// A day and month in words or numbers, with a year, perhaps a weekday ahead and a time behind.
fn dated(text: &str, hints: &Hints) -> Option<Read> {
    let (date_text, time_text) = split_time(text);
    let words: Vec<&str> = date_text
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.trim_matches(|c: char| c == '.' || c == '(' || c == ')'))
        .filter(|word| {
            !word.is_empty()
                && !matches!(*word, "de" | "of" | "the" | "del" | "at" | "um" | "den" | "on" | "à")
        })
        .collect();
    let date = match words.as_slice() {
        [one] => numbers(one, hints),
        _ => named(&words),
    }?;
    match date {
        Read::Day(date) => at_time(date, time_text),
        other if time_text.trim().is_empty() => Some(other),
        _ => None,
    }
}

/// Where a time of day begins: at the digits before the first colon.
fn split_time(text: &str) -> (&str, &str) {
    let Some(colon) = text.find(':') else { return (text, "") };
    let digits = text[..colon].bytes().rev().take_while(u8::is_ascii_digit).count();
    text.split_at(colon - digits)
}

/// `8:30`, `08:30:15`, `8:30 pm`; anything more names a zone that is not read here, and the day is what is known.
fn at_time(date: Date, text: &str) -> Option<Read> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Read::Day(date));
    }
    let lower = text.to_lowercase();
    let half =
        ["am", "pm", "a.m.", "p.m."].into_iter().find_map(|half| Some((lower.strip_suffix(half)?, half)));
    let clock = half.map_or(lower.as_str(), |(rest, _)| rest).trim_end();
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (Some(Some(hour)), Some(Some(minute))) = (parts.next(), parts.next()) else {
        return Some(Read::Day(date));
    };
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let hour = match half.map(|(_, half)| half.starts_with('p')) {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    Time::new(hour, minute, second, 0).ok().map(|time| Read::Local(date.to_datetime(time)))
}

/// `17 May 2024`, `May 17th 2024`, `Freitag 17. Mai 2024`, `May 2024`.
fn named(words: &[&str]) -> Option<Read> {
    let at = words.iter().position(|word| month(word).is_some())?;
    let month = month(words[at])?;
    let day = |word: &str| -> Option<i8> {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || c == 'º' || c == 'ª');
        let ending = &word[digits.len()..];
        let known = matches!(ending, "" | "st" | "nd" | "rd" | "th" | "er" | "º" | "ª");
        digits.parse().ok().filter(|day| known && (1..=31).contains(day))
    };
    let year = |word: &str| (word.len() == 4).then(|| word.parse::<i16>().ok()).flatten();
    // A weekday ahead of it all, and nothing else.
    let weekday =
        |words: &[&str]| words.iter().all(|word| word.chars().all(char::is_alphabetic)) && words.len() <= 1;
    match (&words[..at], &words[at + 1..]) {
        ([head @ .., d], [y]) if day(d).is_some() && weekday(head) => {
            Date::new(year(y)?, month, day(d)?).ok().map(Read::Day)
        }
        (head, [d, y]) if weekday(head) => Date::new(year(y)?, month, day(d)?).ok().map(Read::Day),
        ([], [y]) => Date::new(year(y)?, month, 1).ok().map(Read::Month),
        _ => None,
    }
}

/// `17.05.2024`, `17/05/2024`, `2024/05/17`: refused if it may mean two days.
fn numbers(text: &str, hints: &Hints) -> Option<Read> {
    let mark = text.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = text.split(mark).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let fits = |text: &str, most: usize| !text.is_empty() && text.len() <= most;
    if a.len() == 4 && fits(b, 2) && fits(c, 2) {
        return Date::new(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?).ok().map(Read::Day);
    }
    if c.len() != 4 || !fits(a, 2) || !fits(b, 2) {
        return None;
    }
    let (first, second, year): (i8, i8, i16) = (a.parse().ok()?, b.parse().ok()?, c.parse().ok()?);
    // Where dots are written, the day is ahead.
    let day_first = match mark {
        '.' => Some(true),
        '/' | '-' => hints.day_first,
        _ => return None,
    };
    let (day, month) = match day_first {
        _ if first > 12 => (first, second),
        _ if second > 12 => (second, first),
        _ if first == second => (first, second),
        Some(true) => (first, second),
        Some(false) => (second, first),
        None => return None,
    };
    Date::new(year, month, day).ok().map(Read::Day)
}
