//! Outages of the bucket: sat out for an hour, while the crawl goes on.

use std::time::{Duration, Instant};

use crawl_core::{Error, Kind, Result};

use super::{Behind, Crawl, Shared};

/// So long a bucket that had answered may be out of reach before it is an error; the crawl goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How long the bucket has been out of reach.
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    tries: u32,
}

impl Outage {
    /// Whether patience has ended, or waiting cannot help.
    pub(super) fn is_over(&mut self, error: &Error) -> bool {
        let passes = matches!(error.kind(), Kind::Transient | Kind::Limited);
        !passes || self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    }

    /// One second, two, four, up to a minute.
    pub(super) fn wait(&mut self) -> Duration {
        self.tries += 1;
        Duration::from_secs(1 << (self.tries - 1).min(6)).min(Duration::from_secs(60))
    }
}

impl Behind {
    /// Waits; whether a stop was heard.
    pub(super) async fn pause(&self, time: Duration) -> bool {
        let until = tokio::time::Instant::now() + time;
        loop {
            let woken = tokio::time::timeout_at(until, self.shared.changed.notified()).await.is_ok();
            let stopped = self.state().crawl == Crawl::Stopped;
            if stopped || !woken {
                return stopped;
            }
        }
    }
}

impl Shared {
    /// Waits before what failed is tried again; comes back with `error` if waiting cannot help, or the run has failed.
    ///
    /// # Errors
    /// `error` itself; [`Kind::Stopped`] if the crawl is to stop.
    pub(super) async fn sit_out(&self, outage: &mut Outage, error: Error) -> Result<()> {
        if outage.is_over(&error) {
            return Err(error);
        }
        tracing::warn!(%error, "the bucket is out of reach; trying again for an hour");
        let until = tokio::time::Instant::now() + outage.wait();
        loop {
            let mut woken = std::pin::pin!(self.room.notified());
            woken.as_mut().enable();
            if self.state().failed.is_some() {
                return Err(error);
            }
            if self.state().crawl == Crawl::Stopped {
                return Err(
                    Error::new(Kind::Stopped, "stopped while the bucket was out of reach").because(error)
                );
            }
            if tokio::time::timeout_at(until, woken).await.is_err() {
                return Ok(());
            }
        }
    }
}
