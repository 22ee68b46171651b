//! What answers say about rates: `RateLimit`, `Retry-After`, `x-ratelimit-*`.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// What is left of a window, as an answer's headers tell it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Allowance {
    /// Requests left.
    pub left: u64,
    /// The earliest moment at which the window ends, from now.
    pub at_least: Duration,
    /// The latest moment at which the window ends, from now.
    pub at_most: Duration,
    /// The window's whole length, where it is told and the window is a fixed one.
    pub length: Option<Duration>,
}

/// Reads `RateLimit: "api";r=495;t=23` and `RateLimit-Policy: "fixed window";"api";q=500;w=300`
/// (draft-ietf-httpapi-ratelimit-headers).
pub(super) fn allowance(headers: &HeaderMap) -> Option<Allowance> {
    let text = headers.get("ratelimit")?.to_str().ok()?;
    let left = parameter(text, "r")?.parse().ok()?;
    let told = parameter(text, "t")?;
    let seconds: f64 = told.parse().ok().filter(|seconds: &f64| (0.0..1e9).contains(seconds))?;
    // Whole seconds may have been rounded down or up.
    let slack = if told.contains('.') { 0.0 } else { 1.0 };
    let policy = headers.get("ratelimit-policy").and_then(|policy| policy.to_str().ok());
    let length = policy
        .filter(|policy| policy.contains("fixed window"))
        .and_then(|policy| parameter(policy, "w")?.parse::<f64>().ok())
        .filter(|length| (0.001..1e9).contains(length))
        .map(Duration::from_secs_f64);
    let at_least = Duration::from_secs_f64((seconds - slack).max(0.0));
    Some(Allowance { left, at_least, at_most: Duration::from_secs_f64(seconds + slack), length })
}

fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).map(|value| {
        // Several limits may stand behind each other, with commas.
        value.split(',').next().unwrap_or(value).trim()
    })
}

/// Reads `Retry-After`: seconds or an HTTP date. Fractions of seconds are accepted.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if let Some(wait) = text(headers, "retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok()) {
        return (0.0..1e12).contains(&wait).then(|| Duration::from_secs_f64(wait / 1000.0));
    }
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (0.0..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    // The date has no fraction: its second may last to its end.
    let wait = date.as_millisecond() - now.as_millisecond() + 1000;
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

/// What is left of a quota of requests or of units, and when all of it is there again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quota {
    pub limit: f64,
    pub left: f64,
    pub reset: Duration,
}

/// Reads OpenAI's `x-ratelimit-limit-*`, `-remaining-*` and `-reset-*` of `requests` or `tokens`.
pub(super) fn quota(headers: &HeaderMap, what: &str) -> Option<Quota> {
    let number = |name: &str| text(headers, &format!("x-ratelimit-{name}-{what}"))?.parse::<f64>().ok();
    let left = number("remaining")?.max(0.0);
    let limit = number("limit").unwrap_or(left).max(left);
    let reset = go_duration(text(headers, &format!("x-ratelimit-reset-{what}"))?)?;
    Some(Quota { limit, left, reset })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Reads `1s`, `6m0s`, `120ms`, `1h2m3.5s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        seconds += value
            * match &rest[digits..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_hubs_headers_are_read() {
        let found = allowance(&headers(&[
            ("ratelimit", "\"api\";r=495;t=23"),
            ("ratelimit-policy", "\"fixed window\";\"api\";q=500;w=300"),
        ]));
        let seconds = Duration::from_secs;
        let (at_least, at_most, length) = (seconds(22), seconds(24), Some(seconds(300)));
        assert_eq!(found, Some(Allowance { left: 495, at_least, at_most, length }));
        assert_eq!(allowance(&headers(&[("ratelimit", "limit=10")])), None);
        assert_eq!(allowance(&headers(&[("ratelimit", "\"api\";r=-1;t=1")])), None);
        assert_eq!(allowance(&headers(&[("ratelimit", "\"api\";r=1;t=1e99")])), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&headers(&[("retry-after", "7")]), now), Some(Duration::from_secs(7)));
        let date = headers(&[("retry-after", "Mon, 23 Nov 2026 10:00:05 GMT")]);
        assert_eq!(retry_after(&date, now), Some(Duration::from_secs(6)));
        let past = headers(&[("retry-after", "Mon, 23 Nov 2026 09:00:05 GMT")]);
        assert_eq!(retry_after(&past, now), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")]), now), None);
    }

    #[test]
    fn openais_headers_are_read() {
        let found = headers(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "6m0.5s"),
            ("x-ratelimit-remaining-tokens", "10"),
            ("x-ratelimit-reset-tokens", "1s"),
        ]);
        let reset = Duration::from_secs_f64(360.5);
        assert_eq!(quota(&found, "requests"), Some(Quota { limit: 0.0, left: 0.0, reset }));
        let reset = Duration::from_secs(1);
        assert_eq!(quota(&found, "tokens"), Some(Quota { limit: 10.0, left: 10.0, reset }));
        assert_eq!(go_duration("120ms"), Some(Duration::from_millis(120)));
        assert_eq!(go_duration("x"), None);
    }
}
