//! Health: whether a failed request speaks of its record or of the whole endpoint.

use std::error::Error as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crawl_core::{Error, Kind};

/// So many failures without an answer between them are not the records' fault.
const IN_A_ROW: u32 = 3;

/// What the endpoint did in this run.
#[derive(Debug, Default)]
pub(crate) struct Health {
    answers: AtomicU64,
    failures_in_a_row: AtomicU32,
    end: OnceLock<Error>,
}

impl Health {
    /// An answer came.
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Relaxed);
        self.failures_in_a_row.store(0, Relaxed);
    }

    /// A request failed for good: whether the run must stop. If not, the record is missing and the run goes on.
    pub(crate) fn concerns_all(&self, error: &Error) -> bool {
        let in_a_row = self.failures_in_a_row.fetch_add(1, Relaxed) + 1;
        let never_answered = self.answers.load(Relaxed) == 0;
        match (error.kind(), error.status()) {
            (Kind::Gone, _) | (_, Some(401 | 402)) => true,
            _ if error.concerns_all() => true,
            // Some gateways say 403 to one record whose text they do not like.
            (Kind::Denied, _) => never_answered || in_a_row >= IN_A_ROW,
            (Kind::Transient, None) => never_answered || in_a_row >= IN_A_ROW,
            (Kind::Transient, Some(_)) => in_a_row >= IN_A_ROW,
            // A request that the endpoint does not understand: too long a record, or all of them.
            (Kind::Shape, _) => never_answered && in_a_row >= IN_A_ROW,
            // A stop, above all.
            _ => true,
        }
    }

    /// Stops the run; the first error is the one that counts.
    pub(crate) fn stop(&self, error: Error) {
        let _ = self.end.set(error);
    }

    /// Why the run must stop, for each of the pages that are under way.
    pub(crate) fn end(&self) -> Option<Error> {
        let error = self.end.get()?;
        let mut copy = Error::new(error.kind(), error.to_string()).advise(error.advice());
        if let Some(status) = error.status() {
            copy = copy.with_status(status);
        }
        Some(match error.source() {
            Some(cause) => copy.because(chain(cause)),
            None => copy,
        })
    }

    /// Whether the run must stop.
    pub(crate) fn ended(&self) -> bool {
        self.end.get().is_some()
    }
}

fn chain(cause: &dyn std::error::Error) -> String {
    match cause.source() {
        Some(inner) => format!("{cause}: {}", chain(inner)),
        None => cause.to_string(),
    }
}
