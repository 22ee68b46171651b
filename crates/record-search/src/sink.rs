//! An index as a sink: a crawl straight into it, with the house's checkpoint.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::{Checkpoint, Error, Files, Kind as Why, Mark, Page, Result, Sink, SourceId};

use crate::mapping::{Mapped, Mapping};
use crate::writer::Writer;

/// Keeps the pages of a listing in an index. `write` appends the vectors and makes them durable, `commit` is that of the
/// text index, with the checkpoint in it. A page that was written and not committed is asked for again; what is there
/// already is left as it is, so no document is there twice, and a row that comes again updates.
///
/// Each page is a commit of the text index, which costs as much for ten rows as for thousands: let pages be large.
#[derive(Clone)]
pub struct IndexSink {
    writer: Arc<Mutex<Writer>>,
    mapping: Arc<Mapping>,
    files: PathBuf,
}

impl IndexSink {
    /// A sink that maps records by `mapping`; files that pages name go below `files`.
    pub fn new(writer: Writer, mapping: Mapping, files: impl Into<PathBuf>) -> Self {
        IndexSink { writer: Arc::new(Mutex::new(writer)), mapping: Arc::new(mapping), files: files.into() }
    }

    /// Does something with the writer, where it holds up nobody.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer, &Mapping) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (writer, mapping) = (self.writer.clone(), self.mapping.clone());
        let done = tokio::task::spawn_blocking(move || {
            work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner), &mapping)
        });
        done.await
            .map_err(|cause| Error::new(Why::Storage, "the work on the index broke off").because(cause))?
    }
}

impl Sink for IndexSink {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        let id = id.clone();
        self.with(move |writer, _| Ok(writer.checkpoint(id.as_str()))).await
    }

    /// None: a record that comes a second time updates the first.
    async fn marks(&self, _: &SourceId, _: &Checkpoint) -> Result<Vec<Mark>> {
        Ok(Vec::new())
    }

    fn files(&self) -> Files {
        Files::new(self.files.clone())
    }

    async fn write(&self, _: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        let mut to = at.clone();
        self.with(move |writer, mapping| {
            (to.pages, to.next) = (to.pages + 1, page.next.clone());
            to.totals.listed += page.listed();
            to.totals.missing += page.missing.len() as u64;
            for (reason, count) in &page.dropped {
                *to.totals.dropped.entry(reason.clone()).or_default() += count;
            }
            for record in &page.records {
                let value = record
                    .raw()
                    .to()
                    .map_err(|cause| Error::new(Why::Shape, "a record cannot be read").because(cause));
                match value.and_then(|value| mapping.map(&value)) {
                    Ok(Mapped::Document(document)) => {
                        writer.put(*document)?;
                        to.totals.records += 1;
                    }
                    Ok(Mapped::Gone(key)) => {
                        writer.remove(&key);
                        *to.totals.dropped.entry("gone".into()).or_default() += 1;
                    }
                    Err(error) if error.concerns_all() => return Err(error),
                    Err(_) => to.totals.missing += 1,
                }
                to.totals.bytes += record.bytes().len() as u64;
            }
            writer.prepare()?;
            Ok(to)
        })
        .await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        let (id, to) = (id.clone(), to.clone());
        self.with(move |writer, _| {
            writer.note_checkpoint(id.as_str(), to);
            writer.commit()
        })
        .await
    }
}
