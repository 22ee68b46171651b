//! Who may come in, and how often.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::config::{DiscourseConfig, Limit, TooMany};
use super::refuse;
use super::route::{Asked, Route};
use crate::fault::RetryAfter;
use crate::http::answer::Answer;
use crate::http::request::Request;
use crate::locked;

/// The quotas and what became of them.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest requests for each limit, without and with a key, those that were refused too.
    windows: [Vec<VecDeque<Instant>>; 2],
    paused_until: Option<Instant>,
    early: u64,
    refused: u64,
    requests: u64,
}

impl Gate {
    /// Counts the request; its number, from 1.
    pub(super) fn enter(&self) -> u64 {
        let mut state = locked(&self.state);
        let now = Instant::now();
        state.early += u64::from(state.paused_until.is_some_and(|until| now < until));
        state.requests += 1;
        state.requests
    }

    /// How many requests came while another had been told to wait.
    pub(super) fn early(&self) -> u64 {
        locked(&self.state).early
    }

    /// A refusal takes its place among the newest requests, so that who knocks early waits longer.
    /// Who has a key is not counted with the others.
    pub(super) fn limit(&self, config: &DiscourseConfig, keyed: bool) -> Result<(), Answer> {
        let limits: Vec<Limit> =
            if keyed { config.key_limit.into_iter().collect() } else { config.limits.clone() };
        let now = Instant::now();
        let mut state = locked(&self.state);
        let mut wait = None;
        let windows = &mut state.windows[usize::from(keyed)];
        windows.resize(limits.len(), VecDeque::new());
        for (limit, window) in limits.iter().zip(windows) {
            if let Some(needed) = over(limit, window, now) {
                let longer = wait.is_none_or(|(known, _)| needed > known);
                wait = if longer { Some((needed, *limit)) } else { wait };
            }
        }
        drop(state);
        let Some((wait, limit)) = wait else { return Ok(()) };
        Err(self.refuse(config, Some(wait.as_secs_f64().ceil().max(1.0) as u64), code(limit, keyed)))
    }

    /// The 429 of a rule.
    pub(super) fn told(&self, config: &DiscourseConfig, retry: RetryAfter) -> Answer {
        match retry {
            RetryAfter::Silent => self.refuse(config, None, ""),
            RetryAfter::Seconds(wait) => self.refuse(config, Some(wait), "ip_10_secs_limit"),
            RetryAfter::Date => {
                let mut answer = self.refuse(config, Some(2), "ip_10_secs_limit");
                let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
                let then = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                answer.headers.retain(|(name, _)| *name != "Retry-After");
                answer.with("Retry-After", then)
            }
        }
    }

    fn refuse(&self, config: &DiscourseConfig, wait: Option<u64>, code: &str) -> Answer {
        let mut state = locked(&self.state);
        let until = wait.map(|wait| Instant::now() + Duration::from_secs(wait));
        state.paused_until = state.paused_until.max(until);
        let turn = [TooMany::Text, TooMany::Json, TooMany::Html][(state.refused % 3) as usize];
        state.refused += 1;
        let mut answer = refuse::too_many(config.too_many.unwrap_or(turn), wait, code);
        if !config.retry_after {
            answer.headers.retain(|(name, _)| *name != "Retry-After");
        }
        answer
    }
}

/// How long to wait, if the window is full.
fn over(limit: &Limit, window: &mut VecDeque<Instant>, now: Instant) -> Option<Duration> {
    let span = Duration::try_from_secs_f64(limit.seconds).unwrap_or_default();
    let full = window.len() as u64 >= limit.requests.max(1);
    let refused = full && window.front().is_some_and(|oldest| now.duration_since(*oldest) < span);
    window.push_back(now);
    while window.len() as u64 > limit.requests.max(1) {
        window.pop_front();
    }
    let oldest = window.front().copied().unwrap_or(now);
    refused.then(|| span.saturating_sub(now.duration_since(oldest)))
}

fn code(limit: Limit, keyed: bool) -> &'static str {
    match keyed {
        true => "admin_api_key_rate_limit",
        false if limit.seconds > 10.0 => "ip_60_secs_limit",
        false => "ip_10_secs_limit",
    }
}

/// Whether the request has a right key; `Err` if it has a wrong one, or needs one.
pub(super) fn check(config: &DiscourseConfig, request: &Request, asked: &Asked) -> Result<bool, Answer> {
    let logged_in = match (request.header("api-key"), request.header("user-api-key")) {
        (Some(key), _) => {
            let right = config.api_key.as_ref().is_some_and(|(known, user)| {
                known == key
                    && request.header("api-username").is_some_and(|name| name.eq_ignore_ascii_case(user))
            });
            if !right {
                return Err(refuse::wrong_key());
            }
            true
        }
        (None, Some(key)) => {
            if config.user_api_key.as_deref() != Some(key) {
                return Err(refuse::wrong_key());
            }
            true
        }
        (None, None) => false,
    };
    let open =
        matches!(asked.route, Route::Robots | Route::Status | Route::BasicInfo | Route::Login | Route::Terms);
    if config.login_required && !logged_in && !open {
        return Err(refuse::not_logged_in(asked.json, &config.base));
    }
    Ok(logged_in)
}
