//! Dates as pages and posts write them, to ISO 8601, with what is known of them and no more.

mod parse;
mod words;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

/// How much of a date is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// The year: `2024`.
    Year,
    /// The month: `2024-05`.
    Month,
    /// The day: `2024-05-17`.
    Day,
    /// The time, in a zone that is not told: `2024-05-17T08:30:00`.
    LocalTime,
    /// The moment, in UTC: `2024-05-17T08:30:00Z`.
    Moment,
}

/// Where a date was found; the earlier ones are the better ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The service's own answer.
    Service,
    /// `datePublished` and the like of JSON-LD.
    JsonLd,
    /// A meta tag.
    Meta,
    /// `<time datetime>`.
    Time,
    /// The address of the page.
    Url,
    /// Its text.
    Text,
}

/// A date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// As ISO 8601 has it, as far as it is known.
    pub iso: String,
    /// How far it is known.
    pub precision: Precision,
    /// Where it was found.
    pub source: Source,
    /// As it was written.
    pub original: String,
}

/// What helps to read dates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// When the page was fetched: "yesterday" is before it, and what is more than a day behind it is refused.
    pub now: Option<Timestamp>,
    /// Whether `03/04/2024` is in April. `None`: it is refused.
    pub day_first: Option<bool>,
}

/// The web is not older.
const FIRST_YEAR: i16 = 1991;

/// Reads a date. `None` if it is no date, may mean two days, or cannot be: before 1991, or more than a day ahead.
pub fn parse(text: &str, source: Source, hints: &Hints) -> Option<When> {
    let original = text.trim();
    if original.is_empty() || original.len() > 100 {
        return None;
    }
    let read = parse::read(original, hints)?;
    let (iso, precision) = match read {
        Read::Year(year) => (format!("{year:04}"), Precision::Year),
        Read::Month(first) => (first.strftime("%Y-%m").to_string(), Precision::Month),
        Read::Day(date) => (date.to_string(), Precision::Day),
        Read::Local(time) => (time.to_string(), Precision::LocalTime),
        Read::Moment(moment) => (moment.to_string(), Precision::Moment),
    };
    read.is_possible(hints.now).then(|| When { iso, precision, source, original: original.to_owned() })
}

/// The date in the path of an address: `/2024/05/17/`, `/2024/05/`, `/2024-05-17-`.
pub fn in_url(url: &str, hints: &Hints) -> Option<When> {
    let path = url.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit())
    };
    for (at, part) in parts.iter().enumerate() {
        let dashed = part.get(..10).filter(|_| part.len() == 10 || part.as_bytes()[10] == b'-');
        if let Some(when) = dashed.and_then(|text| parse(text, Source::Url, hints))
            && when.precision == Precision::Day
        {
            return Some(when);
        }
        if part.len() != 4 || !digits(part, 4) {
            continue;
        }
        let next = |step: usize| parts.get(at + step).filter(|text| digits(text, 2));
        let Some(month) = next(1) else { continue };
        let text = match next(2) {
            Some(day) => format!("{part}-{month:0>2}-{day:0>2}"),
            None => format!("{part}-{month:0>2}"),
        };
        if let Some(mut when) = parse(&text, Source::Url, hints) {
            when.original = [part, *month].into_iter().chain(next(2).copied()).collect::<Vec<_>>().join("/");
            return Some(when);
        }
    }
    None
}

/// The best of several: by its source, then by its precision.
pub fn best(dates: impl IntoIterator<Item = When>) -> Option<When> {
    dates.into_iter().min_by_key(|when| (when.source, std::cmp::Reverse(when.precision)))
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Year(i16),
    /// The first day of the month.
    Month(Date),
    Day(Date),
    Local(jiff::civil::DateTime),
    Moment(Timestamp),
}

impl Read {
    /// Whether it is behind the beginning of the web and not ahead of tomorrow.
    fn is_possible(self, now: Option<Timestamp>) -> bool {
        let date = match self {
            Read::Year(year) => Date::new(year, 1, 1).ok(),
            Read::Month(date) | Read::Day(date) => Some(date),
            Read::Local(time) => Some(time.date()),
            Read::Moment(moment) => Some(moment.to_zoned(jiff::tz::TimeZone::UTC).date()),
        };
        let Some(date) = date.filter(|date| date.year() >= FIRST_YEAR) else { return false };
        let last = now.and_then(|now| now.to_zoned(jiff::tz::TimeZone::UTC).date().checked_add(1.day()).ok());
        last.is_none_or(|last| date <= last)
    }
}
