//! What answers cost: prices and budgets.

mod cost;
pub(crate) mod fund;
pub(crate) mod ledger;
pub mod litellm;
#[cfg(test)]
mod mutated;
mod price;
pub(crate) mod tokens;
mod usage;

pub(crate) use cost::Cost;
pub use fund::{Fund, Period};
pub use ledger::{Books, Ledger};
pub use price::{Price, Prices, nano};
pub(crate) use price::{dollars, undated};
pub use usage::{Spent, Usage};
