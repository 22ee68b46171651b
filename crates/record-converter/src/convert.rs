//! One conversion, from the input as it is to the output under its final name.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Instant;

use crawl_core::{Error, Kind, Result};

use crate::avro;
use crate::book::{Book, guarded};
use crate::columns::{Columns, changed};
use crate::csv;
use crate::lines::Lines;
use crate::output::Table;
use crate::parquet;
use crate::request::{Input, Output, Request};
use crate::staged::{create, folder, refuse_existing};
use crate::summary::Summary;
use crate::supply::{Supply, drain};
use crate::unpack;
use crate::workbook;

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
    match &request.output {
        Output::Xlsx(path) | Output::Csv(path) | Output::Parquet(path) | Output::Avro(path) => {
            to_columns(request, path, stdin, &mut summary)?;
        }
        Output::Jsonl(path) => {
            let mut file = create(path, request.options.force)?;
            to_lines(request, stdin, &mut file, Some(folder(path)), &mut summary)?;
            summary.bytes = file.finish()?;
        }
        Output::Stdout => {
            let mut pipe = Pipe { to: BufWriter::new(stdout), written: 0, closed: false };
            to_lines(request, stdin, &mut pipe, None, &mut summary)?;
            pipe.flush().map_err(not_written)?;
            summary.bytes = pipe.written;
        }
    }
    summary.took = began.elapsed();
    Ok(summary)
}

/// Writes what has columns: one look at the records finds them, a second one writes.
fn to_columns(request: &Request, path: &Path, stdin: &mut dyn Read, summary: &mut Summary) -> Result<()> {
    let options = &request.options;
    refuse_existing(path, options.force)?;
    let supply = supply(request, stdin, folder(path), summary)?;
    let mut columns = if matches!(request.output, Output::Xlsx(_) | Output::Csv(_)) {
        Columns::default()
    } else {
        Columns::typed()
    };
    let mut bytes = 0;
    supply.read(summary, |record| {
        bytes += record.text().len() as u64;
        columns.learn(record)
    })?;
    columns.choose(&options.columns)?;
    let mut file = create(path, options.force)?;
    // Bad lines were noted by the first look.
    let mut again = Summary::default();
    match &request.output {
        Output::Xlsx(_) => guarded(|| {
            let mut book = Book::new(folder(path), &columns, options, bytes)?;
            supply.read(&mut again, |record| book.push(record, summary))?;
            unchanged(summary)?;
            book.finish(&mut file, summary)
        })?,
        _ => {
            summary.columns = columns.chosen().count();
            let mut table = Table::new(&mut file, path, &request.output, &columns, options)?;
            supply.read(&mut again, |record| {
                summary.records_written += 1;
                table.push(record, &columns)
            })?;
            unchanged(summary)?;
            table.finish()?;
        }
    }
    summary.bytes = file.finish()?;
    Ok(())
}

fn unchanged(summary: &Summary) -> Result<()> {
    if summary.records_written == summary.records_read { Ok(()) } else { Err(changed()) }
}

/// The records, to be read twice. Other kinds of files than JSONL become lines in a temporary file in `folder`.
fn supply(request: &Request, stdin: &mut dyn Read, folder: &Path, summary: &mut Summary) -> Result<Supply> {
    match &request.input {
        Input::Jsonl(path) => Ok(Supply::File(path.clone())),
        Input::Stdin => Supply::spool(stdin, folder),
        Input::Root(root) => Supply::root(root, request.options.source.as_deref()),
        Input::Xlsx(_) | Input::Csv(_) | Input::Parquet(_) | Input::Avro(_) => {
            let fault = |cause| Error::io("cannot write a temporary file", folder, cause);
            let mut file = tempfile::tempfile_in(folder).map_err(fault)?;
            let mut lines = BufWriter::new(&mut file);
            to_lines(request, stdin, &mut lines, Some(folder), summary)?;
            lines.flush().map_err(fault)?;
            drop(lines);
            // They are read, and counted, once more.
            (summary.records_read, summary.records_written) = (0, 0);
            Ok(Supply::Spool(file))
        }
    }
}

fn to_lines(
    request: &Request,
    stdin: &mut dyn Read,
    to: &mut dyn Write,
    temporary: Option<&Path>,
    summary: &mut Summary,
) -> Result<()> {
    let mut line =
        |text: &str| to.write_all(text.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(not_written);
    match &request.input {
        Input::Xlsx(path) => return workbook::read(path, &request.options, temporary, summary, line),
        Input::Parquet(path) => return parquet::read(path, summary, line),
        Input::Avro(path) => return avro::read(path, summary, line),
        Input::Csv(path) => return csv::read(path, &request.options, summary, line),
        Input::Stdin => {
            drain(Lines::new(unpack::reader(stdin), "stdin"), summary, &mut |record| line(record.text()))?;
        }
        Input::Jsonl(path) => Supply::File(path.clone()).read(summary, |record| line(record.text()))?,
        Input::Root(root) => {
            Supply::root(root, request.options.source.as_deref())?
                .read(summary, |record| line(record.text()))?;
        }
    }
    summary.records_written = summary.records_read;
    Ok(())
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
