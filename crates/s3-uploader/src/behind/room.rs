//! Room on the disk: how much waits for the bucket, and a crawl that is held back while it is too much. Pages and files
//! have one budget; files wait in the order of asking, for the pages that are here go whatever becomes of the files.

use std::sync::Arc;
use std::time::Duration;

use crawl_core::{Error, Kind, Manifest, Result, Stored};

use super::{Behind, Crawl, Shared, State};

/// So often it is told that the crawl waits for the bucket.
const TELL_WAITING: Duration = Duration::from_secs(30);

impl Behind {
    /// Counts the pages that were committed before this run; those of this run were counted then.
    pub(super) fn count(&self, stored: &Stored, lines: &[(Manifest, u64)]) {
        for (line, _) in lines {
            let known = {
                let state = self.state();
                state.crawl == Crawl::Stopped || state.waiting.contains_key(&line.number)
            };
            if !known {
                // Those of this run went when they were done; the files of earlier ones wait with their page.
                let files = if stored.files_path(line.number).exists() { line.file_bytes } else { 0 };
                let bytes = Behind::size(stored, line.number) + files;
                self.state().waiting.entry(line.number).or_insert(bytes);
            }
        }
    }

    /// Bytes of a page that are on the disk.
    pub(super) fn size(stored: &Stored, number: u64) -> u64 {
        let paths = stored.page_paths(number);
        paths.iter().map(|path| path.metadata().map_or(0, |meta| meta.len())).sum()
    }

    /// Waits until the disk has room.
    pub(super) async fn hold(&self) -> Result<()> {
        loop {
            let mut freed = std::pin::pin!(self.shared.room.notified());
            // Heard from here on: what is freed between the question and the wait counts.
            freed.as_mut().enable();
            {
                let state = self.state();
                state.check_taken()?;
                let stopped = state.crawl == Crawl::Stopped;
                if stopped || self.shared.budget.is_none_or(|most| state.counted && state.here() <= most) {
                    return Ok(());
                }
            }
            if tokio::time::timeout(TELL_WAITING, freed).await.is_err() {
                let ((waiting, bytes), budget) = (self.waiting(), self.shared.budget);
                tracing::info!(waiting, bytes, budget, "the crawl waits for the bucket");
            }
        }
    }

    /// How many pages and bytes wait on the disk.
    pub fn waiting(&self) -> (u64, u64) {
        let state = self.state();
        (state.waiting.len() as u64, state.waiting.values().sum())
    }
}

impl State {
    /// Bytes that lie here and are not in the bucket.
    fn here(&self) -> u64 {
        self.files + self.waiting.values().sum::<u64>()
    }

    fn check_taken(&self) -> Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(Error::new(Kind::Storage, format!("the bucket does not take the pages: {why}"))
                .advise("the committed pages are safe on the disk; run the same command again")),
        }
    }
}

/// Room for a file, until this is dropped.
pub(super) struct Room {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shared.state().files -= self.bytes;
        self.shared.room.notify_waiters();
    }
}

impl Shared {
    /// Waits until a file of so many bytes fits beside what is here, in the order of asking; one larger than the budget
    /// goes alone.
    ///
    /// # Errors
    /// [`Kind::Stopped`] after a stop, when nothing more leaves the disk; [`Kind::Storage`] if the bucket takes nothing.
    pub(super) async fn room_for(self: &Arc<Self>, bytes: u64) -> Result<Room> {
        let _turn = self.turn.lock().await;
        loop {
            let mut freed = std::pin::pin!(self.room.notified());
            freed.as_mut().enable();
            {
                let mut state = self.state();
                let here = state.here();
                let fits = |most: u64| state.counted && (here == 0 || here.saturating_add(bytes) <= most);
                if self.budget.is_none_or(fits) {
                    state.files += bytes;
                    return Ok(Room { shared: self.clone(), bytes });
                }
                state.check_taken()?;
                if state.crawl == Crawl::Stopped {
                    return Err(Error::new(Kind::Stopped, "stopped before there was room for a file"));
                }
            }
            freed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// A budget of 100 bytes, of which a page has 60.
    fn shared() -> Arc<Shared> {
        let shared = Arc::new(Shared { budget: Some(100), ..Shared::default() });
        shared.state().counted = true;
        shared.state().waiting.insert(1, 60);
        shared
    }

    #[test]
    fn files_and_pages_share_the_room_and_files_come_in_the_order_of_asking() {
        let shared = shared();
        let first = shared.room_for(40).now_or_never().expect("there is room").unwrap();
        let (mut large, mut small) = (Box::pin(shared.room_for(500)), Box::pin(shared.room_for(1)));
        assert!(large.as_mut().now_or_never().is_none() && small.as_mut().now_or_never().is_none());
        drop(first);
        assert!(small.as_mut().now_or_never().is_none(), "it is not its turn");
        assert!(large.as_mut().now_or_never().is_none(), "a page is here");
        shared.state().waiting.clear();
        shared.room.notify_waiters();
        let large = large.now_or_never().expect("it goes alone").unwrap();
        assert!(small.as_mut().now_or_never().is_none(), "alone");
        drop(large);
        assert!(small.now_or_never().is_some());
        assert_eq!(shared.state().here(), 0);
    }

    #[test]
    fn who_waits_for_room_hears_a_stop_and_a_bucket_that_takes_nothing() {
        for (stops, kind) in [(true, Kind::Stopped), (false, Kind::Storage)] {
            let shared = shared();
            let mut waits = Box::pin(shared.room_for(50));
            assert!(waits.as_mut().now_or_never().is_none());
            if stops {
                shared.state().crawl = Crawl::Stopped;
            } else {
                shared.state().failed = Some("no".into());
            }
            shared.room.notify_waiters();
            let error = waits.now_or_never().expect("it is heard").err().unwrap();
            assert_eq!((error.kind(), shared.state().here()), (kind, 60));
        }
    }
}
