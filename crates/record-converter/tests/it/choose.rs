//! Which sheets are read, and which row is the header.

use crawl_core::Kind;
use record_converter::Options;

use crate::parts::Parts;

fn row(number: u32, cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|text| format!("<c t=\"str\"><v>{text}</v></c>")).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

fn sheet(value: &str) -> String {
    row(1, &["a"]) + &row(2, &[value])
}

fn three() -> Parts {
    Parts::default()
        .and_sheet("name=\"One\"", &sheet("1"))
        .and_sheet("name=\"Two\" state=\"hidden\"", &sheet("2"))
        .and_sheet("name=\"Three\" state=\"veryHidden\"", &sheet("3"))
}

fn named(sheets: &[&str]) -> Options {
    Options { sheets: sheets.iter().map(|name| (*name).to_owned()).collect(), ..Options::default() }
}

#[test]
fn sheets_may_be_named_and_hidden_ones_that_are_left_out_are_told() {
    let (lines, summary) = three().read(Options::default());
    assert_eq!(lines, [r#"{"a":"1"}"#]);
    assert_eq!(summary.sheets_left_out, ["Two", "Three"]);
    let (lines, summary) = three().read(named(&["three", "One", "Three"]));
    assert_eq!(lines, [r#"{"a":"3"}"#, r#"{"a":"1"}"#]);
    assert!(summary.sheets_left_out.is_empty());
    let (_, error) = three().try_read(named(&["Four"]));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("`One`, `Two`, `Three`"), "{}", error.advice());
}

#[test]
fn a_workbook_that_is_hidden_as_a_whole_is_an_error_that_names_the_sheets() {
    let hidden = || Parts::default().and_sheet("name=\"H\" state=\"hidden\"", &sheet("1"));
    let error = hidden().try_read(Options::default()).1.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("--sheet: `H`"), "{}", error.advice());
    assert_eq!(hidden().read(named(&["H"])).0, [r#"{"a":"1"}"#]);
}

#[test]
fn the_header_row_may_be_named() {
    let rows = row(1, &["Report 2024"]) + &row(4, &["a", "b"]) + &row(6, &["1", "2"]);
    let at = |row| Options { header_row: Some(row), ..Options::default() };
    assert_eq!(Parts::sheet(&rows).read(at(4)).0, [r#"{"a":"1","b":"2"}"#]);
    for empty in [3, 7] {
        let error = Parts::sheet(&rows).try_read(at(empty)).1.unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
    }
    assert_eq!(Parts::sheet("").try_read(at(1)).1.unwrap_err().kind(), Kind::Config);
    let beside_empty = Parts::sheet(&rows).and_sheet("name=\"Sheet2\"", "");
    assert_eq!(beside_empty.read(at(4)).0, [r#"{"a":"1","b":"2"}"#]);
}

/// A workbook of ours: `rows` are those of its sheet.
fn ours(rows: &str) -> Parts {
    let meta = [["format", "gleaner-records"], ["sheet", "records"], ["column", "id"], ["column", "n"]];
    let mut lines = String::from("<row r=\"2\"><c t=\"str\"><v>version</v></c><c><v>1</v></c></row>");
    for (number, cells) in (3..).zip(meta.iter().skip(1)) {
        lines += &row(number, cells);
    }
    Parts::default()
        .and_sheet("name=\"records\"", rows)
        .and_sheet("name=\"added\"", &sheet("[1]"))
        .and_sheet("name=\"_gleaner\" state=\"hidden\"", &(row(1, &meta[0]) + &lines))
}

#[test]
fn blank_rows_above_the_header_of_our_own_sheet_do_not_matter() {
    let rows = "<row r=\"1\"/><row r=\"2\"><c r=\"A2\" s=\"1\"/></row>".to_owned()
        + &row(3, &["id", "n"])
        + &row(4, &["x", "[1]"]);
    let (lines, summary) = ours(&rows).read(Options::default());
    assert_eq!(lines, [r#"{"id":"x","n":[1]}"#]);
    assert!(summary.is_whole());
    assert_eq!(summary.sheets_left_out, ["added"]);
}

#[test]
fn a_title_above_the_header_of_our_own_sheet_is_left_out_and_named() {
    let rows =
        row(1, &["Report"]) + &row(2, &["of", "today"]) + &row(3, &["n", "id"]) + &row(4, &["null", "x"]);
    let (lines, summary) = ours(&rows).read(Options::default());
    assert_eq!(lines, [r#"{"n":null,"id":"x"}"#]);
    let places: Vec<_> = summary.lost_cells.iter().map(|cell| cell.place.as_str()).collect();
    assert_eq!((summary.cells_lost, places), (2, vec!["records!1", "records!2"]));
}

#[test]
fn a_record_of_ours_never_becomes_the_header() {
    let rows = row(2, &["x", "1"]) + &row(3, &["y", "2"]);
    let error = ours(&rows).try_read(Options::default()).1.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("--header-row"));
    let renamed = Options { header_row: Some(2), ..Options::default() };
    assert_eq!(ours(&rows).read(renamed).0, [r#"{"x":"y","1":"2"}"#]);
}

#[test]
fn a_sheet_that_was_added_to_our_own_workbook_is_read_as_that_of_others() {
    assert_eq!(ours(&row(1, &["id"])).read(named(&["added"])).0, [r#"{"a":"[1]"}"#]);
}
