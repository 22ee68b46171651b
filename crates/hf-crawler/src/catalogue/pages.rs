//! What the pages of a run tell, as sightings.

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Missing, Record, Result};

use super::row::{Key, Sighting};
use super::run::Source;

/// The repository that a missing row is of, where it tells it. One without an `_id` could be any.
pub(super) fn key_of_missing(missing: &Missing) -> Option<Key> {
    let raw = Raw::parse(missing.raw.as_ref()?.get().as_bytes()).ok()?;
    let object_id = raw.get("_id")?.str().filter(|id| !id.is_empty())?;
    Key::new(Some(&object_id), None)
}

impl Source {
    /// All that page `number` (from 1) tells; `run` is the place of this run among those that are folded.
    pub(super) fn page(&self, run: u32, number: u64) -> Result<Vec<Sighting>> {
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let (at, misses) = *self.pages.get(place).ok_or_else(|| self.unlike(number))?;
        let mut seen = Vec::new();
        for record in self.stored.records(number)? {
            let key = Key::of(record.raw()).ok_or_else(|| self.nameless(number, &record))?;
            seen.push(Sighting { key, run, at, record: Some(record) });
        }
        if misses && self.told.lists {
            let missing = self.stored.missing(number)?;
            let keys = missing.iter().filter_map(key_of_missing);
            seen.extend(keys.map(|key| Sighting { key, run, at, record: None }));
        }
        Ok(seen)
    }

    fn unlike(&self, number: u64) -> Error {
        Error::new(Kind::Storage, format!("the manifest tells nothing of page {number}")).at(self
            .stored
            .folder()
            .display()
            .to_string())
    }

    fn nameless(&self, number: u64, record: &Record) -> Error {
        let head: String = String::from_utf8_lossy(record.bytes()).chars().take(200).collect();
        Error::new(Kind::Shape, format!("page {number} holds a row without an id"))
            .at(self.stored.folder().display().to_string())
            .because(head)
            .advise("nothing was written; run `record-converter` on it to see the row")
    }
}
