//! The ledger: what a run has paid, what is on its way, and the budget that both are kept under.
//!
//! Sums are whole billionths of a dollar. What is sent is booked at its reservation, the most that it can cost, until the
//! endpoint tells what it did cost; where nobody ever tells, the reservation stays.

use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Kind, Result};
use tokio::sync::Notify;

use crate::money::fund::{Booking, Fund};
use crate::money::{Cost, dollars};

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
    /// Set aside for questions that are out in batches, or will be.
    pub aside: u64,
    /// The most that an answer cost beyond its reservation: an endpoint that does not keep to `max_tokens`.
    excess: u64,
    /// What the fund has let this run have so far.
    allowed: u64,
}

impl Books {
    /// All that was spent, by counts and reservations.
    pub fn spent(&self) -> u64 {
        self.paid.saturating_add(self.presumed)
    }

    /// All that is not free any more.
    fn taken(&self) -> u64 {
        self.spent().saturating_add(self.reserved).saturating_add(self.aside)
    }

    /// Books a cost for which so much had been reserved.
    fn book(&mut self, cost: Cost, reserved: u64) {
        let known = cost.known.unwrap_or(0);
        self.paid = self.paid.saturating_add(known);
        self.excess = self.excess.max(known.saturating_sub(reserved));
        self.presumed = self.presumed.saturating_add(cost.presumed.unwrap_or(0));
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

/// Money that is set aside for questions of a batch. Dropped before it is kept, it is free again: nothing was handed in.
#[derive(Debug)]
pub(crate) struct Aside<'a> {
    ledger: &'a Ledger,
    amount: u64,
}

impl Aside<'_> {
    /// Sets aside for one more question; gives how much, or `None` if there is not enough.
    pub(crate) fn add(&mut self, amount: u64) -> Result<Option<u64>> {
        let mut books = self.ledger.lock();
        let amount = amount.saturating_add(books.excess);
        let wanted = books.taken().saturating_add(amount);
        let fits = self.ledger.limit.is_none_or(|limit| wanted <= limit);
        if !fits || !self.ledger.allows(&mut books, wanted)? {
            return Ok(None);
        }
        books.aside += amount;
        self.amount += amount;
        Ok(Some(amount))
    }

    /// It stays set aside until the batch is back: a note tells of it.
    pub(crate) fn keep(&mut self) {
        self.amount = 0;
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.ledger.lock().aside -= self.amount;
    }
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
                let wanted = books.taken().saturating_add(amount);
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

    /// Sets money aside for questions of batches: as much as is added to it, and until it is kept only as long as it lives.
    pub(crate) fn aside(&self) -> Aside<'_> {
        Aside { ledger: self, amount: 0 }
    }

    /// Where money is booked that outlives this run; `None` if no budget is shared.
    pub(crate) fn booking(&self) -> Option<Booking> {
        self.fund.as_ref().map(Fund::booking)
    }

    /// Takes up what an earlier run has set aside for a batch that is still out; gives where it is booked now.
    pub(crate) fn take_up(&self, amount: u64, booking: Option<&Booking>) -> Result<Option<Booking>> {
        let mut books = self.lock();
        books.aside += amount;
        let Some(fund) = &self.fund else { return Ok(booking.cloned()) };
        let there = booking.filter(|booking| booking.file == fund.booking().file);
        if there.is_none() {
            fund.book(amount)?;
        }
        books.allowed += amount;
        Ok(Some(there.cloned().unwrap_or_else(|| fund.booking())))
    }

    /// A batch is back: books what its answers cost, each with the most that was set aside for it, and gives back the rest of
    /// `amount`. `before` was spent of it by an earlier run.
    pub(crate) fn is_back(&self, amount: u64, booking: Option<&Booking>, costs: &[(Cost, u64)], before: u64) {
        let mut books = self.lock();
        books.aside = books.aside.saturating_sub(amount);
        costs.iter().for_each(|(cost, most)| books.book(*cost, *most));
        let Some(fund) = &self.fund else { return };
        let each = costs.iter().map(|(cost, _)| cost.known.or(cost.presumed).unwrap_or(0));
        let now = each.fold(0u64, u64::saturating_add);
        let rest = amount.saturating_sub(now.saturating_add(before));
        let own = fund.booking();
        let booking = booking.filter(|booking| booking.file == own.file).unwrap_or(&own);
        fund.give_back(rest, &booking.day);
        books.allowed = books.allowed.saturating_sub(rest.saturating_add(before));
        self.cover(&mut books);
    }

    /// Books what was spent beyond what the fund has let this run have.
    fn cover(&self, books: &mut Books) {
        let more = books.taken().saturating_sub(books.allowed);
        let Some(fund) = self.fund.as_ref().filter(|_| more > 0) else { return };
        match fund.book(more) {
            Ok(()) => books.allowed = books.allowed.saturating_add(more),
            Err(error) => tracing::warn!(%error, "what was spent is not booked in the shared budget yet"),
        }
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
        let of_all = self
            .fund
            .as_ref()
            .filter(|_| self.limit.is_none_or(|limit| books.spent().saturating_add(amount) <= limit));
        let whose = match (of_all, self.limit) {
            (Some(fund), _) => format!("the budget of {fund}"),
            (None, limit) => format!("the budget of ${}", dollars(limit.unwrap_or(0))),
        };
        let what = format!(
            "{whose} is used up: this run had spent ${spent:.6} when a question came that may cost ${next:.6}"
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
            fund.give_back(books.allowed.saturating_sub(books.taken()), &fund.booking().day);
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
        self.ledger.cover(&mut books);
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
