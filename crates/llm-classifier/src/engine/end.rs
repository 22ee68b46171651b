//! The end of a run that must stop: the first error is the one that counts.

use std::error::Error as _;
use std::sync::OnceLock;

use crawl_core::Error;

/// Why the run must stop, once it must.
#[derive(Debug, Default)]
pub(crate) struct End(OnceLock<Error>);

impl End {
    /// Stops the run.
    pub(crate) fn stop(&self, error: Error) {
        let _ = self.0.set(error);
    }

    /// Why the run must stop, for each of the pages that are under way.
    pub(crate) fn why(&self) -> Option<Error> {
        let error = self.0.get()?;
        let mut copy = Error::new(error.kind(), error.to_string()).advise(error.advice());
        if let Some(status) = error.status() {
            copy = copy.with_status(status);
        }
        Some(match error.source() {
            Some(cause) => copy.because(chain(cause)),
            None => copy,
        })
    }

    /// Whether the run must stop.
    pub(crate) fn has_come(&self) -> bool {
        self.0.get().is_some()
    }
}

fn chain(cause: &dyn std::error::Error) -> String {
    match cause.source() {
        Some(inner) => format!("{cause}: {}", chain(inner)),
        None => cause.to_string(),
    }
}
