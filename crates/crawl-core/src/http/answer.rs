//! What comes back: whole, or to be read piece by piece.

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, LINK};
use url::Url;

use super::slot::Turn;
use super::{place, stopped};
use crate::{Error, Kind, Result, Stop};

/// An answer with status 2xx, or 304 to a request that asked for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// The address that answered, after redirects.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole and decompressed.
    pub body: Bytes,
    /// When the body was whole.
    pub at: Timestamp,
    /// The answers that led here, in order; empty where the first address answered.
    pub hops: Vec<Hop>,
}

/// An answer that led on to another address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hop {
    /// The address that answered.
    pub url: Url,
    /// Its status: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Response {
    /// The target of `Link: <...>; rel="next"`, resolved against the address that answered.
    ///
    /// # Errors
    /// [`Kind::Shape`] if there is one that is not a URL.
    pub fn next_link(&self) -> Result<Option<Url>> {
        for value in self.headers.get_all(LINK) {
            for link in value.to_str().unwrap_or_default().split(",<").flat_map(|part| part.split(", <")) {
                let Some((target, rest)) = link.trim_start_matches('<').split_once('>') else { continue };
                if rest.split(';').any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next")) {
                    let bad = |cause| {
                        Error::new(Kind::Shape, "the next link is not a URL")
                            .at(crate::shown::cut(target.to_owned(), 500))
                            .because(cause)
                    };
                    return self.url.join(target).map(Some).map_err(bad);
                }
            }
        }
        Ok(None)
    }
}

/// An answer whose body is still to be read. Keeps its place in the slot until it is dropped.
pub struct Opened {
    /// Status and headers; its body is empty.
    pub response: Response,
    rest: reqwest::Response,
    turn: Turn,
    stop: Stop,
}

impl Opened {
    pub(super) fn new(response: Response, rest: reqwest::Response, turn: Turn, stop: Stop) -> Self {
        Opened { response, rest, turn, stop }
    }

    /// The next piece of the body, as it was sent; `None` at its end.
    ///
    /// # Errors
    /// [`Kind::Transient`] if the body broke off or no byte came for `read_timeout`; [`Kind::Stopped`] if the wish to
    /// stop came.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let chunk = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                return Err(stopped("the download was stopped", &self.response.url));
            }
            chunk = self.rest.chunk() => chunk,
        };
        match chunk {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => {
                self.turn.succeeded();
                Ok(None)
            }
            Err(cause) => {
                let what = if cause.is_timeout() { "the body stopped coming" } else { "the body broke off" };
                Err(Error::new(Kind::Transient, what)
                    .at(place(&self.response.url))
                    .because(cause.without_url()))
            }
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("response", &self.response).finish_non_exhaustive()
    }
}
