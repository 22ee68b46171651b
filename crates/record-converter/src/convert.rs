//! One conversion, from the input as it is to the output under its final name.

mod given;

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Instant;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result, SourceId, Staged, Timestamp};
use sha2::{Digest, Sha256};

use crate::book::{Book, guarded};
use crate::card::{Card, Form, Origin};
use given::{again, first, records, supply};

use crate::columns::Columns;
use crate::listing;
use crate::output::{Table, all_columns};
use crate::packed::Packed;
use crate::partitions::Partitions;
use crate::report::{Looked, Report, Step};
use crate::request::{Input, Output, Request};
use crate::staged::{create, refuse_existing, refuse_nowhere};
use crate::summary::Summary;
use crate::supply::Supply;
use crate::xml;

/// Does a conversion. `stdin` and `stdout` are used where the request names them.
///
/// An output file appears under its name only when it is whole and synced; until then it is `NAME.part`. Done
/// twice with `force`, it gives the same records. Lines that are no records do not stop it: they are counted and
/// named in [`Summary::bad_lines`]; nor do cells that are cut or lost: they are named in [`Summary::lost_cells`].
///
/// # Errors
/// [`Kind::Config`] if the input is not there, the output is, or the records do not fit;
/// [`Kind::Shape`] if a workbook or a table is damaged; [`Kind::Storage`] if a file cannot be read or written.
pub fn convert(request: &Request, stdin: &mut dyn Read, stdout: &mut dyn Write) -> Result<Summary> {
    let began = Instant::now();
    let mut summary = Summary::default();
    if let Some(path) = request.output.path() {
        refuse_nowhere(path)?;
    }
    match &request.output {
        Output::Xlsx(path) if request.options.report => to_report(request, path, stdin, &mut summary)?,
        Output::Xlsx(path) | Output::Csv(path) | Output::Parquet(path) | Output::Avro(path) => {
            to_columns(request, path, stdin, &mut summary)?;
        }
        Output::Jsonl(path) => {
            let mut file = create(path, request.options.force)?;
            let mut packed = Packed::new(&mut file, path)?;
            records(request, stdin, Some(Staged::folder(path)), &mut summary, &mut |text| {
                line(&mut packed, text)
            })?;
            packed.finish()?;
            summary.bytes = file.finish()?;
        }
        Output::Xml(path) => {
            let mut file = create(path, request.options.force)?;
            let mut packed = Packed::new(&mut file, path)?;
            let mut writer = xml::Writer::new(&mut packed)?;
            records(request, stdin, Some(Staged::folder(path)), &mut summary, &mut |text| {
                writer.push(Raw::parse(text.as_bytes())?)
            })?;
            writer.finish()?;
            packed.finish()?;
            summary.bytes = file.finish()?;
        }
        Output::Stdout => {
            let mut pipe = Pipe { to: BufWriter::new(stdout), written: 0, closed: false };
            records(request, stdin, None, &mut summary, &mut |text| line(&mut pipe, text))?;
            pipe.flush().map_err(not_written)?;
            summary.bytes = pipe.written;
        }
        Output::Root(root) => to_root(request, root, stdin, &mut summary)?,
        Output::Partitions(path) => to_partitions(request, path, stdin, &mut summary)?,
    }
    summary.took = began.elapsed();
    Ok(summary)
}

/// Writes what has columns: one look at the records finds them, a second one writes.
fn to_columns(request: &Request, path: &Path, stdin: &mut dyn Read, summary: &mut Summary) -> Result<()> {
    let options = &request.options;
    refuse_existing(path, options.force)?;
    if options.croissant {
        Card::refuse_existing(Staged::folder(path), options.force)?;
    }
    let (supply, selection) = supply(request, stdin, Staged::folder(path), summary)?;
    let typed = options.croissant || !matches!(request.output, Output::Xlsx(_) | Output::Csv(_));
    let mut columns = if typed { Columns::typed() } else { Columns::default() };
    let seen = first(&supply, selection.as_ref(), summary, |record| columns.learn(record))?;
    columns.choose(&options.columns)?;
    let mut file = create(path, options.force)?;
    match &request.output {
        Output::Xlsx(_) => guarded(|| {
            let mut book = Book::new(Staged::folder(path), &columns, options, seen.bytes)?;
            again(&supply, selection.as_ref(), seen, |record| book.push(record, summary))?;
            book.finish(&mut file, summary)
        })?,
        _ => {
            summary.columns = columns.chosen().count();
            let mut packed = Packed::new(&mut file, path)?;
            let mut table = Table::new(&mut packed, path, &request.output, &columns, options)?;
            again(&supply, selection.as_ref(), seen, |record| {
                summary.records_written += 1;
                table.push(record, &columns)
            })?;
            table.finish()?;
            packed.finish()?;
        }
    }
    if !options.croissant {
        summary.bytes = file.finish()?;
        return Ok(());
    }
    // Before the output is there: it may be in the place of the input.
    let origins = origins(request, &supply)?;
    summary.bytes = file.finish()?;
    describe(request, path, origins, &columns, summary)
}

/// What the table is made from.
fn origins(request: &Request, supply: &Supply) -> Result<Vec<Origin>> {
    match (supply, &request.input) {
        (Supply::Pages(input), _) => Origin::of(input),
        (
            _,
            Input::Jsonl(file)
            | Input::Xlsx(file)
            | Input::Csv(file)
            | Input::Parquet(file)
            | Input::Avro(file)
            | Input::Pickle(file),
        ) => Ok(vec![Origin::of_file(file)?]),
        _ => Ok(Vec::new()),
    }
}

/// Writes `croissant.json` and `README.md` beside the table.
fn describe(
    request: &Request,
    path: &Path,
    origins: Vec<Origin>,
    columns: &Columns,
    summary: &Summary,
) -> Result<()> {
    let form = if matches!(request.output, Output::Csv(_)) { Form::Csv } else { Form::Parquet };
    let columns = all_columns(&request.output, columns, &request.options);
    let names: Vec<_> = origins.iter().map(|origin| origin.name.as_str()).collect();
    let from = if names.is_empty() { "stdin".to_owned() } else { names.join(", ") };
    let chosen = match &request.options.selection {
        Some(rule) => format!(" Only those for which {rule}."),
        None => String::new(),
    };
    let card = Card {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        about: format!("{} records of {from}.{chosen}", summary.records_written),
        tables: vec![crate::card::Table::of(path, form, columns, summary.records_written)?],
        origins,
        made: Timestamp::now(),
    };
    card.write(Staged::folder(path), request.options.force)
}

fn to_report(request: &Request, path: &Path, stdin: &mut dyn Read, summary: &mut Summary) -> Result<()> {
    let options = &request.options;
    refuse_existing(path, options.force)?;
    let mut steps = Vec::new();
    let own = match &request.input {
        Input::Root(root) => Some(root),
        _ => None,
    };
    for root in options.steps.iter().chain(own) {
        steps.extend(Step::all(root)?);
    }
    let (supply, selection) = supply(request, stdin, Staged::folder(path), summary)?;
    let mut looked = Looked::default();
    let seen = first(&supply, selection.as_ref(), summary, |record| {
        looked.learn(record);
        Ok(())
    })?;
    if let Some((values, why)) = looked.left_out() {
        summary.cells_lost += values - 1;
        summary.note_lost(|| (format!("{values} values {why}"), "a report has no room for them".into()));
    }
    let mut file = create(path, options.force)?;
    guarded(|| {
        let mut report = Report::new(Staged::folder(path), &looked, &steps, options, seen.bytes)?;
        again(&supply, selection.as_ref(), seen, |record| report.push(record, summary))?;
        report.finish(&mut file, summary)
    })?;
    summary.bytes = file.finish()?;
    Ok(())
}

fn to_partitions(request: &Request, to: &Path, stdin: &mut dyn Read, summary: &mut Summary) -> Result<()> {
    let by = request.options.partition_by.as_deref().unwrap_or_default();
    let mut partitions = Partitions::new(to, by, request.options.has_raw())?;
    let (supply, selection) = supply(request, stdin, Staged::folder(to), summary)?;
    let mut columns = Columns::typed();
    let seen = first(&supply, selection.as_ref(), summary, |record| columns.learn(record))?;
    columns.choose(&request.options.columns)?;
    columns.leave_out(by)?;
    summary.columns = columns.chosen().count();
    again(&supply, selection.as_ref(), seen, |record| partitions.push(record, summary))?;
    partitions.finish(to, &columns, &request.options, summary)
}

/// Writes the pages of a listing. The records lie in a temporary file first, because the listing is named by their digest.
fn to_root(request: &Request, root: &Path, stdin: &mut dyn Read, summary: &mut Summary) -> Result<()> {
    let id = SourceId::new(request.options.listing.clone().unwrap_or_default())?;
    let beside = Staged::folder(root);
    let fault = |cause| Error::io("cannot write a temporary file", beside, cause);
    let mut file = tempfile::tempfile_in(beside).map_err(fault)?;
    let mut lines = BufWriter::new(&mut file);
    let mut digest = Sha256::new();
    records(request, stdin, Some(beside), summary, &mut |text| {
        digest.update(text);
        digest.update("\n");
        line(&mut lines, text)
    })?;
    lines.flush().map_err(fault)?;
    drop(lines);
    summary.bytes = file.metadata().map_err(fault)?.len();
    listing::write(file, &data_encoding::HEXLOWER.encode(&digest.finalize()), root, &id)
}

fn line(to: &mut dyn Write, text: &str) -> Result<()> {
    to.write_all(text.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(not_written)
}

/// The error for an output that the disk, or who reads it, refuses.
pub(crate) fn not_written(cause: io::Error) -> Error {
    Error::new(Kind::Storage, "cannot write the output").because(cause)
}

/// Stdout: counts what goes through, and takes a closed pipe (`| head`) as the reader's choice.
struct Pipe<'a> {
    to: BufWriter<&'a mut dyn Write>,
    written: u64,
    closed: bool,
}

impl Pipe<'_> {
    fn unless_closed(&mut self, done: io::Result<()>) -> io::Result<()> {
        match done {
            Err(cause) if cause.kind() == ErrorKind::BrokenPipe => self.closed = true,
            other => return other,
        }
        Ok(())
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.closed {
            let done = self.to.write_all(bytes);
            self.unless_closed(done)?;
            self.written += bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = if self.closed { Ok(()) } else { self.to.flush() };
        self.unless_closed(done)
    }
}
