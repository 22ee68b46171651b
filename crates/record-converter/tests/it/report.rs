//! Reports: what people see is what the records say, and text of strangers stays text.

use std::fs;

use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use crawl_core::{Kind, SourceId};
use record_converter::{Options, Summary};
use tempfile::TempDir;

use crate::{part, run};

const LINES: [&str; 4] = [
    r#"{"id":"x","repo_id":"a/x","created_at":"2026-11-23","changed":"2026-11-23T12:00:00.000Z","likes":1234,"description":"\n\n\t=1+1  \n\n two","language":["en","fr"],"tags":{"license":"mit"},"truth":true,"domain_names":["Law","Code & more"],"domain_ids":[1,2],"domain_confidence":0.5,"domain_answer":{"engine":"x"}}"#,
    r#"{"id":"y","repo_id":"a/y","created_at":null,"likes":null,"description":null,"language":"en","domain_names":["Law"],"truth":false}"#,
    r#"{"id":"z","repo_id":"javascript:alert(1)","domain_names":[],"description":"@SUM(A1)","size_categories":"n<1K"}"#,
    r#"{"id":"=HYPERLINK(\"x\")","repo_id":"../../x","description":""}"#,
];

fn options() -> Options {
    Options { report: true, force: true, ..Options::default() }
}

fn report(lines: &[&str], options: Options) -> (TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), lines.join("\n")).unwrap();
    let summary = run(&folder, "in.jsonl", "out.xlsx", options).unwrap();
    (folder, summary)
}

fn open(folder: &TempDir) -> Xlsx<std::io::BufReader<fs::File>> {
    open_workbook(folder.path().join("out.xlsx")).unwrap()
}

/// The cell of a row (from 1) under a title.
fn cell(sheet: &Range<Data>, title: &str, row: usize) -> Data {
    let text = |cell: &Data| matches!(cell, Data::String(text) if text == title);
    let at = sheet.rows().next().unwrap().iter().position(text).unwrap_or_else(|| panic!("no `{title}`"));
    sheet.rows().nth(row).unwrap()[at].clone()
}

/// The rows of the first sheet.
fn rows(folder: &TempDir) -> Vec<String> {
    let sheet = open(folder).worksheet_range("Summary").unwrap();
    sheet.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")).collect()
}

fn text(text: &str) -> Data {
    Data::String(text.into())
}

#[test]
fn cells_are_empty_dates_numbers_and_readable_text() {
    let (folder, summary) = report(&LINES, options());
    assert_eq!((summary.records_read, summary.records_written, summary.sheets), (4, 4, 1));
    let mut book = open(&folder);
    assert_eq!(book.sheet_names(), ["Summary", "Records"]);
    let sheet = book.worksheet_range("Records").unwrap();
    let titles: Vec<_> = sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(titles[..5], ["repo_id", "domain_names", "domain_confidence", "Law", "Code & more"]);
    assert_eq!(titles[titles.len() - 3..], ["tags", "domain_ids", "domain_answer"]);
    assert_eq!(cell(&sheet, "domain_names", 1), text("Law, Code & more"));
    assert_eq!(cell(&sheet, "language", 1), text("en, fr"));
    assert_eq!(cell(&sheet, "description", 1), text("=1+1\ntwo"));
    assert_eq!(cell(&sheet, "likes", 1), Data::Float(1234.0));
    assert!(matches!(cell(&sheet, "created_at", 1), Data::DateTime(time) if time.as_f64() == 46349.0));
    assert!(matches!(cell(&sheet, "changed", 1), Data::DateTime(time) if time.as_f64() == 46349.5));
    assert_eq!((cell(&sheet, "truth", 1), cell(&sheet, "truth", 2)), (text("yes"), text("no")));
    let labels: Vec<_> = (1..5).map(|row| cell(&sheet, "Code & more", row).to_string()).collect();
    assert_eq!(labels, ["yes", "no", "no", "no"]);
    assert_eq!(cell(&sheet, "likes", 2), Data::Empty);
    assert_eq!(cell(&sheet, "created_at", 2), Data::Empty);
    assert_eq!(cell(&sheet, "description", 4), Data::Empty);
    assert_eq!(cell(&sheet, "truth", 3), Data::Empty);
}

#[test]
fn machine_columns_are_hidden_and_no_text_becomes_a_formula_or_a_strange_link() {
    let (folder, _) = report(&LINES, Options { links: true, ..options() });
    let sheet = part(&folder.path().join("out.xlsx"), "xl/worksheets/sheet2.xml");
    assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
    assert_eq!(sheet.matches("hidden=\"1\"").count(), 3, "{sheet}");
    let rows: Vec<_> = sheet.match_indices("<row r=\"").map(|(at, _)| &sheet[at + 8..at + 9]).collect();
    assert_eq!(rows, ["1", "2", "3", "4", "5"]);
    assert!(sheet.contains("autoFilter") && sheet.contains("state=\"frozen\""));
    let links = part(&folder.path().join("out.xlsx"), "xl/worksheets/_rels/sheet2.xml.rels");
    let targets: Vec<_> =
        links.match_indices("Target=\"").map(|(at, _)| links[at + 8..].split('"').next().unwrap()).collect();
    assert_eq!(targets, ["https://huggingface.co/datasets/a/x", "https://huggingface.co/datasets/a/y"]);
}

#[test]
fn the_first_sheet_counts_and_has_a_chart() {
    let (folder, _) = report(&LINES, options());
    let all = rows(&folder).join("\n");
    for expected in [
        "Law|2|0.5",
        "Code & more|1|0.25",
        "(not known)|2|0.5",
        "en|2|0.5",
        "fr|1|0.25",
        "mit|1|0.25",
        "n<1K|1|0.25",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    let chart = part(&folder.path().join("out.xlsx"), "xl/charts/chart1.xml");
    assert!(chart.contains("Summary!$A$5:$A$6") && chart.contains("Summary!$B$5:$B$6"), "{chart}");
}

#[test]
fn a_sheet_a_label_holds_its_records_and_one_the_others() {
    let (folder, summary) = report(&LINES, Options { by_label: true, ..options() });
    assert_eq!((summary.records_written, summary.sheets), (4, 3));
    let mut book = open(&folder);
    assert_eq!(book.sheet_names(), ["Summary", "Law", "Code & more", "(no label)"]);
    let mut ids = |name: &str| {
        let sheet = book.worksheet_range(name).unwrap();
        (1..sheet.height()).map(|row| cell(&sheet, "id", row).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids("Law"), ["x", "y"]);
    assert_eq!(ids("Code & more"), ["x"]);
    assert_eq!(ids("(no label)"), ["z", "=HYPERLINK(\"x\")"]);
}

#[test]
fn labels_may_be_numbers_and_truth_values() {
    let lines = [r#"{"id":"a","label":1}"#, r#"{"id":"b","label":0}"#, r#"{"id":"c","label":[true,1]}"#];
    let (folder, summary) = report(&lines, Options { by_label: true, ..options() });
    assert_eq!((summary.records_written, summary.sheets), (3, 3));
    let mut book = open(&folder);
    assert_eq!(book.sheet_names(), ["Summary", "1", "0", "true"]);
    let sheet = book.worksheet_range("1").unwrap();
    assert_eq!((cell(&sheet, "id", 2), cell(&sheet, "true", 2)), (text("c"), text("yes")));
}

#[test]
fn rare_labels_have_no_sheet_and_their_records_are_not_said_to_have_none() {
    // 50 labels have a sheet, one of which is called like the last; two come once and have none.
    let mut lines: Vec<_> =
        (0..100).map(|n| format!("{{\"id\":{n},\"labels\":[\"label {}\"]}}", n % 49)).collect();
    lines.extend((0..2).map(|n| format!("{{\"id\":{},\"labels\":[\"rare {n}\"]}}", 100 + n)));
    lines.extend(
        (0..4).map(|n| format!("{{\"id\":{},\"labels\":[\"(no label, or another one)\"]}}", 102 + n)),
    );
    lines.push("{\"id\":106}".to_owned());
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (folder, summary) = report(&lines, Options { by_label: true, ..options() });
    assert_eq!((summary.records_written, summary.sheets), (107, 51));
    let mut book = open(&folder);
    let sheets = book.sheet_names();
    assert_eq!(sheets[1], "(no label, or another one)");
    assert_eq!(sheets[51], "(no label, or another one) 2");
    let sheet = book.worksheet_range(&sheets[51]).unwrap();
    let ids: Vec<_> = (1..sheet.height()).map(|row| cell(&sheet, "id", row).to_string()).collect();
    assert_eq!(ids, ["100", "101", "106"]);
    let front = rows(&folder).join("\n");
    assert!(front.contains("(not known)|1|"), "{front}");
}

#[test]
fn columns_beyond_a_thousand_are_told_and_labels_are_never_among_them() {
    let members =
        |from: usize, to: usize| -> String { (from..to).map(|n| format!("\"k{n}\":{n},")).collect() };
    let lines = [
        format!("{{{}\"labels\":[\"x\"]}}", members(0, 1200)),
        format!("{{{}\"labels\":[\"y\"]}}", members(1199, 1201)),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (folder, summary) = report(&lines, options());
    assert_eq!((summary.columns, summary.cells_lost), (1003, 202));
    assert_eq!(summary.lost_cells.len(), 1);
    assert_eq!(summary.lost_cells[0].place, "202 values in columns beyond 1000: k1000, k1001, k1002, ...");
    let front = rows(&folder).join("\n");
    assert!(
        front.contains("values left out of this report|202|") && front.contains("k1000, k1001, "),
        "{front}"
    );
    let sheet = open(&folder).worksheet_range("Records").unwrap();
    assert_eq!((cell(&sheet, "x", 1), cell(&sheet, "k999", 1)), (text("yes"), Data::Float(999.0)));
    // Long names are bounded as well: each of these takes half of the room.
    let long = |letter: &str| format!("{{\"{}\":1,\"id\":2}}", letter.repeat(600 << 10));
    let lines = [long("a"), long("b")];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (_, summary) = report(&lines, options());
    assert_eq!((summary.columns, summary.cells_lost), (2, 1));
}

#[test]
fn more_records_than_a_sheet_holds_go_on_in_another() {
    let lines: Vec<_> = (0..7).map(|number| format!("{{\"id\":\"{number}\"}}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (folder, summary) = report(&lines, Options { sheet_rows: 3, ..options() });
    assert_eq!(summary.sheets, 3);
    let mut book = open(&folder);
    assert_eq!(book.sheet_names(), ["Summary", "Records", "Records 2", "Records 3"]);
    assert_eq!(book.worksheet_range("Records 3").unwrap().height(), 2);
}

#[test]
fn what_was_dropped_and_missing_is_told_with_its_reasons() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"id\":\"a\"}").unwrap();
    let listing = Options { listing: Some("hf/datasets".into()), ..Options::default() };
    run(&folder, "in.jsonl", "step", listing).unwrap();
    // A manifest as a mapping writes it.
    let place = folder.path().join("step/hf/datasets/manifest.jsonl");
    let before = fs::read_to_string(&place).unwrap();
    let line = before.replace("\"missing\":0", "\"missing\":1,\"dropped\":{\"too old\":41}");
    fs::write(&place, &line).unwrap();
    let checkpoint = folder.path().join("step/hf/datasets/checkpoint.json");
    let text = fs::read_to_string(&checkpoint).unwrap();
    let (length, longer) = (format!(":{}", before.len()), format!(":{}", line.len()));
    assert!(text.contains(&length), "{text}");
    fs::write(&checkpoint, text.replace(&length, &longer)).unwrap();
    let missing = folder.path().join("step/hf/datasets/page_00001.missing.jsonl");
    fs::write(
        missing,
        "{\"id\":\"b\",\"kind\":\"gone\",\"message\":\"=404\",\"at\":\"2026-11-23T00:00:00Z\"}\n",
    )
    .unwrap();
    assert!(
        crawl_core::Stored::open(&folder.path().join("step"), &SourceId::new("hf/datasets").unwrap()).is_ok()
    );
    let options = Options { steps: vec![folder.path().join("step")], ..options() };
    run(&folder, "in.jsonl", "out.xlsx", options).unwrap();
    let all = rows(&folder).join("\n");
    for expected in ["step: hf/datasets|1|", "dropped|41|||too old", "missing|1|||gone: =404"] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
}

#[test]
fn options_of_reports_are_refused_where_they_would_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"a\":1}").unwrap();
    for (output, options) in [
        ("out.csv", options()),
        ("out.xlsx", Options { by_label: true, ..Options::default() }),
        ("out.xlsx", Options { by_label: true, ..options() }),
    ] {
        assert_eq!(run(&folder, "in.jsonl", output, options).unwrap_err().kind(), Kind::Config);
        assert_eq!(crate::names(folder.path()), ["in.jsonl"]);
    }
}
