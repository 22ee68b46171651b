//! What came of asking for a robots.txt, and what that means (RFC 9309, 2.3.1).

use super::{Robots, Rules};

/// What came of asking for a robots.txt.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// It is there.
    Found(Robots),
    /// A page came in its stead, as sites give it that answer every address with one page: there are no rules.
    Html,
    /// The site says that it has none, with this status of 400 to 499, or leads round and round: all is allowed.
    Unavailable {
        /// The status.
        status: u16,
    },
    /// It cannot be known, for this reason: nothing is allowed.
    Unreachable {
        /// Why, one clause.
        why: String,
    },
}

impl Fetched {
    /// What an answer means. 429 is no refusal of the file: it cannot be known yet.
    pub fn of(status: u16, body: &[u8]) -> Self {
        match status {
            200..=299 if is_html(body) => Fetched::Html,
            200..=299 => Fetched::Found(Robots::parse(body)),
            429 => {
                Fetched::Unreachable { why: "robots.txt is not given, too many requests (429)".to_owned() }
            }
            300..=499 => Fetched::Unavailable { status },
            _ => Fetched::Unreachable { why: format!("robots.txt is not given, the site fails ({status})") },
        }
    }

    /// The rules for a crawler with this product token.
    pub fn agent(&self, token: &str) -> Rules {
        match self {
            Fetched::Found(robots) => robots.agent(token),
            Fetched::Html | Fetched::Unavailable { .. } => Rules::all_allowed(),
            Fetched::Unreachable { why } => Rules::all_refused(why.as_str()),
        }
    }

    /// Whether operators may mean "go away" by it, though the RFC allows all: 401 and 403.
    pub fn is_guarded(&self) -> bool {
        matches!(self, Fetched::Unavailable { status: 401 | 403 })
    }
}

/// Whether a body begins as a document of HTML does.
fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    ["<!doctype", "<html", "<head", "<body", "<?xml", "<!--", "<script", "<meta", "<title"]
        .iter()
        .any(|tag| body.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes())))
}
