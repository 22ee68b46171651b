//! One try at one address: from its turn in the slot to what came of it.

use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use tokio::time::Instant;
use url::Url;

use super::redirect::Leg;
use super::service::{Answered, Verdict};
use super::slot::{NoTurn, Slot, Turn};
use super::{Http, Request, Response, guard, headers, place, slots, stopped};
use crate::Why;
use crate::{Error, Kind, Scope};

/// A longer address is sent nowhere: servers take 8 to 64 KiB, and a cursor makes it long.
const LONGEST_ADDRESS: usize = 60_000;

/// What came of one try.
pub(super) enum Try {
    Answer(Box<Answer>),
    /// Another address: status and headers tell which.
    Moved(u16, Box<HeaderMap>),
    /// May pass: try again after the backoff.
    Broken(Error),
    /// Nobody in the slot sends for a while. `None`: it was not said how long.
    TooMany(Error, Option<std::time::Duration>, Why),
    /// The patience has ended, by what it waited for.
    OutOfPatience(Error),
    Failed(Error),
}

/// An answer with status 2xx. `rest` is there if the caller wants to read the body itself.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) rest: Option<(reqwest::Response, Turn)>,
}

pub(super) async fn once(http: &Http, request: &Request, leg: &Leg, deadline: Instant, whole: bool) -> Try {
    let url = &leg.url;
    if request.untrusted
        && let Err(error) = guard::check(url)
    {
        return Try::Failed(error);
    }
    if url.as_str().len() > LONGEST_ADDRESS {
        let what = format!("the address has {} bytes, no service takes so long a one", url.as_str().len());
        return Try::Failed(
            Error::new(Kind::Shape, what)
                .at(place(url))
                .advise("the service gave a cursor or a link that is too long; please report it"),
        );
    }
    let shared = &http.shared;
    let slot = http.slot_of(request, leg);
    let turn = match slot.turn(request.units, deadline, &shared.config.stop).await {
        Ok(turn) => turn,
        Err(none) => return no_turn(none, request, url),
    };
    // What a HEAD tells of a body is not to be unpacked.
    let raw = !whole || leg.method == Method::HEAD;
    let mut building = build(http, request, leg, raw);
    if whole {
        building = building.timeout(shared.config.timeout);
    }
    let mut answer = match building.send().await {
        Ok(answer) => answer,
        Err(cause) => return broken_off(http, request, leg, cause),
    };
    shared.answered();
    let now = Instant::now();
    if let Some(told) = headers::allowance(answer.headers(), slots::bucket(url, request, leg.home)) {
        slot.learn(&turn, told, now);
    }
    slot.learn_quotas(
        &turn,
        headers::quota(answer.headers(), "requests").as_ref(),
        headers::quota(answer.headers(), "tokens").as_ref(),
        now,
    );
    let status = answer.status().as_u16();
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Try::Moved(status, Box::new(std::mem::take(answer.headers_mut())));
    }
    // 304 is an answer to whoever asked for it.
    let asked = leg.headers.contains_key(IF_NONE_MATCH) || leg.headers.contains_key(IF_MODIFIED_SINCE);
    let good = answer.status().is_success() || (status == 304 && asked);
    let response = |headers, body| Response {
        url: url.clone(),
        status,
        headers,
        body,
        at: Timestamp::now(),
        hops: leg.hops.clone(),
    };
    let stays = request.leads_on && leg.is_first();
    if good && !whole && !stays {
        let response = response(answer.headers().clone(), Bytes::new());
        return Try::Answer(Box::new(Answer { response, rest: Some((answer, turn)) }));
    }
    let length = answer.content_length().filter(|_| leg.method != Method::HEAD);
    let body = body(&mut answer, length, shared.config.max_body).await;
    let headers = std::mem::take(answer.headers_mut());
    drop(turn);
    let body = match body {
        Ok(body) => body,
        Err(Body::TooLarge) => {
            let what = format!("the body is larger than {} bytes", shared.config.max_body);
            return Try::Failed(
                Error::new(Kind::Shape, what)
                    .at(place(url))
                    .advise("such an answer is no page of a listing; please report it with the address"),
            );
        }
        Err(Body::Broken(cause)) => {
            let error =
                Error::new(Kind::Transient, "the body broke off").at(place(url)).because(cause.without_url());
            return if request.repeatable { Try::Broken(error) } else { Try::Failed(error) };
        }
    };
    let answered = Answered {
        status,
        url,
        headers: &headers,
        body: &body,
        credential: credential(request, leg).is_some(),
        home: leg.home && !request.untrusted,
    };
    let read = if !good || answered.is_json() { (request.service.read)(&answered) } else { None };
    match read.or_else(|| (!good).then(|| answered.usual())) {
        Some(verdict) => judged(&verdict, request, url, &slot),
        None if stays => {
            let what = "the service answered itself, and did not lead on to the file";
            Try::Failed(Error::new(Kind::Shape, what).at(place(url)))
        }
        None => {
            slot.succeeded();
            Try::Answer(Box::new(Answer { response: response(headers, body), rest: None }))
        }
    }
}

fn no_turn(none: NoTurn, request: &Request, url: &Url) -> Try {
    let limited = |what: String| {
        let error = Error::new(Kind::Limited, what).at(place(url));
        Try::OutOfPatience(if request.untrusted { error.with_scope(Scope::Record) } else { error })
    };
    match none {
        NoTurn::Stopped(Some(waiting)) => {
            Try::Failed(stopped(&format!("stopped while waiting {}", waiting.why), url))
        }
        NoTurn::Stopped(None) => Try::Failed(stopped("stopped while waiting for other requests", url)),
        NoTurn::TooLate(waiting) => {
            let seconds = waiting.left.as_secs();
            limited(match waiting.why {
                Why::RateLimit => {
                    format!("the rate limit holds for {seconds} more seconds, longer than our patience")
                }
                why => format!("{seconds} more seconds of waiting {why}, longer than our patience"),
            })
        }
        NoTurn::NoPlace => limited("other requests were under way for longer than our patience".to_owned()),
    }
}

fn credential<'a>(request: &'a Request, leg: &Leg) -> Option<&'a super::Credential> {
    request.credential.as_ref().filter(|credential| leg.home && credential.origin == leg.url.origin())
}

fn build(http: &Http, request: &Request, leg: &Leg, raw: bool) -> reqwest::RequestBuilder {
    let client = http.shared.clients.get(request.untrusted, raw);
    let mut headers = leg.headers.clone();
    if raw {
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    }
    if let Some(credential) = credential(request, leg)
        && let Ok(mut value) = HeaderValue::from_str(credential.value.expose())
    {
        value.set_sensitive(true);
        headers.insert(credential.header.clone(), value);
    }
    let building = client.request(leg.method.clone(), leg.url.clone()).headers(headers);
    match &leg.body {
        Some(body) => building.body(body.clone()),
        None => building,
    }
}

fn broken_off(http: &Http, request: &Request, leg: &Leg, cause: reqwest::Error) -> Try {
    let proxy =
        Some(&http.shared.proxies).filter(|_| !request.untrusted).and_then(|all| all.before(&leg.url));
    if let Some(proxy) = &proxy
        && let Some(error) = http.shared.dead(proxy, &cause)
    {
        return Try::Failed(error);
    }
    let at = place(&leg.url);
    if causes(&cause).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_parse_too_large)) {
        return Try::Failed(
            Error::new(Kind::Shape, "the head of the answer is too large")
                .at(at)
                .because(cause.without_url())
                .advise("the service gave a cursor or a link that is too long; please report it"),
        );
    }
    // What led on to this address was sent, though this address was not reached.
    let never_sent = cause.is_connect() && leg.is_first();
    let what = match (cause.is_connect(), cause.is_timeout()) {
        (true, _) => match &proxy {
            Some((proxy, _)) => format!("cannot connect by way of the proxy {proxy}"),
            None => "cannot connect".to_owned(),
        },
        (_, true) => "no answer in time".to_owned(),
        _ => "the connection broke off".to_owned(),
    };
    let unknown = cause.is_connect() && !http.shared.answered.load(Ordering::Relaxed);
    let error = Error::new(Kind::Transient, what).at(at).because(cause.without_url());
    // Where nobody ever answered the address may be a wrong one.
    let error = match unknown {
        true => error.advise(
            "check the address and the network, then run the same command again; it goes on where it stopped",
        ),
        false => error,
    };
    if request.repeatable || never_sent { Try::Broken(error) } else { Try::Failed(error) }
}

/// An error and what caused it.
pub(super) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn judged(verdict: &Verdict, request: &Request, url: &Url, slot: &Slot) -> Try {
    let error = verdict.error(url);
    match (verdict.retry, verdict.kind, verdict.wait) {
        (false, ..) => Try::Failed(error),
        (true, Kind::Limited, wait) => {
            // An empty window is known to the slot.
            let known = || slot.waiting().filter(|waiting| waiting.why == Why::RateLimit);
            Try::TooMany(error, wait.or_else(|| Some(known()?.left)), Why::RateLimit)
        }
        (true, _, Some(wait)) => Try::TooMany(error, Some(wait), Why::Busy),
        (true, ..) if request.repeatable => Try::Broken(error),
        (true, ..) => Try::Failed(error),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpConfig;

    #[tokio::test]
    async fn what_an_untrusted_request_is_led_to_must_be_public_too() {
        let http = Http::new(HttpConfig::default()).unwrap();
        let url = Url::parse("http://8.8.8.8/").unwrap();
        let request = Request { untrusted: true, ..Request::get(url) };
        for inside in ["http://169.254.169.254/latest", "http://[::1]/", "http://intranet/", "//127.1/"] {
            let location = HeaderMap::from_iter([(reqwest::header::LOCATION, inside.parse().unwrap())]);
            let leg = Leg::first(&request).follow(302, location).unwrap();
            match once(&http, &request, &leg, Instant::now(), true).await {
                Try::Failed(error) => assert_eq!(error.kind(), Kind::Denied, "{inside}"),
                _ => panic!("{inside} was asked"),
            }
        }
    }
}
