//! Sinks: places that keep pages and remember how many.

use serde::{Deserialize, Serialize};

use crate::files::Files;
use crate::{Cursor, Manifest, Mark, Page, Result, Settings, SourceId, Tally};

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
    /// Files that the records name.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub files: u64,
    /// Bytes of those files.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub file_bytes: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Totals {
    /// Adds the page that a line of the manifest is about.
    pub fn add(&mut self, line: &Manifest) {
        self.listed += line.listed();
        self.records += line.records;
        self.missing += line.missing;
        self.bytes += line.bytes;
        self.files += line.files;
        self.file_bytes += line.file_bytes;
        for (reason, count) in &line.dropped {
            *self.dropped.entry(reason.clone()).or_default() += count;
        }
    }
}

/// How many pages are committed, and what comes after them. Readers look at no page beyond `pages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The version of this file's form: 1, or 2 where pages name files or marks, which older programs do not know.
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
    /// How many marks of `seen.bin` belong to the committed pages.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub marks: u64,
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
            marks: 0,
        }
    }

    /// The checkpoint with one page more: the one that a line of the manifest is about, which is `line_bytes` long.
    pub fn after(&self, line: &Manifest, line_bytes: u64) -> Self {
        let mut totals = self.totals.clone();
        totals.add(line);
        Checkpoint {
            version: if line.files + line.marks > 0 { 2 } else { self.version },
            pages: line.number,
            next: line.next.clone(),
            settings: self.settings.clone(),
            totals,
            manifest_bytes: self.manifest_bytes + line_bytes,
            marks: self.marks + line.marks,
        }
    }

    /// Whether the listing has ended.
    pub fn ended(&self) -> bool {
        self.next.is_none()
    }
}

/// A place that keeps pages and remembers how many. `write` and `commit` are the one rule, spelled as methods.
pub trait Sink: Send + Sync {
    /// How far the listing has come. A page that was written whole before a crash counts. From here on the sink is
    /// the listing's only writer, for as long as it lives.
    fn checkpoint(&self, id: &SourceId) -> impl Future<Output = Result<Checkpoint>> + Send;

    /// The marks of the records that the committed pages have kept, where the order of the listing moves.
    fn marks(&self, id: &SourceId, at: &Checkpoint) -> impl Future<Output = Result<Vec<Mark>>> + Send;

    /// Where files that records name go.
    fn files(&self) -> Files;

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
