//! Quotas of requests and tokens, told in OpenAI's headers.

use std::sync::Mutex;
use std::time::Instant;

use super::refusal;
use crate::http::answer::{Answer, Header};
use crate::http::journal::Journal;
use crate::locked;

/// A quota for each fixed window; the first one starts with the first request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests a window.
    pub requests: u64,
    /// Tokens of prompts a window, at four bytes of request each.
    pub tokens: u64,
    /// Length of a window.
    pub seconds: f64,
}

/// The use of the window that is open.
pub(super) struct Rates {
    rule: Rate,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: Option<Instant>,
    window: u64,
    requests: u64,
    tokens: u64,
}

impl Rates {
    pub(super) fn new(rule: Rate) -> Self {
        Self { rule, state: Mutex::default() }
    }

    /// Counts one request; the headers for its answer, or the 429.
    pub(super) fn admit(&self, tokens: u64, journal: &Journal) -> Result<Vec<Header>, Answer> {
        let mut state = locked(&self.state);
        let passed = state.started.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
        let window = (passed / self.rule.seconds) as u64;
        if window != state.window {
            (state.window, state.requests, state.tokens) = (window, 0, 0);
        }
        let enough_requests = state.requests < self.rule.requests;
        // A request larger than the quota passes alone, or it could never pass.
        let enough_tokens = state.tokens == 0 || state.tokens + tokens <= self.rule.tokens;
        let admitted = enough_requests && enough_tokens;
        if admitted {
            state.requests += 1;
            state.tokens += tokens;
        }
        let left = (self.rule.requests - state.requests, self.rule.tokens.saturating_sub(state.tokens));
        drop(state);
        journal.window("requests", window, admitted, 1);
        if admitted {
            journal.window("tokens", window, true, tokens);
        }
        let rest = (window + 1) as f64 * self.rule.seconds - passed;
        let headers = self.headers(left, rest);
        if admitted {
            return Ok(headers);
        }
        let (message, kind) = if enough_requests {
            ("Rate limit reached on tokens. Please try again later.", "tokens")
        } else {
            ("Rate limit reached on requests. Please try again later.", "requests")
        };
        let mut refused = refusal(429, message, kind, Some("rate_limit_exceeded"));
        refused.headers.extend(headers);
        refused.headers.push(("retry-after", format!("{}", rest.ceil())));
        refused.headers.push(("retry-after-ms", format!("{}", (rest * 1000.0).ceil())));
        Err(refused)
    }

    fn headers(&self, (requests, tokens): (u64, u64), rest: f64) -> Vec<Header> {
        let reset = if rest < 1.0 { format!("{}ms", (rest * 1000.0).ceil()) } else { format!("{rest:.3}s") };
        vec![
            ("x-ratelimit-limit-requests", self.rule.requests.to_string()),
            ("x-ratelimit-limit-tokens", self.rule.tokens.to_string()),
            ("x-ratelimit-remaining-requests", requests.to_string()),
            ("x-ratelimit-remaining-tokens", tokens.to_string()),
            ("x-ratelimit-reset-requests", reset.clone()),
            ("x-ratelimit-reset-tokens", reset),
        ]
    }
}
