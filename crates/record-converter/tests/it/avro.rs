//! Avro: records come back word for word, columns have their types, and damaged files are errors.

use std::fs;

use crawl_core::Kind;
use record_converter::{Compression, Options};
use tempfile::TempDir;

use crate::{run, tables};

fn without_raw() -> Options {
    Options { raw: false, ..Options::default() }
}

fn written(lines: &[impl AsRef<str>], options: Options) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<_> = lines.iter().map(AsRef::as_ref).collect();
    fs::write(folder.path().join("in.jsonl"), text.join("\n")).unwrap();
    let summary = run(&folder, "in.jsonl", "out.avro", options).unwrap();
    assert_eq!(summary.records_written, lines.len() as u64);
    folder
}

fn back(folder: &TempDir) -> Vec<String> {
    let summary =
        run(folder, "out.avro", "back.jsonl", Options { force: true, ..Options::default() }).unwrap();
    assert!(summary.is_whole(), "{summary:?}");
    fs::read_to_string(folder.path().join("back.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

fn there_and_back(lines: &[impl AsRef<str>], options: Options) -> Vec<String> {
    back(&written(lines, options))
}

#[test]
fn records_come_back_word_for_word() {
    let lines =
        [r#"{"a": 1.50, "b":null, "a":2}"#, r#"{"c":"\u00e9\ud800"}"#, "{}", r#"{"raw":1,"a":[1, 2]}"#];
    assert_eq!(there_and_back(&lines, Options::default()), lines);
    for seed in 0..10 {
        let lines = tables::generated(seed, 40);
        assert_eq!(there_and_back(&lines, Options::default()), lines);
    }
}

#[test]
fn columns_alone_keep_every_value_and_make_null_of_what_is_missing() {
    for seed in 20..40 {
        let lines = tables::generated(seed, 40);
        let back = there_and_back(&lines, without_raw());
        tables::check_same_numbers(&lines, &back);
    }
    let values = tables::VALUES.map(|value| format!("{{\"a\":{value}}}"));
    assert_eq!(there_and_back(&values, without_raw()), values);
}

#[test]
fn names_that_avro_does_not_allow_come_back() {
    let line = r#"{"":1,"a-b":2,"a_b":3,"1":4,"é":5,"a.b":6}"#;
    let folder = written(&[line], without_raw());
    assert_eq!(back(&folder), [line]);
    let header = fs::read(folder.path().join("out.avro")).unwrap();
    let header = String::from_utf8_lossy(&header);
    for name in ["_", "a_b", "a_b_2", "_1", "__2", "a_b_3"] {
        assert_eq!(header.matches(&format!("\"name\":\"{name}\"")).count(), 1, "{name}: {header}");
    }
}

#[test]
fn every_compression_comes_back_in_several_blocks() {
    let lines: Vec<_> =
        (0..5000).map(|n| format!("{{\"a\":\"{}\",\"n\":{n}}}", "x".repeat(n % 300))).collect();
    for (asked, name) in [
        (None, "deflate"),
        (Some(Compression::Zstd), "zstandard"),
        (Some(Compression::Snappy), "snappy"),
        (Some(Compression::None), "null"),
    ] {
        let folder = written(&lines, Options { compression: asked, ..Options::default() });
        let bytes = fs::read(folder.path().join("out.avro")).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..2000]).contains(name), "{name}");
        assert_eq!(back(&folder), lines);
    }
}

#[test]
fn what_is_damaged_is_an_error_and_leaves_nothing() {
    let lines: Vec<_> = (0..300).map(|n| format!("{{\"a\":{n},\"b\":\"text {n}\",\"c\":[{n}]}}")).collect();
    let mut rng = fastrand::Rng::with_seed(7);
    let packed = |compression| Options { compression: Some(compression), ..without_raw() };
    for options in [
        Options::default(),
        packed(Compression::None),
        packed(Compression::Snappy),
        packed(Compression::Zstd),
    ] {
        let folder = written(&lines, options);
        let whole = fs::read(folder.path().join("out.avro")).unwrap();
        let check = |bytes: &[u8]| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("bad.avro"), bytes).unwrap();
            let result = run(&folder, "bad.avro", "back.jsonl", Options::default());
            if result.is_err() {
                assert_eq!(crate::names(folder.path()), ["bad.avro"]);
            }
            result.map_err(|error| error.kind())
        };
        for length in [0, 3, 4, 100, whole.len() / 2, whole.len() - 1] {
            assert_eq!(check(&whole[..length]).unwrap_err(), Kind::Shape, "{length}");
        }
        assert_eq!(check(b"no Avro at all").unwrap_err(), Kind::Shape);
        for _ in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            if let Err(kind) = check(&bytes) {
                assert_eq!(kind, Kind::Shape);
            }
        }
    }
}

#[test]
fn all_kinds_of_files_become_each_other() {
    let lines = [r#"{"a":1,"b":"x"}"#, r#"{"a":2,"b":null}"#];
    let folder = written(&lines, Options::default());
    for (from, to) in [
        ("out.avro", "1.parquet"),
        ("1.parquet", "2.csv"),
        ("2.csv", "3.xlsx"),
        ("3.xlsx", "4.avro"),
        ("4.avro", "5.avro"),
        ("5.avro", "6.jsonl"),
    ] {
        let summary = run(&folder, from, to, Options::default()).unwrap();
        assert_eq!((summary.records_read, summary.records_written, summary.is_whole()), (2, 2, true), "{to}");
    }
    let text = fs::read_to_string(folder.path().join("6.jsonl")).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}
