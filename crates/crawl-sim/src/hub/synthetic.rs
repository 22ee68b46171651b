//! A listing of models that nobody made, written as a crawl would have: for trying things out without the Hub.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crawl_core::{
    Context, Cursor, Error, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store, pump,
};

use super::fields::Fields;
use super::row::Row;
use super::world::{HubKind, World};
use super::write;

/// Rows a page, as the Hub has.
const ROWS: u64 = 1000;
/// Before every id: nobody on the Hub has such a name.
const BEFORE: &str = "synthetic-";

/// Writes `rows` models into `ROOT/hf/models`, with the fields of a heavy listing and `"synthetic": true` in each. The
/// same seed makes the same models. A run that was stopped is gone on with. Memory does not depend on their number.
///
/// # Errors
/// If the folder cannot be written, or holds another listing.
pub async fn synthetic(root: &Path, rows: u64, seed: u64) -> io::Result<()> {
    let source = Synthetic::new(rows, seed).map_err(io::Error::other)?;
    let written = pump(&source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await;
    written.map(drop).map_err(|error| io::Error::other(format!("{error} ({})", error.advice())))
}

struct Synthetic {
    id: SourceId,
    world: Arc<World>,
    fields: Fields,
}

impl Synthetic {
    fn new(rows: u64, seed: u64) -> Result<Self> {
        let altered = Arc::default();
        let world = World { kind: HubKind::Models, seed, count: rows, horizon: rows, touched: 0, altered };
        Ok(Synthetic {
            id: SourceId::new("hf/models")?,
            world: Arc::new(world),
            fields: Fields::heavy_models(),
        })
    }

    fn number(at: &Cursor) -> Result<u64> {
        if at.is_start() {
            return Ok(0);
        }
        let odd = |cause| Error::new(Kind::Storage, "the checkpoint's cursor is no number").because(cause);
        at.as_str().parse().map_err(odd)
    }

    fn following(&self, number: u64) -> Option<Cursor> {
        let next = number + 1;
        (next.saturating_mul(ROWS) < self.world.count).then(|| Cursor::new(next.to_string()))
    }

    fn rows(&self, number: u64) -> Result<Vec<Record>> {
        let until = ((number + 1) * ROWS).min(self.world.count);
        let row = |index| {
            let mut text = Vec::with_capacity(3000);
            write::row(&mut text, &Row::new(&self.world, index), &self.fields, BEFORE);
            text.pop();
            text.extend_from_slice(b",\"synthetic\":true}");
            Record::parse(text)
        };
        (number * ROWS..until).map(row).collect()
    }
}

impl Source for Synthetic {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        // Whoever reads it takes it for the listing of a Hub of its own: it never mixes with rows of the real one.
        Settings::default()
            .with("endpoint", format!("synthetic:{}:{}", self.world.seed, self.world.count))
            .with("sort", "createdAt")
            .with("expand", format!("{},synthetic", self.fields.names().join(",")))
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        self.following(Self::number(at).ok()?)
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let number = Self::number(at)?;
        Ok(Some(Page::new(self.rows(number)?, self.following(number))))
    }
}
