//! What is special to one service: data and one function, given by its crawler.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use super::{headers, place};
use crate::{Error, Kind, Scope, visible};

/// So many characters of what a service says are told.
const TOLD: usize = 2000;

/// What is special to one service. Make one with `Service { read: mine, ..Service::PLAIN }`.
#[derive(Debug)]
pub struct Service {
    /// Its name, for messages.
    pub name: &'static str,
    /// Reads an answer that is no success, and every whole JSON answer that seems to be one; so it must be quick.
    /// `None` leaves an error to [`Answered::usual`] and takes a success for one.
    pub read: fn(&Answered<'_>) -> Option<Verdict>,
    /// The limit against which an address counts, where [`Request::bucket`](super::Request::bucket) does not say.
    pub bucket: fn(&Url) -> &'static str,
    /// What is known of its limits beforehand.
    pub limits: &'static [Limit],
    /// What to do when offline mode is on.
    pub offline_advice: &'static str,
}

impl Service {
    /// A service of which nothing is known.
    pub const PLAIN: Service = Service {
        name: "the service",
        read: |_| None,
        bucket: |_| "",
        limits: &[],
        offline_advice: "switch the offline mode off",
    };
}

/// A limit that a service is known to have. It holds beside what is configured and what answers tell: the lowest counts.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The bucket that it is about; empty for all that have no bucket.
    pub bucket: &'static str,
    /// The most requests a second.
    pub per_second: Option<f64>,
    /// The most requests a minute.
    pub requests_per_minute: Option<u64>,
    /// The most requests under way.
    pub concurrency: Option<usize>,
}

impl Limit {
    /// No limit yet, on a bucket.
    pub const fn on(bucket: &'static str) -> Self {
        Limit { bucket, per_second: None, requests_per_minute: None, concurrency: None }
    }
}

/// An answer, as a service's function sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Answered<'a> {
    /// The status.
    pub status: u16,
    /// The address that answered.
    pub url: &'a Url,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, whole.
    pub body: &'a [u8],
    /// Whether a credential was sent with the request.
    pub credential: bool,
    /// Whether this is the origin that was asked: not one that it led on to, nor one that content named.
    pub home: bool,
}

/// What an answer means that is no success.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The status that the error tells: that of the answer, or one that a success of 200 held.
    pub status: u16,
    /// What the caller should do.
    pub kind: Kind,
    /// What went wrong, one clause.
    pub what: Cow<'static, str>,
    /// What the service says, in its own words; they are made fit for a terminal when they are told.
    pub said: String,
    /// What to do next, where the kind's general advice is not enough.
    pub advice: Option<Cow<'static, str>>,
    /// Whether to try again. [`Kind::Limited`], and what names a wait, holds the whole slot and counts as no try.
    pub retry: bool,
    /// How long the service asks to wait, where it says so.
    pub wait: Option<Duration>,
    /// Whom it concerns.
    pub scope: Scope,
}

impl<'a> Answered<'a> {
    /// The same answer as if it had this status, for services whose successes hold an error's code.
    pub fn with_status(self, status: u16) -> Answered<'a> {
        Answered { status, ..self }
    }

    /// A header's text; `None` if it is not there or no text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it says that its body is JSON.
    pub fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE.as_str()).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind.ends_with("/json") || kind.ends_with("+json")
        })
    }

    /// What such a status means anywhere.
    pub fn usual(&self) -> Verdict {
        let now = Timestamp::now();
        let wait = || headers::retry_after(self.headers, now);
        let (kind, what, retry, wait) = match self.status {
            // What is left of the window is known to the slot.
            429 if headers::allowance(self.headers, "").is_some_and(|told| told.left == 0) => {
                (Kind::Limited, "too many requests", true, None)
            }
            429 => (Kind::Limited, "too many requests", true, wait()),
            503 if wait().is_some() => (Kind::Transient, "the service is busy", true, wait()),
            408 | 425 | 500..=599 => (Kind::Transient, "the service failed", true, None),
            401 => (Kind::Denied, "the service does not accept the credentials", false, None),
            402 => (Kind::Denied, "the service wants to be paid", false, None),
            403 | 451 => (Kind::Denied, "the service refuses access", false, None),
            404 | 410 => (Kind::Gone, "not there", false, None),
            407 => (Kind::Config, "the proxy wants a name and a password", false, None),
            _ => (Kind::Shape, "the service refuses the request", false, None),
        };
        let advice = (self.status == 407)
            .then_some("name them in the proxy's address, http://NAME:PASSWORD@HOST:PORT".into());
        let all = match self.status {
            401 | 402 | 429 => self.home,
            status => status == 407,
        };
        Verdict {
            status: self.status,
            kind,
            what: what.into(),
            said: String::from_utf8_lossy(&self.body[..self.body.len().min(4 * TOLD)]).trim().to_owned(),
            advice,
            retry,
            wait,
            scope: if all { Scope::All } else { Scope::Record },
        }
    }
}

impl Verdict {
    /// The error that tells it.
    pub(super) fn error(&self, url: &Url) -> Error {
        let what = format!("{} ({})", visible(&self.what), self.status);
        let error =
            Error::new(self.kind, what).at(place(url)).with_status(self.status).with_scope(self.scope);
        let error = match &self.advice {
            Some(advice) => error.advise(advice.clone()),
            None => error,
        };
        if self.said.is_empty() {
            return error;
        }
        let said = crate::shown::cut(visible(&self.said).into_owned(), TOLD);
        error.because(format!("the service says: {said}"))
    }
}
