//! The ledger: what a run has paid, what is on its way, and the budget that both are kept under.
//!
//! Sums are whole billionths of a dollar. What is sent is booked at its reservation, the most that it can cost, until the
//! endpoint tells what it did cost; where nobody ever tells, the reservation stays.

use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Kind, Result};
use tokio::sync::Notify;

use crate::endpoint::Cost;
use crate::fund::Fund;
use crate::money::dollars;

/// The books of a run.
#[derive(Debug, Default)]
pub struct Ledger {
    limit: Option<u64>,
    fund: Option<Fund>,
    state: Mutex<Books>,
    freed: Notify,
}

/// The sums of a ledger, in billionths of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// What was paid, by the endpoint's own counts.
    pub paid: u64,
    /// Booked at its reservation for ever: tries without an answer, answers without a count.
    pub presumed: u64,
    /// How many such.
    pub presumptions: u64,
    /// On its way.
    pub reserved: u64,
    /// The most that an answer cost beyond its reservation: an endpoint that does not keep to `max_tokens`.
    excess: u64,
    /// What the fund has let this run have so far.
    allowed: u64,
}

impl Books {
    /// All that was spent, by counts and reservations.
    pub fn spent(&self) -> u64 {
        self.paid + self.presumed
    }

    /// Books a cost for which so much had been reserved.
    fn book(&mut self, cost: Cost, reserved: u64) {
        let known = cost.known.unwrap_or(0);
        self.paid += known;
        self.excess = self.excess.max(known.saturating_sub(reserved));
        self.presumed += cost.presumed.unwrap_or(0);
        self.presumptions += u64::from(cost.presumed.is_some_and(|presumed| presumed > 0));
    }
}

/// Reserved money. Dropped without a word about what it cost, it stays booked: nobody knows whether it was paid.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    ledger: &'a Ledger,
    amount: u64,
    settled: bool,
}

impl Ledger {
    /// A ledger with a budget in billionths of a dollar; `None` never ends.
    pub fn new(limit: Option<u64>) -> Self {
        let (fund, state, freed) = Default::default();
        Ledger { limit, fund, state, freed }
    }

    /// The same, under a budget that it shares with other runs.
    pub fn with_fund(mut self, fund: Fund) -> Self {
        self.fund = Some(fund);
        self
    }

    /// The sums now.
    pub fn books(&self) -> Books {
        *self.lock()
    }

    /// What is left of the budget, in billionths of a dollar; `None` if there is none.
    pub(crate) fn left(&self) -> Result<Option<u64>> {
        let books = self.books();
        let own = self.limit.map(|limit| limit.saturating_sub(books.spent() + books.reserved));
        let of_fund = match &self.fund {
            Some(fund) => Some(fund.left()? + books.allowed.saturating_sub(books.spent() + books.reserved)),
            None => None,
        };
        Ok(own.into_iter().chain(of_fund).min())
    }

    /// Whether there is a budget at all.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some() || self.fund.is_some()
    }

    /// Reserves money for one try; waits for what is on its way if that may free enough.
    ///
    /// # Errors
    /// [`Kind::Limited`] if the try could pass the budget even with nothing else on its way.
    pub(crate) async fn reserve(&self, amount: u64) -> Result<Reserved<'_>> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut books = self.lock();
                let amount = amount.saturating_add(books.excess);
                let wanted = books.spent().saturating_add(books.reserved).saturating_add(amount);
                let fits = self.limit.is_none_or(|limit| wanted <= limit);
                if fits && self.allows(&mut books, wanted)? {
                    books.reserved += amount;
                    return Ok(Reserved { ledger: self, amount, settled: false });
                }
                if books.reserved == 0 {
                    return Err(self.used_up(&books, amount));
                }
            }
            freed.await;
        }
    }

    /// So much was paid without being reserved.
    pub(crate) fn pay(&self, cost: Cost) -> Result<()> {
        let mut books = self.lock();
        books.book(cost, u64::MAX);
        let wanted = books.spent() + books.reserved;
        self.allows(&mut books, wanted).map(|_| ())
    }

    fn allows(&self, books: &mut Books, wanted: u64) -> Result<bool> {
        let Some(fund) = &self.fund else { return Ok(true) };
        if wanted > books.allowed {
            books.allowed += fund.take(wanted - books.allowed)?;
        }
        Ok(wanted <= books.allowed)
    }

    fn used_up(&self, books: &Books, amount: u64) -> Error {
        let (spent, next) = (dollars(books.spent()), dollars(amount));
        let of_all =
            self.fund.as_ref().filter(|_| self.limit.is_none_or(|limit| books.spent() + amount <= limit));
        let whose = match (of_all, self.limit) {
            (Some(fund), _) => format!("the budget of {fund}"),
            (None, limit) => format!("the budget of ${}", dollars(limit.unwrap_or(0))),
        };
        let what = format!(
            "{whose} is used up: ${spent:.6} spent by this run, and the next question may cost ${next:.6}"
        );
        Error::new(Kind::Limited, what)
            .advise("what was paid is in the cache; run the same command with a larger --budget to go on")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Books> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let books = self.books();
        if let Some(fund) = &self.fund {
            // What is still on its way stays booked.
            fund.give_back(books.allowed.saturating_sub(books.spent() + books.reserved));
        }
    }
}

impl Reserved<'_> {
    /// How much it is.
    pub(crate) fn amount(&self) -> u64 {
        self.amount
    }

    /// Books what it did cost, or the most that it can have cost.
    pub(crate) fn book(self, cost: Cost) -> Cost {
        self.settle(|books, amount| books.book(cost, amount));
        cost
    }

    fn settle(mut self, book: impl FnOnce(&mut Books, u64)) {
        self.settled = true;
        let mut books = self.ledger.lock();
        books.reserved -= self.amount;
        book(&mut books, self.amount);
        drop(books);
        self.ledger.freed.notify_waiters();
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut books = self.ledger.lock();
        books.reserved -= self.amount;
        books.presumed += self.amount;
        books.presumptions += u64::from(self.amount > 0);
        drop(books);
        self.ledger.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(cost: u64) -> Cost {
        Cost { known: Some(cost), presumed: None }
    }

    #[tokio::test]
    async fn a_budget_waits_for_what_is_in_flight_and_then_ends() {
        let ledger = Ledger::new(Some(1000));
        let first = ledger.reserve(600).await.unwrap();
        let second = async { ledger.reserve(600).await.unwrap().book(known(500)) };
        let free = async {
            tokio::task::yield_now().await;
            first.book(known(300));
        };
        tokio::join!(second, free);
        let error = ledger.reserve(600).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Limited);
        assert_eq!(ledger.books().paid, 800);
        ledger.reserve(100).await.unwrap().book(known(0));
        assert_eq!(ledger.books(), Books { paid: 800, ..Books::default() });
    }

    #[tokio::test]
    async fn what_nobody_told_stays_booked() {
        let ledger = Ledger::new(Some(1000));
        drop(ledger.reserve(400).await.unwrap());
        ledger.reserve(300).await.unwrap().book(Cost { known: None, presumed: Some(300) });
        assert_eq!((ledger.books().presumed, ledger.books().presumptions), (700, 2));
        assert!(ledger.reserve(301).await.is_err());
    }

    /// With fractions of a dollar a residue of 9e-12 was left here, and the next one waited for ever.
    #[tokio::test]
    async fn a_thousand_in_flight_leave_nothing_reserved() {
        let ledger = Ledger::new(Some(crate::money::nano(0.1)));
        let amounts = (0..1000u64).map(|n| crate::money::nano((n % 7 + 1) as f64 * 1e-5 / 3.0));
        let mut under_way = Vec::new();
        for amount in amounts {
            under_way.push(ledger.reserve(amount).await.unwrap());
        }
        while !under_way.is_empty() {
            under_way.swap_remove(fastrand::usize(..under_way.len())).book(known(0));
        }
        assert_eq!(ledger.books().reserved, 0);
        let over = ledger.reserve(crate::money::nano(0.2));
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), over).await;
        assert_eq!(ended.unwrap().unwrap_err().kind(), Kind::Limited);
    }

    #[tokio::test]
    async fn an_endpoint_that_keeps_to_no_bound_is_reserved_for_at_what_it_took() {
        let ledger = Ledger::new(Some(1000));
        ledger.reserve(100).await.unwrap().book(known(500));
        assert!(ledger.reserve(101).await.is_err());
    }
}
