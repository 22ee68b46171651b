//! Where records come from: files with bad lines, stdin, roots of crawls.

use std::fs;
use std::path::Path;

use crawl_core::Kind;
use record_converter::{Input, Options, Output, Request, convert};
use sha2::{Digest, Sha256};

use crate::{back, run, workbook};

#[test]
fn bad_lines_are_counted_and_named() {
    let lines = [r#"{"a":1}"#, "oops", "", "[1]", r#"{"a":"#, r#"{"a":2}"#];
    let (folder, summary) = workbook(&lines, Options::default());
    assert_eq!((summary.records_read, summary.records_written), (2, 2));
    assert_eq!((summary.missing, summary.blank_lines), (3, 1));
    let named: Vec<_> = summary.bad_lines.iter().map(|bad| (bad.line, bad.why.as_str())).collect();
    assert_eq!(named[0].0, 2);
    assert_eq!(named[1], (4, "JSON, but not an object"));
    assert_eq!(named[2].0, 5);
    assert!(summary.bad_lines[0].place.ends_with("in.jsonl"));
    assert_eq!(back(&folder), [r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn jsonl_to_jsonl_keeps_good_lines_word_for_word() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "\u{feff}{\"a\": 1.0, \"a\":2}\r\nno\n{}").unwrap();
    let summary = run(&folder, "in.jsonl", "out.jsonl", Options::default()).unwrap();
    assert_eq!((summary.records_written, summary.missing), (2, 1));
    assert_eq!(fs::read_to_string(folder.path().join("out.jsonl")).unwrap(), "{\"a\": 1.0, \"a\":2}\n{}\n");
}

#[test]
fn stdin_is_read_twice_through_a_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.xlsx");
    let request = Request::new(Path::new("-"), &output, Options::default()).unwrap();
    let mut stdin: &[u8] = b"{\"a\":1}\n{\"b\":2}\nbad\n";
    let summary = convert(&request, &mut stdin, &mut std::io::sink()).unwrap();
    assert_eq!((summary.records_written, summary.missing), (2, 1));
    assert_eq!(summary.bad_lines[0].place, "stdin");
    assert_eq!(back(&folder), ["{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(crate::names(folder.path()), ["back.jsonl", "out.xlsx"]);
}

#[test]
fn a_workbook_goes_to_stdout_as_lines() {
    let (folder, _) = workbook(&[r#"{"a":1}"#], Options::default());
    let request = Request::new(&crate::out(&folder), Path::new("-"), Options::default()).unwrap();
    let mut stdout = Vec::new();
    let summary = convert(&request, &mut std::io::empty(), &mut stdout).unwrap();
    assert_eq!(stdout, b"{\"a\":1}\n");
    assert_eq!(summary.bytes, 8);
}

/// A root with a listing of `pages` committed pages of two records and one page more that is not committed.
fn listing(root: &Path, id: &str, pages: u64) {
    let folder = root.join(id);
    fs::create_dir_all(&folder).unwrap();
    let mut manifest = String::new();
    for page in 1..=pages + 1 {
        let text = format!("{{\"id\":\"{page}a\"}}\n{{\"id\":\"{page}b\",\"page\":{page}}}\n");
        if page <= pages {
            let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&text));
            manifest.push_str(&format!(
                "{{\"number\":{page},\"cursor\":\"\",\"next\":null,\"fetched_at\":\"2026-11-23T10:00:00Z\",\"records\":2,\
                 \"missing\":0,\"bytes\":0,\"sha256\":\"{sha256}\"}}\n"
            ));
        }
        fs::write(folder.join(format!("page_{page:05}.jsonl")), text).unwrap();
    }
    fs::write(folder.join("manifest.jsonl"), &manifest).unwrap();
    let mut checkpoint = serde_json::to_value(crawl_core::Checkpoint::start()).unwrap();
    checkpoint["pages"] = pages.into();
    checkpoint["manifest_bytes"] = manifest.len().into();
    fs::write(folder.join("checkpoint.json"), checkpoint.to_string()).unwrap();
}

#[test]
fn of_a_root_only_committed_pages_are_read() {
    let folder = tempfile::tempdir().unwrap();
    listing(&folder.path().join("crawl"), "hf/datasets", 2);
    let summary = run(&folder, "crawl", "out.xlsx", Options::default()).unwrap();
    assert_eq!((summary.records_written, summary.columns), (4, 2));
    assert_eq!(back(&folder)[3], r#"{"id":"2b","page":2}"#);
    let summary = run(&folder, "crawl", "all.jsonl", Options::default()).unwrap();
    assert_eq!(summary.records_written, 4);
}

#[test]
fn a_root_with_several_listings_asks_which() {
    let folder = tempfile::tempdir().unwrap();
    listing(&folder.path().join("crawl"), "hf/datasets", 1);
    listing(&folder.path().join("crawl"), "hf/models", 2);
    let error = run(&folder, "crawl", "out.xlsx", Options::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("hf/datasets, hf/models"), "{}", error.advice());
    let options = Options { source: Some("hf/models".into()), ..Options::default() };
    assert_eq!(run(&folder, "crawl", "out.xlsx", options).unwrap().records_written, 4);
    let options = Options { source: Some("kaggle/models".into()), ..Options::default() };
    assert_eq!(run(&folder, "crawl", "out2.xlsx", options).unwrap_err().kind(), Kind::Config);
}

#[test]
fn an_empty_folder_and_a_file_that_is_not_there_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("crawl")).unwrap();
    for (input, output) in
        [("crawl", "a.xlsx"), ("no.jsonl", "a.xlsx"), ("no.jsonl", "a.jsonl"), ("no.xlsx", "a.jsonl")]
    {
        let error = run(&folder, input, output, Options::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{error:?}");
    }
    assert_eq!(crate::names(folder.path()), ["crawl"]);
}

#[test]
fn more_keys_than_columns_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<_> = (0..=16_384).map(|n| format!("\"k{n}\":1")).collect();
    fs::write(folder.path().join("in.jsonl"), format!("{{{}}}", members.join(","))).unwrap();
    let error = run(&folder, "in.jsonl", "out.xlsx", Options::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(crate::names(folder.path()), ["in.jsonl"]);
}

#[test]
fn sheets_of_no_rows_and_workbook_to_workbook_are_refused() {
    for (input, output, sheet_rows) in
        [("a.jsonl", "b.xlsx", 0), ("a.jsonl", "b.xlsx", 1_048_576), ("a.xlsx", "b.xlsx", 1)]
    {
        let options = Options { sheet_rows, ..Options::default() };
        assert_eq!(
            Request::new(Path::new(input), Path::new(output), options).unwrap_err().kind(),
            Kind::Config
        );
    }
    let options = Options::default();
    let request = Request { input: Input::Stdin, output: Output::Stdout, options };
    let summary = convert(&request, &mut &b"{}\n"[..], &mut std::io::sink()).unwrap();
    assert_eq!(summary.records_written, 1);
}

/// An input that has other lines when it is opened again: first it is a named pipe, then a file.
#[cfg(unix)]
fn changing(folder: &Path, before: &'static str, after: &str) -> std::thread::JoinHandle<()> {
    let [input, pipe, file, next] = ["in.jsonl", "pipe", "file", "next"].map(|name| folder.join(name));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&file, after).unwrap();
    std::os::unix::fs::symlink(&pipe, &input).unwrap();
    std::os::unix::fs::symlink(&file, &next).unwrap();
    std::thread::spawn(move || {
        // Waits until it is opened for the first look, which goes on to the end of what is written.
        let mut lines = fs::OpenOptions::new().write(true).open(pipe).unwrap();
        fs::rename(next, input).unwrap();
        std::io::Write::write_all(&mut lines, before.as_bytes()).unwrap();
    })
}

#[cfg(unix)]
#[test]
fn of_an_input_that_changes_between_the_looks_nothing_is_published() {
    let partitions = Options { partition_by: Some("a".into()), ..Options::default() };
    let report = Options { report: true, ..Options::default() };
    let before = "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"x\"}\n";
    for after in ["{\"a\":1,\"b\":\"x\"}\n", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"xy\"}\n"] {
        for (output, options) in [
            ("out", &partitions),
            ("out.xlsx", &report),
            ("out.xlsx", &Options::default()),
            ("out.csv", &Options::default()),
            ("out.parquet", &Options::default()),
            ("out.avro", &Options::default()),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let writer = changing(folder.path(), before, after);
            let error = run(&folder, "in.jsonl", output, options.clone()).unwrap_err();
            writer.join().unwrap();
            assert!(error.to_string().contains("changed while it was read"), "{output}: {error}");
            assert_eq!(crate::names(folder.path()), ["file", "in.jsonl", "pipe"], "{output}");
        }
    }
}
