//! Rate windows: fixed, two buckets, told in the headers of every answer.

use std::sync::Mutex;
use std::time::Instant;

use crate::http::answer::{Answer, Header};
use crate::http::journal::Journal;
use crate::locked;

/// A quota of requests for each fixed window, apart for the API and for files (`/resolve/`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Requests a window.
    pub quota: u64,
    /// Length of a window; the first one starts with the first request.
    pub seconds: f64,
    /// Whether answers say `RateLimit` and `RateLimit-Policy`; without, a 429 comes bare.
    pub headers: bool,
}

/// The use of the window that is open.
pub(super) struct Windows {
    rule: Window,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: Option<Instant>,
    window: u64,
    /// Of `api` and of `resolvers`.
    used: [u64; 2],
}

impl Windows {
    pub(super) fn new(rule: Window) -> Self {
        Self { rule, state: Mutex::default() }
    }

    /// Counts one request; the headers for its answer, or the 429.
    pub(super) fn admit(&self, resolvers: bool, journal: &Journal) -> Result<Vec<Header>, Answer> {
        let bucket = if resolvers { "resolvers" } else { "api" };
        let mut state = locked(&self.state);
        let passed = state.started.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
        let window = (passed / self.rule.seconds) as u64;
        if window != state.window {
            (state.window, state.used) = (window, [0, 0]);
        }
        let used = &mut state.used[usize::from(resolvers)];
        let admitted = *used < self.rule.quota;
        *used += u64::from(admitted);
        let left = self.rule.quota - *used;
        drop(state);
        journal.window(bucket, window, admitted, 1);
        let rest = ((window + 1) as f64 * self.rule.seconds - passed).ceil();
        let headers = if self.rule.headers { self.headers(bucket, left, rest) } else { Vec::new() };
        if admitted {
            return Ok(headers);
        }
        let mut refusal = Answer::text(429, "We had to rate limit you. Slow down, please.\n");
        refusal.headers.extend(headers);
        Err(refusal)
    }

    fn headers(&self, bucket: &str, left: u64, rest: f64) -> Vec<Header> {
        let (quota, length) = (self.rule.quota, self.rule.seconds.ceil());
        vec![
            ("RateLimit", format!("\"{bucket}\";r={left};t={rest}")),
            ("RateLimit-Policy", format!("\"fixed window\";\"{bucket}\";q={quota};w={length}")),
        ]
    }
}
