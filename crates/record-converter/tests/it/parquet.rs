//! Parquet: records come back word for word, columns have their types, and damaged files are errors.

use std::fs;
use std::path::Path;

use crawl_core::Kind;
use crawl_core::table::Type;
use parquet::basic::{LogicalType, Type as Physical};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use record_converter::{Compression, Options, Summary};
use tempfile::TempDir;

use crate::{run, tables};

fn without_raw() -> Options {
    Options { raw: false, ..Options::default() }
}

/// A folder with `out.parquet` of these lines.
fn written(lines: &[impl AsRef<str>], options: Options) -> (TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<_> = lines.iter().map(AsRef::as_ref).collect();
    fs::write(folder.path().join("in.jsonl"), text.join("\n")).unwrap();
    let summary = run(&folder, "in.jsonl", "out.parquet", options).unwrap();
    assert_eq!(summary.records_written, lines.len() as u64);
    (folder, summary)
}

fn back(folder: &TempDir) -> Vec<String> {
    let summary =
        run(folder, "out.parquet", "back.jsonl", Options { force: true, ..Options::default() }).unwrap();
    assert!(summary.is_whole(), "{summary:?}");
    fs::read_to_string(folder.path().join("back.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

fn there_and_back(lines: &[impl AsRef<str>], options: Options) -> Vec<String> {
    back(&written(lines, options).0)
}

fn reader(path: &Path) -> SerializedFileReader<fs::File> {
    SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap()
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
    assert_eq!(there_and_back(&["{}", "{}"], Options::default()), ["{}", "{}"]);
}

#[test]
fn columns_alone_keep_every_value_and_make_null_of_what_is_missing() {
    for seed in 20..40 {
        let lines = tables::generated(seed, 40);
        if lines.iter().all(|line| line == "{}") {
            continue;
        }
        let back = there_and_back(&lines, without_raw());
        tables::check_same_numbers(&lines, &back);
    }
    let values = tables::VALUES.map(|value| format!("{{\"a\":{value}}}"));
    assert_eq!(there_and_back(&values, without_raw()), values);
}

#[test]
fn each_column_has_the_narrowest_type_that_holds_it() {
    let line = r#"{"i":1,"f":1.5,"b":true,"t":"x","l":[1],"n":null,"u":18446744073709551615}"#;
    let (folder, summary) = written(&[line], Options::default());
    assert_eq!(summary.columns, 7);
    let reader = reader(&folder.path().join("out.parquet"));
    let schema = reader.metadata().file_metadata().schema_descr();
    let types: Vec<_> = schema
        .columns()
        .iter()
        .map(|column| (column.name().to_owned(), column.physical_type(), column.logical_type_ref().cloned()))
        .collect();
    let text = |name: &str, logical| (name.to_owned(), Physical::BYTE_ARRAY, Some(logical));
    let expected = [
        ("i".to_owned(), Physical::INT64, None),
        ("f".to_owned(), Physical::DOUBLE, None),
        ("b".to_owned(), Physical::BOOLEAN, None),
        text("t", LogicalType::String),
        text("l", LogicalType::Json),
        text("n", LogicalType::String),
        text("u", LogicalType::Json),
        text("raw", LogicalType::Json),
    ];
    assert_eq!(types, expected);
    let group = reader.metadata().row_group(0);
    assert!(group.columns()[..7].iter().all(|column| column.statistics().is_some()));
    assert!(group.column(7).statistics().is_none());
}

#[test]
fn times_are_times_and_are_spelled_again_as_they_were() {
    let lines = [
        r#"{"a":"2024-02-29T13:45:00.000Z","b":"2024-02-29T13:45:00Z","c":"2024-02-29T13:45:00.120000Z","d":"2024-02-29T13:45:00Z"}"#,
        r#"{"a":"2024-02-29T13:45:00.120Z","b":null,"c":"1969-12-31T23:59:59.999999Z","d":"2024-02-29T13:45:00.000Z"}"#,
    ];
    let (folder, _) = written(&lines, without_raw());
    let columns = record_converter::parquet::Reader::open(&folder.path().join("out.parquet")).unwrap();
    let times: Vec<_> = columns.columns().iter().map(|column| column.kind == Type::Time).collect();
    assert_eq!(times, [true, true, true, false]);
    assert_eq!(back(&folder), lines);
    run(&folder, "in.jsonl", "out.avro", without_raw()).unwrap();
    run(&folder, "out.avro", "avro.jsonl", Options::default()).unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("avro.jsonl")).unwrap().lines().collect::<Vec<_>>(),
        lines
    );
}

#[test]
fn a_member_called_raw_keeps_its_name_and_chosen_columns_leave_the_rest_out() {
    let lines = [r#"{"raw":1,"raw_2":"x"}"#];
    assert_eq!(there_and_back(&lines, Options::default()), lines);
    let lines = [r#"{"a":1,"b":{"c":2}}"#, r#"{"a":2}"#];
    let options = Options { columns: vec!["b".into()], ..Options::default() };
    assert_eq!(there_and_back(&lines, options), [r#"{"b":{"c":2}}"#, r#"{"b":null}"#]);
}

#[test]
fn compression_is_zstd_or_what_is_asked_for() {
    let lines: Vec<_> = (0..1000).map(|n| format!("{{\"a\":\"{}\"}}", "x".repeat(n % 90))).collect();
    for (asked, expected) in
        [(None, "ZSTD"), (Some(Compression::Snappy), "SNAPPY"), (Some(Compression::None), "UNCOMPRESSED")]
    {
        let (folder, _) = written(&lines, Options { compression: asked, ..Options::default() });
        let found =
            reader(&folder.path().join("out.parquet")).metadata().row_group(0).column(0).compression();
        assert!(format!("{found:?}").starts_with(expected), "{found:?}");
        assert_eq!(back(&folder), lines);
    }
}

#[test]
fn large_inputs_become_several_row_groups_in_order() {
    let lines: Vec<_> = (0..140_000).map(|n| format!("{{\"id\":{n}}}")).collect();
    let (folder, _) = written(&lines, Options::default());
    assert_eq!(reader(&folder.path().join("out.parquet")).num_row_groups(), 2);
    assert_eq!(back(&folder), lines);
}

#[test]
fn what_is_damaged_is_an_error_and_leaves_nothing() {
    let lines: Vec<_> = (0..300).map(|n| format!("{{\"a\":{n},\"b\":\"text {n}\",\"c\":[{n}]}}")).collect();
    let mut rng = fastrand::Rng::with_seed(7);
    for options in [Options::default(), without_raw()] {
        let (folder, _) = written(&lines, options);
        let whole = fs::read(folder.path().join("out.parquet")).unwrap();
        let check = |bytes: &[u8]| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("bad.parquet"), bytes).unwrap();
            let result = run(&folder, "bad.parquet", "back.jsonl", Options::default());
            if result.is_err() {
                assert_eq!(crate::names(folder.path()), ["bad.parquet"]);
            }
            result.map_err(|error| error.kind())
        };
        for length in [0, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
            assert_eq!(check(&whole[..length]).unwrap_err(), Kind::Shape, "{length}");
        }
        assert_eq!(check(b"no Parquet at all, but long enough").unwrap_err(), Kind::Shape);
        for _ in 0..300 {
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
fn options_for_parquet_are_refused_where_they_would_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{}").unwrap();
    let snappy = Options { compression: Some(Compression::Snappy), ..Options::default() };
    for options in [without_raw(), snappy] {
        assert_eq!(run(&folder, "in.jsonl", "out.csv", options).unwrap_err().kind(), Kind::Config);
    }
}
