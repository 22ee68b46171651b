//! One request from first try to answer or error.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use tokio::time::Instant;

use super::slot::Turn;
use super::{Http, Request, Response, Url, guard, headers, shown};
use crate::{Error, Kind, Result};

const MOST_REDIRECTS: usize = 10;
/// A wait that is longer is told in the log.
const TOLD_WAIT: Duration = Duration::from_secs(5);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// What came of one try.
enum Try {
    Answer(Box<Answer>),
    /// Another address, for the next hop.
    Moved(Url),
    /// May pass: try again after the backoff.
    Broken(Error),
    /// The service said "too many": nobody in the slot sends for a while. `None`: it did not say how long.
    TooMany(Error, Option<Duration>),
    Failed(Error),
}

/// An answer with status 2xx. `rest` is there if the caller wants to read the body itself.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) rest: Option<(reqwest::Response, Turn)>,
}

pub(super) async fn send<T>(
    http: &Http,
    request: &Request,
    whole: bool,
    read: impl Fn(Answer) -> Result<T>,
) -> Result<T> {
    let config = &http.shared.config;
    if config.offline {
        return Err(Error::new(Kind::Config, "offline mode is on, nothing is fetched")
            .at(shown(&request.url))
            .advise("unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to go online"));
    }
    let deadline = Instant::now() + config.patience;
    let mut url = request.url.clone();
    let (mut tries, mut refusals, mut hops) = (0, 0, 0);
    let mut last = None;
    loop {
        let wait = match once(http, request, &url, deadline, whole).await {
            Try::Answer(answer) => match read(*answer) {
                Err(error)
                    if error.kind() == Kind::Shape && request.repeatable && tries + 1 < config.tries =>
                {
                    tries += 1;
                    tracing::debug!(url = shown(&url), %error, tries, "the answer is broken, trying again");
                    backoff(config.backoff, tries)
                }
                Err(error) => return Err(error.after(tries + 1)),
                result => return result,
            },
            Try::Moved(next) => {
                hops += 1;
                if hops > MOST_REDIRECTS {
                    return Err(Error::new(Kind::Shape, "too many redirects").at(shown(&request.url)));
                }
                url = next;
                continue;
            }
            Try::Broken(error) => {
                tries += 1;
                if tries >= config.tries {
                    return Err(error.after(tries));
                }
                tracing::debug!(%error, tries, "trying again");
                // A signed address may have aged: the next try asks the first address again.
                url = request.url.clone();
                hops = 0;
                let wait = backoff(config.backoff, tries);
                if Instant::now() + wait > deadline {
                    return Err(error.after(tries));
                }
                last = Some(error);
                wait
            }
            Try::TooMany(error, told) => {
                refusals += 1;
                // "Again at once" is not taken at its word when it comes again and again.
                let own = backoff(config.backoff, refusals).max(config.backoff);
                let wait = told.map_or(own, |told| if refusals > 1 { told.max(own) } else { told });
                if Instant::now() + wait > deadline {
                    return Err(error.after(refusals));
                }
                tracing::info!(%error, seconds = wait.as_secs_f32(), "the service asks us to wait");
                http.slot(&url, request).pause(wait);
                continue;
            }
            // What the patience ended in is told by the failure before it, not by the wait.
            Try::Failed(error) if error.kind() == Kind::Limited => {
                return Err(last.unwrap_or(error).after(tries));
            }
            Try::Failed(error) => return Err(if tries > 0 { error.after(tries + 1) } else { error }),
        };
        // One failure may be of this request alone. A service that fails again is not asked by anybody meanwhile.
        let slot = http.slot(&url, request);
        if slot.failed() > 1 { slot.pause(wait) } else { tokio::time::sleep(wait).await }
    }
}

/// Full jitter below a doubling bound.
fn backoff(first: Duration, tries: u32) -> Duration {
    let bound = first.saturating_mul(1 << (tries - 1).min(16)).min(LONGEST_BACKOFF);
    bound.mul_f64(fastrand::f64())
}

async fn once(http: &Http, request: &Request, url: &Url, deadline: Instant, whole: bool) -> Try {
    if request.untrusted
        && let Err(error) = guard::check(url)
    {
        return Try::Failed(error);
    }
    let slot = http.slot(url, request);
    let wait = slot.waiting();
    if wait > TOLD_WAIT {
        tracing::info!(url = shown(url), seconds = wait.as_secs(), "waiting for the rate limit");
    }
    let turn = match slot.turn(request.units, deadline).await {
        Ok(turn) => turn,
        Err(wait) => {
            let what =
                format!("the rate limit holds for {} more seconds, longer than our patience", wait.as_secs());
            return Try::Failed(Error::new(Kind::Limited, what).at(shown(url)));
        }
    };
    let mut answer = match build(http, request, url).send().await {
        Ok(answer) => answer,
        Err(cause) => return broken_off(request, url, cause),
    };
    let now = Instant::now();
    if let Some(told) = headers::allowance(answer.headers()) {
        slot.learn(&turn, told, now);
    }
    slot.learn_quotas(
        &turn,
        headers::quota(answer.headers(), "requests").as_ref(),
        headers::quota(answer.headers(), "tokens").as_ref(),
        now,
    );
    let status = answer.status();
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return moved(&answer, url);
    }
    if status.is_success() && !whole {
        let headers = answer.headers().clone();
        let (status, at) = (status.as_u16(), Timestamp::now());
        let response = Response { url: url.clone(), status, headers, body: Bytes::new(), at };
        return Try::Answer(Box::new(Answer { response, rest: Some((answer, turn)) }));
    }
    let length = answer.content_length().filter(|_| request.method != super::Method::HEAD);
    let body = body(&mut answer, length, http.shared.config.max_body).await;
    let headers = std::mem::take(answer.headers_mut());
    drop(turn);
    match body {
        Ok(body) if status.is_success() => {
            slot.succeeded();
            let (status, at) = (status.as_u16(), Timestamp::now());
            let response = Response { url: url.clone(), status, headers, body, at };
            Try::Answer(Box::new(Answer { response, rest: None }))
        }
        Ok(body) => match refused(status, url, &headers, &body, &slot) {
            Try::Broken(error) if !request.repeatable => Try::Failed(error),
            outcome => outcome,
        },
        Err(Body::TooLarge) => {
            let what = format!("the body is larger than {} bytes", http.shared.config.max_body);
            Try::Failed(
                Error::new(Kind::Shape, what)
                    .at(shown(url))
                    .advise("such an answer is no page of a listing; please report it with the address"),
            )
        }
        Err(Body::Broken(cause)) if request.repeatable => Try::Broken(
            Error::new(Kind::Transient, "the body broke off").at(shown(url)).because(cause.without_url()),
        ),
        Err(Body::Broken(cause)) => Try::Failed(
            Error::new(Kind::Transient, "the body broke off").at(shown(url)).because(cause.without_url()),
        ),
    }
}

fn build(http: &Http, request: &Request, url: &Url) -> reqwest::RequestBuilder {
    let client = if request.untrusted { &http.shared.guarded } else { &http.shared.client };
    let mut building = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
    if let Some(credential) = &request.credential
        && credential.origin == url.origin()
        && let Ok(mut value) = super::HeaderValue::from_str(credential.value.expose())
    {
        value.set_sensitive(true);
        building = building.header(credential.header.clone(), value);
    }
    match &request.body {
        Some(body) => building.body(body.clone()),
        None => building,
    }
}

fn broken_off(request: &Request, url: &Url, cause: reqwest::Error) -> Try {
    let never_sent = cause.is_connect();
    let what = match (never_sent, cause.is_timeout()) {
        (true, _) => "cannot connect",
        (_, true) => "no answer in time",
        _ => "the connection broke off",
    };
    let error = Error::new(Kind::Transient, what).at(shown(url)).because(cause.without_url());
    if request.repeatable || never_sent { Try::Broken(error) } else { Try::Failed(error) }
}

fn moved(answer: &reqwest::Response, url: &Url) -> Try {
    let target = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    match target.map(|target| url.join(target)) {
        Some(Ok(next)) if matches!(next.scheme(), "http" | "https") => Try::Moved(next),
        _ => Try::Failed(Error::new(Kind::Shape, "a redirect that leads nowhere").at(shown(url))),
    }
}

fn refused(
    status: StatusCode,
    url: &Url,
    headers: &super::HeaderMap,
    body: &Bytes,
    slot: &super::Slot,
) -> Try {
    let told = headers.get("x-error-message").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let said =
        told.unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(2048)]).trim().to_owned());
    let error = |kind, what: &str| {
        let error = Error::new(kind, format!("{what} ({})", status.as_u16()))
            .at(shown(url))
            .with_status(status.as_u16());
        if said.is_empty() { error } else { error.because(format!("the service says: {said}")) }
    };
    match status.as_u16() {
        429 if memchr::memmem::find(body, b"insufficient_quota").is_some() => Try::Failed(
            error(Kind::Denied, "the account has no credit left")
                .advise("add credit or use another key, then run again"),
        ),
        429 => {
            let window = headers::allowance(headers).filter(|told| told.left == 0).map(|_| slot.waiting());
            let wait = window.or_else(|| headers::retry_after(headers, Timestamp::now()));
            Try::TooMany(error(Kind::Limited, "too many requests"), wait)
        }
        503 if headers.contains_key("retry-after") => Try::TooMany(
            error(Kind::Transient, "the service is busy"),
            headers::retry_after(headers, Timestamp::now()),
        ),
        408 | 425 | 500..=599 => Try::Broken(error(Kind::Transient, "the service failed")),
        401 => Try::Failed(error(Kind::Denied, "the service does not accept the credentials")),
        403 | 451 => Try::Failed(error(Kind::Denied, "the service refuses access")),
        404 | 410 => Try::Failed(error(Kind::Gone, "not there")),
        _ => Try::Failed(error(Kind::Shape, "the service refuses the request")),
    }
}

enum Body {
    TooLarge,
    Broken(reqwest::Error),
}

/// Reads a body up to `most` bytes, counted after decompression, so that a small bomb is stopped as it unfolds.
async fn body(answer: &mut reqwest::Response, length: Option<u64>, most: u64) -> Result<Bytes, Body> {
    let expected = length.unwrap_or(0);
    if expected > most {
        return Err(Body::TooLarge);
    }
    let mut whole = BytesMut::with_capacity(expected.min(16 << 20) as usize);
    while let Some(chunk) = answer.chunk().await.map_err(Body::Broken)? {
        if (whole.len() + chunk.len()) as u64 > most {
            return Err(Body::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
