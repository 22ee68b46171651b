//! Where samples go: a file a split, or a file a topic as the old crawler had it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crawl_core::record::Conversation;
use crawl_core::{Error, Input, Kind, Result, Staged, Stored};
use serde_json::Value;

use super::Split;

/// Files that get their names when all is written.
pub(super) struct Out {
    folder: PathBuf,
    files: BTreeMap<Split, Staged>,
}

impl Out {
    /// # Errors
    /// [`Kind::Config`] if there is something in the folder.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let failed = |cause| Error::io("cannot make the folder", folder, cause);
        std::fs::create_dir_all(folder).map_err(failed)?;
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(Error::new(Kind::Config, "the folder for the samples is not empty")
                .at(folder.display().to_string())
                .advise("name a new folder with --out"));
        }
        Ok(Out { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    pub(super) fn write(&mut self, split: Split, sample: &Value) -> Result<()> {
        let file = match self.files.entry(split) {
            std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Staged::create(&self.folder.join(format!("{}.jsonl", split.name())))?)
            }
        };
        let line = format!("{sample}\n");
        file.write_all(line.as_bytes()).map_err(|cause| file.failed(cause))
    }

    /// A file of its own for a topic, and its pictures in `imgs`.
    pub(super) fn topic(
        &self,
        number: u64,
        sample: &Value,
        conversation: &Conversation,
        input: &Input,
    ) -> Result<()> {
        Staged::put(&self.folder.join(format!("{number:09}.json")), sample.to_string().as_bytes())?;
        let Some(root) = input.listings().next().map(Stored::root) else { return Ok(()) };
        let imgs = self.folder.join("imgs");
        let images = conversation.posts.iter().flat_map(|post| &post.images);
        for file in images.filter_map(|image| image.file.as_deref()) {
            let from = crawl_core::files::place(root, file)?;
            let to = imgs.join(file.rsplit('/').next().unwrap_or(file));
            if to.exists() || !from.is_file() {
                continue;
            }
            std::fs::create_dir_all(&imgs)
                .map_err(|cause| Error::io("cannot make the folder", &imgs, cause))?;
            std::fs::copy(&from, &to).map_err(|cause| Error::io("cannot copy a picture", &from, cause))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        self.files.into_values().try_for_each(|file| file.finish().map(drop))
    }
}
