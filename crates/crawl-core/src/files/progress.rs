//! How far files are that are on their way: numbers that move while a large one comes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How far files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files on their way now.
    pub under_way: u64,
    /// Bytes of them that are here.
    pub arrived: u64,
    /// Bytes of them in all, as far as it is known.
    pub expected: u64,
    /// Bytes that have come since the beginning, of all files, those that came twice counted twice.
    pub received: u64,
    /// Files that are done.
    pub done: u64,
}

#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: u64,
    received: u64,
    done: u64,
    under_way: HashMap<u64, (u64, Option<u64>)>,
}

/// One file on its way; it is no more when this is dropped.
pub(super) struct Gauge {
    meter: Meter,
    number: u64,
}

impl Meter {
    pub(super) fn progress(&self) -> Progress {
        let state = self.lock();
        let mut progress = Progress { received: state.received, done: state.done, ..Progress::default() };
        for (arrived, expected) in state.under_way.values() {
            progress.under_way += 1;
            progress.arrived += arrived;
            progress.expected += expected.unwrap_or(*arrived);
        }
        progress
    }

    pub(super) fn begin(&self) -> Gauge {
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        state.under_way.insert(number, (0, None));
        Gauge { meter: self.clone(), number }
    }

    pub(super) fn done(&self) {
        self.lock().done += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gauge {
    /// The file is so far, of so many bytes.
    pub(super) fn is_at(&self, arrived: u64, expected: Option<u64>) {
        self.meter.lock().under_way.insert(self.number, (arrived, expected));
    }

    pub(super) fn received(&self, bytes: u64) {
        let mut state = self.meter.lock();
        state.received += bytes;
        if let Some((arrived, _)) = state.under_way.get_mut(&self.number) {
            *arrived += bytes;
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.meter.lock().under_way.remove(&self.number);
    }
}
