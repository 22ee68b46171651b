//! What a try that brought no answer costs.

use crawl_core::http::never_sent;
use crawl_core::{Error, Kind};

use crate::money::{Price, nano};
use crate::reply::{Reply, is_filtered};

/// What an answer or a failure cost, in billionths of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// By the endpoint's own counts.
    pub(crate) known: Option<u64>,
    /// The most that is possible, where it did not count.
    pub(crate) presumed: Option<u64>,
}

impl Cost {
    /// What an answer cost, or the most that it can have cost if the endpoint did not count.
    pub(crate) fn of(reply: &Reply, price: &Price, at_most: u64) -> Self {
        let known = price.of_reply(reply);
        // It may have counted one half, and that more than it was allowed to.
        let counted = |tokens: Option<u64>| tokens.unwrap_or(0) as f64;
        let told = price.cost(counted(reply.prompt_tokens), counted(reply.completion_tokens));
        Cost { known, presumed: known.is_none().then(|| at_most.max(nano(told))) }
    }

    /// What a failure cost. `sent` are the bytes of its question, `within` is what came with a failure that was told inside
    /// a success.
    pub(crate) fn of_failure(
        error: &Error,
        within: Option<&Reply>,
        price: &Price,
        sent: usize,
        at_most: u64,
    ) -> Self {
        let presumed = |most: u64| Cost { known: None, presumed: Some(most.min(at_most)) };
        match within {
            // Where a part of an answer was made and nobody tells how much, all that was possible.
            Some(reply) if reply.is_counted() || reply.has_something() => Cost::of(reply, price, at_most),
            // Azure's filter reads the question before it refuses it, and that is paid.
            _ if is_filtered(error) => presumed(nano(price.cost(sent as f64, 0.0))),
            _ if is_unpaid(error) => Cost { known: Some(0), presumed: None },
            _ => presumed(at_most),
        }
    }
}

/// Whether nothing was paid: not for what was never sent, and not for refusals; but where a server in between lost its
/// patience, the one behind it may have answered.
fn is_unpaid(error: &Error) -> bool {
    let refused = |status: u16| !matches!(status, 408 | 499 | 504 | 524);
    never_sent(error)
        || error.status().is_some_and(refused)
        || (error.status().is_none() && matches!(error.kind(), Kind::Config | Kind::Stopped | Kind::Limited))
}
