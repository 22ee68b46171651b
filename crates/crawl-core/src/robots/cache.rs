//! robots.txt of origins, each asked for once a day.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Origin, Url};

use super::parse::MOST_BYTES;
use super::{Fetched, Rules};
use crate::http::{Http, Request};
use crate::{Error, Kind, Result};

/// RFC 9309, 2.4: not longer than a day.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// How long a site that fails is left alone.
const UNREACHABLE: Duration = Duration::from_secs(300);
/// So many origins are remembered.
const MOST_ORIGINS: usize = 100_000;

/// The rules of origins for one crawler. Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub struct RobotsCache {
    http: Http,
    token: Arc<str>,
    fresh: Duration,
    known: Arc<std::sync::Mutex<HashMap<Origin, Place>>>,
}

type Place = Arc<Mutex<Option<Known>>>;

#[derive(Clone, Debug)]
struct Known {
    fetched: Arc<Fetched>,
    rules: Arc<Rules>,
    until: Instant,
}

impl RobotsCache {
    /// A cache for the crawler with this product token.
    pub fn new(http: Http, token: &str) -> Self {
        RobotsCache { http, token: token.into(), fresh: FRESH, known: Arc::default() }
    }

    /// Keeps answers for so long, and a day at the most.
    pub fn keep(self, fresh: Duration) -> Self {
        RobotsCache { fresh: fresh.min(FRESH), ..self }
    }

    /// The rules at the origin of an address; asks for its robots.txt where it is not known, once for all who wait.
    /// `untrusted` says that the address came out of content: then only public hosts are asked.
    ///
    /// # Errors
    /// [`Kind::Stopped`], and what stands in the way of any request ([`Kind::Config`]). A site that cannot be reached is
    /// no error: all is refused, and it is asked again some minutes later.
    pub async fn rules(&self, url: &Url, untrusted: bool) -> Result<Arc<Rules>> {
        Ok(self.known(url, untrusted).await?.rules)
    }

    /// What came of asking for the robots.txt at the origin of an address.
    ///
    /// # Errors
    /// As [`RobotsCache::rules`].
    pub async fn fetched(&self, url: &Url, untrusted: bool) -> Result<Arc<Fetched>> {
        Ok(self.known(url, untrusted).await?.fetched)
    }

    async fn known(&self, url: &Url, untrusted: bool) -> Result<Known> {
        let place = self.place(url.origin());
        let mut place = place.lock().await;
        let now = Instant::now();
        if let Some(known) = place.as_ref().filter(|known| known.until > now) {
            return Ok(known.clone());
        }
        let fetched = fetch(&self.http, url, untrusted).await?;
        let known = match (fetched, place.take()) {
            // What it said before holds on while it cannot be asked.
            (Fetched::Unreachable { .. }, Some(before)) => Known { until: now + UNREACHABLE, ..before },
            (fetched, _) => {
                let fresh = match fetched {
                    Fetched::Unreachable { .. } => UNREACHABLE.min(self.fresh),
                    _ => self.fresh,
                };
                let rules = Arc::new(fetched.agent(&self.token));
                Known { fetched: Arc::new(fetched), rules, until: now + fresh }
            }
        };
        *place = Some(known.clone());
        Ok(known)
    }

    fn place(&self, origin: Origin) -> Place {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_ORIGINS && !known.contains_key(&origin) {
            // Those in use keep their place; the others are asked again when they come again.
            known.retain(|_, place| Arc::strong_count(place) > 1);
        }
        known.entry(origin).or_default().clone()
    }
}

/// Asks for the robots.txt of the origin of an address, following redirects, which may lead to other hosts; what it
/// says is about the origin that was asked. More than 500 KiB are not read.
///
/// # Errors
/// As [`RobotsCache::rules`].
pub async fn fetch(http: &Http, url: &Url, untrusted: bool) -> Result<Fetched> {
    let bad =
        |_| Error::new(Kind::Config, "an address without a host has no robots.txt").at(crate::shown(url));
    let at = Url::parse(&url.origin().ascii_serialization()).and_then(|origin| origin.join("/robots.txt"));
    let request = Request { untrusted, ..Request::get(at.map_err(bad)?) };
    match read(http, &request).await {
        Ok((status, body)) => Ok(Fetched::of(status, &body)),
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::Config) => Err(error),
        Err(error) => Ok(match error.status() {
            Some(status @ 300..=399) if error.kind() == Kind::Shape => Fetched::Unavailable { status },
            Some(status @ 400..=499) if !matches!(error.kind(), Kind::Limited | Kind::Transient) => {
                Fetched::Unavailable { status }
            }
            _ => Fetched::Unreachable { why: format!("robots.txt cannot be had, {error}") },
        }),
    }
}

async fn read(http: &Http, request: &Request) -> Result<(u16, Vec<u8>)> {
    const TRIES: u32 = 3;
    let mut tries = 1;
    loop {
        let mut opened = http.open(request).await?;
        let status = opened.response.status;
        // Sent packed although it was asked for plain: unpacked by the door, which caps what comes of it.
        if opened.response.headers.contains_key("content-encoding") {
            drop(opened);
            let whole = http.send(request).await?;
            return Ok((whole.status, whole.body.to_vec()));
        }
        let mut body = Vec::new();
        let ended = loop {
            match opened.chunk().await {
                // One byte more, to know that there is more.
                Ok(Some(chunk)) if body.len() <= MOST_BYTES + 4 => body.extend_from_slice(&chunk),
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        match ended {
            Ok(()) => return Ok((status, body)),
            Err(error) if error.kind() == Kind::Transient && tries < TRIES => tries += 1,
            Err(error) => return Err(error.after(tries)),
        }
    }
}
