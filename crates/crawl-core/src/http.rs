//! The one door to the network: slots with rate limits, retries, size caps, redirects that keep credentials home.

mod guard;
mod headers;
mod meter;
mod retry;
mod slot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use slot::Slot;
pub use url::Url;

use crate::{Error, Kind, Result};

/// A text that never shows itself: `Debug` prints `[secret]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(SecretString::from(text.into()))
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// A header that is sent to one origin and to no other.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Scheme, host and port that may see it.
    pub origin: url::Origin,
    /// The header's name.
    pub header: HeaderName,
    /// The header's value.
    pub value: Secret,
}

impl Credential {
    /// `Authorization: Bearer TOKEN` for the origin of `url`.
    pub fn bearer(url: &Url, token: &Secret) -> Self {
        Credential {
            origin: url.origin(),
            header: reqwest::header::AUTHORIZATION,
            value: Secret::new(format!("Bearer {}", token.expose())),
        }
    }
}

/// How the door behaves.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `name/version (+URL; contact)`.
    pub user_agent: String,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long no byte may arrive.
    pub read_timeout: Duration,
    /// How long one try may take, body included.
    pub timeout: Duration,
    /// How often a request is tried before it is given up. Waiting for a rate limit is no try.
    pub tries: u32,
    /// The first wait between two tries; it doubles, up to a minute, with full jitter.
    pub backoff: Duration,
    /// How long one request may take in all, with every wait.
    pub patience: Duration,
    /// How many bytes a body may have, after decompression.
    pub max_body: u64,
    /// How many requests may be under way in one slot.
    pub concurrency: usize,
    /// The most requests a second in one slot; `None` leaves it to what the service tells.
    pub per_second: Option<f64>,
    /// The most requests a minute in one slot, beside what the service tells.
    pub requests_per_minute: Option<u64>,
    /// The most units, such as tokens, a minute in one slot, beside what the service tells.
    pub units_per_minute: Option<u64>,
    /// Refuse every request: `HF_HUB_OFFLINE` and the like.
    pub offline: bool,
    /// Ends waits, backoffs and downloads; a request that was sent is finished.
    pub stop: crate::Stop,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            user_agent: format!(
                "gleaner/{} (+{}; contact: open an issue there)",
                env!("CARGO_PKG_VERSION"),
                env!("CARGO_PKG_REPOSITORY")
            ),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(300),
            tries: 8,
            backoff: Duration::from_secs(1),
            patience: Duration::from_secs(3600),
            max_body: 256 << 20,
            concurrency: 4,
            per_second: None,
            requests_per_minute: None,
            units_per_minute: None,
            offline: false,
            stop: crate::Stop::new(),
        }
    }
}

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method. Only GET, HEAD and what says [`Request::repeatable`] is tried again after it was sent.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// More headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The service's own name for the limit that this counts against, such as `api` or `resolvers`.
    pub bucket: &'static str,
    /// Sent only to its origin.
    pub credential: Option<Credential>,
    /// Whether sending it twice does no harm.
    pub repeatable: bool,
    /// Whether the address came out of content: then only public hosts are asked.
    pub untrusted: bool,
    /// What it is expected to count against a limit of units, such as tokens; what answers tell corrects it.
    pub units: u64,
}

impl Request {
    /// A GET of our own making.
    pub fn get(url: Url) -> Self {
        Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            bucket: "",
            credential: None,
            repeatable: true,
            untrusted: false,
            units: 0,
        }
    }

    /// A POST of JSON; `repeatable` says whether sending it twice does no harm.
    pub fn post_json(url: Url, body: Bytes, repeatable: bool) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request { method: Method::POST, headers, body: Some(body), repeatable, ..Request::get(url) }
    }
}

/// An answer with status 2xx.
#[derive(Clone, Debug)]
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
}

impl Response {
    /// The target of `Link: <...>; rel="next"`, resolved against the address that answered.
    ///
    /// # Errors
    /// [`Kind::Shape`] if there is one that is not a URL.
    pub fn next_link(&self) -> Result<Option<Url>> {
        for value in self.headers.get_all(reqwest::header::LINK) {
            for link in value.to_str().unwrap_or_default().split(",<").flat_map(|part| part.split(", <")) {
                let Some((target, rest)) = link.trim_start_matches('<').split_once('>') else { continue };
                if rest.split(';').any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next")) {
                    let bad = |cause| {
                        Error::new(Kind::Shape, "the next link is not a URL").at(target).because(cause)
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
    _turn: slot::Turn,
}

impl Opened {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Kind::Transient`] if the body broke off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.rest.chunk().await.map_err(|cause| {
            let place = shown(&self.response.url);
            Error::new(Kind::Transient, "the body broke off").at(place).because(cause.without_url())
        })
    }
}

/// The door. Cheap to clone; clones share their slots.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    config: HttpConfig,
    client: reqwest::Client,
    guarded: reqwest::Client,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
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
    /// [`Kind::Config`] if the system offers no TLS roots or the user agent is not a header value.
    pub fn new(config: HttpConfig) -> Result<Self> {
        // A second call finds the provider in place: that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |guarded: bool| {
            let mut builder = reqwest::Client::builder()
                .user_agent(&config.user_agent)
                .connect_timeout(config.connect_timeout)
                .read_timeout(config.read_timeout)
                .timeout(config.timeout)
                .redirect(reqwest::redirect::Policy::none())
                .pool_max_idle_per_host(config.concurrency.max(1))
                .tcp_nodelay(true);
            if guarded {
                builder = builder.no_proxy().dns_resolver(guard::PublicOnly);
            }
            builder.build().map_err(|cause| Error::new(Kind::Config, "cannot set up HTTP").because(cause))
        };
        let (client, guarded) = (build(false)?, build(true)?);
        Ok(Http { shared: Arc::new(Shared { config, client, guarded, slots: Mutex::default() }) })
    }

    /// Sends a request and gives the answer, or the error to act on: waits in its slot, follows redirects,
    /// tries again what may pass.
    ///
    /// # Errors
    /// See [`Kind`]: 401, 403, 451 are `Denied`; 404, 410 `Gone`; other 4xx `Shape`; what stays broken after
    /// all tries `Transient`; waits beyond the patience `Limited`.
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

    /// As [`Http::send`], but leaves the body to be read chunk by chunk. A body that breaks is the caller's to
    /// ask for again. `patience` and `tries` hold up to the headers; the size cap does not.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn open(&self, request: &Request) -> Result<Opened> {
        let answer = |answer: retry::Answer| match answer.rest {
            Some((rest, turn)) => Ok(Opened { response: answer.response, rest, _turn: turn }),
            None => unreachable!("an answer that is not read whole has a rest"),
        };
        retry::send(self, request, false, answer).await
    }

    /// The wish to stop that ends its waits.
    pub fn stop(&self) -> &crate::Stop {
        &self.shared.config.stop
    }

    /// How long the slot of this request is held, from now: for progress lines.
    pub fn waiting(&self, request: &Request) -> Duration {
        self.slot(&request.url, request).waiting()
    }

    fn slot(&self, url: &Url, request: &Request) -> Arc<Slot> {
        let secret = request.credential.as_ref().filter(|credential| credential.origin == url.origin());
        let key = format!("{} {} {}", url.origin().ascii_serialization(), request.bucket, secret.is_some());
        let config = &self.shared.config;
        let mut slots = self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let quotas = slot::Quotas {
            per_second: config.per_second,
            requests_per_minute: config.requests_per_minute,
            units_per_minute: config.units_per_minute,
        };
        slots.entry(key).or_insert_with(|| Arc::new(Slot::new(config.concurrency, quotas))).clone()
    }
}

/// A URL as it may be shown and stored: without user, password and secret query values.
pub fn shown(url: &Url) -> String {
    const SECRETS: [&str; 10] =
        ["token", "key", "apikey", "signature", "sig", "secret", "password", "credential", "auth", "policy"];
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRETS.iter().any(|word| {
            name == *word || name.ends_with(&format!("-{word}")) || name.ends_with(&format!("_{word}"))
        }) || name.starts_with("x-amz-")
    };
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if url.query_pairs().any(|(name, _)| secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.query_pairs_mut().clear().extend_pairs(
            pairs.iter().map(|(name, value)| (name, if secret(name) { "[secret]" } else { value })),
        );
    }
    url.into()
}
