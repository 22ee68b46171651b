//! Usage: what a run has asked, paid and found.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::money::{Ledger, dollars};
use crate::reply::Reply;

/// Counters of a run; every answer is counted as it is read.
#[derive(Debug, Default)]
pub struct Usage {
    paid: AtomicU64,
    cached: AtomicU64,
    batched: AtomicU64,
    repairs: AtomicU64,
    cuts: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    pub(crate) ledger: Ledger,
    unpriced: AtomicU64,
    ruled: AtomicU64,
    headed: AtomicU64,
    suspicious: AtomicU64,
    second_looks: AtomicU64,
    without_probability: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Answers that were paid for in this run.
    pub paid: u64,
    /// Answers that came out of the cache, and were not paid in this run.
    pub cached: u64,
    /// How many of both were second answers, after the model was shown its error.
    pub repairs: u64,
    /// Fields that were too long and were cut.
    pub cuts: u64,
    /// Tokens sent for the paid answers, as the endpoint counts them.
    pub prompt_tokens: u64,
    /// Tokens received in the paid answers.
    pub completion_tokens: u64,
    /// What was spent, as far as prices are known: what the endpoint counted, and reservations where it did not.
    pub cost_usd: f64,
    /// How much of it are reservations, the most that was possible: nobody told what it did cost.
    pub presumed_usd: f64,
    /// For how many answers and tries.
    pub presumptions: u64,
    /// Paid answers whose price is not known.
    pub unpriced: u64,
    /// Records that the rules answered.
    pub ruled: u64,
    /// Records that the head answered.
    pub headed: u64,
    /// Answered records that look as if they held orders.
    pub suspicious: u64,
    /// How many of them were asked about a second time.
    pub second_looks: u64,
    /// Usable answers whose probability was asked for and is not known.
    pub without_probability: u64,
}

impl Usage {
    pub(crate) fn paid(&self, reply: &Reply, is_priced: bool) {
        self.paid.fetch_add(1, Relaxed);
        self.unpriced.fetch_add(u64::from(!is_priced), Relaxed);
        self.prompt_tokens.fetch_add(reply.prompt_tokens.unwrap_or(0), Relaxed);
        self.completion_tokens.fetch_add(reply.completion_tokens.unwrap_or(0), Relaxed);
    }

    /// An engine that costs nothing has answered.
    pub(crate) fn local(&self, engine: &str) {
        let counter = if engine == "head" { &self.headed } else { &self.ruled };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn suspicious(&self, is: bool) {
        self.suspicious.fetch_add(u64::from(is), Relaxed);
    }

    pub(crate) fn looked_again(&self) {
        self.second_looks.fetch_add(1, Relaxed);
    }

    /// An answer of a batch that this run has paid is in the cache.
    pub(crate) fn batched(&self) {
        self.batched.fetch_add(1, Relaxed);
    }

    /// An answer came out of the cache. One that a batch of this run has put there is counted as paid already.
    pub(crate) fn cached(&self) {
        if self.batched.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
            self.cached.fetch_add(1, Relaxed);
        }
    }

    /// So many answers of a record came out of the cache and do not count, for it is asked about again.
    pub(crate) fn in_vain(&self, answers: u64) {
        self.cached.fetch_sub(answers, Relaxed);
        self.repairs.fetch_sub(answers.saturating_sub(1), Relaxed);
    }

    pub(crate) fn repaired(&self) {
        self.repairs.fetch_add(1, Relaxed);
    }

    pub(crate) fn cut(&self, fields: u64) {
        self.cuts.fetch_add(fields, Relaxed);
    }

    pub(crate) fn without_probability(&self) {
        self.without_probability.fetch_add(1, Relaxed);
    }

    /// The counters now.
    pub fn spent(&self) -> Spent {
        let books = self.ledger.books();
        Spent {
            paid: self.paid.load(Relaxed),
            cached: self.cached.load(Relaxed),
            repairs: self.repairs.load(Relaxed),
            cuts: self.cuts.load(Relaxed),
            prompt_tokens: self.prompt_tokens.load(Relaxed),
            completion_tokens: self.completion_tokens.load(Relaxed),
            cost_usd: dollars(books.spent()),
            presumed_usd: dollars(books.presumed),
            presumptions: books.presumptions,
            unpriced: self.unpriced.load(Relaxed),
            ruled: self.ruled.load(Relaxed),
            headed: self.headed.load(Relaxed),
            suspicious: self.suspicious.load(Relaxed),
            second_looks: self.second_looks.load(Relaxed),
            without_probability: self.without_probability.load(Relaxed),
        }
    }
}
