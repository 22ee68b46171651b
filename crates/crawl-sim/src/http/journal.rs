//! What the double saw: a bounded log, counters, and a tally of named things.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::request::Request;
use crate::locked;

/// The log forgets its oldest entries beyond this many bytes.
const LOG_BYTES: usize = 64 << 20;
/// The log keeps this much of a request body.
const BODY_BYTES: usize = 256 << 10;

/// A request as the double saw it.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Counts all requests of all origins of one double, from 1.
    pub number: u64,
    /// When its head and body had been read.
    #[serde(skip)]
    pub at: Instant,
    /// Seconds since the double started.
    pub seconds: f64,
    /// Which address was asked: `main`, `cdn` (the file host) or `elsewhere` (where nobody should go).
    pub origin: &'static str,
    /// What was asked for: `list`, `detail`, `tree`, `resolve`, `cdn`, `chat`, `models`, `whoami` or `other`.
    pub kind: &'static str,
    /// As sent.
    pub method: String,
    /// As sent, still percent-encoded.
    pub path_and_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 256 KiB of it, bytes that are not UTF-8 replaced.
    pub body: String,
    /// Of the answer; 0 until there is one.
    pub status_answered: u16,
    /// The fault that the answer met, as `Debug` spells it.
    pub fault: Option<String>,
    /// Whether a whole and well-formed answer was handed to the connection.
    pub completed: bool,
}

impl Seen {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn weight(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        self.body.len() + self.path_and_query.len() + headers + 200
    }
}

/// Counters since the start or the last reset. `/sim/stats` sends them as JSON.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// All requests but those to `/sim/`.
    pub requests: u64,
    /// Whole and well-formed answers.
    pub completed: u64,
    /// Bytes of all answers' bodies, as prepared.
    pub body_bytes: u64,
    /// Answers 429, from a window or a rule.
    pub too_many: u64,
    /// The most requests that were being answered at one time.
    pub max_in_flight: u64,
    /// By kind of request (see [`Seen::kind`]).
    pub by_kind: BTreeMap<&'static str, u64>,
    /// By status answered.
    pub by_status: BTreeMap<u16, u64>,
    /// By fault met.
    pub by_fault: BTreeMap<String, u64>,
    /// How far each rate window was used, in order of time.
    pub windows: Vec<WindowUse>,
}

/// How far one rate window was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowUse {
    /// `api` or `resolvers`; `requests` and `tokens` for a language model.
    pub bucket: &'static str,
    /// Counts windows from the first request, from 0; windows without a request are left out.
    pub window: u64,
    /// Requests that were within the quota.
    pub admitted: u64,
    /// Requests that were answered 429.
    pub refused: u64,
}

/// How often one named thing (a record sent to a language model) was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests for it that reached the service.
    pub asked: u64,
    /// Right and whole answers that were handed to the connection.
    pub answered: u64,
}

/// Shared by all origins of a double.
pub(crate) struct Journal {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    epoch: u64,
    forgotten: u64,
    log: VecDeque<Seen>,
    bytes: usize,
    in_flight: u64,
    stats: Stats,
    tally: BTreeMap<String, Counts>,
}

/// Names an entry of the log.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    epoch: u64,
    number: u64,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), state: Mutex::default() }
    }

    pub(crate) fn begin(&self, origin: &'static str, kind: &'static str, request: &Request) -> Ticket {
        let at = Instant::now();
        let body = &request.body[..request.body.len().min(BODY_BYTES)];
        let mut state = locked(&self.state);
        state.stats.requests += 1;
        *state.stats.by_kind.entry(kind).or_default() += 1;
        state.in_flight += 1;
        state.stats.max_in_flight = state.stats.max_in_flight.max(state.in_flight);
        let number = state.stats.requests;
        state.remember(Seen {
            number,
            at,
            seconds: at.duration_since(self.started).as_secs_f64(),
            origin,
            kind,
            method: request.method.clone(),
            path_and_query: request.target.clone(),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            status_answered: 0,
            fault: None,
            completed: false,
        });
        Ticket { epoch: state.epoch, number }
    }

    pub(crate) fn answering(&self, ticket: Ticket, status: u16, bytes: usize, fault: Option<String>) {
        let mut state = locked(&self.state);
        if state.epoch != ticket.epoch {
            return;
        }
        state.stats.body_bytes += bytes as u64;
        state.stats.too_many += u64::from(status == 429);
        *state.stats.by_status.entry(status).or_default() += 1;
        if let Some(fault) = &fault {
            *state.stats.by_fault.entry(fault.clone()).or_default() += 1;
        }
        if let Some(seen) = state.entry(ticket) {
            seen.status_answered = status;
            seen.fault = fault;
        }
    }

    pub(crate) fn end(&self, ticket: Ticket, completed: bool) {
        let mut state = locked(&self.state);
        state.in_flight = state.in_flight.saturating_sub(1);
        if state.epoch != ticket.epoch {
            return;
        }
        state.stats.completed += u64::from(completed);
        if let Some(seen) = state.entry(ticket) {
            seen.completed = completed;
        }
    }

    pub(crate) fn window(&self, bucket: &'static str, window: u64, admitted: bool, amount: u64) {
        let mut state = locked(&self.state);
        let windows = &mut state.stats.windows;
        let known = windows.iter().rposition(|used| used.bucket == bucket && used.window == window);
        let position = known.unwrap_or_else(|| {
            windows.push(WindowUse { bucket, window, admitted: 0, refused: 0 });
            windows.len() - 1
        });
        if admitted {
            windows[position].admitted += amount;
        } else {
            windows[position].refused += amount;
        }
    }

    pub(crate) fn asked(&self, name: &str) {
        locked(&self.state).tally.entry(name.into()).or_default().asked += 1;
    }

    pub(crate) fn answered(&self, name: &str) {
        locked(&self.state).tally.entry(name.into()).or_default().answered += 1;
    }

    pub(crate) fn tally(&self) -> BTreeMap<String, Counts> {
        locked(&self.state).tally.clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        locked(&self.state).log.iter().cloned().collect()
    }

    pub(crate) fn count(&self) -> u64 {
        locked(&self.state).stats.requests
    }

    pub(crate) fn stats(&self) -> Stats {
        locked(&self.state).stats.clone()
    }

    pub(crate) fn reset(&self) {
        let mut state = locked(&self.state);
        *state = State { epoch: state.epoch + 1, in_flight: state.in_flight, ..State::default() };
    }
}

impl State {
    fn remember(&mut self, seen: Seen) {
        self.bytes += seen.weight();
        self.log.push_back(seen);
        while self.bytes > LOG_BYTES
            && let Some(oldest) = self.log.pop_front()
        {
            self.bytes -= oldest.weight().min(self.bytes);
            self.forgotten += 1;
        }
    }

    fn entry(&mut self, ticket: Ticket) -> Option<&mut Seen> {
        let position = ticket.number.checked_sub(self.forgotten + 1)?;
        self.log.get_mut(usize::try_from(position).ok()?)
    }
}
