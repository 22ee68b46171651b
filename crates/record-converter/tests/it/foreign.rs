//! Workbooks that others made, or people changed.

use std::fs;

use crawl_core::Kind;
use record_converter::Options;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, XlsxError};

use crate::{back, run};

fn check(make: impl Fn(&mut Workbook) -> Result<(), XlsxError>, options: Options) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Workbook::new();
    make(&mut book).unwrap();
    book.save(folder.path().join("in.xlsx")).unwrap();
    run(&folder, "in.xlsx", "out.jsonl", options).unwrap();
    fs::read_to_string(folder.path().join("out.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn cells_of_others_are_taken_as_they_are() {
    let lines = check(
        |book| {
            let sheet = book.add_worksheet();
            sheet.write_row(0, 0, ["name", "n", "name", "tags"])?;
            sheet.write_row(1, 0, ["null", "json:1", "x", "[1]"])?;
            sheet.write(2, 0, "a")?.write(2, 1, 5)?.write(2, 2, 1.5)?.write(2, 3, true)?;
            sheet.write(4, 1, Formula::new("=1+1").set_result("2"))?.write(4, 5, "no header")?;
            Ok(())
        },
        Options::default(),
    );
    assert_eq!(
        lines,
        [
            r#"{"name":"null","n":"json:1","name_2":"x","tags":"[1]"}"#,
            r#"{"name":"a","n":5,"name_2":1.5,"tags":true}"#,
            r#"{"n":2,"F":"no header"}"#,
        ]
    );
}

#[test]
fn json_text_of_others_is_parsed_where_it_is_asked_for() {
    let make = |book: &mut Workbook| {
        let sheet = book.add_worksheet();
        sheet.write_row(0, 0, ["tags", "other"])?;
        sheet.write_row(1, 0, ["[1,\n 2]", "[1]"])?;
        sheet.write_row(2, 0, ["['python']", "null"])?;
        Ok(())
    };
    let lines = check(make, Options { json_columns: vec!["tags".into()], ..Options::default() });
    assert_eq!(lines, [r#"{"tags":[1,2],"other":"[1]"}"#, r#"{"tags":"['python']","other":"null"}"#]);
}

#[test]
fn dates_of_others_become_iso_text() {
    let lines = check(
        |book| {
            let sheet = book.add_worksheet();
            sheet.write_row(0, 0, ["date", "moment", "clock", "lasts"])?;
            let time = |text: &str| ExcelDateTime::parse_from_str(text);
            sheet.write_with_format(
                1,
                0,
                &time("2024-02-29")?,
                &Format::new().set_num_format("yyyy-mm-dd"),
            )?;
            sheet.write_with_format(
                1,
                1,
                &time("2024-02-29T13:45:01.250")?,
                &Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            )?;
            sheet.write_with_format(1, 2, &time("13:45")?, &Format::new().set_num_format("hh:mm"))?;
            sheet.write_with_format(1, 3, 1.5, &Format::new().set_num_format("[h]:mm"))?;
            Ok(())
        },
        Options::default(),
    );
    assert_eq!(
        lines,
        [
            r#"{"date":"2024-02-29","moment":"2024-02-29T13:45:01.250","clock":"13:45:00","lasts":"PT36H0M0S"}"#
        ]
    );
}

#[test]
fn all_sheets_that_can_be_seen_are_read_in_order_each_with_its_header() {
    let lines = check(
        |book| {
            book.add_worksheet().write_column(0, 0, ["a", "1"])?;
            book.add_worksheet();
            book.add_worksheet().set_hidden(true).write_column(0, 0, ["a", "hidden"])?;
            book.add_worksheet().write_column(2, 1, ["b", "2"])?;
            Ok(())
        },
        Options::default(),
    );
    assert_eq!(lines, [r#"{"a":"1"}"#, r#"{"b":"2"}"#]);
}

/// A workbook of ours as a person might have changed it: rows and columns moved, a column and a sheet added.
fn changed(sheets: &[&str], version: u32) -> crawl_core::Result<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Workbook::new();
    book.add_worksheet().set_name("pivot").unwrap().write(0, 0, "not a record").unwrap();
    let sheet = book.add_worksheet().set_name("records").unwrap();
    sheet.write_row(0, 0, ["new", "score", "id"]).unwrap();
    sheet.write(1, 0, "[1]").unwrap().write(1, 1, 2).unwrap().write(1, 2, "a").unwrap();
    sheet.write(3, 0, "null").unwrap().write(3, 1, 0.5).unwrap().write(3, 2, "[typo").unwrap();
    let meta = book.add_worksheet().set_name("_gleaner").unwrap();
    meta.write_row(0, 0, ["format", "gleaner-records"]).unwrap().write(1, 0, "version").unwrap();
    meta.write(1, 1, version).unwrap();
    let mut row = 2;
    for name in sheets {
        meta.write_row(row, 0, ["sheet", name]).unwrap();
        row += 1;
    }
    meta.write_row(row, 0, ["column", "id"]).unwrap();
    meta.write_row(row + 1, 0, ["column", "score", "float"]).unwrap();
    book.save(crate::out(&folder)).unwrap();
    run(&folder, "out.xlsx", "probe.jsonl", Options::default())?;
    Ok(back(&folder))
}

#[test]
fn our_own_workbooks_may_be_changed_by_people() {
    let lines = changed(&["records"], 1).unwrap();
    assert_eq!(lines, [r#"{"new":[1],"score":2.0,"id":"a"}"#, r#"{"new":null,"score":0.5,"id":"[typo"}"#]);
}

#[test]
fn a_sheet_that_is_gone_and_a_newer_version_are_errors() {
    let error = changed(&["records", "records_2"], 1).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("records_2"));
    assert_eq!(changed(&["records"], 2).unwrap_err().kind(), Kind::Config);
}
