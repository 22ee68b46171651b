//! The catalogue: what all runs have told of each repository, folded into one Parquet file.
//!
//! - `run`, `pages`: what a root tells; `asked`, `details`: which fields it was asked for
//! - `row`: the rule of the fold, field by field; `spill`: sorting more rows than memory holds
//! - `fitting`: which models fit a memory
//! - `file`, `columns`: the Parquet file; `legacy`, `table`: smaller ones of it; `card`: what tells of it; `diff`, `report`: what two of them differ in

mod asked;
mod card;
mod columns;
mod details;
mod diff;
mod file;
mod fitting;
mod gone;
mod legacy;
mod pages;
mod report;
mod row;
mod run;
mod spill;
mod table;
mod time;

use std::fs::{File, TryLockError};
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crawl_core::files::Files;
use crawl_core::{Error, Kind, Result, Staged, Stop};

use self::asked::Sets;
pub use self::card::describe;
pub use self::diff::{COUNTERS, Change, Counts, KINDS, diff};
pub use self::file::Catalogue;
use self::file::{Footer, Writing};
pub use self::fitting::{Fitting, Machine, Sorts, fitting};
use self::gone::Passes;
pub use self::legacy::legacy;
pub use self::report::Report;
pub use self::row::Row;
use self::row::{Sighting, Told};
pub use self::run::Run;
use self::run::Source;
use self::spill::Spill;
pub use self::table::{check_columns, table};
use crate::Repos;

/// So long is waited for a lock before it is said that somebody else holds it.
const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// What to fold into which file.
#[derive(Clone, Debug)]
pub struct Fold {
    /// Of what it is a catalogue.
    pub repos: Repos,
    /// The roots of the runs.
    pub roots: Vec<PathBuf>,
    /// The file; what it holds already is folded too.
    pub to: PathBuf,
    /// How its pages are compressed; `None`: zstd.
    pub compression: Option<record_converter::Compression>,
}

/// What came of a fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Rows in the catalogue.
    pub rows: u64,
    /// Rows that are gone.
    pub gone: u64,
    /// Runs that were not in it, or not as far as they have come.
    pub new_runs: u64,
    /// Runs in it now.
    pub runs: u64,
    /// Records of the new runs that could not be had.
    pub missing: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// Folds runs into a catalogue. The file is the old one or the new one at any moment, whole. What is in it already is
/// not folded again: without new runs it stays as it is. Blocks.
///
/// # Errors
/// [`Kind::Config`] if a root holds no such runs, or those of another Hub, or if the file is no such catalogue;
/// [`Kind::Storage`] if a page is not what was written, or the disk refuses; [`Kind::Stopped`] if it was to stop.
pub fn fold(what: &Fold, stop: &Stop) -> Result<Folded> {
    let folder = Staged::folder(&what.to);
    let _lock = lock(&what.to)?;
    let old = if what.to.exists() { Some(Catalogue::open(&what.to)?) } else { None };
    let mut sources = Vec::new();
    for root in &what.roots {
        sources.extend(run::sources(root, what.repos)?);
    }
    let endpoint = endpoint(what, old.as_ref(), &sources)?;
    let known = old.as_ref().map_or(&[][..], Catalogue::runs);
    let runs = together(known, &sources);
    sources.retain(|source| !known.iter().any(|run| run.manifest == source.run.manifest));
    if let Some(old) = old.as_ref().filter(|_| sources.is_empty()) {
        let bytes = std::fs::metadata(&what.to).map_or(0, |file| file.len());
        let Footer { rows, gone, .. } = *old.footer();
        return Ok(Folded { rows, gone, runs: runs.len() as u64, bytes, ..Folded::default() });
    }
    let mut sets: Sets = old.as_ref().map(|old| old.sets().clone()).unwrap_or_default();
    sets.extend(sources.iter().map(|source| (source.told.asked.name.clone(), source.told.asked.clone())));
    let told: Vec<Told> = sources.iter().map(|source| source.told.clone()).collect();
    let passes = Passes::of(&runs);

    let mut spill = Spill::new(Files::new(folder).scratch()?);
    for (place, source) in (0..).zip(&sources) {
        for number in 1..=source.run.pages {
            stopped(stop)?;
            for sighting in source.page(place, number)? {
                spill.push(sighting)?;
            }
        }
    }
    let mut seen = spill.sorted()?.peekable();
    let file = Staged::create(&what.to)?;
    let mut writing = Writing::new(file, what.repos, what.compression)?;
    let mut write = |row: Row| writing.push(&row, passes.gone_at(row.last));
    if let Some(old) = &old {
        for kept in old.rows()? {
            let kept = kept?;
            while let Some(group) = group(&mut seen, |sighting| sighting.key < kept.key)? {
                stopped(stop)?;
                row::fold(None, &group, &told, &sets)?.map(&mut write).transpose()?;
            }
            let group = group(&mut seen, |sighting| sighting.key == kept.key)?.unwrap_or_default();
            row::fold(Some(kept), &group, &told, &sets)?.map(&mut write).transpose()?;
        }
    }
    while let Some(group) = group(&mut seen, |_| true)? {
        stopped(stop)?;
        row::fold(None, &group, &told, &sets)?.map(&mut write).transpose()?;
    }
    let new_runs = sources.len() as u64;
    let missing = sources.iter().map(|source| source.run.missing).sum();
    let count = runs.len() as u64;
    let (file, rows, gone) = writing.finish(Footer::new(what.repos.listing(), &endpoint, &sets, runs))?;
    stopped(stop)?;
    Ok(Folded { rows, gone, new_runs, runs: count, missing, bytes: file.finish()? })
}

/// The sightings of the next repository, if they are wanted.
fn group<I>(seen: &mut Peekable<I>, wanted: impl Fn(&Sighting) -> bool) -> Result<Option<Vec<Sighting>>>
where
    I: Iterator<Item = Result<Sighting>>,
{
    let mut group: Vec<Sighting> = Vec::new();
    while let Some(next) = seen.next_if(|next| match next {
        Ok(next) => group.first().map_or_else(|| wanted(next), |first| first.key == next.key),
        Err(_) => true,
    }) {
        group.push(next?);
    }
    Ok(Some(group).filter(|group| !group.is_empty()))
}

/// The runs that are known and those that are new, in order of their beginning; of a run that has come further, that.
fn together(known: &[Run], sources: &[Source]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for run in known.iter().chain(sources.iter().map(|source| &source.run)) {
        match runs.iter_mut().find(|other| other.identity() == run.identity()) {
            Some(other) if (other.pages, &other.manifest) < (run.pages, &run.manifest) => {
                *other = run.clone();
            }
            Some(_) => {}
            None => runs.push(run.clone()),
        }
    }
    runs.sort_by_key(Run::order);
    runs
}

/// The Hub that all of it is of.
fn endpoint(what: &Fold, old: Option<&Catalogue>, sources: &[Source]) -> Result<String> {
    let listing = what.repos.listing();
    if let Some(other) = old.map(Catalogue::listing).filter(|other| *other != listing) {
        return Err(Error::new(Kind::Config, format!("it is a catalogue of {other}, not of {listing}"))
            .at(what.to.display().to_string())
            .advise("name another file"));
    }
    let of_old = old.map(|old| old.footer().endpoint.as_str());
    let mut all = sources.iter().map(|source| source.run.settings.get("endpoint").unwrap_or_default());
    let first = of_old.or_else(|| all.clone().next()).unwrap_or_default();
    match all.find(|endpoint| *endpoint != first) {
        None => Ok(first.to_owned()),
        Some(other) => {
            let why = "what one server does not have is not gone from another";
            Err(Error::new(
                Kind::Config,
                format!("runs of {first} and of {other} do not go into one catalogue"),
            )
            .because(why)
            .advise("make a catalogue for each"))
        }
    }
}

/// Held while a catalogue is written: of two at once the later would not know of the earlier.
fn lock(to: &Path) -> Result<File> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let path = to.with_file_name(format!(".{name}.lock"));
    let failed = |cause| Error::io("cannot make the lock beside the catalogue", &path, cause);
    let file = File::create(&path).map_err(failed)?;
    let since = Instant::now();
    // A child process that was just begun has a copy of a lock that was given up, until it is its own program.
    // Some file systems have no locks.
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if since.elapsed() > LOCK_WITHIN {
            return Err(Error::new(Kind::Config, "another process writes this catalogue")
                .at(to.display().to_string())
                .advise("wait until it is done, then run the same command again"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(file)
}

fn stopped(stop: &Stop) -> Result<()> {
    if !stop.is_cancelled() {
        return Ok(());
    }
    Err(Error::new(Kind::Stopped, "stopped before the catalogue was written: it is as it was")
        .advise("run the same command again"))
}
