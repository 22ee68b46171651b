//! What a person finds in the workbook.

use calamine::{Data, DataType, Reader, SheetVisible, Xlsx, open_workbook};
use crawl_core::Kind;
use record_converter::Options;

use crate::{back, out, part, run, workbook};

#[test]
fn text_that_looks_like_a_formula_is_never_one() {
    let hostile = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "=cmd|' /C calc'!A0",
        "=HYPERLINK(\"http://x\",\"y\")",
        "{=1}",
        "=",
    ];
    let record = |text: &str| serde_json::json!({ "=1+1": text, "list": [text] }).to_string();
    let lines: Vec<_> = hostile.iter().map(|text| record(text)).collect();
    let (folder, _) = workbook(&lines.iter().map(String::as_str).collect::<Vec<_>>(), Options::default());

    let mut book: Xlsx<_> = open_workbook(out(&folder)).unwrap();
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().cells().all(|(_, _, formula)| formula.is_empty()));
    }
    let rows = book.worksheet_range("records").unwrap();
    for (number, text) in hostile.iter().enumerate() {
        assert_eq!(rows.get((number + 1, 0)), Some(&Data::String((*text).to_owned())));
    }
    for sheet in ["xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"] {
        let xml = part(&out(&folder), sheet);
        assert!(!xml.contains("<f>") && !xml.contains("<f "), "{xml}");
        assert!(!xml.contains("t=\"str\""));
    }
    // All but `{=1}` carry the format with the quote prefix: editing the cell does not wake the formula either.
    let xml = part(&out(&folder), "xl/worksheets/sheet1.xml");
    assert!(part(&out(&folder), "xl/styles.xml").contains("quotePrefix=\"1\""));
    for row in [2, 3, 4, 5, 6, 7, 8, 9, 11] {
        assert!(xml.contains(&format!("<c r=\"A{row}\" s=\"2\" t=\"inlineStr\">")), "row {row}: {xml}");
    }
    assert_eq!(back(&folder).len(), hostile.len());
}

#[test]
fn the_header_is_bold_frozen_and_filtered_and_columns_have_widths() {
    let text = "x".repeat(500);
    let record = format!(r#"{{"id":1,"long":"{text}"}}"#);
    let (folder, summary) = workbook(&[&record, r#"{"id":2}"#], Options::default());
    assert_eq!((summary.sheets, summary.columns), (1, 2));
    let xml = part(&out(&folder), "xl/worksheets/sheet1.xml");
    assert!(xml.contains(r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#));
    assert!(xml.contains(r#"<autoFilter ref="A1:B3"/>"#));
    assert!(
        xml.contains(r#"<col min="1" max="1" width="8.7109375""#)
            && xml.contains(r#"<col min="2" max="2" width="60.7109375""#)
    );
    assert!(xml.contains(r#"<c r="A1" s="1" t="inlineStr">"#));
    assert!(!part(&out(&folder), "xl/styles.xml").contains("wrapText"));
    let book: Xlsx<_> = open_workbook(out(&folder)).unwrap();
    let hidden = book.sheets_metadata().iter().find(|sheet| sheet.name == "_gleaner").unwrap();
    assert_eq!(hidden.visible, SheetVisible::Hidden);
}

#[test]
fn long_cells_are_cut_with_a_visible_note_and_counted() {
    // Excel counts UTF-16 code units: the emoji take two.
    let fits = "😀".repeat(16_383) + "x";
    let long = "😀".repeat(16_384);
    let list = format!("[\"{}\"]", "y".repeat(40_000));
    let record = format!(r#"{{"fits":"{fits}","long":"{long}","list":{list}}}"#);
    let (folder, summary) = workbook(&[&record], Options::default());
    assert_eq!((summary.cells_cut, summary.is_whole()), (2, false));
    let places: Vec<_> = summary.lost_cells.iter().map(|cell| cell.place.as_str()).collect();
    assert_eq!(places, ["records!B2", "records!C2"]);
    assert!(summary.lost_cells[1].why.contains("`list`"), "{:?}", summary.lost_cells);
    let found: serde_json::Value = serde_json::from_str(&back(&folder)[0]).unwrap();
    assert_eq!(found["fits"], fits.as_str());
    let cut = found["long"].as_str().unwrap();
    assert!(cut.ends_with("… [cut: 32732 of 32768 characters]"), "{}", &cut[cut.len() - 50..]);
    assert!(cut.encode_utf16().count() <= 32_767);
    assert!(found["list"].as_str().unwrap().ends_with("of 40004 characters]"));
}

#[test]
fn a_key_too_long_for_a_header_is_cut_and_counted() {
    let record = format!(r#"{{"{}":1}}"#, "k".repeat(40_000));
    let (folder, summary) = workbook(&[&record], Options::default());
    assert_eq!((summary.cells_cut, summary.lost_cells[0].place.as_str()), (1, "records!A1"));
    assert!(back(&folder)[0].ends_with("of 40000 characters]\":1}"));
}

#[test]
fn many_records_are_split_into_sheets_and_joined_in_order() {
    let lines: Vec<_> = (0..25).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (folder, summary) = workbook(&lines, Options { sheet_rows: 10, ..Options::default() });
    assert_eq!((summary.sheets, summary.records_written), (3, 25));
    let mut book: Xlsx<_> = open_workbook(out(&folder)).unwrap();
    assert_eq!(book.sheet_names(), ["records", "records_2", "records_3", "_gleaner"]);
    for (name, rows) in [("records", 11), ("records_2", 11), ("records_3", 6)] {
        let sheet = book.worksheet_range(name).unwrap();
        assert_eq!((sheet.height(), sheet.get((0, 0)).and_then(DataType::get_string)), (rows, Some("n")));
    }
    assert_eq!(back(&folder), lines);
}

#[test]
fn exactly_full_sheets_leave_no_empty_one() {
    let lines: Vec<_> = (0..20).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (folder, summary) = workbook(&lines, Options { sheet_rows: 10, ..Options::default() });
    assert_eq!(summary.sheets, 2);
    assert_eq!(back(&folder), lines);
}

#[test]
fn addresses_are_plain_unless_links_are_asked_for() {
    let line = r#"{"a":"https://x.org/a?b=c&d#e","b":"javascript:alert(1)","c":"file:///etc/passwd","d":"see https://x.org","e":"HTTP://x.org","f":"https://x.org/a b"}"#;
    let (folder, _) = workbook(&[line], Options::default());
    assert!(!part(&out(&folder), "xl/worksheets/sheet1.xml").contains("hyperlink"));
    assert_eq!(back(&folder), [line]);

    let (folder, summary) = workbook(&[line], Options { links: true, ..Options::default() });
    let xml = part(&out(&folder), "xl/worksheets/sheet1.xml");
    assert_eq!(xml.matches("<hyperlink ").count(), 2, "{xml}");
    assert!(xml.contains("ref=\"A2\"") && xml.contains("ref=\"E2\""));
    assert_eq!(summary.links_plain, 0);
    assert_eq!(back(&folder), [line]);
}

#[test]
fn links_beyond_excels_limits_stay_text_and_are_counted() {
    let long = format!(r#"{{"a":"https://x.org/{}"}}"#, "a".repeat(2_100));
    let mut lines = vec![long.as_str()];
    lines.resize(65_535, r#"{"a":"https://x.org"}"#);
    let (folder, summary) = workbook(&lines, Options { links: true, ..Options::default() });
    assert_eq!(summary.links_plain, 1 + 4);
    let xml = part(&out(&folder), "xl/worksheets/sheet1.xml");
    assert_eq!(xml.matches("<hyperlink ").count(), 65_530);
}

#[test]
fn a_workbook_becomes_a_smaller_one_where_records_are_chosen() {
    let (folder, _) = workbook(&[r#"{"a":1,"b":"007"}"#, r#"{"a":2,"b":null}"#], Options::default());
    assert_eq!(run(&folder, "out.xlsx", "few.xlsx", Options::default()).unwrap_err().kind(), Kind::Config);
    let options = Options { selection: Some("a = 1".into()), ..Options::default() };
    run(&folder, "out.xlsx", "few.xlsx", options).unwrap();
    run(&folder, "few.xlsx", "few.jsonl", Options::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("few.jsonl")).unwrap(),
        "{\"a\":1,\"b\":\"007\"}\n"
    );
}
