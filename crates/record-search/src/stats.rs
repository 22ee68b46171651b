//! What an index holds.

use std::collections::BTreeMap;
use std::path::Path;

use crawl_core::Result;

use crate::columns::Column;
use crate::commit::Model;
use crate::document::Kind;
use crate::index::Index;

/// What an index holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Stats {
    /// Documents that can be found.
    pub documents: u64,
    /// Places in the files of vectors of documents that went or were replaced.
    pub dead: u64,
    /// By source.
    pub sources: BTreeMap<String, u64>,
    /// The columns: what each holds, and of how many documents it is known.
    pub columns: BTreeMap<String, ColumnStats>,
    /// What the vectors are made with.
    pub model: Option<Model>,
    /// How many documents have a vector.
    pub vectors: u64,
    /// How many values were longer than an index takes, and were cut, since it was made.
    pub cut: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ColumnStats {
    /// Of which kind.
    pub kind: Kind,
    /// Of how many documents it is known.
    pub known: u64,
    /// How many different texts a facet has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<u64>,
}

impl Index {
    /// The bytes of its files.
    pub fn bytes(&self) -> u64 {
        bytes_below(&self.folder)
    }

    /// What it holds. Reads all columns.
    ///
    /// # Errors
    /// `Storage` if it cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let mut columns = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for (name, kind) in &self.commit.columns {
            let Some(column) = self.column(name)? else { continue };
            let (known, texts) = match &*column {
                Column::Numbers(numbers) => {
                    (self.live.places().filter(|place| numbers.get(*place).is_some()).count(), None)
                }
                Column::Facet(facet) => {
                    if name == "source" {
                        for text in self.live.places().flat_map(|place| facet.texts(place)) {
                            *sources.entry(text.to_owned()).or_default() += 1;
                        }
                    }
                    let known = self.live.places().filter(|place| !facet.at(*place).is_empty()).count();
                    (known, Some(facet.names.len() as u64))
                }
            };
            columns.insert(name.clone(), ColumnStats { kind: *kind, known: known as u64, texts });
        }
        let mut with_vector = self.live.clone();
        with_vector.and(self.vectors()?.has());
        Ok(Stats {
            documents: self.documents(),
            dead: self.live.size() as u64 - self.documents(),
            sources,
            columns,
            model: self.commit.model.clone(),
            vectors: with_vector.count(),
            cut: self.commit.cut,
            bytes: self.bytes(),
        })
    }
}

/// The bytes of the files in a folder and in those in it.
fn bytes_below(folder: &Path) -> u64 {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size =
        |entry: &std::fs::DirEntry| entry.metadata().map_or(0, |of| if of.is_file() { of.len() } else { 0 });
    entries(folder)
        .map(|entry| size(&entry) + entries(&entry.path()).map(|below| size(&below)).sum::<u64>())
        .sum()
}
