//! Whether a listing gets anywhere: a broken server may go on for ever with new cursors and nothing new.

use std::collections::HashMap;

use crawl_core::{Error, Kind, Result};

/// Of a page, the first id and about one in so many others are remembered: enough to know the page again.
const ONE_IN: u64 = 32;
/// So many empty pages in succession may be a filter that finds little.
const MOST_EMPTY: u32 = 50;
/// So many pages in succession without any new row are no accident, whatever the order.
const MOST_KNOWN: u32 = 5;

/// Which rows of this run were seen at which place. About 30 KB for 100,000 rows.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    places: HashMap<u64, u64>,
    empty: u32,
    known: u32,
    doubted: bool,
}

impl Trail {
    /// Whether an id, given as a hash, is one to remember. `first` says that it is the first of its page.
    pub(crate) fn remembers(id: u64, first: bool) -> bool {
        first || id.is_multiple_of(ONE_IN)
    }

    /// Whether this is the first doubt of the run: the others need not be told.
    pub(crate) fn doubts_first_time(&mut self) -> bool {
        !std::mem::replace(&mut self.doubted, true)
    }

    /// Notes the page at `place` (a hash) with the ids that are to be remembered.
    ///
    /// # Errors
    /// [`Kind::Shape`] if the listing has not brought anything new for too long.
    pub(crate) fn step(&mut self, place: u64, ids: &[u64]) -> Result<()> {
        let mut new = false;
        for id in ids {
            // The same place may be asked for again.
            new |= *self.places.entry(*id).or_insert(place) == place;
        }
        match (ids.is_empty(), new) {
            (true, _) => self.empty += 1,
            (false, true) => (self.empty, self.known) = (0, 0),
            (false, false) => self.known += 1,
        }
        let what = match (self.empty, self.known) {
            (MOST_EMPTY.., _) => {
                format!("{} pages in succession hold no row, and another is said to follow", self.empty)
            }
            (_, MOST_KNOWN..) => format!("{} pages hold nothing but rows that came before", self.known),
            _ => return Ok(()),
        };
        Err(Error::new(Kind::Shape, format!("the listing does not come to an end: {what}"))
            .advise("the server's paging is broken: run again later, or ask the Hub itself in a new root"))
    }
}
