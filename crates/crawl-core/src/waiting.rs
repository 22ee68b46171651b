//! What everybody waits for, as it is told.

use std::time::Duration;

/// Why nobody sends for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The service's rate limit is used up.
    RateLimit,
    /// The service is busy and asked to wait.
    Busy,
    /// The service failed more than once.
    Failing,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::RateLimit => "for the rate limit",
            Why::Busy => "because the service is busy and asks us to",
            Why::Failing => "because the service fails",
        })
    }
}

/// How long nobody sends, from now, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How long, from now.
    pub left: Duration,
    /// Why.
    pub why: Why,
}
