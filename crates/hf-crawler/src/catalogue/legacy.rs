//! The table of the seed system: 37 columns of the models that are not gone.

use std::path::Path;

use crawl_core::{Result, Staged};
use model_facts::{Described, Facts, LEGACY};
use record_converter::parquet::{WriteOptions, Writer};

use super::file::Catalogue;
use super::gone::Passes;

/// Writes the models of a catalogue that are not gone as a table of their own; gives how many there are.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if it is a catalogue of datasets; those of reading it; [`crawl_core::Kind::Storage`] if the disk refuses.
pub fn legacy(
    catalogue: &Catalogue,
    to: &Path,
    compression: Option<record_converter::Compression>,
) -> Result<u64> {
    catalogue.of_models()?;
    let columns: Vec<_> = LEGACY.iter().map(Described::column).collect();
    let options = WriteOptions { compression, ..WriteOptions::default() };
    let mut writer = Writer::new(Staged::create(to)?, &columns, &options)?;
    let passes = Passes::of(catalogue.runs());
    let mut count = 0;
    for row in catalogue.rows()? {
        let row = row?;
        if passes.gone_at(row.last).is_none() {
            let facts = Facts { fetched_at: row.fetched_at()?, ..Facts::of(&row.record) };
            writer.push(&model_facts::row(LEGACY, &facts))?;
            count += 1;
        }
    }
    writer.finish()?.finish()?;
    Ok(count)
}
