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

/// Reads `RateLimit: "api";r=495;t=23` and `RateLimit-Policy: "api";q=500;w=300`
/// (draft-ietf-httpapi-ratelimit-headers). Of several limits it tells that of `bucket`, else the one that binds most.
pub(super) fn allowance(headers: &HeaderMap, bucket: &str) -> Option<Allowance> {
    let limits = items(headers, "ratelimit");
    let told = limits.iter().filter_map(|limit| Some((limit, limit.number("r")?, limit.number("t")?)));
    let told = told.filter(|(_, left, seconds)| *left >= 0.0 && (0.0..1e9).contains(seconds));
    let of_bucket = |name: &str| !bucket.is_empty() && name == bucket;
    let (limit, left, seconds) = told.min_by(|a, b| {
        let rank = |(limit, left, seconds): &(&Item, f64, f64)| (!of_bucket(&limit.name), *left, -*seconds);
        rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal)
    })?;
    // Whole seconds may have been rounded down or up.
    let slack = if limit.is_fraction("t") { 0.0 } else { 1.0 };
    let policies = items(headers, "ratelimit-policy");
    let policy = policies.iter().find(|policy| policy.name == limit.name).or(policies.first());
    let length = policy
        .filter(|policy| policy.fixed)
        .and_then(|policy| policy.number("w"))
        .filter(|length| (0.001..1e9).contains(length))
        .map(Duration::from_secs_f64);
    Some(Allowance {
        left: left as u64,
        at_least: Duration::from_secs_f64((seconds - slack).max(0.0)),
        at_most: Duration::from_secs_f64(seconds + slack),
        length,
    })
}

/// A limit or a policy: a name with parameters.
struct Item {
    name: String,
    /// Whether it is said to be of a fixed window.
    fixed: bool,
    parameters: Vec<(String, String)>,
}

impl Item {
    fn text(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    fn is_fraction(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.contains('.'))
    }
}

/// The items of a header, which may stand in one line or in several.
fn items(headers: &HeaderMap, name: &str) -> Vec<Item> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    let text = lines.join(", ");
    structured(&text).unwrap_or_else(|| lenient(&text))
}

/// A list as RFC 9651 has it.
fn structured(text: &str) -> Option<Vec<Item>> {
    let list: sfv::List = sfv::Parser::new(text).parse().ok()?;
    let item = |entry: sfv::ListEntry| {
        let sfv::ListEntry::Item(item) = entry else { return None };
        let name = item.bare_item.as_string().map(|name| name.as_str().to_owned());
        let name = name.or_else(|| item.bare_item.as_token().map(|name| name.as_str().to_owned()))?;
        let value = |value: &sfv::BareItem| {
            let number = value.as_integer().map(|number| i64::from(number).to_string());
            number.or_else(|| value.as_decimal().map(|number| number.to_string()))
        };
        let parameters =
            item.params.iter().filter_map(|(key, told)| Some((key.as_str().to_owned(), value(told)?)));
        Some(Item { fixed: name == FIXED, name, parameters: parameters.collect() })
    };
    Some(list.into_iter().filter_map(item).collect())
}

/// What the Hub's windows are called, in a place where RFC 9651 has no texts: `"fixed window";"api";q=500;w=300`.
const FIXED: &str = "fixed window";

/// A list as services write it that do not keep to RFC 9651.
fn lenient(text: &str) -> Vec<Item> {
    let item = |text: &str| {
        let mut item = Item { name: String::new(), fixed: false, parameters: Vec::new() };
        for part in text.split(';').map(str::trim) {
            match part.split_once('=') {
                Some((key, value)) => {
                    item.parameters.push((key.to_owned(), value.trim_matches('"').to_owned()));
                }
                None if part.trim_matches('"') == FIXED => item.fixed = true,
                None => item.name = part.trim_matches('"').to_owned(),
            }
        }
        item
    };
    text.split(',').map(item).collect()
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
    let date = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
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

/// Reads `1s`, `6m0s`, `120ms`, `1h2m3.5s`, as Go writes durations.
fn go_duration(text: &str) -> Option<Duration> {
    let told: jiff::SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(told).ok().filter(|told| told.as_secs_f64() < 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_hubs_headers_are_read() {
        let found = allowance(
            &headers(&[
                ("ratelimit", "\"api\";r=495;t=23"),
                ("ratelimit-policy", "\"fixed window\";\"api\";q=500;w=300"),
            ]),
            "api",
        );
        let seconds = Duration::from_secs;
        let (at_least, at_most, length) = (seconds(22), seconds(24), Some(seconds(300)));
        assert_eq!(found, Some(Allowance { left: 495, at_least, at_most, length }));
        assert_eq!(allowance(&headers(&[("ratelimit", "limit=10")]), ""), None);
        assert_eq!(allowance(&headers(&[("ratelimit", "\"api\";r=-1;t=1")]), ""), None);
        assert_eq!(allowance(&headers(&[("ratelimit", "\"api\";r=1;t=1e99")]), ""), None);
    }

    #[test]
    fn of_several_limits_the_buckets_own_is_told_else_the_one_that_binds_most() {
        let several = headers(&[
            ("ratelimit", "\"burst\";r=90;t=1.5, \"day\";r=3;t=3600;pk=:cHNrZXk=:"),
            ("ratelimit-policy", "\"burst\";q=100;w=60;qu=\"requests\", \"day\";q=1000;w=86400"),
        ]);
        let left = |bucket| allowance(&several, bucket).unwrap().left;
        assert_eq!((left("burst"), left("day"), left(""), left("other")), (90, 3, 3, 3));
        let burst = allowance(&several, "burst").unwrap();
        assert_eq!(
            (burst.at_least, burst.at_most),
            (Duration::from_millis(1500), Duration::from_millis(1500))
        );
        let mut lines = headers(&[("ratelimit", "\"api\";r=7;t=23")]);
        lines.append("ratelimit", "\"pages\";r=5;t=9".parse().unwrap());
        lines.append("ratelimit-policy", "\"fixed window\";\"pages\";q=100;w=60".parse().unwrap());
        lines.append("ratelimit-policy", "\"fixed window\";\"api\";q=500;w=300".parse().unwrap());
        let api = allowance(&lines, "api").unwrap();
        assert_eq!((api.left, api.length), (7, Some(Duration::from_secs(300))));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&headers(&[("retry-after", "7")]), now), Some(Duration::from_secs(7)));
        let date = headers(&[("retry-after", "Mon, 23 Nov 2026 10:00:05 GMT")]);
        assert_eq!(retry_after(&date, now), Some(Duration::from_secs(6)));
        let old = headers(&[("retry-after", "Monday, 23-Nov-26 10:00:05 GMT")]);
        assert_eq!(retry_after(&old, now), Some(Duration::from_secs(6)));
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
        for (text, millis) in [("120ms", 120), ("1h2m3.5s", 3_723_500), ("0s", 0), ("6m0s", 360_000)] {
            assert_eq!(go_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["x", "", "-5s", "99999999h", "5"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }
}
