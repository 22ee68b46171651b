//! The one writer of an index: documents in, commits out.

mod open;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crawl_core::{Checkpoint, Error, Kind as Why, Result};
use tantivy::{IndexWriter, TantivyError, Term};

use crate::commit::{Commit, Read};
use crate::document::{Document, key_hash};
use crate::embed::Embedder;
use crate::known::{Known, unseen};
use crate::schema::Fields;
use crate::vectors::{self, Appender};
pub(crate) use open::same_model;

/// So many documents are embedded at once.
const AT_ONCE: usize = 256;
/// With more dead places than these the vectors are written anew.
const MOST_DEAD_PERCENT: u64 = 30;

/// What became of a document that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Added,
    /// It replaces what was there under its key.
    Updated,
    /// It is there already, just as it is.
    Unchanged,
}

/// What happened to an index since it was opened for writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Documents that are new.
    pub added: u64,
    /// Documents that replaced another of their key.
    pub updated: u64,
    /// Documents that were there already.
    pub unchanged: u64,
    /// Documents that went.
    pub removed: u64,
}

/// Called between the steps of writing, with the name of the next: tests make it die there.
pub type Probe = Arc<dyn Fn(&'static str) -> Result<()> + Send + Sync>;

/// Writes an index. There is one at a time; readers see what it has committed.
pub struct Writer {
    folder: PathBuf,
    fields: Fields,
    writer: IndexWriter,
    vectors: Appender,
    embedder: Option<Arc<dyn Embedder>>,
    commit: Commit,
    /// All documents that are there, with those that are not committed yet.
    known: HashMap<u128, Known>,
    waiting: Vec<(u64, Document)>,
    changes: Changes,
    dirty: bool,
    /// The files broke off within a document: what is there of it must not be committed.
    torn: bool,
    probe: Option<Probe>,
}

impl Writer {
    /// Puts a document in; a document that is there under its key goes. Nobody sees it before the next commit.
    ///
    /// # Errors
    /// `Config` if a column of it holds something else in this index; `Storage` if the disk refuses; those of the
    /// embedder, which is asked for many at once: the document is then in, and waits for the next call.
    pub fn put(&mut self, mut document: Document) -> Result<Put> {
        let cut = document.bound();
        for (name, (kind, _)) in &document.columns {
            match self.commit.columns.get(name) {
                Some(there) if there != kind => {
                    let what = format!(
                        "the column `{name}` is a {} in this index, and now a {}",
                        there.word(),
                        kind.word()
                    );
                    return Err(Error::new(Why::Config, what)
                        .at(document.key())
                        .advise("give the column another name in one of the mapping files"));
                }
                Some(_) => {}
                None => {
                    self.commit.columns.insert(name.clone(), *kind);
                }
            }
        }
        let hash = key_hash(&document.key());
        let content = document.content();
        let before = self.known.get(&hash).copied();
        if before.is_some_and(|known| known.content == content) {
            self.changes.unchanged += 1;
            return Ok(Put::Unchanged);
        }
        self.commit.cut += cut;
        self.dirty = true;
        if let Some(before) = before {
            self.bury(before.row, &document.key());
        }
        let row = self.commit.next_row;
        self.commit.next_row += 1;
        self.known.insert(hash, Known { row, content });
        self.waiting.push((row, document));
        let put = if before.is_some() { Put::Updated } else { Put::Added };
        match put {
            Put::Updated => self.changes.updated += 1,
            _ => self.changes.added += 1,
        }
        if self.waiting.len() >= AT_ONCE {
            self.flush()?;
        }
        Ok(put)
    }

    /// Takes a document out. Whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(known) = self.known.remove(&key_hash(key)) else { return false };
        self.bury(known.row, key);
        self.dirty = true;
        self.changes.removed += 1;
        true
    }

    /// Takes out all committed documents of these sources whose key hash was not seen.
    pub(crate) fn remove_unseen(&mut self, sources: &HashSet<String>, seen: &HashSet<u128>) -> Result<()> {
        let place = self.folder.display().to_string();
        let unseen = unseen(self.writer.index(), sources, seen).map_err(|cause| storage(&place, cause))?;
        for (hash, row) in unseen {
            if self.known.remove(&hash).is_some() {
                self.writer.delete_term(Term::from_field_u64(self.fields.row, row));
                self.dirty = true;
                self.changes.removed += 1;
            }
        }
        Ok(())
    }

    /// Its document goes with the next commit; its place stays until the files are compacted.
    fn bury(&mut self, row: u64, key: &str) {
        let waiting = self.waiting.len();
        self.waiting.retain(|(waits, _)| *waits != row);
        if self.waiting.len() == waiting {
            self.writer.delete_term(Term::from_field_text(self.fields.key, key));
        }
    }

    /// Embeds what waits, and hands it to the files. Where the embedder fails, it goes on waiting.
    fn flush(&mut self) -> Result<()> {
        if self.torn {
            return Err(Error::new(Why::Storage, "the index could not be written before")
                .at(self.folder.display().to_string())
                .advise("open it anew: it goes on behind its last commit"));
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        let vectors = match &self.embedder {
            Some(embedder) => {
                let texts: Vec<&str> =
                    self.waiting.iter().map(|(_, document)| document.meaning.as_str()).collect();
                embedder.embed(&texts)?.into_iter().map(|embedded| embedded.vector).collect()
            }
            None => vec![None; self.waiting.len()],
        };
        if vectors.len() != self.waiting.len() {
            let what = format!("the embedder made {} vectors of {} texts", vectors.len(), self.waiting.len());
            return Err(Error::new(Why::Shape, what));
        }
        self.torn = true;
        for ((row, document), vector) in std::mem::take(&mut self.waiting).into_iter().zip(vectors) {
            self.vectors.append(row, vector.as_deref())?;
            self.commit.places += 1;
            let document = self.fields.document(row, document)?;
            let place = self.folder.display().to_string();
            self.writer.add_document(document).map_err(|cause| storage(&place, cause))?;
        }
        self.torn = false;
        Ok(())
    }

    /// Hands all that was put to the files, and makes the vectors durable, still invisible.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        self.flush()?;
        self.ask("vectors")?;
        self.vectors.sync()
    }

    pub(crate) fn checkpoint(&self, id: &str) -> Checkpoint {
        self.commit.checkpoints.get(id).cloned().unwrap_or_else(Checkpoint::start)
    }

    /// Notes, with the next commit, how far a listing has come.
    pub(crate) fn note_checkpoint(&mut self, id: &str, to: Checkpoint) {
        self.dirty = true;
        self.commit.checkpoints.insert(id.to_owned(), to);
    }

    /// Makes all that was put and removed durable, and shows it to readers.
    ///
    /// # Errors
    /// `Storage` if the disk refuses; those of the embedder.
    pub fn commit(&mut self) -> Result<()> {
        self.flush()?;
        if !self.dirty {
            return Ok(());
        }
        self.prepare()?;
        self.ask("text")?;
        let place = self.folder.display().to_string();
        let failed = |cause: TantivyError| storage(&place, cause);
        let payload = self.commit.text()?;
        let probe = self.probe.clone();
        let mut prepared = self.writer.prepare_commit().map_err(failed)?;
        prepared.set_payload(&payload);
        if let Some(probe) = probe {
            probe("commit")?;
        }
        prepared.commit().map_err(failed)?;
        self.dirty = false;
        self.ask("done")
    }

    /// Writes the vectors anew without those of documents that went, if more than 30 % of them did. Whether it did.
    ///
    /// # Errors
    /// `Storage` if the disk refuses.
    pub fn compact(&mut self) -> Result<bool> {
        self.commit()?;
        let (places, live) = (self.commit.places, self.known.len() as u64);
        if (places - live) * 100 <= places * MOST_DEAD_PERCENT {
            return Ok(false);
        }
        let dimension = self.commit.model.as_ref().map_or(0, |model| model.dimension);
        let mut rows: Vec<u64> = self.known.values().map(|known| known.row).collect();
        rows.sort_unstable();
        let from = vectors::folder(&self.folder, self.commit.generation);
        let to = vectors::folder(&self.folder, self.commit.generation + 1);
        let mut vectors = Appender::open(&to, dimension, 0)?;
        self.ask("compact")?;
        let copied = vectors::Files::open(&from, dimension, places)?.copy(&rows, &mut vectors)?;
        if copied != live {
            let what =
                format!("{live} documents are there, and {copied} of them have a place among the vectors");
            return Err(Error::new(Why::Storage, what)
                .at(from.display().to_string())
                .advise("restore the index from a copy, or build it anew in another folder"));
        }
        (self.vectors, self.commit.places, self.dirty) = (vectors, copied, true);
        self.commit.generation += 1;
        self.commit()?;
        vectors::remove_others(&self.folder, self.commit.generation)?;
        Ok(true)
    }

    fn ask(&self, step: &'static str) -> Result<()> {
        self.probe.as_ref().map_or(Ok(()), |probe| probe(step))
    }

    /// What happened since it was opened.
    pub fn changes(&self) -> Changes {
        self.changes
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.known.len() as u64
    }

    /// What has been read and committed of a listing that only grows.
    pub(crate) fn read_of(&self, listing: &str) -> Option<&Read> {
        self.commit.read.get(listing)
    }

    /// Notes, with the next commit, what has been read of a listing.
    pub(crate) fn note_read(&mut self, listing: &str, read: Read) {
        self.dirty = true;
        self.commit.read.insert(listing.to_owned(), read);
    }

    /// Ends the writer, when what tantivy does behind the commits is done too. What is not committed is lost.
    ///
    /// # Errors
    /// `Storage` if the disk refuses.
    pub fn close(self) -> Result<()> {
        let place = self.folder.display().to_string();
        self.writer.wait_merging_threads().map_err(|cause| storage(&place, cause))
    }
}

pub(crate) fn storage(place: &str, cause: TantivyError) -> Error {
    use tantivy::directory::error::OpenReadError::FileDoesNotExist;
    let damaged =
        matches!(cause, TantivyError::DataCorruption(_) | TantivyError::OpenReadError(FileDoesNotExist(_)));
    let error = Error::new(Why::Storage, "the text index failed").at(place).because(cause);
    match damaged {
        true => {
            error.advise("restore the index from a copy that is whole, or build it anew in another folder")
        }
        false => error,
    }
}
