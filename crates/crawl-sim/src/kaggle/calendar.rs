//! Moments, in the spellings of the service.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The start of 2026-11-23: the day after the last item was made.
pub(super) const END: i64 = 1_795_392_000;
/// The start of 2016-01-01: when the first item was made.
pub(super) const START: i64 = 1_451_606_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// RFC 3339 with 0 to 7 digits of a second, as many as the number says.
pub(super) fn rfc3339(seconds: i64) -> String {
    let digits = (seconds % 8) as usize;
    let fraction = &"1234567"[..digits];
    let text = at(seconds).strftime("%Y-%m-%dT%H:%M:%S");
    if digits == 0 { format!("{text}Z") } else { format!("{text}.{fraction}Z") }
}

/// As HTTP headers have it.
pub(super) fn http(seconds: i64) -> String {
    at(seconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// As Meta Kaggle's tables have it.
pub(super) fn table(seconds: i64) -> String {
    at(seconds).strftime("%m/%d/%Y %H:%M:%S").to_string()
}

/// As lists of a notebook's files have it.
pub(super) fn plain(seconds: i64) -> String {
    at(seconds).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// As signed links have it.
pub(super) fn compact(seconds: i64) -> String {
    at(seconds).to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// As names of leaderboard files have it, colons and all.
pub(super) fn colons(seconds: i64) -> String {
    at(seconds).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
