//! How much of what there is a listing saw: a fold over its manifest.

use std::path::Path;

use crawl_core::{Cursor, Result, SourceId, Stored};
use serde::Serialize;

use crate::listed::Place;
use crate::slices::Slice;

/// What one query of a listing showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Query {
    /// The slice, as cursors spell it: a window of sizes, or a number.
    pub slice: String,
    /// Rows that it showed.
    pub rows: u64,
    /// Those of them that no query before had shown.
    pub new: u64,
    /// Why there may be more, if there is a reason.
    pub capped: Option<String>,
}

/// What a listing expected, saw and could not see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// How many items there should be, where somebody says so.
    pub expected: Option<u64>,
    /// Items that were seen, each once.
    pub seen: u64,
    /// Rows that could not be read.
    pub missing: u64,
    /// Rows that came a second time.
    pub repeated: u64,
    /// Whether the listing has ended.
    pub ended: bool,
    /// All queries, in order.
    pub queries: Vec<Query>,
}

impl Coverage {
    /// Of the listing `name` below `root`. Where nobody says how many items are `expected`, the listing may: what the
    /// service told last, if it was asked for all at once (what several queries show overlaps).
    ///
    /// # Errors
    /// Those of reading its manifest.
    pub fn of(root: &Path, name: &str, expected: Option<u64>) -> Result<Self> {
        let stored = Stored::open(root, &SourceId::new(name)?)?;
        let mut coverage = Coverage { ended: stored.checkpoint().ended(), ..Coverage::default() };
        let mut told = None;
        for line in stored.manifest()? {
            // The first page has no cursor: its slice is the first, whatever the listing is cut by.
            let slice = match Place::read(&line.cursor) {
                Some(place) => place.slice.to_string(),
                None => {
                    coverage.queries.first().map_or_else(|| first(&line.next), |query| query.slice.clone())
                }
            };
            if coverage.queries.last().is_none_or(|query| query.slice != slice) {
                coverage.queries.push(Query { slice, ..Query::default() });
            }
            let query = coverage.queries.last_mut().expect("one was just put there");
            let dropped: u64 = line.dropped.values().sum();
            query.rows += line.records + line.missing + dropped;
            query.new += line.records;
            query.capped = query.capped.take().or(line.doubt);
            let total = |at: &Cursor| Place::read(at).and_then(|place| place.total);
            told = line.next.as_ref().and_then(total).or(told);
            coverage.seen += line.records;
            coverage.missing += line.missing;
            coverage.repeated += dropped;
        }
        coverage.expected = expected.or(told.filter(|_| coverage.queries.len() == 1));
        Ok(coverage)
    }

    /// Queries that may have hidden something.
    pub fn capped(&self) -> impl Iterator<Item = &Query> {
        self.queries.iter().filter(|query| query.capped.is_some())
    }
}

/// The slice of the first page, told by the place behind it.
fn first(next: &Option<Cursor>) -> String {
    let place = next.as_ref().and_then(Place::read);
    match place.map(|place| place.slice) {
        Some(Slice::Window(..)) => "0-".into(),
        _ => "0".into(),
    }
}
