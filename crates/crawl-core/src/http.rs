//! The one door to the network: slots with rate limits, retries, size caps, redirects that keep credentials home.

mod answer;
mod clients;
mod config;
mod guard;
mod headers;
mod meter;
mod once;
mod proxy;
mod redirect;
mod request;
mod retry;
mod service;
mod slot;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use crate::{Waiting, Why};
pub use answer::{Hop, Opened, Response};
use clients::Clients;
pub use config::{HttpConfig, user_agent};
pub use proxy::{Before, Proxies, Proxy};
pub use request::{Credential, Request, Secret};
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use service::{Answered, Limit, Service, Verdict};
use slot::Slot;
pub use url::Url;

pub use crate::shown;
use crate::{Error, Kind, Result, Stop};

/// The door. Cheap to clone; clones share their slots.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    config: HttpConfig,
    clients: Clients,
    proxies: proxy::Checked,
    slots: slots::Slots,
    /// Whether anything was ever answered: then a proxy that is not there now is a passing failure.
    answered: AtomicBool,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Http {
    /// Opens the door.
    ///
    /// # Errors
    /// [`Kind::Config`] if the system offers no TLS roots, the user agent is not a header value, or a proxy cannot be
    /// used.
    pub fn new(config: HttpConfig) -> Result<Self> {
        let proxies = proxy::Checked::new(&config.proxies)?;
        let clients = Clients::new(&config, &proxies)?;
        let (slots, answered) = Default::default();
        Ok(Http { shared: Arc::new(Shared { config, clients, proxies, slots, answered }) })
    }

    /// Sends a request and gives the answer, or the error to act on: waits in its slot, follows redirects,
    /// tries again what may pass.
    ///
    /// # Errors
    /// See [`Kind`]: 401, 403, 451 are `Denied`; 404, 410 `Gone`; other 4xx `Shape`; what stays broken after
    /// all tries `Transient`; waits beyond the patience `Limited`; what the wish to stop came before `Stopped`.
    /// [`Error::status`] tells the status, 304 and 416 too; the request's [`Service`] may say otherwise.
    pub async fn send(&self, request: &Request) -> Result<Response> {
        self.send_and(request, Ok).await
    }

    /// As [`Http::send`], and reads the answer: a [`Kind::Shape`] error of `read` counts as a broken answer
    /// (a proxy's error page with status 200, a body that was cut without a word) and is tried again.
    ///
    /// # Errors
    /// As [`Http::send`], and those of `read`.
    pub async fn send_and<T>(&self, request: &Request, read: impl Fn(Response) -> Result<T>) -> Result<T> {
        retry::send(self, request, true, |answer| read(answer.response)).await
    }

    /// As [`Http::send`], but leaves the body to be read chunk by chunk, as it was sent: it is asked for, and given,
    /// without compression. A body that breaks is the caller's to ask for again. `patience` and `tries` hold up to the
    /// headers; the size cap and `timeout` do not hold, only `read_timeout` does.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn open(&self, request: &Request) -> Result<Opened> {
        let answer = |answer: once::Answer| match answer.rest {
            Some((rest, turn)) => {
                Ok(Opened::new(answer.response, rest, turn, self.shared.config.stop.clone()))
            }
            None => unreachable!("an answer that is not read whole has a rest"),
        };
        retry::send(self, request, false, answer).await
    }

    /// How long the slot of this request is held, from now, and why: for progress lines.
    pub fn waiting(&self, request: &Request) -> Option<Waiting> {
        self.slot_of(request, &redirect::Leg::first(request)).waiting()
    }

    /// How it behaves.
    pub fn config(&self) -> &HttpConfig {
        &self.shared.config
    }

    /// The wish to stop that it hears.
    pub fn stop(&self) -> &Stop {
        &self.shared.config.stop
    }

    fn slot_of(&self, request: &Request, leg: &redirect::Leg) -> Arc<Slot> {
        self.shared.slots.get(&self.shared.config, &leg.url, request, leg.home)
    }
}

impl Shared {
    fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// What to say if a request failed because of the proxy before it, which will not pass by itself.
    fn dead(&self, (proxy, from): &(String, &str), cause: &reqwest::Error) -> Option<Error> {
        let said = |what: &str| once::causes(cause).any(|cause| cause.to_string().contains(what));
        if said("proxy authorization required") {
            return Some(proxy::wrong("the proxy wants a name and a password", proxy, from));
        }
        let refused = |cause: &(dyn std::error::Error + 'static)| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
        };
        let unreachable = once::causes(cause).any(refused) || said("dns error");
        if !cause.is_connect() || !unreachable || self.answered.load(Ordering::Relaxed) {
            return None;
        }
        let why: Vec<String> = once::causes(cause).skip(1).map(ToString::to_string).collect();
        Some(proxy::wrong("nothing answers at the proxy", proxy, from).because(why.join(": ")))
    }
}

/// Whether no byte of a request can have reached the service, for no connection was made.
pub fn never_sent(error: &Error) -> bool {
    once::causes(error)
        .any(|cause| cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect))
}

/// A URL as the place of an error.
fn place(url: &Url) -> String {
    crate::shown::cut(shown(url), 500)
}

/// What the wish to stop came before.
fn stopped(what: &str, url: &Url) -> Error {
    Error::new(Kind::Stopped, what).at(place(url))
}
