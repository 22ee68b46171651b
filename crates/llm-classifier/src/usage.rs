//! Usage: what a run has asked, paid and found.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Reply;

/// Counters of a run; every answer is counted as it is read.
#[derive(Debug, Default)]
pub struct Usage {
    paid: AtomicU64,
    cached: AtomicU64,
    repairs: AtomicU64,
    cuts: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Answers that were paid for in this run.
    pub paid: u64,
    /// Answers that came out of the cache.
    pub cached: u64,
    /// How many of both were second answers, after the model was shown its error.
    pub repairs: u64,
    /// Fields that were too long and were cut.
    pub cuts: u64,
    /// Tokens sent for the paid answers, as the endpoint counts them.
    pub prompt_tokens: u64,
    /// Tokens received in the paid answers.
    pub completion_tokens: u64,
}

impl Usage {
    pub(crate) fn paid(&self, reply: &Reply) {
        self.paid.fetch_add(1, Relaxed);
        self.prompt_tokens.fetch_add(reply.prompt_tokens, Relaxed);
        self.completion_tokens.fetch_add(reply.completion_tokens, Relaxed);
    }

    pub(crate) fn cached(&self) {
        self.cached.fetch_add(1, Relaxed);
    }

    pub(crate) fn repaired(&self) {
        self.repairs.fetch_add(1, Relaxed);
    }

    pub(crate) fn cut(&self, fields: u64) {
        self.cuts.fetch_add(fields, Relaxed);
    }

    /// The counters now.
    pub fn spent(&self) -> Spent {
        Spent {
            paid: self.paid.load(Relaxed),
            cached: self.cached.load(Relaxed),
            repairs: self.repairs.load(Relaxed),
            cuts: self.cuts.load(Relaxed),
            prompt_tokens: self.prompt_tokens.load(Relaxed),
            completion_tokens: self.completion_tokens.load(Relaxed),
        }
    }
}
