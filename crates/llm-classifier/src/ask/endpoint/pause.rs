//! The pause of everybody while the endpoint fails, so that an outage is not met by all questions at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crawl_core::http::{Waiting, Why};
use tokio::time::Instant;

const LONGEST: Duration = Duration::from_secs(60);

/// Until when nobody sends.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    until: Option<Instant>,
    failures: u32,
    why: Option<Why>,
}

impl Pause {
    /// An answer came, of whatever kind.
    pub(super) fn ends(&self) {
        let mut state = self.lock();
        (state.failures, state.until) = (0, None);
    }

    /// A try failed; the second one in a row and those after it hold everybody.
    pub(super) fn failed(&self, wait: Duration, why: Why) {
        let mut state = self.lock();
        state.failures += 1;
        if state.failures > 1 || why == Why::RateLimit {
            let until = Instant::now() + wait;
            state.until = state.until.max(Some(until));
            state.why = Some(why);
        }
    }

    /// How long nobody sends.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let state = self.lock();
        let left = state.until?.checked_duration_since(Instant::now())?;
        Some(Waiting { left, why: state.why.unwrap_or(Why::Failing) })
    }

    /// Waits until everybody may send.
    pub(super) async fn over(&self) {
        while let Some(waiting) = self.waiting().filter(|waiting| !waiting.left.is_zero()) {
            tokio::time::sleep(waiting.left).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Full jitter below a doubling bound.
pub(super) fn backoff(first: Duration, tries: u32) -> Duration {
    let bound = first.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST);
    bound.mul_f64(fastrand::f64())
}
