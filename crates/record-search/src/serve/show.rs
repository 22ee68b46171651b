//! Values as people read them.

use std::borrow::Cow;

use crawl_core::{Timestamp, visible};

use crate::document::{Cell, Kind, Value};

/// A hostile text on one line, what would steer spelled out.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    visible(text)
}

/// The first characters of a long text.
pub(super) fn beginning(long: &str, most: usize) -> String {
    let mut out: String = long.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = out.char_indices().nth(most) {
        out.truncate(at);
        out.push('…');
    }
    visible(&out).into_owned()
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `7.2 B`: three digits or so.
pub(super) fn short(number: f64) -> String {
    if !(number.is_finite() && number.abs() >= 1_000.0) {
        return plain(number);
    }
    let (mut value, mut unit) = (number / 1_000.0, 0);
    while value.abs() >= 999.5 && unit < 3 {
        (value, unit) = (value / 1_000.0, unit + 1);
    }
    match value.abs() < 1e4 {
        true => format!("{} {}", rounded(value), ["k", "M", "B", "T"][unit]),
        false => format!("{number:.1e}"),
    }
}

/// `14.5 GiB`.
pub(super) fn bytes(number: f64) -> String {
    if number < 1_024.0 {
        return format!("{} B", plain(number));
    }
    let (mut value, mut unit) = (number / 1_024.0, 0);
    while value >= 1_024.0 && unit < 4 {
        (value, unit) = (value / 1_024.0, unit + 1);
    }
    if value >= 1e4 {
        return format!("{number:.1e} B");
    }
    format!("{} {}", rounded(value), ["KiB", "MiB", "GiB", "TiB", "PiB"][unit])
}

fn rounded(value: f64) -> String {
    if value.abs() < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn plain(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped(number.abs() as u64));
    }
    if number.abs() >= 1e15 {
        return format!("{number:.1e}");
    }
    format!("{number:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The day of a time in seconds since 1970.
pub(super) fn day(seconds: f64) -> String {
    let time = Timestamp::from_microsecond((seconds * 1e6) as i64);
    time.map_or_else(|_| "unknown".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// A moment in RFC 3339, to the second.
pub(super) fn moment(seconds: f64) -> Option<String> {
    let time = Timestamp::from_second(seconds as i64).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A number as its column means it.
pub(super) fn number(column: &str, kind: Kind, number: f64) -> String {
    match column {
        _ if kind == Kind::Time => day(number),
        _ if is_bytes(column) => bytes(number),
        "params" | "active_params" | "downloads" | "downloads_ever" | "likes" | "popularity" => short(number),
        _ => plain(number),
    }
}

/// Whether a column holds bytes.
pub(super) fn is_bytes(column: &str) -> bool {
    column == "storage" || column == "size" || column.split('_').any(|word| word == "bytes")
}

/// A number in full, where [`number`] cuts it.
pub(super) fn exact(column: &str, kind: Kind, number: f64) -> Option<String> {
    let exact = match kind {
        Kind::Time => moment(number)?,
        _ if is_bytes(column) => format!("{} bytes", plain(number)),
        _ => plain(number),
    };
    (exact != self::number(column, kind, number)).then_some(exact)
}

/// What a cell holds, of many texts the first `most`.
pub(super) fn cell(column: &str, kind: Kind, cell: &Cell, most: usize) -> String {
    match &cell.value {
        Value::Number(value) => number(column, kind, *value),
        Value::Texts(texts) => {
            let shown: Vec<String> = texts.iter().take(most).map(|text| beginning(text, 120)).collect();
            let more = texts.len().saturating_sub(most);
            let more = if more > 0 { format!(" and {} more", grouped(more as u64)) } else { String::new() };
            format!("{}{more}", shown.join(", "))
        }
    }
}

/// How people call a column.
pub(super) fn label(column: &str) -> String {
    let known = match column {
        "params" => "Parameters",
        "active_params" => "Active parameters",
        "license" => "Licence",
        "gguf" => "GGUF",
        "base" => "Made from",
        "dataset" => "Dataset",
        "relation" => "Relation to base",
        "downloads" => "Downloads",
        "downloads_ever" => "Downloads, ever",
        "context" => "Context",
        "weight_bytes" => "Weights",
        "storage" => "Repository",
        "commercial" => "Commercial use",
        "kv_bytes_per_token" => "Cache a token",
        "kv_window_bytes_per_token" => "Cache a token, windowed",
        "kv_window" => "Window",
        "bytes_read_per_token" => "Read for a token",
        "bits" => "Bits of a weight",
        "card_there" => "Has a card",
        "children" => "Models made from it",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let mut words = column.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// An address that a link may lead to: `http` or `https`, and nothing that only looks like it.
pub(super) fn outside(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none())
        .then(|| url.to_string())
}

/// The name of the server of a web address.
pub(super) fn host(address: &str) -> String {
    url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_days_are_days() {
        let shorts = [0.0, 999.0, 1_000.0, 7_241_732_096.0, 999_600.0, 1.5, -1e300].map(short);
        assert_eq!(shorts, ["0", "999", "1.0 k", "7.2 B", "1.0 M", "1.5", "-1.0e300"]);
        assert_eq!(
            [500.0, 1_536.0, 15_569_256_448.0, 1e300].map(bytes),
            ["500 B", "1.5 KiB", "14.5 GiB", "1.0e300 B"]
        );
        assert_eq!((day(0.0), day(1e300)), ("1970-01-01".into(), "unknown".into()));
        assert_eq!(exact("downloads", Kind::Number, 1_234.0).as_deref(), Some("1,234"));
        assert_eq!(exact("context", Kind::Number, 8_192.0), None);
    }

    #[test]
    fn only_web_addresses_are_linked() {
        assert_eq!(outside("https://huggingface.co/a/b").as_deref(), Some("https://huggingface.co/a/b"));
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil",
            "JaVaScRiPt:x",
            "https://a@evil.example/",
            "ftp://x/",
        ] {
            assert_eq!(outside(address), None, "{address}");
        }
        assert_eq!(beginning("a\n b\t c", 100), "a b c");
        assert_eq!(beginning("\u{202e}evil", 100), "\\u202eevil");
    }
}
