//! What tells of a catalogue beside it: `croissant.json` for programs, `README.md` for people and hubs.

use std::path::Path;

use crawl_core::{Result, Staged, Timestamp};
use record_converter::card::{Card, Form, Origin, Table};

use super::file::Catalogue;
use super::{Run, lock};

/// Writes `croissant.json` and `README.md` beside a catalogue: its columns, its digest, and each run that it was folded
/// from with the digest of that run's manifest. Blocks.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if one of the two is there and `force` is not set, or if another process writes the
/// catalogue; those of [`Catalogue::open`]; [`crawl_core::Kind::Storage`] if the disk refuses.
pub fn describe(catalogue: &Path, force: bool) -> Result<()> {
    // Nobody writes another catalogue while the digest of this one is taken.
    let _lock = lock(catalogue)?;
    let opened = Catalogue::open(catalogue)?;
    let footer = opened.footer();
    let what = footer.listing.rsplit('/').next().unwrap_or_default();
    let about = format!(
        "{} {what}, as {} has told of them; {} of them are gone. A row is a repository, and each field has its newest value \
         among the runs below. What is not known is null. The column raw has the fields as the server spelled them.",
        footer.rows, footer.endpoint, footer.gone,
    );
    let columns = opened.columns().to_vec();
    let card = Card {
        name: catalogue.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        about,
        tables: vec![Table::of(catalogue, Form::Parquet, columns, footer.rows)?],
        origins: footer.runs.iter().map(origin).collect(),
        made: Timestamp::now(),
    };
    card.write(Staged::folder(catalogue), force)
}

fn origin(run: &Run) -> Origin {
    let name = format!("{} {}", run.listing, run.begun.time());
    Origin { name, sha256: run.manifest.clone(), records: Some(run.records) }
}
