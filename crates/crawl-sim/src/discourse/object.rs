//! JSON objects with more keys than a macro takes.

use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

pub(super) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Object {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The start of 2026-11-23 in milliseconds: no seeded post is younger.
pub(super) const END: i64 = 1_795_392_000_000;
/// The start of 2016-01-01 in milliseconds: no seeded post is older.
pub(super) const START: i64 = 1_451_606_400_000;
pub(super) const DAY: i64 = 86_400_000;

/// `2026-11-22T23:59:59.000Z`
pub(super) fn moment(milliseconds: i64) -> String {
    let at = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Any RFC 3339 spelling.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// As the plain form of a post has it.
pub(super) fn minute(milliseconds: i64) -> String {
    let at = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Text inside HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Lower case, words joined by hyphens; `topic` if nothing is left, as with CJK.
pub(super) fn slug(title: &str) -> String {
    let words = title.to_lowercase();
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-");
    if slug.is_empty() { "topic".into() } else { slug }
}
