//! One request from first try to answer or error.

use std::time::Duration;

use tokio::time::Instant;

use super::once::{Answer, Try, once};
use super::redirect::Leg;
use super::{Http, Request, place, stopped};
use crate::Why;
use crate::{Error, Kind, Result};

const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// A patience that is longer is as good as endless.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 86_400);

pub(super) async fn send<T>(
    http: &Http,
    request: &Request,
    whole: bool,
    read: impl Fn(Answer) -> Result<T>,
) -> Result<T> {
    let config = &http.shared.config;
    if config.offline {
        return Err(Error::new(Kind::Config, "offline mode is on, nothing is fetched")
            .at(place(&request.url))
            .advise(request.service.offline_advice));
    }
    let most = request.tries.unwrap_or(config.tries);
    let deadline = Instant::now() + config.patience.min(FOR_EVER);
    let mut leg = Leg::first(request);
    let (mut tries, mut refusals) = (0, 0);
    let mut last: Option<Error> = None;
    loop {
        if config.stop.is_cancelled() && leg.is_first() {
            return Err(ended("stopped before it was asked for", request, last));
        }
        let tried = once(http, request, &leg, deadline, whole).await;
        let slot = http.slot_of(request, &leg);
        let failed = !matches!(tried, Try::TooMany(..));
        let wait = match tried {
            Try::Answer(answer) => match read(*answer) {
                Err(error) if error.kind() == Kind::Shape && request.repeatable && tries + 1 < most => {
                    tries += 1;
                    tracing::debug!(url = place(&leg.url), %error, tries, "the answer is broken, trying again");
                    last = Some(error);
                    leg = Leg::first(request);
                    backoff(config.backoff, tries)
                }
                Err(error) => return Err(error.after(tries + 1)),
                result => return result,
            },
            Try::Moved(status, headers) => {
                leg = leg.follow(status, *headers)?;
                continue;
            }
            Try::Broken(error) => {
                tries += 1;
                let wait = backoff(config.backoff, tries);
                if tries >= most || Instant::now() + wait > deadline {
                    return Err(error.after(tries));
                }
                tracing::debug!(%error, tries, "trying again");
                last = Some(error);
                // A signed address may have aged: the next try asks the first address again.
                leg = Leg::first(request);
                wait
            }
            Try::TooMany(error, told, why) => {
                refusals += 1;
                // "Again at once" is not taken at its word when it comes again and again.
                let own = backoff(config.backoff, refusals).max(config.backoff);
                let wait = told.map_or(own, |told| if refusals > 1 { told.max(own) } else { told });
                if Instant::now() + wait > deadline {
                    return Err(error.after(refusals));
                }
                tracing::info!(%error, seconds = wait.as_secs_f32(), "the service asks us to wait");
                last = Some(error);
                slot.pause(wait, why);
                if leg.is_first() || !request.repeatable {
                    continue;
                }
                // The address may age meanwhile: the first one is asked again, after the wait.
                leg = Leg::first(request);
                wait
            }
            // What the patience ended in is told by the failure before it, not by the wait.
            Try::OutOfPatience(error) => return Err(last.unwrap_or(error).after(tries)),
            Try::Failed(error) if error.kind() == Kind::Stopped => {
                return Err(match last {
                    Some(last) => error.because(last),
                    None => error,
                });
            }
            Try::Failed(error) => return Err(if tries > 0 { error.after(tries + 1) } else { error }),
        };
        // One failure may be of this request alone. A service that fails again is not asked by anybody meanwhile.
        if failed && slot.failed() > 1 {
            slot.pause(wait, Why::Failing);
            continue;
        }
        tokio::select! {
            biased;
            () = config.stop.cancelled() => return Err(ended("stopped before it was tried again", request, last)),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The wish to stop came; what had gone wrong before it is told with it.
fn ended(what: &str, request: &Request, last: Option<Error>) -> Error {
    let error = stopped(what, &request.url);
    match last {
        Some(last) => error.because(last),
        None => error,
    }
}

/// Full jitter below a doubling bound.
fn backoff(first: Duration, tries: u32) -> Duration {
    let bound = first.saturating_mul(1 << (tries - 1).min(16)).min(LONGEST_BACKOFF);
    bound.mul_f64(fastrand::f64())
}
