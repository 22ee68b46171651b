//! CSV: what is written comes back, and files of others are read as they are meant.

use std::fs;
use std::io::Write;

use crawl_core::Kind;
use record_converter::{Options, Summary};
use serde_json::Value;
use tempfile::TempDir;

use crate::{run, tables};

/// What is written for these lines, and what comes back.
fn there_and_back(lines: &[&str], options: Options) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), lines.join("\n")).unwrap();
    let summary = run(&folder, "in.jsonl", "out.csv", options).unwrap();
    assert_eq!(summary.records_written, lines.len() as u64);
    let csv = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    let (back, summary) = read(&folder, "out.csv", Options::default());
    assert!(summary.is_whole(), "{summary:?}");
    (csv, back)
}

fn read(folder: &TempDir, name: &str, options: Options) -> (Vec<String>, Summary) {
    let summary = run(folder, name, "back.jsonl", Options { force: true, ..options }).unwrap();
    let text = fs::read_to_string(folder.path().join("back.jsonl")).unwrap();
    (text.lines().map(str::to_owned).collect(), summary)
}

/// The records of a CSV file of somebody else.
fn foreign(csv: impl AsRef<[u8]>, options: Options) -> (Vec<String>, Summary) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), csv).unwrap();
    read(&folder, "in.csv", options)
}

fn refused(csv: &[u8], options: Options) -> crawl_core::Error {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), csv).unwrap();
    let error = run(&folder, "in.csv", "out.jsonl", options).unwrap_err();
    assert_eq!(crate::names(folder.path()), ["in.csv"], "no half output");
    error
}

#[test]
fn text_stands_in_quotes_and_nothing_else_does() {
    let lines = [r#"{"a":"x\"y","b":1.50,"c":[1, "z"]}"#, r#"{"d":true,"a":"","b":null}"#, r#"{"a":"=1"}"#];
    let (csv, back) = there_and_back(&lines, Options::default());
    assert_eq!(csv, "\"a\",\"b\",\"c\",\"d\"\n\"x\"\"y\",1.50,\"[1,\"\"z\"\"]\",\n\"\",,,true\n\"'=1\",,,\n");
    assert_eq!(back[0], r#"{"a":"x\"y","b":1.50,"c":[1,"z"],"d":null}"#);
    assert_eq!(back[1], r#"{"a":"","b":null,"c":null,"d":true}"#);
    assert_eq!(back[2], r#"{"a":"=1","b":null,"c":null,"d":null}"#);
}

#[test]
fn every_value_comes_back_word_for_word() {
    let (_, back) = there_and_back(
        &tables::VALUES.map(|value| format!("{{\"a\":{value}}}")).each_ref().map(String::as_str),
        Options::default(),
    );
    for (value, back) in tables::VALUES.iter().zip(back) {
        assert_eq!(back, format!("{{\"a\":{value}}}"));
    }
}

#[test]
fn generated_records_come_back_with_null_for_what_is_missing() {
    for seed in 0..20 {
        let lines = tables::generated(seed, 60);
        let (_, back) =
            there_and_back(&lines.iter().map(String::as_str).collect::<Vec<_>>(), Options::default());
        tables::check_same_but_nulls(&lines, &back);
    }
}

#[test]
fn odd_names_come_back() {
    let line = r#"{"":1,"=a":2,"'=a":3,"json:x":4,"a\nb":5,"json:\"q\"":6,"x,y":7}"#;
    assert_eq!(there_and_back(&[line], Options::default()).1, [line]);
}

#[test]
fn chosen_columns_come_in_their_order_and_unknown_ones_are_an_error_that_lists_the_others() {
    let chosen = |names: &[&str]| Options {
        columns: names.iter().map(ToString::to_string).collect(),
        ..Options::default()
    };
    let lines = [r#"{"a":1,"b":2}"#, r#"{"c":3,"a":4}"#];
    assert_eq!(there_and_back(&lines, chosen(&["c", "a"])).0, "\"c\",\"a\"\n,1\n3,4\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), lines.join("\n")).unwrap();
    let error = run(&folder, "in.jsonl", "out.csv", chosen(&["a", "z"])).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(
        error.to_string().contains("`z`") && error.advice().contains("`a`, `b`, `c`"),
        "{}",
        error.advice()
    );
    assert_eq!(crate::names(folder.path()), ["in.jsonl"]);
}

#[test]
fn files_of_others_are_read_by_their_header() {
    let csv = "\u{feff}id,name,zip,name,,price\r\n1,\"a \"\"b\"\"\nc\",007,x,\"\",-1.5\r\n\r\nTrue,'=sum,1e5,{},y,1 \r\n";
    let (lines, summary) = foreign(csv, Options::default());
    assert_eq!(lines[0], r#"{"id":1,"name":"a \"b\"\nc","zip":"007","name_2":"x","E":"","price":-1.5}"#);
    assert_eq!(lines[1], r#"{"id":"True","name":"=sum","zip":1e5,"name_2":{},"E":"y","price":"1 "}"#);
    assert_eq!((summary.records_read, summary.blank_lines, summary.columns), (2, 1, 6));
    assert!(summary.is_whole());
    let text = Options { as_text: true, ..Options::default() };
    let (lines, _) = foreign("a,b\n1,\n'=x,[1]\n", text);
    assert_eq!(lines, [r#"{"a":"1","b":null}"#, r#"{"a":"'=x","b":"[1]"}"#]);
    let semicolons = Options { delimiter: Some(b';'), ..Options::default() };
    assert_eq!(foreign("a;b\n1,5;2\n", semicolons).0, [r#"{"a":"1,5","b":2}"#]);
}

#[test]
fn rows_of_another_length_and_bad_bytes_are_named() {
    let (lines, summary) = foreign(b"a,b\n1\n1,2,3\n\xff,1\n\"x\"y,1\n", Options::default());
    assert_eq!(lines, [r#"{"a":1}"#, r#"{"a":1,"b":2,"C":3}"#, r#"{"a":"xy","b":1}"#]);
    assert_eq!((summary.missing, summary.cells_lost), (1, 2));
    assert_eq!((summary.bad_lines[0].line, summary.bad_lines[0].why.as_str()), (4, "field 1 is not UTF-8"));
    assert!(summary.lost_cells[0].place.ends_with("in.csv line 2"), "{:?}", summary.lost_cells);
}

#[test]
fn what_is_no_csv_is_said_and_leaves_nothing() {
    let plain = Options::default;
    assert_eq!(refused(b"a;b\n1;2\n", plain()).kind(), Kind::Config);
    assert!(refused(b"\"a\";\"b\"\n", plain()).advice().contains("--delimiter"));
    for (bytes, word) in [
        (&b"a,b\n1,\"x\n"[..], "never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0", "UTF-8"),
        (b"PAR1\0\0", "UTF-8"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"\x1f\x8b\x08\x00", "damaged"),
    ] {
        let error = refused(bytes, plain());
        assert_eq!(error.kind(), Kind::Shape, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let wide = refused(&b",".repeat(20_000), plain());
    assert!(wide.to_string().contains("fields"), "{wide}");
}

#[test]
fn workbooks_and_csv_become_each_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"a\":1,\"b\":\"[x\"}\n{\"a\":2.5,\"b\":null}\n").unwrap();
    run(&folder, "in.jsonl", "1.xlsx", Options::default()).unwrap();
    run(&folder, "1.xlsx", "2.tsv", Options::default()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("2.tsv")).unwrap(), "\"a\"\t\"b\"\n1\t\"[x\"\n2.5\t\n");
    let summary = run(&folder, "2.tsv", "3.xlsx", Options::default()).unwrap();
    assert_eq!((summary.records_read, summary.records_written, summary.columns), (2, 2, 2));
    let (lines, _) = read(&folder, "3.xlsx", Options::default());
    let same = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    assert_eq!(same(&lines[1]), same(r#"{"a":2.5,"b":null}"#));
}

#[test]
fn records_without_members_are_no_table() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{}\n").unwrap();
    assert_eq!(run(&folder, "in.jsonl", "out.csv", Options::default()).unwrap_err().kind(), Kind::Config);
    let (csv, back) = there_and_back(&[r#"{"a":null}"#, "{}"], Options::default());
    assert_eq!((csv.as_str(), back.len()), ("\"a\"\nnull\nnull\n", 2));
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv.zst");
    let mut packed = zstd::Encoder::new(fs::File::create(&path).unwrap(), 1).unwrap();
    packed.write_all(b"a,b\n1,\"").unwrap();
    (0..300).for_each(|_| packed.write_all(&[b'x'; 1 << 20]).unwrap());
    packed.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    let error = run(&folder, "in.csv.zst", "out.jsonl", Options::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("268435456 bytes"), "{error}");
    assert_eq!(crate::names(folder.path()), ["in.csv.zst"]);
}
