//! A slot per service: everybody waits here; nobody else sleeps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::headers::{Allowance, Quota};
use super::meter::{Meter, Taken};
use crate::{Stop, Waiting, Why};

/// Why there was no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// The wish to stop came.
    Stopped(Option<Waiting>),
    /// It would be after the deadline.
    TooLate(Waiting),
    /// Others held every place until the deadline.
    NoPlace,
}

/// A wait that is longer is told in the log.
const TOLD_WAIT: Duration = Duration::from_secs(5);

/// Who may send, and when.
pub(super) struct Slot {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The time between two requests, if a rate was configured.
    every: Duration,
    /// When the configured rate allows the next request.
    free_at: Option<Instant>,
    /// Nobody sends before this.
    paused: Option<(Instant, Why)>,
    window: Option<Window>,
    requests: Meter,
    units: Meter,
    in_flight: u64,
    /// Failures since the last whole answer.
    failures: u64,
}

/// What the service told of its current window.
struct Window {
    /// Requests left; `None` in a window of which no answer has told yet.
    left: Option<u64>,
    /// The latest moment at which it ends.
    ends: Instant,
    /// The length of a fixed window.
    length: Option<Duration>,
}

impl Window {
    /// Goes on to the window in which `now` lies. A fixed window keeps its rhythm.
    fn roll(&mut self, now: Instant) {
        if self.ends > now {
            return;
        }
        self.left = None;
        if let Some(length) = self.length {
            let past = (now - self.ends).as_secs_f64() / length.as_secs_f64();
            self.ends += length.mul_f64(past.floor() + 1.0);
        }
    }

    /// Takes in what an answer told, with so many other requests under way whose answers are not here yet.
    fn learn(&mut self, told: Allowance, most_left: Option<u64>, others: u64, now: Instant) {
        self.roll(now);
        let begun = self.left.is_none() || most_left.is_some_and(|most| told.left > most);
        let told_end = now + told.at_most;
        if let Some(length) = told.length.filter(|length| self.length == Some(*length)) {
            // The latest end that we know of stays true, unless the service is already in the next window:
            // that one has begun by now.
            let next = (begun && self.left.is_some()) || self.ends < now + told.at_least;
            let known = if next { now.min(self.ends) + length } else { self.ends };
            self.ends = known.min(told_end);
        } else {
            self.ends = told_end;
            self.length = told.length;
        }
        self.left = Some(match self.left {
            Some(left) if !begun => left.min(told.left),
            _ => told.left.saturating_sub(others),
        });
    }
}

/// The right to have one request under way.
pub(super) struct Turn {
    slot: Arc<Slot>,
    _place: OwnedSemaphorePermit,
    /// The most that the answer can tell to be left if the window is still the one of the sending.
    most_left: Option<u64>,
    sent_at: Instant,
    requests: Taken,
    units: Taken,
}

/// The quotas that are configured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quotas {
    pub(super) per_second: Option<f64>,
    pub(super) requests_per_minute: Option<u64>,
    pub(super) units_per_minute: Option<u64>,
}

impl Slot {
    pub(super) fn new(concurrency: usize, quotas: Quotas) -> Self {
        let every =
            quotas.per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.max(1e-6)));
        Slot {
            places: Arc::new(Semaphore::new(concurrency.max(1))),
            state: Mutex::new(State {
                every,
                requests: Meter::new(quotas.requests_per_minute, false),
                units: Meter::new(quotas.units_per_minute, true),
                ..State::default()
            }),
        }
    }

    /// Waits for a place and until one request may be sent, but not beyond `deadline`, and no more once `stop` is
    /// wished. `units` is what the request is expected to count against a limit of units.
    pub(super) async fn turn(
        self: &Arc<Self>,
        units: u64,
        deadline: Instant,
        stop: &Stop,
    ) -> Result<Turn, NoTurn> {
        let place = tokio::select! {
            biased;
            place = self.places.clone().acquire_owned() => place.expect("the semaphore is never closed"),
            () = stop.cancelled() => return Err(NoTurn::Stopped(None)),
            () = tokio::time::sleep_until(deadline) => return Err(NoTurn::NoPlace),
        };
        let mut told = None;
        loop {
            let sent_at = Instant::now();
            let (until, why) = match self.take(units as f64, sent_at) {
                Ok((most_left, requests, units)) => {
                    let slot = self.clone();
                    return Ok(Turn { slot, _place: place, most_left, sent_at, requests, units });
                }
                Err(held) => held,
            };
            let waiting = Waiting { left: until.saturating_duration_since(sent_at), why };
            if until > deadline {
                return Err(NoTurn::TooLate(waiting));
            }
            if waiting.left > TOLD_WAIT && told.replace(why) != Some(why) {
                tracing::info!(seconds = waiting.left.as_secs(), "waiting {why}");
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(NoTurn::Stopped(Some(waiting))),
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Takes the right to send now and gives the most that can be left after it, or tells when to ask again.
    fn take(&self, units: f64, now: Instant) -> Result<(Option<u64>, Taken, Taken), (Instant, Why)> {
        let mut state = self.lock();
        if let Some(window) = &mut state.window {
            window.roll(now);
        }
        let window_ends =
            state.window.as_ref().filter(|window| window.left == Some(0)).map(|window| window.ends);
        let (requests_free, units_free) = (state.requests.free_at(1.0, now), state.units.free_at(units, now));
        let limits = [state.free_at, window_ends, requests_free, units_free];
        let limits = limits.into_iter().flatten().map(|until| (until, Why::RateLimit));
        if let Some(held) = limits.chain(state.paused).max_by_key(|(until, _)| *until)
            && held.0 > now
        {
            return Err(held);
        }
        let left = state.window.as_mut().and_then(|window| window.left.as_mut()).map(|left| {
            *left = left.saturating_sub(1);
            *left
        });
        let most_left = left.map(|left| left + state.in_flight);
        state.free_at = (!state.every.is_zero()).then(|| now + state.every);
        state.in_flight += 1;
        Ok((most_left, state.requests.take(1.0, now), state.units.take(units, now)))
    }

    /// Nobody sends for so long from now.
    pub(super) fn pause(&self, wait: Duration, why: Why) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        if state.paused.is_none_or(|(paused, _)| paused < until) {
            state.paused = Some((until, why));
        }
    }

    /// Learns from an answer how much is left of the window.
    pub(super) fn learn(&self, turn: &Turn, told: Allowance, now: Instant) {
        let mut state = self.lock();
        let others = state.in_flight.saturating_sub(1);
        let fresh = || Window { left: None, ends: now + told.at_most, length: told.length };
        state.window.get_or_insert_with(fresh).learn(told, turn.most_left, others, now);
    }

    /// Learns from an answer how much is left of the quotas of requests and of units.
    pub(super) fn learn_quotas(
        &self,
        turn: &Turn,
        requests: Option<&Quota>,
        units: Option<&Quota>,
        now: Instant,
    ) {
        let mut state = self.lock();
        if let Some(told) = requests {
            state.requests.learn(turn.requests, told, turn.sent_at, now);
        }
        if let Some(told) = units {
            state.units.learn(turn.units, told, turn.sent_at, now);
        }
    }

    /// Counts a failure; gives how many there were since the last whole answer.
    pub(super) fn failed(&self) -> u64 {
        let mut state = self.lock();
        state.failures += 1;
        state.failures
    }

    /// A whole answer has come.
    pub(super) fn succeeded(&self) {
        self.lock().failures = 0;
    }

    /// How long nobody may send, from now, and why.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let state = self.lock();
        let now = Instant::now();
        let window = state.window.as_ref().filter(|window| window.left == Some(0)).map(|window| window.ends);
        let window = window.map_or(Duration::ZERO, |ends| ends.saturating_duration_since(now));
        let limit = window.max(state.requests.waiting(now)).max(state.units.waiting(now));
        let limit = Waiting { left: limit, why: Why::RateLimit };
        let paused = state.paused.map(|(until, why)| {
            let left = until.saturating_duration_since(now);
            Waiting { left, why }
        });
        let longest = paused.into_iter().chain([limit]).max_by_key(|waiting| waiting.left);
        longest.filter(|waiting| !waiting.left.is_zero())
    }

    /// Whether forgetting it changes nothing: nobody sends, and every pause, window and spacing is over.
    pub(super) fn at_rest(&self, now: Instant) -> bool {
        let state = self.lock();
        let over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        state.in_flight == 0
            && over(state.paused.map(|(until, _)| until))
            && over(state.window.as_ref().map(|window| window.ends))
            && over(state.free_at)
            && over(state.requests.busy_until())
            && over(state.units.busy_until())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Turn {
    /// A whole answer has come.
    pub(super) fn succeeded(&self) {
        self.slot.succeeded();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.slot.lock();
        state.in_flight -= 1;
        state.requests.ended(self.requests);
        state.units.ended(self.units);
    }
}

#[cfg(test)]
mod quotas;

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn turn(slot: &Arc<Slot>, deadline: Instant) -> impl Future<Output = Result<Turn, NoTurn>> {
        let slot = slot.clone();
        async move { slot.turn(0, deadline, &Stop::new()).await }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_others_hold_is_waited_for_until_patience_or_the_wish_to_stop() {
        let slot = Arc::new(Slot::new(1, Quotas::default()));
        let start = Instant::now();
        let held = turn(&slot, start).await.ok().unwrap();
        let late = turn(&slot, start + Duration::from_secs(7)).await.err();
        assert_eq!((late, start.elapsed().as_secs()), (Some(NoTurn::NoPlace), 7));
        let stop = Stop::new();
        let far = start + Duration::from_secs(3600);
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.cancel();
        };
        let (stopped, ()) = tokio::join!(slot.turn(0, far, &stop), stopping);
        assert_eq!((stopped.err(), start.elapsed().as_secs()), (Some(NoTurn::Stopped(None)), 8));
        drop(held);
        slot.pause(Duration::from_secs(500), Why::Failing);
        let stopped = slot.turn(0, far, &stop).await.err();
        let left = Duration::from_secs(500);
        assert_eq!(stopped, Some(NoTurn::Stopped(Some(Waiting { left, why: Why::Failing }))));
        assert_eq!(start.elapsed().as_secs(), 8);
    }

    const WINDOW: Duration = Duration::from_secs(2);
    const QUOTA: u64 = 50;

    /// A service with a fixed window that began at `start`; tells whole seconds, rounded up or down.
    struct Service {
        start: Instant,
        used: std::collections::BTreeMap<u128, u64>,
        up: bool,
        refused: u64,
    }

    impl Service {
        fn answer(&mut self, now: Instant) -> Allowance {
            let into = now - self.start;
            let used = self.used.entry(into.as_millis() / WINDOW.as_millis()).or_default();
            *used += 1;
            self.refused += u64::from(*used > QUOTA);
            let rest = WINDOW.as_secs_f64() - into.as_secs_f64() % WINDOW.as_secs_f64();
            let told = if self.up { rest.ceil() } else { rest.floor() };
            let second = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
            Allowance {
                left: QUOTA.saturating_sub(*used),
                at_least: second(told - 1.0),
                at_most: second(told + 1.0),
                length: Some(WINDOW),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_window_is_used_whole_and_never_passed() {
        for up in [true, false] {
            for (phase, took) in [(0, 1), (0, 7), (300, 5), (1100, 10), (1900, 12), (700, 30)] {
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(phase)).await;
                let mut service = Service { start, used: Default::default(), up, refused: 0 };
                let slot = Arc::new(Slot::new(1, Quotas::default()));
                for _ in 0..600 {
                    let turn = turn(&slot, start + Duration::from_secs(3600)).await.ok().unwrap();
                    let told = service.answer(Instant::now());
                    tokio::time::sleep(Duration::from_millis(took)).await;
                    slot.learn(&turn, told, Instant::now());
                    drop(turn);
                }
                assert_eq!(service.refused, 0, "phase {phase}, took {took}, up {up}");
                let used: Vec<u64> = service.used.values().copied().collect();
                let inner = &used[1..used.len() - 1];
                assert_eq!(
                    inner.len() as u128,
                    service.used.keys().last().unwrap() - service.used.keys().next().unwrap() - 1
                );
                let share = inner.iter().sum::<u64>() as f64 / (QUOTA * inner.len() as u64) as f64;
                assert!(share >= 0.95, "used {share}: {used:?}, phase {phase}, took {took}, up {up}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody() {
        let slot = Arc::new(Slot::new(8, Quotas::default()));
        let start = Instant::now();
        slot.pause(Duration::from_secs(5), Why::RateLimit);
        let turns = (0..8).map(|_| turn(&slot, start + Duration::from_secs(60)));
        let turns = futures::future::join_all(turns).await;
        assert!(turns.iter().all(Result::is_ok));
        assert!(start.elapsed() >= Duration::from_secs(5));
        assert!(turn(&slot, start + Duration::from_secs(60)).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_configured_rate_spaces_requests_and_patience_ends() {
        let slot = Arc::new(Slot::new(1, Quotas { per_second: Some(10.0), ..Quotas::default() }));
        let start = Instant::now();
        for _ in 0..11 {
            drop(turn(&slot, start + Duration::from_secs(60)).await.ok().unwrap());
        }
        assert_eq!(start.elapsed().as_millis(), 1000);
        slot.pause(Duration::from_secs(100), Why::Busy);
        let late = turn(&slot, Instant::now() + Duration::from_secs(1)).await.err();
        let left = Duration::from_secs(100);
        assert_eq!(late, Some(NoTurn::TooLate(Waiting { left, why: Why::Busy })));
    }
}
