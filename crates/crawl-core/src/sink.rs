//! Sinks: places that keep pages and remember how many.

use serde::{Deserialize, Serialize};

use crate::{Cursor, Manifest, Page, Result, Settings, SourceId, Tally};

/// What the committed pages hold. `listed = records + missing + the sum of dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Records that came in.
    pub listed: u64,
    /// Records that were kept.
    pub records: u64,
    /// Records that could not be had.
    pub missing: u64,
    /// Records that were left out on purpose, by reason.
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    pub dropped: Tally,
    /// Bytes of the page files.
    pub bytes: u64,
}

impl Totals {
    /// Adds a page.
    pub fn add(&mut self, records: u64, missing: u64, dropped: &Tally, bytes: u64) {
        self.listed += records + missing + dropped.values().sum::<u64>();
        self.records += records;
        self.missing += missing;
        self.bytes += bytes;
        for (reason, count) in dropped {
            *self.dropped.entry(reason.clone()).or_default() += count;
        }
    }
}

/// How many pages are committed, and what comes after them. Readers look at no page beyond `pages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The version of this file's form.
    pub version: u32,
    /// How many pages are committed: numbers 1 to `pages`.
    pub pages: u64,
    /// The cursor of the next page; `None` if the listing has ended.
    pub next: Option<Cursor>,
    /// What a resume must agree with; `None` before the first page.
    pub settings: Option<Settings>,
    /// What the committed pages hold.
    pub totals: Totals,
    /// The length of the manifest that belongs to the committed pages, in bytes.
    pub manifest_bytes: u64,
}

impl Checkpoint {
    /// The beginning of a listing.
    pub fn start() -> Self {
        Checkpoint {
            version: 1,
            pages: 0,
            next: Some(Cursor::default()),
            settings: None,
            totals: Totals::default(),
            manifest_bytes: 0,
        }
    }

    /// The checkpoint with one page more: the one that a line of the manifest is about, which is `line_bytes` long.
    pub fn after(&self, line: &Manifest, line_bytes: u64) -> Self {
        let mut totals = self.totals.clone();
        totals.add(line.records, line.missing, &line.dropped, line.bytes);
        Checkpoint {
            version: self.version,
            pages: line.number,
            next: line.next.clone(),
            settings: self.settings.clone(),
            totals,
            manifest_bytes: self.manifest_bytes + line_bytes,
        }
    }

    /// Whether the listing has ended.
    pub fn ended(&self) -> bool {
        self.next.is_none()
    }
}

/// A place that keeps pages and remembers how many. The two steps are the one rule, spelled as methods.
pub trait Sink: Send + Sync {
    /// How far the listing has come. A page that was written whole before a crash counts.
    fn checkpoint(&self, id: &SourceId) -> impl Future<Output = Result<Checkpoint>> + Send;

    /// Makes `page` durable as number `at.pages + 1`, still invisible to readers. Gives the checkpoint to commit.
    fn write(
        &self,
        id: &SourceId,
        at: &Checkpoint,
        page: Page,
    ) -> impl Future<Output = Result<Checkpoint>> + Send;

    /// Moves the checkpoint: from here on readers see the page.
    fn commit(&self, id: &SourceId, to: &Checkpoint) -> impl Future<Output = Result<()>> + Send;
}
