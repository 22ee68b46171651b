//! When to stop: what fails again and again in one way will fail for all others too.

use crawl_core::{Error, Kind};

/// So many in a row fail alike, and no more are tried.
const MOST_ALIKE: u32 = 20;

/// How many in a row the service failed in the same way.
#[derive(Debug, Default)]
pub struct InVain {
    /// One went well.
    well: bool,
    fault: Option<(Kind, Option<u16>)>,
    count: u32,
}

impl InVain {
    /// One went well.
    pub fn well(&mut self) {
        *self = InVain { well: true, ..InVain::default() };
    }

    /// Whether the service fails whatever it is asked: the error concerns all, or it is the last of many alike and nothing
    /// has ever gone well, or the service is out of reach.
    pub fn is_after(&mut self, error: &Error) -> bool {
        if error.concerns_all() {
            return true;
        }
        if !error.place().starts_with("s3://") {
            return false;
        }
        let fault = Some((error.kind(), error.status()));
        self.count = if self.fault == fault { self.count + 1 } else { 1 };
        self.fault = fault;
        self.count >= MOST_ALIKE && (!self.well || error.kind() == Kind::Transient)
    }
}
