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
