//! Dates as people type them.

use crawl_core::{Error, Kind, Result, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Reads `2026-11-23` (the beginning of that day, UTC) or an RFC 3339 time.
///
/// # Errors
/// [`Kind::Config`] for anything else.
pub fn parse_date(text: &str) -> Result<Timestamp> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
        && let Ok(start) = date.to_zoned(TimeZone::UTC)
    {
        return Ok(start.timestamp());
    }
    text.parse().map_err(|cause: jiff::Error| {
        Error::new(Kind::Config, "not a date")
            .at(text)
            .because(cause)
            .advise("write it as 2026-11-23 or 2026-11-23T10:00:00Z")
    })
}

/// The day (UTC) of a time in a record, as `2026-11-23`; `None` if the text is no date.
pub(crate) fn day(text: &str) -> Option<String> {
    let date = match text.parse::<Timestamp>() {
        Ok(time) => time.to_zoned(TimeZone::UTC).date(),
        // A date alone, or a time that does not tell its zone.
        Err(_) => text.parse::<Date>().ok()?,
    };
    Some(date.to_string())
}

/// Whether a text is a date from which [`day`] gives the day.
pub(crate) fn is_date(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<Date>().is_ok()
}
