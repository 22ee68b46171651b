//! Which options go with which kinds of files.

use crawl_core::{Error, Kind, Result};

use super::kinds::extension;
use super::{Input, MAX_SHEET_ROWS, Output, Request};

impl Request {
    /// Refuses options that would be ignored.
    pub(super) fn check_table_options(&self) -> Result<()> {
        let refused = |what: &str, advice: &str| Err(Error::new(Kind::Config, what).advise(advice));
        let options = &self.options;
        if !options.columns.is_empty() && !self.output.is_table() {
            return refused(
                "columns are named, and the output is no table",
                "write CSV, Parquet or Avro, or leave --columns out: JSONL and workbooks have all",
            );
        }
        let csv = matches!(self.input, Input::Csv(_)) || matches!(self.output, Output::Csv(_));
        if options.delimiter.is_some() && !csv {
            return refused("a delimiter is named, and nothing is CSV", "leave --delimiter out");
        }
        if options.delimiter.is_some_and(|byte| !byte.is_ascii() || matches!(byte, b'"' | b'\r' | b'\n')) {
            return refused("that cannot stand between fields", "use one ASCII character, or `tab`");
        }
        let packed = matches!(self.output, Output::Parquet(_) | Output::Avro(_) | Output::Partitions(_));
        if (!options.raw || options.compression.is_some()) && !packed {
            return refused(
                "what is asked for is for Parquet and Avro, and the output is neither",
                "leave --no-raw and --compression out",
            );
        }
        if options.report && !matches!(self.output, Output::Xlsx(_)) {
            return refused("a report is a workbook, and the output is none", "name a .xlsx file");
        }
        if options.sort_by.is_some() && self.output == Output::Stdout {
            return refused(
                "records are sorted with temporary files beside the output",
                "name a file as the output",
            );
        }
        let described = match &self.output {
            Output::Parquet(_) => true,
            Output::Csv(path) => !matches!(extension(path).as_str(), "gz" | "zst"),
            _ => false,
        };
        if options.croissant && !described {
            return refused("only plain Parquet and CSV files are described", "leave --croissant out");
        }
        if (options.by_label || !options.steps.is_empty()) && !options.report {
            return refused("what is asked for is for reports", "give --report too");
        }
        if options.source.is_some() && !matches!(self.input, Input::Root(_)) {
            return refused("a listing is named, and the input is no root", "leave --source out");
        }
        let sheets = matches!(self.output, Output::Xlsx(_));
        if (options.links || options.sheet_rows != MAX_SHEET_ROWS) && !sheets {
            return refused(
                "what is asked for is for workbooks, and the output is none",
                "leave --links and --sheet-rows out",
            );
        }
        let foreign = matches!(self.input, Input::Csv(_) | Input::Xlsx(_));
        if !options.json_columns.is_empty() && !foreign {
            return refused(
                "a column is said to be JSON, and the input is neither CSV nor a workbook",
                "leave --json-column out",
            );
        }
        if options.as_text && !matches!(self.input, Input::Csv(_)) {
            return refused("fields are to be text, and the input is not CSV", "leave --as-text out");
        }
        Ok(())
    }
}
