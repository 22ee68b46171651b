//! Room on the disk: how much waits for the bucket, and a crawl that is held back while it is too much.

use std::time::Duration;

use crawl_core::{Error, Kind, Manifest, Result, Stored};

use super::{Behind, Crawl};

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
            if let Some(why) = &self.state().failed {
                return Err(Error::new(Kind::Storage, format!("the bucket does not take the pages: {why}"))
                    .advise("the committed pages are safe on the disk; run the same command again"));
            }
            let stopped = self.state().crawl == Crawl::Stopped;
            let counted = self.state().counted;
            if stopped || self.budget.is_none_or(|budget| counted && self.waiting().1 <= budget) {
                return Ok(());
            }
            if tokio::time::timeout(TELL_WAITING, freed).await.is_err() {
                let ((waiting, bytes), budget) = (self.waiting(), self.budget);
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
