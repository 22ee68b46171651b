//! The records that a conversion is given: those that are wanted, in the order that is asked for, to be read once or twice.

use std::io::{BufWriter, Read, Write};
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Result};

use super::line;
use crate::columns::changed;
use crate::lines::Lines;
use crate::request::{Input, Request};
use crate::select::Selection;
use crate::sorted::sorted;
use crate::summary::Summary;
use crate::supply::{Supply, drain};
use crate::{avro, csv, parquet, partitions, pickle, unpack, workbook};

/// How much a look at the records saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    records: u64,
    pub(super) bytes: u64,
}

impl Seen {
    fn add(&mut self, record: Raw<'_>) {
        self.records += 1;
        self.bytes += record.text().len() as u64;
    }
}

/// The first look at the records that are wanted.
pub(super) fn first(
    supply: &Supply,
    selection: Option<&Selection>,
    summary: &mut Summary,
    mut each: impl FnMut(Raw<'_>) -> Result<()>,
) -> Result<Seen> {
    let (mut seen, mut left_out) = (Seen::default(), 0);
    supply.read(summary, |record| {
        if !wanted(selection, record) {
            left_out += 1;
            return Ok(());
        }
        seen.add(record);
        each(record)
    })?;
    summary.left_out += left_out;
    note_unknown(summary, selection);
    Ok(seen)
}

/// The second look. Bad lines were noted by the first.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if the records are not those that the first look saw; those of reading, and of `each`.
pub(super) fn again(
    supply: &Supply,
    selection: Option<&Selection>,
    before: Seen,
    mut each: impl FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let mut seen = Seen::default();
    supply.read(&mut Summary::default(), |record| {
        if !wanted(selection, record) {
            return Ok(());
        }
        seen.add(record);
        each(record)
    })?;
    if seen == before { Ok(()) } else { Err(changed()) }
}

/// Notes which members a selection names and no record has. Where there is no selection it was noted before, or there is none.
fn note_unknown(summary: &mut Summary, selection: Option<&Selection>) {
    if let Some(selection) = selection.filter(|_| summary.records_read > 0) {
        summary.unknown = selection.unseen();
    }
}

fn wanted(selection: Option<&Selection>, record: Raw<'_>) -> bool {
    selection.is_none_or(|selection| selection.keeps(record))
}

/// The records, to be read twice, in the order that is asked for; and which of them are wanted, where others are among them.
pub(super) fn supply(
    request: &Request,
    stdin: &mut dyn Read,
    folder: &Path,
    summary: &mut Summary,
) -> Result<(Supply, Option<Selection>)> {
    let (supply, selection) = unsorted(request, stdin, folder, summary)?;
    let Some(by) = &request.options.sort_by else { return Ok((supply, selection)) };
    let sorted = sorted(&supply, selection.as_ref(), by, folder, summary)?;
    note_unknown(summary, selection.as_ref());
    read_once_more(summary);
    Ok((sorted, None))
}

/// Other kinds of files than JSONL become lines in a temporary file in `folder`.
fn unsorted(
    request: &Request,
    stdin: &mut dyn Read,
    folder: &Path,
    summary: &mut Summary,
) -> Result<(Supply, Option<Selection>)> {
    let supply = match &request.input {
        Input::Jsonl(path) => Supply::File(path.clone()),
        Input::Stdin => Supply::spool(stdin, folder)?,
        Input::Root(root) => Supply::root(root, request.options.source.as_deref())?,
        Input::Xlsx(_)
        | Input::Csv(_)
        | Input::Parquet(_)
        | Input::Partitions(_)
        | Input::Avro(_)
        | Input::Pickle(_) => {
            let fault = |cause| Error::io("cannot write a temporary file", folder, cause);
            let mut file = tempfile::tempfile_in(folder).map_err(fault)?;
            let mut lines = BufWriter::new(&mut file);
            to_lines(request, stdin, Some(folder), summary, &mut |text| line(&mut lines, text))?;
            lines.flush().map_err(fault)?;
            drop(lines);
            read_once_more(summary);
            return Ok((Supply::Spool(file), None));
        }
    };
    Ok((supply, request.selection()?))
}

/// What was read is read, and counted, once more; what was left out is not there any more, and counts already.
fn read_once_more(summary: &mut Summary) {
    (summary.records_read, summary.records_written) = (summary.left_out, 0);
}

/// Gives each record that is wanted to `each`, in the order that is asked for.
pub(super) fn records(
    request: &Request,
    stdin: &mut dyn Read,
    temporary: Option<&Path>,
    summary: &mut Summary,
    each: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let (Some(folder), Some(_)) = (temporary, &request.options.sort_by) else {
        return to_lines(request, stdin, temporary, summary, each);
    };
    let (supply, _) = supply(request, stdin, folder, summary)?;
    supply.read(summary, |record| each(record.text()))?;
    summary.records_written = summary.records_read - summary.left_out;
    Ok(())
}

/// Gives each record that is wanted to `each`, as one line of JSON without its end.
fn to_lines(
    request: &Request,
    stdin: &mut dyn Read,
    temporary: Option<&Path>,
    summary: &mut Summary,
    each: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let selection = request.selection()?;
    let mut left_out = 0;
    // `record` is what was read as one already.
    let mut give = |text: &str, record: Option<Raw<'_>>| {
        let kept = match (&selection, record) {
            (None, _) => true,
            (Some(selection), Some(record)) => selection.keeps(record),
            (Some(selection), None) => selection.keeps(Raw::parse(text.as_bytes())?),
        };
        left_out += u64::from(!kept);
        if kept { each(text) } else { Ok(()) }
    };
    match &request.input {
        Input::Xlsx(path) => {
            workbook::read(path, &request.options, temporary, summary, |text| give(text, None))?;
        }
        Input::Parquet(path) => parquet::read(path, summary, |text| give(text, None))?,
        Input::Partitions(path) => partitions::read(path, summary, |text| give(text, None))?,
        Input::Avro(path) => avro::read(path, summary, |text| give(text, None))?,
        Input::Csv(path) => csv::read(path, &request.options, summary, |text| give(text, None))?,
        Input::Pickle(path) => pickle::read(path, summary, |text| give(text, None))?,
        Input::Stdin => {
            let lines = Lines::new(unpack::unpacked(stdin), "stdin");
            drain(lines, summary, &mut |record| give(record.text(), Some(record)))?;
        }
        Input::Jsonl(path) => {
            Supply::File(path.clone()).read(summary, |record| give(record.text(), Some(record)))?;
        }
        Input::Root(root) => {
            let supply = Supply::root(root, request.options.source.as_deref())?;
            supply.read(summary, |record| give(record.text(), Some(record)))?;
        }
    }
    summary.left_out += left_out;
    note_unknown(summary, selection.as_ref());
    summary.records_written = summary.records_read - left_out;
    Ok(())
}
