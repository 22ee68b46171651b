//! Money: prices from a file, and a budget that is kept.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;
use tokio::sync::Notify;

use crate::Reply;

/// What a model costs, in dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model; also of its dated versions, `NAME-2025-07-18`.
    pub model: String,
    /// Tokens sent.
    pub input: f64,
    /// Tokens sent that the endpoint had from a question before [default: as `input`].
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Tokens received.
    pub output: f64,
    /// What a batch costs, as a share of the price [default: 1].
    #[serde(default)]
    pub batch: Option<f64>,
    /// When the price was read, and where.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// The prices of a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    #[serde(default, rename = "price")]
    prices: Vec<Price>,
}

impl Prices {
    /// Reads a file of prices.
    ///
    /// # Errors
    /// [`Kind::Config`] with file and line of what is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::new(Kind::Config, "cannot read the prices").at(&place).because(cause))?;
        let prices: Prices = toml::from_str(&text).map_err(|cause| {
            let at = cause.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count() + 1;
            Error::new(Kind::Config, format!("the file of prices is wrong: {}", cause.message()))
                .at(format!("{place}:{line}"))
                .advise("correct the file; configs/prices.toml shows the form")
        })?;
        let bad = |price: &&Price| !(price.input >= 0.0 && price.output >= 0.0);
        match prices.prices.iter().find(bad) {
            Some(price) => Err(Error::new(Kind::Config, "a price is less than nothing").at(&price.model)),
            None => Ok(prices),
        }
    }

    /// The price of a model; `None` if it is not known.
    pub fn find(&self, model: &str) -> Option<&Price> {
        let dated = |name: &str| {
            let rest = model.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|date| {
                date.len() >= 8 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
            })
        };
        let exact = self.prices.iter().find(|price| price.model == model);
        exact.or_else(|| self.prices.iter().find(|price| dated(&price.model)))
    }
}

impl Price {
    /// A price for whatever model is asked.
    pub fn of(model: &str, input: f64, output: f64) -> Self {
        let (cached_input, batch, as_of) = (None, None, None);
        Price { model: model.to_owned(), input, cached_input, output, batch, as_of }
    }

    /// The same in a batch.
    pub fn in_batch(&self) -> Self {
        let share = self.batch.unwrap_or(1.0);
        Price {
            input: self.input * share,
            cached_input: self.cached_input.map(|price| price * share),
            output: self.output * share,
            ..self.clone()
        }
    }

    /// Dollars for so many tokens sent and received.
    pub fn cost(&self, sent: f64, received: f64) -> f64 {
        (sent * self.input + received * self.output) / 1e6
    }

    /// Dollars that a reply cost.
    pub fn of_reply(&self, reply: &Reply) -> f64 {
        let cached = reply.cached_tokens.min(reply.prompt_tokens) as f64;
        let saved = cached * (self.input - self.cached_input.unwrap_or(self.input)) / 1e6;
        // Whole billionths of a dollar: no tail of binary fractions in files.
        let cost = self.cost(reply.prompt_tokens as f64, reply.completion_tokens as f64) - saved;
        (cost * 1e9).round() / 1e9
    }
}

/// A budget for one run. What is in flight is reserved at its high estimate before it is sent.
#[derive(Debug)]
pub struct Budget {
    limit: Option<f64>,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    spent: f64,
    reserved: f64,
}

/// Reserved money; dropped without a word about what was paid, it is free again.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    budget: &'a Budget,
    amount: f64,
}

impl Budget {
    /// A budget of so many dollars; `None` never ends.
    pub fn new(limit: Option<f64>) -> Self {
        Budget { limit, state: Mutex::default(), freed: Notify::new() }
    }

    /// Dollars spent so far, as far as prices were known.
    pub fn spent(&self) -> f64 {
        self.lock().spent
    }

    /// The budget in dollars.
    pub fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// So much was paid without being reserved.
    pub(crate) fn pay(&self, amount: f64) {
        self.lock().spent += amount;
    }

    /// Reserves money for a question; waits for what is in flight if that may free enough.
    ///
    /// # Errors
    /// [`Kind::Limited`] if the question could pass the budget even with nothing else in flight.
    pub(crate) async fn reserve(&self, amount: f64) -> Result<Reserved<'_>> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut state = self.lock();
                let fits = self.limit.is_none_or(|limit| state.spent + state.reserved + amount <= limit);
                if fits {
                    state.reserved += amount;
                    return Ok(Reserved { budget: self, amount });
                }
                if state.reserved <= 1e-12 {
                    return Err(self.used_up(state.spent, amount));
                }
            }
            freed.await;
        }
    }

    fn used_up(&self, spent: f64, amount: f64) -> Error {
        let limit = self.limit.unwrap_or(0.0);
        let what = format!(
            "the budget of ${limit} is used up: ${spent:.6} spent, and the next question may cost ${amount:.6}"
        );
        Error::new(Kind::Limited, what)
            .advise("what was paid is in the cache; run the same command with a larger --budget to go on")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserved<'_> {
    /// So much of it was paid.
    pub(crate) fn paid(&self, amount: f64) {
        self.budget.lock().spent += amount;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.reserved = (state.reserved - self.amount).max(0.0);
        drop(state);
        self.budget.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_budget_waits_for_what_is_in_flight_and_then_ends() {
        let budget = Budget::new(Some(1.0));
        let first = budget.reserve(0.6).await.unwrap();
        let second = async {
            let second = budget.reserve(0.6).await.unwrap();
            second.paid(0.5);
        };
        let free = async {
            tokio::task::yield_now().await;
            first.paid(0.3);
            drop(first);
        };
        tokio::join!(second, free);
        let error = budget.reserve(0.6).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Limited);
        assert!((budget.spent() - 0.8).abs() < 1e-9);
        assert!(budget.reserve(0.1).await.is_ok());
    }

    #[test]
    fn a_dated_version_has_the_price_of_its_model_and_no_other_has() {
        let prices = Prices { prices: vec![Price::of("gpt-4o", 2.5, 10.0)] };
        assert!(prices.find("gpt-4o").is_some() && prices.find("gpt-4o-2024-11-20").is_some());
        assert!(prices.find("gpt-4o-mini").is_none() && prices.find("gpt-4").is_none());
    }
}
