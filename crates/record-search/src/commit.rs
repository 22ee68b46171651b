//! What a commit of the index says besides its segments: the house's checkpoint, in tantivy's payload.

use std::collections::BTreeMap;
use std::path::Path;

use crawl_core::{Checkpoint, Error, Kind as Why, Result};
use serde::{Deserialize, Serialize};

use crate::document::Kind;

/// The version of the form on the disk.
pub(crate) const VERSION: u32 = 1;

/// What the vectors of an index are made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name, for people.
    pub name: String,
    /// What changes whenever its vectors do.
    pub digest: String,
    /// How many numbers a vector has.
    pub dimension: usize,
}

impl Model {
    /// What the index in a folder was built with: nothing where there is no index yet, or none that can be read, and
    /// `Some(None)` where it has no vectors.
    pub fn of_index(folder: &Path) -> Option<Option<Model>> {
        let metas = tantivy::Index::open_in_dir(folder.join("text")).ok()?.load_metas().ok()?;
        Commit::of(&metas, "").ok()?.map(|commit| commit.model)
    }
}

/// The payload of a commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) version: u32,
    /// Which folder of vectors belongs to it.
    pub(crate) generation: u32,
    /// How many places of those files are committed.
    pub(crate) places: u64,
    /// The row that the next document gets.
    pub(crate) next_row: u64,
    pub(crate) model: Option<Model>,
    pub(crate) columns: BTreeMap<String, Kind>,
    /// How many values were longer than an index takes, over all that was ever indexed.
    pub(crate) cut: u64,
    /// How far listings have been read.
    pub(crate) checkpoints: BTreeMap<String, Checkpoint>,
    /// What has been read of listings that only grow.
    pub(crate) read: BTreeMap<String, Read>,
}

/// What has been read of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Read {
    /// Its first pages,
    pub(crate) pages: u64,
    /// and a hash of them all.
    pub(crate) digest: String,
}

impl Commit {
    /// The commit of an index; `None` where its first one never came.
    pub(crate) fn of(metas: &tantivy::IndexMeta, place: &str) -> Result<Option<Commit>> {
        let Some(payload) = &metas.payload else { return Ok(None) };
        let commit: Commit = serde_json::from_str(payload).map_err(|cause| {
            Error::new(Why::Storage, "the commit of the index is not readable")
                .at(place)
                .because(cause)
                .advise("build the index anew in another folder")
        })?;
        match commit.version {
            VERSION => Ok(Some(commit)),
            other => {
                let what = format!("the index has version {other}, this program knows {VERSION}");
                Err(Error::new(Why::Config, what)
                    .at(place)
                    .advise("use the program that wrote it, or build it anew in another folder"))
            }
        }
    }

    pub(crate) fn text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|cause| Error::new(Why::Storage, "cannot write down the commit").because(cause))
    }
}
