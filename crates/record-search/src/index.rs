//! An index, open for reading: one commit of it, whatever comes later.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crawl_core::{Error, Kind as Why, Result};
use model_facts::Devices;
use tantivy::schema::Value as _;
use tantivy::{DocAddress, Searcher, TantivyDocument, TantivyError};

use crate::bitmap::Bitmap;
use crate::columns::{Column, NOWHERE};
use crate::commit::{Commit, Model};
use crate::document::Kind;
use crate::embed::Embedder;
use crate::filter::{Filter, Passed};
use crate::fold::Groups;
use crate::hardware::shipped_devices;
use crate::kept::Kept;
use crate::schema::{Fields, schema};
use crate::search::FacetCounts;
use crate::shown::Shown;
use crate::vectors::{self, Files, Vectors};
use crate::words::analysers;
use crate::writer::{same_model, storage};

/// One commit of an index. Cheap to share between threads; what a query needs of columns and vectors is read when
/// the first one asks for it, and kept.
pub struct Index {
    pub(crate) folder: PathBuf,
    pub(crate) fields: Fields,
    pub(crate) text: tantivy::Index,
    pub(crate) searcher: Searcher,
    pub(crate) commit: Commit,
    embedder: Option<Arc<dyn Embedder>>,
    devices: Devices,
    /// The place of each document of each segment.
    pub(crate) places: Arc<Vec<Vec<u32>>>,
    /// The document of each place.
    addresses: Vec<DocAddress>,
    pub(crate) live: Bitmap,
    columns: Mutex<HashMap<String, Arc<Column>>>,
    /// Their cursors belong to the one who reads.
    files: Mutex<Files>,
    vectors: OnceLock<Vectors>,
    /// What passes the filters that were asked for lately.
    pub(crate) passed: Kept<Filter, Arc<Passed>>,
    /// Counts of facets, by column, how many texts, and the places they were counted in.
    pub(crate) counted: Kept<(String, usize, Arc<Bitmap>), Arc<FacetCounts>>,
    /// What stands together when variants are folded: see `fold.rs`.
    pub(crate) groups: OnceLock<Groups>,
}

impl Index {
    /// Opens the index in a folder, at its last commit. Without an embedder there is no search by meaning, whatever
    /// the index holds.
    ///
    /// # Errors
    /// `Config` if there is none, or if it was built with another embedder; `Storage` if it cannot be read.
    pub fn open(folder: &Path, embedder: Option<Arc<dyn Embedder>>) -> Result<Self> {
        let place = folder.display().to_string();
        let none = || {
            Error::new(Why::Config, "there is no index")
                .at(&place)
                .advise("make one: record-search index ROOT --index DIR")
        };
        let text = folder.join("text");
        if !text.join("meta.json").is_file() {
            return Err(none());
        }
        let failed = |cause: TantivyError| storage(&place, cause);
        let mut index = tantivy::Index::open_in_dir(&text).map_err(failed)?;
        let (form, fields) = schema();
        if index.schema() != form {
            return Err(Error::new(Why::Config, "this index has another form")
                .at(&place)
                .advise("use the program that wrote it, or build it anew in another folder"));
        }
        index.set_tokenizers(analysers());
        // A writer may commit, or tidy up, between two of these steps: then all of them are taken again.
        let mut tries = 0;
        loop {
            tries += 1;
            let metas = index.load_metas().map_err(failed)?;
            let commit = Commit::of(&metas, &place)?.ok_or_else(none)?;
            if let Some(embedder) = &embedder {
                let (name, digest, dimension) = (embedder.name(), embedder.digest(), embedder.dimension());
                same_model(commit.model.as_ref(), Some(&Model { name, digest, dimension }), &place)?;
            }
            let reader = index
                .reader_builder()
                .reload_policy(tantivy::ReloadPolicy::Manual)
                .try_into()
                .map_err(failed)?;
            let dimension = commit.model.as_ref().map_or(0, |model| model.dimension);
            let files = Files::open(&vectors::folder(folder, commit.generation), dimension, commit.places);
            let same = index.load_metas().map_err(failed)?.opstamp == metas.opstamp;
            match files {
                Ok(files) if same => {
                    return Index::of(folder, fields, index, reader.searcher(), commit, embedder, files);
                }
                Err(error) if same || tries > 10 => {
                    return Err(match vectors::folder(folder, commit.generation).join("rows.bin").is_file() {
                        true => error,
                        false => error.advise(
                            "restore the index from a copy that is whole, or build it anew in another folder",
                        ),
                    });
                }
                _ if tries > 1_000 => {
                    return Err(Error::new(Why::Transient, "the index changes too fast to be opened")
                        .at(&place)
                        .advise("wait until whoever writes it is done, then ask again"));
                }
                _ => std::thread::yield_now(),
            }
        }
    }

    fn of(
        folder: &Path,
        fields: Fields,
        text: tantivy::Index,
        searcher: Searcher,
        commit: Commit,
        embedder: Option<Arc<dyn Embedder>>,
        files: Files,
    ) -> Result<Self> {
        let place = folder.display().to_string();
        let rows = files.rows()?;
        let nowhere = DocAddress::new(NOWHERE, NOWHERE);
        let mut addresses = vec![nowhere; rows.len()];
        let size = rows.len();
        let mut live = Bitmap::none(size);
        let mut places = Vec::new();
        for (ord, segment) in searcher.segment_readers().iter().enumerate() {
            let column = segment.fast_fields().u64("row").map_err(|cause| storage(&place, cause))?;
            let mut of_segment = vec![NOWHERE; segment.max_doc() as usize];
            for doc in segment.doc_ids_alive() {
                let found = column.first(doc).and_then(|row| rows.binary_search(&row).ok());
                let Some(at) = found.and_then(|at| u32::try_from(at).ok()) else {
                    return Err(Error::new(
                        Why::Storage,
                        "a document of the index has no place among the vectors",
                    )
                    .at(&place)
                    .advise("restore the index from a copy, or build it anew in another folder"));
                };
                of_segment[doc as usize] = at;
                addresses[at as usize] = DocAddress::new(ord as u32, doc);
                live.set(at);
            }
            places.push(of_segment);
        }
        Ok(Index {
            folder: folder.to_owned(),
            fields,
            text,
            searcher,
            commit,
            embedder,
            devices: shipped_devices()?.clone(),
            places: Arc::new(places),
            addresses,
            live,
            columns: Mutex::default(),
            files: Mutex::new(files),
            vectors: OnceLock::new(),
            passed: Kept::for_places(size),
            counted: Kept::for_places(size),
            groups: OnceLock::new(),
        })
    }

    /// Lets an embedder rank by meaning.
    ///
    /// # Errors
    /// `Config` if the index was built with another one, or without any.
    pub fn attach(&mut self, embedder: Arc<dyn Embedder>) -> Result<()> {
        let (name, digest, dimension) = (embedder.name(), embedder.digest(), embedder.dimension());
        let place = self.folder.display().to_string();
        same_model(self.commit.model.as_ref(), Some(&Model { name, digest, dimension }), &place)?;
        self.embedder = Some(embedder);
        Ok(())
    }

    /// The devices that `fits` and `speed` know: those that the program brings, until others are given.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Lets `fits` and `speed` know other devices.
    pub fn set_devices(&mut self, devices: Devices) {
        self.devices = devices;
    }

    /// The columns, and what they hold.
    pub fn columns(&self) -> &BTreeMap<String, Kind> {
        &self.commit.columns
    }

    /// What the vectors are made with, if there are any.
    pub fn model(&self) -> Option<&Model> {
        self.commit.model.as_ref()
    }

    /// What changes with every commit.
    pub fn opstamp(&self) -> Result<u64> {
        let place = self.folder.display().to_string();
        Ok(self.text.load_metas().map_err(|cause| storage(&place, cause))?.opstamp)
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.live.count()
    }

    /// The document of a key (`source:id`), or of an id that only one source has, as it is shown.
    ///
    /// # Errors
    /// `Gone` if there is none; `Config` if several sources have it.
    pub fn get(&self, key: &str) -> Result<Shown> {
        self.shown(self.find(key)?)
    }

    pub(crate) fn find(&self, key: &str) -> Result<u32> {
        let exact = tantivy::Term::from_field_text(self.fields.key, key);
        let mut found = self.places_of(&exact)?;
        if found.is_empty() {
            let id = tantivy::Term::from_field_text(self.fields.exact_id, &key.to_lowercase());
            found = self.places_of(&id)?;
        }
        match found.as_slice() {
            [] => Err(Error::new(Why::Gone, "no document has this id")
                .at(key)
                .advise("search for its name first")),
            [place] => Ok(*place),
            several => {
                let mut keys = Vec::new();
                for place in several.iter().take(5) {
                    let shown = self.shown(*place)?;
                    keys.push(format!("{}:{}", shown.source, shown.id));
                }
                Err(Error::new(Why::Config, "several documents have this id")
                    .at(key)
                    .advise(format!("name one of: {}", keys.join(", "))))
            }
        }
    }

    fn places_of(&self, term: &tantivy::Term) -> Result<Vec<u32>> {
        let query = tantivy::query::TermQuery::new(term.clone(), tantivy::schema::IndexRecordOption::Basic);
        let found = self
            .searcher
            .search(&query, &tantivy::collector::DocSetCollector)
            .map_err(|cause| self.failed(cause))?;
        let place = |address: DocAddress| {
            self.places.get(address.segment_ord as usize)?.get(address.doc_id as usize).copied()
        };
        let mut places: Vec<u32> = found.into_iter().filter_map(place).collect();
        places.sort_unstable();
        Ok(places)
    }

    pub(crate) fn shown(&self, place: u32) -> Result<Shown> {
        let document: TantivyDocument =
            self.searcher.doc(self.address(place)).map_err(|cause| self.failed(cause))?;
        Shown::read(
            document.get_first(self.fields.shown).and_then(|value| value.as_bytes()).unwrap_or_default(),
        )
    }

    pub(crate) fn address(&self, place: u32) -> DocAddress {
        self.addresses.get(place as usize).copied().unwrap_or(DocAddress::new(NOWHERE, NOWHERE))
    }

    pub(crate) fn live(&self) -> &Bitmap {
        &self.live
    }

    pub(crate) fn embedder(&self) -> Option<&dyn Embedder> {
        self.embedder.as_deref().filter(|_| self.commit.model.is_some())
    }

    pub(crate) fn failed(&self, cause: TantivyError) -> Error {
        storage(&self.folder.display().to_string(), cause)
    }

    /// A column; `None` if the index has none of that name.
    pub(crate) fn column(&self, name: &str) -> Result<Option<Arc<Column>>> {
        let Some(kind) = self.commit.columns.get(name) else { return Ok(None) };
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = columns.get(name) {
            return Ok(Some(column.clone()));
        }
        let column = crate::columns::read(&self.searcher, &self.places, self.live.size(), name, *kind)
            .map_err(|cause| self.failed(cause))?;
        let column = Arc::new(column);
        columns.insert(name.to_owned(), column.clone());
        Ok(Some(column))
    }

    pub(crate) fn vectors(&self) -> Result<&Vectors> {
        if let Some(vectors) = self.vectors.get() {
            return Ok(vectors);
        }
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have read them meanwhile, and twice they could be too much for the memory.
        if let Some(vectors) = self.vectors.get() {
            return Ok(vectors);
        }
        let read = files.vectors()?;
        Ok(self.vectors.get_or_init(|| read))
    }
}
