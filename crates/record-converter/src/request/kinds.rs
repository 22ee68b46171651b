//! Kinds of files, told by their names.

use std::path::Path;

use crawl_core::{Error, Kind, Result, SourceId};

use super::{Input, Options, Output};
use crate::partitions;
use crate::supply::cannot_open;

impl Input {
    pub(super) fn named(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Input::Stdin);
        }
        if path.is_dir() {
            let kind = if partitions::is_one(path) { Input::Partitions } else { Input::Root };
            return Ok(kind(path.to_owned()));
        }
        let packed = matches!(extension(path).as_str(), "gz" | "zst");
        let inner = if packed { path.file_stem().unwrap_or_default().as_ref() } else { path };
        match extension(inner).as_str() {
            "jsonl" | "ndjson" => Ok(Input::Jsonl(path.to_owned())),
            "avro" if !packed => Ok(Input::Avro(path.to_owned())),
            "parquet" if !packed => Ok(Input::Parquet(path.to_owned())),
            "csv" | "tsv" => Ok(Input::Csv(path.to_owned())),
            "pkl" | "pickle" if !packed => Ok(Input::Pickle(path.to_owned())),
            "xlsx" | "xlsm" | "xltx" | "xltm" if !packed => Ok(Input::Xlsx(path.to_owned())),
            // What has an ending is not one that can be read, there or not.
            _ if extension(path).is_empty() && !path.exists() => {
                Err(cannot_open(path, std::io::ErrorKind::NotFound.into()))
            }
            _ => Err(unsupported(
                path,
                "the root folder of a crawl, a folder of Hive partitions, a .jsonl or .csv file (also .gz or .zst), `-` (JSONL from stdin), a .parquet, .avro, .xlsx, .xlsm or .pkl file",
            )),
        }
    }
}

impl Output {
    /// The file or the folder that it makes.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Output::Stdout => None,
            Output::Jsonl(path)
            | Output::Xlsx(path)
            | Output::Csv(path)
            | Output::Parquet(path)
            | Output::Avro(path)
            | Output::Xml(path)
            | Output::Partitions(path)
            | Output::Root(path) => Some(path),
        }
    }

    /// Whether it has columns, and `--columns` says which.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Output::Csv(_) | Output::Parquet(_) | Output::Avro(_) | Output::Partitions(_))
    }

    pub(super) fn named(path: &Path, options: &Options) -> Result<Self> {
        match (&options.partition_by, &options.listing) {
            (Some(_), Some(_)) => {
                return Err(Error::new(Kind::Config, "a folder is either partitions or a listing")
                    .advise("give --partition-by or --listing"));
            }
            (None, None) => {}
            _ if path == Path::new("-") => {
                return Err(Error::new(Kind::Config, "partitions and listings are folders, not stdout")
                    .advise("name a folder as the output, or leave --partition-by and --listing out"));
            }
            (Some(_), None) => return Ok(Output::Partitions(path.to_owned())),
            (None, Some(listing)) => {
                SourceId::new(listing.clone())?;
                return Ok(Output::Root(path.to_owned()));
            }
        }
        if path == Path::new("-") {
            return Ok(Output::Stdout);
        }
        let packed = matches!(extension(path).as_str(), "gz" | "zst");
        let inner = if packed { path.file_stem().unwrap_or_default().as_ref() } else { path };
        match extension(inner).as_str() {
            "jsonl" | "ndjson" => Ok(Output::Jsonl(path.to_owned())),
            "csv" | "tsv" => Ok(Output::Csv(path.to_owned())),
            "xml" => Ok(Output::Xml(path.to_owned())),
            "xlsx" if !packed => Ok(Output::Xlsx(path.to_owned())),
            "avro" if !packed => Ok(Output::Avro(path.to_owned())),
            "parquet" if !packed => Ok(Output::Parquet(path.to_owned())),
            _ => Err(unsupported(
                path,
                "a .jsonl, .csv or .xml file (also .gz or .zst), a .xlsx, .parquet or .avro file, `-` (JSONL to stdout); \
                 a folder with --partition-by or --listing",
            )),
        }
    }
}

pub(super) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn unsupported(path: &Path, supported: &str) -> Error {
    let later = match extension(path).as_str() {
        "json" => {
            "; if it holds one object a line, call it .jsonl; of one list `jq -c '.[]' FILE.json` makes lines"
        }
        "xml" => "; XML is written and not read",
        "xls" | "xlsb" | "ods" | "numbers" => "; save the workbook as .xlsx in Excel or LibreOffice",
        "xlsm" | "xltx" | "xltm" => "; workbooks are written without macros, as .xlsx",
        "gz" | "zst" => "; only JSON lines, CSV and XML may be compressed",
        "pkl" | "pickle" => "; pickles are read and not written",
        _ => "",
    };
    Error::new(Kind::Config, "not a kind of file that can be converted")
        .at(path.display().to_string())
        .advise(format!("use {supported}{later}"))
}
