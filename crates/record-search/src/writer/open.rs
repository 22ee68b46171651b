//! Opening an index for writing: what was not committed goes.

use std::path::Path;
use std::sync::Arc;

use crawl_core::{Error, Kind as Why, Result};
use tantivy::{IndexWriter, TantivyError};

use super::{Changes, Probe, Writer, storage};
use crate::commit::{Commit, Model, VERSION};
use crate::embed::Embedder;
use crate::known::known;
use crate::schema::schema;
use crate::vectors::{self, Appender};
use crate::words::analysers;

/// What tantivy may gather in memory before it writes a segment.
const MEMORY: usize = 128 << 20;

impl Writer {
    /// Opens the index in a folder for writing, or makes one there. What was not committed goes.
    ///
    /// # Errors
    /// `Config` if another writer has it, if it was built with another embedder, or if the folder holds something
    /// else; `Storage` if the disk refuses.
    pub fn open(folder: &Path, embedder: Option<Arc<dyn Embedder>>) -> Result<Self> {
        Writer::probed(folder, embedder, None)
    }

    /// As [`Writer::open`], with a probe that is asked between the steps: an error of it stops the writer there.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn probed(folder: &Path, embedder: Option<Arc<dyn Embedder>>, probe: Option<Probe>) -> Result<Self> {
        let text = folder.join("text");
        std::fs::create_dir_all(&text).map_err(|cause| Error::io("cannot make the folder", &text, cause))?;
        let place = folder.display().to_string();
        let failed = |cause: TantivyError| storage(&place, cause);
        let (schema, fields) = schema();
        let directory =
            tantivy::directory::MmapDirectory::open(&text).map_err(|cause| failed(cause.into()))?;
        let mut index = tantivy::Index::open_or_create(directory, schema).map_err(|cause| match cause {
            TantivyError::SchemaError(_) => Error::new(Why::Config, "this index has another form")
                .at(&place)
                .advise("build it anew in another folder"),
            cause => failed(cause),
        })?;
        index.set_tokenizers(analysers());
        // The lock comes first: what is below may only be touched by the one who has it.
        let writer: IndexWriter = index.writer_with_num_threads(1, MEMORY).map_err(|cause| match cause {
            TantivyError::LockFailure(..) => Error::new(Why::Config, "another writer has this index")
                .at(&place)
                .advise("wait for it, stop it, or name another --index"),
            cause => failed(cause),
        })?;
        // What a commit left that was killed before its end: ours begins at the same stamp, and gives its files the same names.
        writer.garbage_collect_files().wait().map_err(failed)?;
        let model = embedder.as_ref().map(|embedder| Model {
            name: embedder.name(),
            digest: embedder.digest(),
            dimension: embedder.dimension(),
        });
        let before = Commit::of(&index.load_metas().map_err(failed)?, &place)?;
        let first = before.is_none();
        let commit = match before {
            Some(commit) => {
                same_model(commit.model.as_ref(), model.as_ref(), &place)?;
                commit
            }
            None => {
                // Nothing of an index without a first commit counts.
                writer.delete_all_documents().map_err(failed)?;
                Commit { version: VERSION, generation: 1, model, ..Commit::default() }
            }
        };
        let dimension = commit.model.as_ref().map_or(0, |model| model.dimension);
        let now = vectors::folder(folder, commit.generation);
        let vectors = Appender::open(&now, dimension, commit.places)?;
        vectors::remove_others(folder, commit.generation)?;
        let known = known(&index).map_err(failed)?;
        let mut writer = Writer {
            folder: folder.to_owned(),
            fields,
            writer,
            vectors,
            embedder,
            commit,
            known,
            waiting: Vec::new(),
            changes: Changes::default(),
            dirty: first,
            torn: false,
            probe,
        };
        if first {
            writer.commit()?;
        }
        Ok(writer)
    }
}

pub(crate) fn same_model(there: Option<&Model>, now: Option<&Model>, place: &str) -> Result<()> {
    let told = |model: Option<&Model>| match model {
        Some(model) => format!("`{}` ({}, {} numbers)", model.name, model.digest, model.dimension),
        None => "no vectors".to_owned(),
    };
    if there.map(|model| (&model.digest, model.dimension))
        == now.map(|model| (&model.digest, model.dimension))
    {
        return Ok(());
    }
    let what = format!("the index was built with {}, not with {}", told(there), told(now));
    Err(Error::new(Why::Config, what)
        .at(place)
        .advise("use what it was built with, or build a new index in another folder"))
}
