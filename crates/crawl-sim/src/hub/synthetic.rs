//! A listing of models that nobody made, written as a crawl would have: for trying things out without the Hub.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crawl_core::{
    Context, Cursor, Error, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store, pump,
};

use super::fields::Fields;
use super::files;
use super::row::Row;
use super::weights::{self, Keeping, Model};
use super::world::{HubKind, World};
use super::write;
use crate::json::{self, Array};

/// Rows a page, as the Hub has.
const ROWS: u64 = 1000;
/// Before every id: nobody on the Hub has such a name.
const BEFORE: &str = "synthetic-";
/// One in so many rows has details, if it is one of those that are as large as real ones and have a configuration.
const DETAILED: u64 = 9;

/// Writes `rows` models into `ROOT/hf/models`, with the fields of a heavy listing and `"synthetic": true` in each; and of
/// some of them, into `ROOT/hf/models-details`, files and `config.json`, without which nobody knows what memory they need.
/// The same seed makes the same models. A run that was stopped is gone on with. Memory does not depend on their number.
///
/// # Errors
/// If the folder cannot be written, or holds another listing.
pub async fn synthetic(root: &Path, rows: u64, seed: u64) -> io::Result<()> {
    for what in [What::Listing(Fields::heavy_models()), What::Details] {
        let source = Synthetic::new(rows, seed, what).map_err(io::Error::other)?;
        let written = pump(&source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await;
        written.map_err(|error| io::Error::other(format!("{error} ({})", error.advice())))?;
    }
    Ok(())
}

struct Synthetic {
    id: SourceId,
    world: Arc<World>,
    what: What,
}

/// What is told of the models.
enum What {
    Listing(Fields),
    Details,
}

impl Synthetic {
    fn new(rows: u64, seed: u64, what: What) -> Result<Self> {
        let altered = Arc::default();
        let world = World { kind: HubKind::Models, seed, count: rows, horizon: rows, touched: 0, altered };
        let id = if let What::Details = what { "hf/models-details" } else { "hf/models" };
        Ok(Synthetic { id: SourceId::new(id)?, world: Arc::new(world), what })
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
        let rows = (number * ROWS..until).filter_map(|index| {
            let row = Row::new(&self.world, index);
            let mut text = Vec::with_capacity(3000);
            match &self.what {
                What::Listing(fields) => write::row(&mut text, &row, fields, BEFORE),
                What::Details => details(&mut text, &row)?,
            }
            text.pop();
            text.extend_from_slice(b",\"synthetic\":true}");
            Some(Record::parse(text))
        });
        rows.collect()
    }
}

/// Files and configuration as `hf-crawler details` keeps them; `None` of those that have no details.
fn details(out: &mut Vec<u8>, row: &Row<'_>) -> Option<()> {
    let chosen = row.index % DETAILED == DETAILED - 1 && weights::is_large(row.index);
    let open = row.traits.gated == "false" && !row.is_disabled();
    let model = Some(Model::of(row)).filter(|_| chosen && open)?;
    let config = model.config(row.index);
    let is_json = model.keeping == Keeping::Safetensors && Record::parse(config.clone()).is_ok();
    is_json.then(|| {
        json::object(out, |object| {
            object.text("_id", &row.world.object_id(row.index));
            object.text("id", &(BEFORE.to_owned() + &row.id()));
            object.text("sha", &row.sha());
            object.key("config.json").extend_from_slice(config.trim_ascii());
            let mut files = Array::new(object.key("files"));
            for file in files::all(row) {
                json::object(files.item(), |entry| {
                    entry.text("path", &file.path);
                    entry.plain("size", file.content(row).size);
                });
            }
            files.end();
        });
    })
}

impl Source for Synthetic {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        // Whoever reads it takes it for the listing of a Hub of its own: it never mixes with rows of the real one.
        let settings = Settings::default()
            .with("endpoint", format!("synthetic:{}:{}", self.world.seed, self.world.count));
        match &self.what {
            What::Listing(fields) => settings
                .with("sort", "createdAt")
                .with("expand", format!("{},synthetic", fields.names().join(","))),
            What::Details => settings.with("details", "config,files"),
        }
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        self.following(Self::number(at).ok()?)
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let number = Self::number(at)?;
        Ok(Some(Page::new(self.rows(number)?, self.following(number))))
    }
}
