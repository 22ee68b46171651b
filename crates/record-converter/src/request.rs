//! What to convert into what: kinds of files by their names, and the options.

mod check;
mod kinds;

use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};

use crate::select::Selection;

/// The most rows of a sheet below its header.
pub const MAX_SHEET_ROWS: u32 = 1_048_575;

/// Where the records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A folder with the committed pages of one or more listings.
    Root(PathBuf),
    /// A file with one JSON object a line; it may be compressed with gzip or zstd.
    Jsonl(PathBuf),
    /// One JSON object a line, from the reader that [`crate::convert`] is given.
    Stdin,
    /// An Excel workbook (`.xlsx`, or `.xlsm` whose macros are ignored).
    Xlsx(PathBuf),
    /// A CSV file; it may be compressed with gzip or zstd.
    Csv(PathBuf),
    /// A Parquet file.
    Parquet(PathBuf),
    /// An Avro file.
    Avro(PathBuf),
    /// A Python pickle with plain values or objects of `huggingface_hub`; nothing in it is executed.
    Pickle(PathBuf),
}

/// Where the records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file with one JSON object a line, compressed if it is called `.gz` or `.zst`.
    Jsonl(PathBuf),
    /// One JSON object a line, to the writer that [`crate::convert`] is given.
    Stdout,
    /// An Excel workbook.
    Xlsx(PathBuf),
    /// A CSV file.
    Csv(PathBuf),
    /// A Parquet file.
    Parquet(PathBuf),
    /// An Avro file.
    Avro(PathBuf),
    /// An XML file, compressed if it is called `.gz` or `.zst`.
    Xml(PathBuf),
    /// A folder of Parquet files, one for each value of the column [`Options::partition_by`].
    Partitions(PathBuf),
    /// The listing [`Options::listing`] of this root, as crawls write them.
    Root(PathBuf),
}

/// How the pages of a Parquet file and the blocks of an Avro file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Small, and fast to read.
    Zstd,
    /// For readers that know nothing newer.
    Snappy,
    /// Not at all.
    None,
}

/// How to convert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which listing of a root, e.g. `hf/datasets`; may stay open when there is only one.
    pub source: Option<String>,
    /// Which records are wanted, as `docs/record-converter.md` describes it; `None`: all.
    pub selection: Option<String>,
    /// The column that the records are sorted by, smallest first and null before all. `None`: as they come.
    pub sort_by: Option<String>,
    /// The column whose values the output is divided by.
    pub partition_by: Option<String>,
    /// The listing that the output is to be.
    pub listing: Option<String>,
    /// Whether `croissant.json` and `README.md` are written beside a Parquet or CSV file.
    pub croissant: bool,
    /// Whether a workbook is a report for people, which is not read back.
    pub report: bool,
    /// Whether a report has a sheet for each label.
    pub by_label: bool,
    /// Roots of earlier steps: a report tells what they dropped and miss.
    pub steps: Vec<PathBuf>,
    /// Whether http and https addresses become clickable; in a report the name of each record.
    pub links: bool,
    /// The most records of a sheet, 1 to [`MAX_SHEET_ROWS`].
    pub sheet_rows: u32,
    /// Whether an output that exists is replaced.
    pub force: bool,
    /// Columns of workbooks and CSV files made by others whose text is JSON. Gleaner's own need none.
    pub json_columns: Vec<String>,
    /// The sheets of a workbook to read, hidden ones too. None are named: all that people see.
    pub sheets: Vec<String>,
    /// The row with the header in each sheet, from 1; what is above it is not read. `None`: the first row that
    /// holds anything.
    pub header_row: Option<u32>,
    /// The columns of a table (not of a workbook) that is written, in this order. None are named: all.
    pub columns: Vec<String>,
    /// The ASCII character between the fields of a CSV file. `None`: a tab if it is called `.tsv`, else a comma.
    pub delimiter: Option<u8>,
    /// Whether each field of a CSV file that is read is text, whatever it looks like.
    pub as_text: bool,
    /// Whether Parquet and Avro also have a column with each record word for word. Never with `columns`.
    pub raw: bool,
    /// How Parquet and Avro are compressed. `None`: with zstd, and Avro with deflate, which all its readers know.
    pub compression: Option<Compression>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            source: None,
            selection: None,
            sort_by: None,
            partition_by: None,
            listing: None,
            croissant: false,
            report: false,
            by_label: false,
            steps: Vec::new(),
            links: false,
            sheet_rows: MAX_SHEET_ROWS,
            force: false,
            json_columns: Vec::new(),
            sheets: Vec::new(),
            header_row: None,
            columns: Vec::new(),
            delimiter: None,
            as_text: false,
            raw: true,
            compression: None,
        }
    }
}

impl Options {
    /// Whether Parquet and Avro have a column with each record: it would hold what was not chosen.
    pub(crate) fn has_raw(&self) -> bool {
        self.raw && self.columns.is_empty()
    }

    /// What stands between the fields of the CSV file `path`.
    pub(crate) fn delimiter_of(&self, path: &Path) -> u8 {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let tabs = [".tsv", ".tsv.gz", ".tsv.zst"].iter().any(|end| name.ends_with(end));
        self.delimiter.unwrap_or(if tabs { b'\t' } else { b',' })
    }
}

/// A conversion to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where the records come from.
    pub input: Input,
    /// Where the records go.
    pub output: Output,
    /// How to convert.
    pub options: Options,
}

impl Request {
    /// Takes a folder, a file name or `-` for the input, a file name or `-` for the output.
    ///
    /// # Errors
    /// [`Kind::Config`] if a kind of file is not supported or the two do not go together.
    pub fn new(input: &Path, output: &Path, options: Options) -> Result<Self> {
        let request =
            Request { input: Input::named(input)?, output: Output::named(output, &options)?, options };
        request.selection()?;
        let books = matches!((&request.input, &request.output), (Input::Xlsx(_), Output::Xlsx(_)));
        let options = &request.options;
        let chosen = options.selection.is_some() || options.sort_by.is_some() || !options.sheets.is_empty();
        if books && !options.report && !chosen {
            return Err(Error::new(Kind::Config, "both are Excel workbooks: there is nothing to convert")
                .advise("name a .jsonl file as the output, or choose with --where, --sort-by or --sheet"));
        }
        if !(1..=MAX_SHEET_ROWS).contains(&request.options.sheet_rows) {
            let what =
                format!("a sheet holds 1 to {MAX_SHEET_ROWS} records, not {}", request.options.sheet_rows);
            return Err(Error::new(Kind::Config, what));
        }
        let reading = !request.options.sheets.is_empty() || request.options.header_row.is_some();
        if reading && !matches!(request.input, Input::Xlsx(_)) {
            return Err(Error::new(
                Kind::Config,
                "a sheet or a header row is named, and the input is no workbook",
            )
            .at(input.display().to_string())
            .advise("leave --sheet and --header-row out"));
        }
        request.check_table_options()?;
        if request.options.header_row == Some(0) {
            return Err(Error::new(Kind::Config, "there is no row 0: the first row of a sheet is 1"));
        }
        Ok(request)
    }

    /// Which records are wanted.
    ///
    /// # Errors
    /// [`Kind::Config`] if that is not written as it should be.
    pub(crate) fn selection(&self) -> Result<Option<Selection>> {
        self.options.selection.as_deref().map(Selection::parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_name() {
        let request =
            |input: &str, output: &str| Request::new(Path::new(input), Path::new(output), Options::default());
        assert_eq!(request("-", "x.XLSX").unwrap().output, Output::Xlsx("x.XLSX".into()));
        assert_eq!(request("a.xlsx", "-").unwrap().input, Input::Xlsx("a.xlsx".into()));
        let error = request("a.jsonl", "b.json").unwrap_err();
        assert!(error.advice().contains("one object a line"), "{}", error.advice());
        assert!(request("a.xlsx", "b.xlsx").is_err());
        assert_eq!(request("a.XLSM", "-").unwrap().input, Input::Xlsx("a.XLSM".into()));
        assert_eq!(request("a.jsonl.gz", "-").unwrap().input, Input::Jsonl("a.jsonl.gz".into()));
        for (input, output, word) in [
            ("a.gz", "-", "compressed"),
            ("a.xlsx.gz", "-", "compressed"),
            ("a.xlsb", "-", "save"),
            ("a.jsonl", "b.xlsm", "macros"),
            ("a.jsonl", "b.parquet.gz", "compressed"),
            ("a.jsonl", "b.pkl", "not written"),
        ] {
            let error = request(input, output).unwrap_err();
            assert!(error.advice().contains(word), "{input} {output}: {}", error.advice());
        }
        for options in [
            Options { sheets: vec!["x".into()], ..Options::default() },
            Options { header_row: Some(1), ..Options::default() },
        ] {
            assert!(Request::new(Path::new("a.jsonl"), Path::new("-"), options).is_err());
        }
        for (options, word) in [
            (Options { partition_by: Some("x".into()), ..Options::default() }, "--partition-by"),
            (Options { listing: Some("x".into()), ..Options::default() }, "--listing"),
            (Options { source: Some("x".into()), ..Options::default() }, "--source"),
            (Options { links: true, ..Options::default() }, "--links"),
            (Options { sheet_rows: 7, ..Options::default() }, "--sheet-rows"),
            (Options { json_columns: vec!["x".into()], ..Options::default() }, "--json-column"),
        ] {
            let error = Request::new(Path::new("a.jsonl"), Path::new("-"), options).err();
            let error = error.unwrap_or_else(|| panic!("{word} was ignored"));
            assert!(error.advice().contains(word), "{word}: {}", error.advice());
        }
        let zero = Options { header_row: Some(0), ..Options::default() };
        assert!(Request::new(Path::new("a.xlsx"), Path::new("-"), zero).is_err());
    }
}
