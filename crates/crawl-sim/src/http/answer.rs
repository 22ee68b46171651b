//! One answer, and the manner in which it reaches the peer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A header of an answer.
pub(crate) type Header = (&'static str, String);

/// What a service answers; the server adds Date, Content-Length and Connection.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Body,
    /// Before the first byte.
    pub(crate) wait: Duration,
    pub(crate) manner: Manner,
    /// Hears whether the peer took the whole answer.
    pub(crate) done: Option<Box<dyn FnOnce(bool) + Send + Sync>>,
}

/// The bytes of an answer.
pub(crate) enum Body {
    /// Sent with a Content-Length.
    Whole(Bytes),
    /// Sent with chunked transfer encoding, a chunk a part.
    Parts(Vec<Bytes>),
    /// Sent with a Content-Length and made while it is sent: so many bytes from this place on.
    Made { source: Arc<dyn Source>, from: u64, length: u64 },
}

/// Bytes that are computed where they are needed.
pub(crate) trait Source: Send + Sync {
    /// Fills all of `into` with the bytes from `at` on; the caller stays within the length it knows.
    fn fill(&self, at: u64, into: &mut [u8]);
}

/// How the answer travels; everything but `Whole` is a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Whole,
    Reset,
    Close,
    Hang,
    Cut,
    Longer,
    Shorter,
    Trickle(Duration),
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", content_type.into())],
            body: Body::Whole(body.into()),
            wait: Duration::ZERO,
            manner: Manner::Whole,
            done: None,
        }
    }

    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        Self::new(200, "application/json; charset=utf-8", body)
    }

    pub(crate) fn json_status(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, ..Self::json(body) }
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().map(Bytes::len).sum(),
            Self::Made { length, .. } => *length as usize,
        }
    }
}
