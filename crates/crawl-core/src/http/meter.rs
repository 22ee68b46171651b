//! Meters: one quota of requests or of units such as tokens, configured or learnt from `x-ratelimit-*`.

use std::time::Duration;

use tokio::time::Instant;

use super::headers::Quota;

/// So much of a learnt quota is never used: estimates of units are a little wrong.
const SPARE: f64 = 0.01;
/// From this share of a quota on, what the service has counted corrects what we expected.
const TELLING: f64 = 0.1;

/// One quota: what may be sent, and when.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// A second's share of the configured quota, and when it allows the next request.
    configured: Option<(f64, Option<Instant>)>,
    learnt: Option<Learnt>,
    /// Whether what the service counts may be less than what we expected.
    estimated: bool,
    /// What those have taken whose answers are not here yet.
    in_flight: f64,
}

/// What the service told of its window.
#[derive(Debug)]
struct Learnt {
    limit: f64,
    /// When the window had surely begun: an answer that tells of an earlier end tells of the window before.
    begun: Instant,
    /// The latest moment at which the window ends.
    ends: Instant,
    number: u64,
    /// What was sent in this window, as we expected it to count.
    sent: f64,
    /// What the service counts for one of what we expect.
    scale: f64,
}

/// What one request took of a meter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    amount: f64,
    window: u64,
    /// What was sent in the window up to this request, itself included.
    sent: f64,
}

impl Meter {
    pub(super) fn new(per_minute: Option<u64>, estimated: bool) -> Self {
        let each = per_minute.map(|quota| (quota.max(1) as f64 / 60.0, None));
        Meter { configured: each, learnt: None, estimated, in_flight: 0.0 }
    }

    /// When `amount` may be taken; `None` at once.
    pub(super) fn free_at(&mut self, amount: f64, now: Instant) -> Option<Instant> {
        let configured = self.configured.and_then(|(_, free_at)| free_at);
        let in_flight = self.in_flight;
        let learnt = self.learnt.as_mut().and_then(|learnt| {
            learnt.roll(now, in_flight);
            learnt.full(amount).then_some(learnt.ends)
        });
        configured.max(learnt).filter(|until| *until > now)
    }

    pub(super) fn take(&mut self, amount: f64, now: Instant) -> Taken {
        self.in_flight += amount;
        if let Some((a_second, free_at)) = &mut self.configured {
            let from = free_at.map_or(now, |free_at| free_at.max(now));
            *free_at = Some(from + Duration::from_secs_f64(amount / *a_second));
        }
        match &mut self.learnt {
            None => Taken { amount, window: 0, sent: 0.0 },
            Some(learnt) => {
                learnt.sent += amount;
                Taken { amount, window: learnt.number, sent: learnt.sent }
            }
        }
    }

    /// The request is no longer under way.
    pub(super) fn ended(&mut self, taken: Taken) {
        self.in_flight = (self.in_flight - taken.amount).max(0.0);
    }

    /// Learns from an answer that came at `now` to a request that was sent at `at`.
    pub(super) fn learn(&mut self, taken: Taken, told: &Quota, at: Instant, now: Instant) {
        // The service told it at some moment between the two.
        let (first, last) = (at + told.reset, now + told.reset);
        let (used, others) = (told.limit - told.left, (self.in_flight - taken.amount).max(0.0));
        let Some(learnt) = &mut self.learnt else {
            // Whatever is under way may count in this window.
            let (limit, sent) = (told.limit, used + others);
            self.learnt = Some(Learnt { limit, begun: at, ends: last, number: 1, sent, scale: 1.0 });
            return;
        };
        learnt.limit = told.limit;
        learnt.roll(now, self.in_flight);
        if first > learnt.ends {
            // The service is in a later window than we thought, or its quota flows back little by little.
            (learnt.begun, learnt.ends) = (learnt.ends, last);
            learnt.number += 1;
            learnt.sent = used / learnt.scale + others;
        } else if first <= learnt.begun && taken.window < learnt.number {
            // It counted in the window before, and was taken along into this one for safety.
            learnt.sent = (learnt.sent - taken.amount).max(0.0);
        } else {
            learnt.ends = learnt.ends.min(last);
            learnt.correct(taken, used, if self.estimated { 0.25 } else { 1.0 });
        }
    }

    /// Until when it knows something that the next request depends on.
    pub(super) fn busy_until(&self) -> Option<Instant> {
        let configured = self.configured.and_then(|(_, free_at)| free_at);
        configured.max(self.learnt.as_ref().map(|learnt| learnt.ends))
    }

    /// How long the quota is used up, from now.
    pub(super) fn waiting(&self, now: Instant) -> Duration {
        let learnt = self.learnt.as_ref().filter(|learnt| learnt.full(1.0)).map(|learnt| learnt.ends);
        learnt.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

impl Learnt {
    /// Goes on to the next window, of which nothing is known but the quota. What is under way may count in it.
    fn roll(&mut self, now: Instant, in_flight: f64) {
        if self.ends > now {
            return;
        }
        self.number += 1;
        self.sent = in_flight;
        self.begun = now;
        // The next answer tells its end.
        self.ends = now + Duration::from_secs(60);
    }

    /// Compares what the service has counted with what we expected; others that share the quota count too.
    fn correct(&mut self, taken: Taken, used: f64, least: f64) {
        if taken.window == self.number && taken.sent >= self.limit * TELLING {
            self.scale += ((used / taken.sent).clamp(least, 4.0) - self.scale) * 0.2;
        }
    }

    /// Whether so much more does not fit. A request that is larger than the quota passes when nothing else was sent.
    fn full(&self, amount: f64) -> bool {
        self.sent > 0.0 && (self.sent + amount) * self.scale > self.limit * (1.0 - SPARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(limit: f64, left: f64, reset: Duration) -> Quota {
        Quota { limit, left, reset }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_that_was_told_is_kept_and_is_there_again_in_the_next_window() {
        let mut meter = Meter::new(None, false);
        let start = Instant::now();
        let taken = meter.take(1.0, start);
        meter.learn(taken, &told(10.0, 9.0, 10 * SECOND), start, start);
        meter.ended(taken);
        for _ in 0..8 {
            assert_eq!(meter.free_at(1.0, start), None);
            let taken = meter.take(1.0, start);
            meter.ended(taken);
        }
        assert_eq!(meter.free_at(1.0, start), Some(start + 10 * SECOND));
        let later = start + 10 * SECOND;
        assert_eq!(meter.free_at(1.0, later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn units_are_corrected_by_what_the_service_counts() {
        let mut meter = Meter::new(None, true);
        let now = Instant::now();
        let first = meter.take(10.0, now);
        meter.learn(first, &told(1000.0, 980.0, 60 * SECOND), now, now);
        let mut left = 980.0;
        let mut sent = 0;
        while meter.free_at(10.0, now).is_none() {
            let taken = meter.take(10.0, now);
            left -= 20.0;
            meter.learn(taken, &told(1000.0, left, 60 * SECOND), now, now);
            meter.ended(taken);
            sent += 1;
        }
        assert!((44..=49).contains(&sent), "{sent} requests of 20 where 10 were expected");
    }

    #[tokio::test(start_paused = true)]
    async fn a_configured_quota_is_spread_over_the_minute() {
        let mut meter = Meter::new(Some(600), false);
        let now = Instant::now();
        meter.take(1.0, now);
        meter.take(5.0, now);
        assert_eq!(meter.free_at(1.0, now), Some(now + Duration::from_millis(600)));
    }
}
