//! What is indexed: roots of crawls and files of records, read into a writer.

mod files;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind as Why, Result, Stop, Stored};
use serde_json::Value as Json;

use crate::commit::Read;
use crate::document::key_hash;
use crate::mapping::{Mapped, Mapping};
use crate::writer::Writer;

/// So many bad rows are told; all are counted.
const TOLD: usize = 1_000;

/// What to read, and how.
#[derive(Debug)]
pub struct Inputs {
    /// Roots of crawls, and files: `.jsonl`, compressed or not, and `.parquet`.
    pub paths: Vec<PathBuf>,
    /// Which fields are what: for roots those that read its listings; for files, and for listings that none of them
    /// reads, there must be just one.
    pub mappings: Vec<Mapping>,
    /// Only this listing of the roots.
    pub listing: Option<String>,
    /// The inputs hold all that their sources have: what is indexed of them and is not there goes, if all of them was
    /// read.
    pub complete: bool,
    /// No more rows than these.
    pub limit: Option<u64>,
    /// After so many rows they are committed; [`Inputs::COMMIT_ROWS`] is a good number.
    pub commit_rows: u64,
}

/// How far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that earlier runs had read, of listings that only grow.
    pub skipped: u64,
    /// Rows that tell that something is gone.
    pub gone: u64,
    /// Rows that are no records, or not of this form.
    pub missing: u64,
    /// The first of those.
    pub bad: Vec<BadRow>,
    /// Listings of the roots that no mapping reads.
    pub unread: Vec<String>,
    /// Why nothing was taken for gone, where the inputs are complete and yet not all of them was read.
    pub kept: Option<String>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// A row that could not be indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The file or listing.
    pub place: String,
    /// The number of the row there, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub why: String,
}

/// One reading of inputs.
struct Reading<'a> {
    inputs: &'a Inputs,
    writer: &'a mut Writer,
    stop: &'a Stop,
    told: &'a mut dyn FnMut(&Progress, &Writer),
    progress: Progress,
    uncommitted: u64,
    /// The keys of all that was there, where all that was not is to go.
    seen: HashSet<u128>,
    sources: HashSet<String>,
    /// What a listing does not hold of its source.
    lacking: Option<String>,
}

impl Inputs {
    /// Rows a commit: few enough that little is read again after a crash, and so many that commits cost little.
    pub const COMMIT_ROWS: u64 = 20_000;

    /// Reads everything into a writer, with a commit every now and then and at the end. What is indexed as it is, is
    /// left as it is; and of a listing that an earlier run has read, only what is new is read, unless `complete` is
    /// asked for. `told` is called after each part.
    ///
    /// # Errors
    /// `Config` if an input is not there or has no mapping; `Storage` if the disk refuses; those of the embedder. All
    /// that was committed stays, and the same call goes on there.
    pub fn read(
        &self,
        writer: &mut Writer,
        stop: &Stop,
        told: &mut dyn FnMut(&Progress, &Writer),
    ) -> Result<Progress> {
        let mut reading = Reading {
            inputs: self,
            writer,
            stop,
            told,
            progress: Progress::default(),
            uncommitted: 0,
            seen: HashSet::new(),
            sources: HashSet::new(),
            lacking: None,
        };
        for path in &self.paths {
            if reading.ends() {
                break;
            }
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let plain = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            if !path.exists() {
                return Err(Error::new(Why::Config, "nothing lies there")
                    .at(path.display().to_string())
                    .advise("check the spelling, and from which folder you start the program"));
            } else if path.is_dir() {
                reading.root(path)?;
            } else if plain.ends_with(".jsonl") || plain.ends_with(".ndjson") {
                reading.lines(path)?;
            } else if name.ends_with(".parquet") {
                reading.table(path)?;
            } else {
                return Err(Error::new(Why::Config, "this is no root of a crawl and no file of records")
                    .at(path.display().to_string())
                    .advise(
                        "name a folder that a crawler wrote, or a .jsonl, .jsonl.gz, .jsonl.zst or .parquet file; of other tables make one: record-converter FILE rows.jsonl",
                    ));
            }
        }
        if self.complete {
            reading.progress.kept = reading.kept();
            if reading.progress.kept.is_none() {
                reading.commit()?;
                reading.writer.remove_unseen(&reading.sources, &reading.seen)?;
            }
        }
        reading.commit()?;
        reading.writer.compact()?;
        Ok(reading.progress)
    }
}

impl<'a> Reading<'a> {
    fn root(&mut self, root: &Path) -> Result<()> {
        let mut any = false;
        for id in Stored::sources(root)? {
            if self.inputs.listing.as_ref().is_some_and(|only| only != id.as_str()) {
                continue;
            }
            let fits = |mapping: &&Mapping| mapping.reads(id.as_str());
            let only = || match (self.inputs.mappings.as_slice(), &self.inputs.listing) {
                ([only], Some(_)) => Some(only),
                ([only], None) if only.listings.is_empty() => Some(only),
                _ => None,
            };
            let Some(mapping) = self.inputs.mappings.iter().find(fits).or_else(only) else {
                self.progress.unread.push(format!("{}/{id}", root.display()));
                continue;
            };
            any = true;
            self.listing(&crawl_core::Input::open(root, &id)?, mapping)?;
            if self.ends() {
                break;
            }
        }
        if !any {
            let found: Vec<String> = Stored::sources(root)?.iter().map(ToString::to_string).collect();
            return Err(Error::new(Why::Config, "no mapping reads a listing of this root")
                .at(root.display().to_string())
                .advise(format!(
                    "name one with --mapping, and --source if there are several: {}",
                    found.join(", ")
                )));
        }
        Ok(())
    }

    fn listing(&mut self, input: &crawl_core::Input, mapping: &Mapping) -> Result<()> {
        if !input.ended() {
            self.lacking = Some(format!("the crawl of {} has not ended", input.folder().display()));
        } else if input.missing() > 0 {
            let what = format!("{} records are missing from {}", input.missing(), input.folder().display());
            self.lacking = Some(what);
        }
        let mut pages = Vec::new();
        for stored in input.listings() {
            pages.extend(stored.manifest()?.into_iter().map(|line| line.sha256));
        }
        let name =
            format!("{}\n{}\n{:?}\n{}", input.id(), input.digest(true)?, pages.first(), mapping.digest);
        let name = format!("{:032x}", key_hash(&name));
        // Another crawl may begin with the very same page: only pages that were all read are not read again.
        let pages_until = |until: u64| {
            let count = usize::try_from(until).unwrap_or(usize::MAX).min(pages.len());
            format!("{:032x}", key_hash(&pages[..count].concat()))
        };
        let before =
            self.writer.read_of(&name).filter(|read| !self.inputs.complete && read.pages <= input.pages());
        let read = before.filter(|read| read.digest == pages_until(read.pages)).map_or(0, |read| read.pages);
        let place = input.folder().display().to_string();
        let mut row = 0;
        for page in 1..=input.pages() {
            if page > read {
                for record in input.page(page)? {
                    row += 1;
                    self.take(&place, row, record.bytes(), mapping)?;
                    if self.full() {
                        return Ok(());
                    }
                }
                self.writer.note_read(&name, Read { pages: page, digest: pages_until(page) });
                self.part()?;
                if self.ends() {
                    return Ok(());
                }
            }
        }
        self.progress.skipped += read;
        Ok(())
    }

    fn take(&mut self, place: &str, row: u64, bytes: &[u8], mapping: &Mapping) -> Result<()> {
        match serde_json::from_slice::<Json>(bytes) {
            Ok(record) => self.record(place, row, &record, mapping),
            Err(cause) => {
                self.progress.rows += 1;
                self.missing(place, row, format!("it is no JSON: {cause}"));
                Ok(())
            }
        }
    }

    fn record(&mut self, place: &str, row: u64, record: &Json, mapping: &Mapping) -> Result<()> {
        self.progress.rows += 1;
        self.uncommitted += 1;
        match mapping.map(record) {
            Ok(Mapped::Document(document)) => {
                if self.inputs.complete {
                    self.seen.insert(key_hash(&document.key()));
                    if !self.sources.contains(&document.source) {
                        self.sources.insert(document.source.clone());
                    }
                }
                self.writer.put(*document)?;
            }
            Ok(Mapped::Gone(key)) => {
                self.progress.gone += 1;
                self.writer.remove(&key);
            }
            Err(error) => self.missing(place, row, format!("{error}: {}", error.advice())),
        }
        Ok(())
    }

    fn missing(&mut self, place: &str, row: u64, why: String) {
        self.progress.missing += 1;
        if self.progress.bad.len() < TOLD {
            self.progress.bad.push(BadRow { place: place.to_owned(), row, why });
        }
    }

    /// Why what was not seen may be there all the same.
    fn kept(&self) -> Option<String> {
        let progress = &self.progress;
        if progress.stopped {
            return Some("it was stopped before the end".into());
        }
        if self.full() {
            return Some(format!("only {} rows were to be read", progress.rows));
        }
        if let Some(listing) = progress.unread.first() {
            return Some(format!("{listing} was not read"));
        }
        match progress.missing {
            0 => self.lacking.clone(),
            1 => Some("1 row could not be read".into()),
            rows => Some(format!("{rows} rows could not be read")),
        }
    }

    /// Between two parts: tells, and commits if it is time.
    fn part(&mut self) -> Result<()> {
        if self.uncommitted >= self.inputs.commit_rows {
            self.commit()?;
        }
        (self.told)(&self.progress, self.writer);
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.uncommitted = 0;
        self.writer.commit()?;
        (self.told)(&self.progress, self.writer);
        Ok(())
    }

    fn part_rows(&self) -> u64 {
        self.inputs.commit_rows.clamp(1, 1_000)
    }

    fn full(&self) -> bool {
        self.inputs.limit.is_some_and(|limit| self.progress.rows >= limit)
    }

    /// Whether no further row is to be read.
    fn ends(&mut self) -> bool {
        self.progress.stopped |= self.stop.is_cancelled();
        self.progress.stopped || self.full()
    }
}
