//! Integration tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod avro;
mod choose;
mod cli;
mod csv;
mod files;
mod foreign;
mod hostile;
mod input;
mod more_kinds;
mod odd;
mod old_parquet;
mod parquet;
mod parts;
mod pickle;
mod report;
mod round_trip;
mod sheet;
mod tables;
mod typed_parquet;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use record_converter::{Options, Request, Summary, convert};
use tempfile::TempDir;

/// Converts one file of a folder into another of it.
fn run(folder: &TempDir, input: &str, output: &str, options: Options) -> crawl_core::Result<Summary> {
    let request = Request::new(&folder.path().join(input), &folder.path().join(output), options)?;
    convert(&request, &mut std::io::empty(), &mut std::io::sink())
}

/// Writes `lines` as `in.jsonl` and makes `out.xlsx` of it.
fn workbook(lines: &[&str], options: Options) -> (TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), lines.join("\n")).unwrap();
    let summary = run(&folder, "in.jsonl", "out.xlsx", options).unwrap();
    (folder, summary)
}

/// Reads `out.xlsx` back; its lines.
fn back(folder: &TempDir) -> Vec<String> {
    let options = Options { force: true, ..Options::default() };
    run(folder, "out.xlsx", "back.jsonl", options).unwrap();
    fs::read_to_string(folder.path().join("back.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

/// A part of the workbook as it lies in the ZIP file.
fn part(path: &Path, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn out(folder: &TempDir) -> PathBuf {
    folder.path().join("out.xlsx")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
