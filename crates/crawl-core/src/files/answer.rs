//! What an answer says about the file whose bytes it brings.

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName,
    LAST_MODIFIED,
};

use super::part::Of;
use super::told::told;
use crate::http::{Response, shown};
use crate::{Error, Kind, Result};

/// Files whose packing some servers take for an encoding of the way.
const PACKED: [&str; 9] = [".gz", ".tgz", ".z", ".bz2", ".tbz2", ".br", ".zst", ".xz", ".lz4"];
/// Files that are pages.
const PAGES: [&str; 6] = [".html", ".htm", ".xhtml", ".shtml", ".mhtml", ".php"];

/// What an answer brings.
pub(super) struct Answer {
    /// What it is of.
    pub(super) of: Of,
    /// The byte at which it begins.
    pub(super) starts: u64,
}

impl Answer {
    /// Reads an answer to a request for bytes `from` on; `None` if it does not fit what was asked for.
    pub(super) fn read(response: &Response, from: u64) -> Option<Self> {
        let headers = &response.headers;
        let (starts, total) = match response.status {
            200 => (0, text(headers, &CONTENT_LENGTH).and_then(|length| length.trim().parse().ok())),
            // Without a size of the whole nothing would tell when it is whole.
            206 if from > 0 => range(text(headers, &CONTENT_RANGE)?)
                .filter(|(starts, _)| *starts == from)
                .map(|(starts, total)| (starts, Some(total)))?,
            _ => return None,
        };
        let etag = text(headers, &ETAG).filter(|etag| etag.starts_with('"')).map(str::to_owned);
        let mut of = Of::new(etag, modified(headers));
        (of.total, of.digests) = (total, told(headers, response.status == 200));
        Some(Answer { of, starts })
    }
}

/// Start and size of the whole of `bytes START-END/TOTAL`.
fn range(value: &str) -> Option<(u64, u64)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (starts, ends) = range.split_once('-')?;
    let (starts, ends, total): (u64, u64, u64) =
        (starts.trim().parse().ok()?, ends.trim().parse().ok()?, total.trim().parse().ok()?);
    (starts <= ends && ends < total).then_some((starts, total))
}

/// A `Last-Modified` that no later change shares: a second older than the answer, by the server's own clock.
fn modified(headers: &HeaderMap) -> Option<String> {
    let text = |name| text(headers, name);
    let time = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
    let modified = text(&LAST_MODIFIED)?;
    (time(modified)? < time(text(&DATE)?)?).then(|| modified.to_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Refuses answers whose bytes are not those of the file, although the status says so.
pub(super) fn check(response: &Response, name: &str, proven_later: bool) -> Result<()> {
    let ends = |suffixes: &[&str]| {
        let name = name.to_ascii_lowercase();
        suffixes.iter().any(|suffix| name.ends_with(suffix))
    };
    let wrong = |what: String| Err(Error::new(Kind::Shape, what).at(shown(&response.url)));
    if proven_later {
        return Ok(());
    }
    let encoding = text(&response.headers, &CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") && !ends(&PACKED) {
        let encoding: String = encoding.escape_debug().take(40).collect();
        return wrong(format!("the service packed the file as {encoding}, which was not asked for"));
    }
    let kind = text(&response.headers, &CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("text/html") && !ends(&PAGES) {
        return wrong("the service sent a page of HTML in the place of the file".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_is_none() {
        assert_eq!(range("bytes 5-9/10"), Some((5, 10)));
        for value in
            ["bytes 5-9/*", "bytes */10", "5-9/10", "bytes 9-5/10", "bytes 5-10/10", "bytes -1-5/10", "bytes"]
        {
            assert_eq!(range(value), None, "{value}");
        }
    }

    #[test]
    fn a_date_is_a_strong_validator_only_if_no_later_change_shares_it() {
        let headers = |modified: &str, date: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_MODIFIED, modified.parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            headers
        };
        let (one, later) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(modified(&headers(one, later)).as_deref(), Some(one));
        assert_eq!(modified(&headers(one, one)), None);
        assert_eq!(modified(&headers("yesterday", later)), None);
    }
}
