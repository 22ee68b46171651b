//! Room on the disk: how much waits for the bucket, and a crawl that is held back while it is too much.

use std::time::Duration;

use crawl_core::files::Held;
use crawl_core::{Error, Kind, Manifest, Result, Stored};

use super::{Behind, Crawl, Shared, Waiting};

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
                let room = self.shared.budget.as_ref().map(|budget| budget.taken(bytes));
                self.state().waiting.entry(line.number).or_insert(Waiting { bytes, _room: room });
            }
        }
    }

    /// Bytes of a page that are on the disk.
    pub(super) fn size(stored: &Stored, number: u64) -> u64 {
        let paths = stored.page_paths(number);
        paths.iter().map(|path| path.metadata().map_or(0, |meta| meta.len())).sum()
    }

    /// How many pages and bytes wait on the disk.
    pub fn waiting(&self) -> (u64, u64) {
        let state = self.state();
        (state.waiting.len() as u64, state.waiting.values().map(|waiting| waiting.bytes).sum())
    }
}

impl Shared {
    /// Waits until so many more bytes may lie on the disk, once what an earlier run left there is counted.
    pub(super) async fn room(&self, bytes: u64) -> Result<Held> {
        let Some(budget) = &self.budget else { return self.none_needed() };
        let mut room = std::pin::pin!(budget.room(bytes));
        loop {
            let mut changed = std::pin::pin!(self.room.notified());
            // Heard from here on: what changes between the question and the wait counts.
            changed.as_mut().enable();
            let (counted, stopped) = {
                let state = self.state();
                (state.counted, state.crawl == Crawl::Stopped)
            };
            if stopped {
                return self.none_needed();
            }
            self.none_needed()?;
            tokio::select! {
                held = &mut room, if counted => return Ok(held),
                () = changed => {}
                () = tokio::time::sleep(TELL_WAITING) => {
                    let waiting = self.state().waiting.len();
                    tracing::info!(waiting, "the crawl waits for the bucket");
                }
            }
        }
    }

    /// Without a budget, or after a stop, nobody waits; but the crawl does not go on where the bucket takes nothing.
    fn none_needed(&self) -> Result<Held> {
        match &self.state().failed {
            None => Ok(Box::new(())),
            Some(why) => Err(Error::new(Kind::Storage, format!("the bucket does not take the pages: {why}"))
                .advise("the committed pages are safe on the disk; run the same command again")),
        }
    }
}
