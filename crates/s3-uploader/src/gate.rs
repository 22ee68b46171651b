//! How much at once: concurrency that adapts, requests and bytes a second, memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::Limits;

/// After it was halved, concurrency is not halved again for so long: answers to requests that were under way
/// already say nothing new.
const CALM: Duration = Duration::from_secs(1);
/// So many requests are under way at first, if so many may be.
const FIRST: f64 = 64.0;
/// Memory is handed out in pieces of so many bytes.
const PIECE: u64 = 4 << 10;

/// Where every request waits before it is sent.
pub(crate) struct Gate {
    state: Mutex<State>,
    freed: Notify,
    most: f64,
    requests: Option<Pace>,
    bytes: Option<Pace>,
    small: Lane,
    large: Lane,
}

struct State {
    allowed: f64,
    active: usize,
    halved: Option<Instant>,
    /// The quickest answer so far: the first ones come one at a time, so it is that of an idle server.
    quickest: Duration,
}

/// A share of the memory.
struct Lane {
    room: Arc<Semaphore>,
    pieces: u32,
}

/// Which share of the memory a file's bytes count against: whole files never wait for parts of large ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    Whole,
    Part,
}

/// A place among the requests under way.
pub(crate) struct Turn<'a>(&'a Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().active -= 1;
        self.0.freed.notify_one();
    }
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let most = limits.in_flight.max(1) as f64;
        let state = State { allowed: most.min(FIRST), active: 0, halved: None, quickest: Duration::MAX };
        Gate {
            state: Mutex::new(state),
            freed: Notify::new(),
            most,
            requests: limits.requests.filter(|rate| *rate > 0.0).map(Pace::new),
            bytes: limits.bandwidth.filter(|rate| *rate > 0).map(|rate| Pace::new(rate as f64)),
            small: Lane::new(limits.memory / 4),
            large: Lane::new(limits.memory - limits.memory / 4),
        }
    }

    /// Waits for a place, and until the rates allow one more request with so many bytes.
    pub(crate) async fn enter(&self, bytes: u64) -> Turn<'_> {
        let turn = loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if (state.active as f64) < state.allowed.floor().max(1.0) {
                    state.active += 1;
                    break Turn(self);
                }
            }
            freed.await;
        };
        if let Some(pace) = &self.requests {
            pace.wait(1.0).await;
        }
        if let Some(pace) = self.bytes.as_ref().filter(|_| bytes > 0) {
            pace.wait(bytes as f64).await;
        }
        turn
    }

    /// A request went well and took so long. An answer that came about as quickly as from an idle server tells that
    /// it is not the server we wait for but the way to it: then more at once is faster, and the server has room for it.
    /// So one more for each of them, until the first refusal; then one more when all that are allowed went well.
    pub(crate) fn well(&self, took: Duration) {
        let mut state = self.state();
        let state = &mut *state;
        state.quickest = state.quickest.min(took);
        let quick = took < state.quickest * 2;
        let more = match state.halved {
            None if quick => 1.0,
            _ if quick || state.allowed < FIRST => 1.0 / state.allowed,
            _ => return,
        };
        if state.allowed < self.most {
            state.allowed = (state.allowed + more).min(self.most);
            self.freed.notify_one();
        }
    }

    /// The server asked to slow down, or did not answer in time: half as many at once.
    pub(crate) fn slow(&self) {
        let mut state = self.state();
        if state.halved.is_none_or(|at| at.elapsed() > CALM) {
            state.allowed = (state.allowed / 2.0).max(1.0);
            state.halved = Some(Instant::now());
            tracing::debug!(at_once = state.allowed, "the server asked to slow down");
        }
    }

    /// How many requests may be under way now.
    pub(crate) fn allowed(&self) -> usize {
        self.state().allowed as usize
    }

    /// Room for so many bytes, until it is dropped. More than there is takes all there is.
    pub(crate) async fn room(&self, size: Size, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let lane = match size {
            Size::Whole => &self.small,
            Size::Part => &self.large,
        };
        let pieces = bytes.div_ceil(PIECE).clamp(1, lane.pieces.into()) as u32;
        lane.room.clone().acquire_many_owned(pieces).await.ok()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn new(bytes: u64) -> Self {
        let pieces = (bytes / PIECE).clamp(1, u64::from(u32::MAX >> 4)) as u32;
        Lane { room: Arc::new(Semaphore::new(pieces as usize)), pieces }
    }
}

/// So much a second, evenly.
struct Pace {
    per_second: f64,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        Pace { per_second, next: Mutex::new(Instant::now()) }
    }

    async fn wait(&self, amount: f64) {
        let until = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*next).max(Instant::now());
            *next = begin + Duration::from_secs_f64(amount / self.per_second);
            begin
        };
        tokio::time::sleep_until(until.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_server_halves_once_and_good_answers_raise_again() {
        let gate = Gate::new(&Limits { in_flight: 8, ..Limits::default() });
        gate.slow();
        gate.slow();
        assert_eq!(gate.allowed(), 4);
        for _ in 0..200 {
            gate.well(Duration::from_millis(50));
        }
        assert_eq!(gate.allowed(), 8);
    }

    #[test]
    fn more_at_once_where_the_way_is_long_and_not_where_the_server_is_busy() {
        let (far, busy) = (Gate::new(&Limits::default()), Gate::new(&Limits::default()));
        for number in 0..1000 {
            far.well(Duration::from_millis(50 + number % 40));
            busy.well(Duration::from_millis(if number == 0 { 1 } else { 20 }));
        }
        assert_eq!(far.allowed(), 256);
        assert_eq!(busy.allowed(), 65);
        far.slow();
        assert_eq!(far.allowed(), 128);
    }
}
