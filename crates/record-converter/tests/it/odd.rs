//! Cells, rows and parts that real workbooks hold and libraries stumble over: kept, or counted and named.

use record_converter::Options;

use crate::parts::Parts;

/// The lines of one sheet, and the places of what was lost, with all of the reasons.
fn check(parts: Parts, lines: &[&str], lost: &[&str]) -> String {
    let (found, summary) = parts.read(Options::default());
    assert_eq!(found, lines);
    let places: Vec<_> = summary.lost_cells.iter().map(|cell| cell.place.as_str()).collect();
    assert_eq!(places, lost, "{:?}", summary.lost_cells);
    assert_eq!(summary.cells_lost, lost.len() as u64);
    assert_eq!(summary.is_whole(), lost.is_empty());
    assert_eq!(summary.records_written, lines.len() as u64);
    summary.lost_cells.into_iter().map(|cell| cell.why + "\n").collect()
}

/// A header `a`, `b`, `c` and one row below it.
fn below(row: &str) -> Parts {
    let header =
        ["a", "b", "c"].map(|name| format!("<c t=\"inlineStr\"><is><t>{name}</t></is></c>")).concat();
    Parts::sheet(&format!("<row r=\"1\">{header}</row>{row}"))
}

#[test]
fn errors_of_any_spelling_keep_their_word() {
    let words =
        ["#N/A", "#ERROR!", "#GETTING_DATA", "#SPILL!", "#CALC!", "#UNKNOWN!", "Err:502", "#¿NOMBRE?"];
    for word in words {
        let parts = below(&format!(
            "<row r=\"2\"><c r=\"A2\" t=\"e\"><f>x()</f><v>{word}</v></c><c r=\"B2\"><v>1</v></c></row>"
        ));
        check(parts, &[&format!("{{\"a\":\"{word}\",\"b\":1}}")], &[]);
    }
}

#[test]
fn a_formula_without_a_computed_value_is_null_and_named() {
    let parts = below(
        "<row r=\"2\"><c r=\"A2\"><f>1+1</f></c><c r=\"B2\"><f t=\"shared\" si=\"0\"/><v/></c><c r=\"C2\"><v>1</v></c></row>\
         <row r=\"3\"><c r=\"B3\" t=\"str\"><f>A1&amp;\"x\"</f></c></row>\
         <row r=\"4\"><c r=\"A4\" t=\"str\"><f>\"\"</f><v></v></c><c r=\"B4\"><f>2</f><v>2</v></c></row>",
    );
    let why = check(
        parts,
        &[r#"{"a":null,"b":null,"c":1}"#, r#"{"b":null}"#, r#"{"a":"","b":2}"#],
        &["S!A2", "S!B2", "S!B3"],
    );
    assert!(why.contains("`=1+1`") && why.contains("`=A1&\"x\"`"), "{why}");
}

#[test]
fn values_that_do_not_fit_their_type_stay_text() {
    let cells = [
        ("t=\"b\"", "maybe", "\"maybe\""),
        ("t=\"b\"", "true", "true"),
        ("t=\"n\"", "NaN", "\"NaN\""),
        ("", "1e400", "\"1e400\""),
        ("", "1.5.2", "\"1.5.2\""),
        ("t=\"new\"", "x", "\"x\""),
        ("t=\"d\"", "2024-02-29T00:00:00Z", "\"2024-02-29T00:00:00Z\""),
        ("t=\"str\"", " _x0041_ ", "\" A \""),
        ("t=\"inlineStr\"", "no is", "\"no is\""),
        ("s=\"99\"", "5", "5"),
        ("s=\"x\"", "5", "5"),
    ];
    for (attributes, value, json) in cells {
        let parts = below(&format!("<row r=\"2\"><c r=\"A2\" {attributes}><v>{value}</v></c></row>"));
        check(parts, &[&format!("{{\"a\":{json}}}")], &[]);
    }
}

#[test]
fn numbers_keep_every_digit() {
    let numbers = [
        ("9007199254740993", "9007199254740993"),
        ("-12345678901234567890", "-12345678901234567890"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.2345678901234568E+19", "1.2345678901234567e+19"),
        ("0.10000000000000001", "0.1"),
        ("3.14159265358979323846", "3.14159265358979323846"),
        ("1E-400", "1E-400"),
        (" 0.25 ", "0.25"),
        ("007", "7"),
    ];
    for (text, json) in numbers {
        let parts = below(&format!("<row r=\"2\"><c r=\"A2\" s=\"1\"><v>{text}</v></c></row>"))
            .and_formats(&["0.00%"]);
        check(parts, &[&format!("{{\"a\":{json}}}")], &[]);
    }
}

#[test]
fn dates_have_the_form_of_their_format_and_what_is_none_stays_a_number() {
    let cells = "<c s=\"1\"><v>45351</v></c><c s=\"2\"><v>45351</v></c><c s=\"3\"><v>0</v></c>";
    let beyond = "<c s=\"1\"><v>2958466</v></c><c s=\"2\"><v>-1.5</v></c><c s=\"4\"><v>60</v></c>";
    let rows = format!("<row r=\"2\">{cells}</row><row r=\"3\">{beyond}</row>");
    let formats = ["yyyy-mm-dd", "22", "h:mm", "14"];
    check(
        below(&rows).and_formats(&formats),
        &[
            r#"{"a":"2024-02-29","b":"2024-02-29T00:00:00","c":"00:00:00"}"#,
            r#"{"a":2958466,"b":-1.5,"c":60}"#,
        ],
        &[],
    );
    let rows =
        "<row r=\"2\"><c s=\"1\"><v>0</v></c><c s=\"2\"><v>43889.25</v></c><c s=\"3\"><v>0.5</v></c></row>";
    check(
        below(rows).and_formats(&formats).since_1904(),
        &[r#"{"a":"1904-01-01","b":"2024-02-29T06:00:00","c":"12:00:00"}"#],
        &[],
    );
}

#[test]
fn shared_strings_that_are_missing_are_named() {
    let rows = "<row r=\"2\"><c t=\"s\"><v>0</v></c><c t=\"s\"><v>7</v></c><c t=\"s\"><v>x</v></c></row>";
    let strings = "<si><r><rPr><b/></rPr><t>ri</t></r><r><t xml:space=\"preserve\">ch </t></r><rPh sb=\"0\" eb=\"1\"><t>no</t></rPh></si>";
    check(below(rows).and_strings(strings), &[r#"{"a":"rich ","b":null,"c":null}"#], &["S!B2", "S!C2"]);
    check(below(rows), &[r#"{"a":null,"b":null,"c":null}"#], &["S!A2", "S!B2", "S!C2"]);
}

#[test]
fn a_cell_that_is_given_twice_is_named_and_never_a_key_twice() {
    let rows = "<row r=\"2\"><c r=\"B2\"><v>1</v></c><c r=\"A2\"><v>2</v></c><c r=\"B2\"><v>3</v></c><c r=\"A2\"><v>2</v></c><c r=\"A2\" s=\"4\"/></row>";
    check(below(rows), &[r#"{"a":2,"b":3}"#], &["S!B2"]);
}

#[test]
fn rows_and_cells_need_no_addresses_and_odd_ones_are_named() {
    let rows = "<row><c r=\"A9\"><v>1</v></c><c><v>2</v></c></row>\
                <row><c r=\"b10\"><v>3</v></c></row>\
                <row r=\"12\"><c r=\"?\"><v>4</v></c><c r=\"C99\"><v>5</v></c></row>\
                <row r=\"5\"><c r=\"$A$5\"><v>6</v></c></row><row r=\"x\"><c><v>7</v></c></row>";
    check(
        below(rows),
        &[r#"{"a":1,"b":2}"#, r#"{"b":3}"#, r#"{"a":4,"c":5}"#, r#"{"a":6}"#, r#"{"a":7}"#],
        &["S!A12", "S!C12", "S!A5"],
    );
}

#[test]
fn a_row_spread_over_several_elements_is_one_record_and_one_given_again_is_named() {
    let rows = "<row r=\"2\"/><row r=\"2\"><c r=\"B2\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\"><v>2</v></c></row>\
                <row r=\"3\"><c r=\"C3\"><v>3</v></c></row><row r=\"2\"><c r=\"C2\"><v>4</v></c></row>";
    check(below(rows), &[r#"{"a":2,"b":1}"#, r#"{"c":3}"#, r#"{"c":4}"#], &["S!C2"]);
}

#[test]
fn cells_far_away_cost_nothing_and_those_beyond_a_sheet_are_named() {
    let rows = "<row r=\"2\"><c r=\"XFD2\"><v>1</v></c><c r=\"XFE2\"><v>2</v></c><c><v>3</v></c></row>\
                <row r=\"1048576\"><c r=\"XFD1048576\"><v>4</v></c></row>\
                <row r=\"1048577\"><c r=\"ZZZZZZZ1048577\"><v>5</v></c></row>";
    check(below(rows), &[r#"{"XFD":1}"#, r#"{"XFD":4}"#], &["S!XFE2", "S!XFF2", "S!ZZZZZZZ1048577"]);
}

#[test]
fn headers_that_are_empty_or_alike_are_still_keys_of_their_own() {
    let header = "<row r=\"1\"><c t=\"inlineStr\"><is><t>x</t></is></c><c t=\"str\"><v></v></c><c t=\"str\"><v>x</v></c>\
                  <c t=\"str\"><v>x_2</v></c><c><v>7</v></c><c t=\"b\"><v>1</v></c><c><f>A1</f></c><c t=\"str\"><v>B</v></c></row>";
    let cells = "<c><v>1</v></c>".repeat(8);
    check(
        Parts::sheet(&format!("{header}<row r=\"2\">{cells}</row>")),
        &[r#"{"x":1,"B_2":1,"x_2":1,"x_2_2":1,"7":1,"true":1,"G":1,"B":1}"#],
        &["S!G1"],
    );
}

#[test]
fn sixteen_thousand_equal_headers_take_no_time() {
    let header = "<c t=\"str\"><v>x</v></c>".repeat(16_384);
    let (lines, _) = Parts::sheet(&format!("<row>{header}</row><row><c r=\"XFD2\"><v>1</v></c></row>"))
        .read(Options::default());
    assert_eq!(lines, [r#"{"x_16384":1}"#]);
}

#[test]
fn merged_cells_have_their_value_once_and_odd_dimensions_do_not_matter() {
    let sheet = "<x:worksheet xmlns:x=\"m\"><x:dimension ref=\"$A$1:?\"/><x:sheetData>\
                 <x:row r=\"1\"><x:c t=\"str\"><x:v>a</x:v></x:c><x:c t=\"str\"><x:v>b</x:v></x:c></x:row>\
                 <x:row r=\"2\"><x:c t=\"n\"><x:v>1</x:v></x:c></x:row></x:sheetData>\
                 <x:mergeCells><x:mergeCell ref=\"A2:B2\"/></x:mergeCells></x:worksheet>";
    for dimension in ["$A$1:?", "", "A1:A1:A1", "XFD1048576:A1", "A0", "A1:ZZZZ99999999999"] {
        let sheet = sheet.replace("$A$1:?", dimension);
        check(Parts::sheet("").and("xl/worksheets/sheet1.xml", sheet), &[r#"{"a":1}"#], &[]);
    }
}

#[test]
fn parts_are_found_by_any_spelling_and_those_that_are_missing_are_named() {
    let rows = "<row><c t=\"str\"><v>a</v></c></row><row><c><v>1</v></c></row>";
    let relations = "<Relationships><Relationship Id=\"rId1\" Type=\"http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet\" \
                     Target=\"\\XL\\Sheets\\One.XML\"/></Relationships>";
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let parts = Parts::sheet("")
        .and("xl/_rels/workbook.xml.rels", relations)
        .and("xl/worksheets/sheet1.xml", "")
        .and("xl\\sheets\\one.xml", sheet);
    check(parts, &[r#"{"a":1}"#], &[]);
    let parts = Parts::sheet(rows).and_sheet("name=\"gone\"", "").and("xl/worksheets/sheet2.xml", "");
    check(parts, &[r#"{"a":1}"#], &["gone"]);
    check(Parts::sheet(rows).and("_rels/.rels", ""), &[r#"{"a":1}"#], &[]);
}

#[test]
fn entities_of_strangers_stay_as_they_are_spelled() {
    let sheet = "<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\"><!ENTITY l \"&l;&l;\">]>\
                 <worksheet><sheetData><row><c t=\"str\"><v>a</v></c></row>\
                 <row><c t=\"str\"><v>&x; &l; &amp; <![CDATA[<b>]]></v></c></row></sheetData></worksheet>";
    check(Parts::sheet("").and("xl/worksheets/sheet1.xml", sheet), &[r#"{"a":"&x; &l; & <b>"}"#], &[]);
}

#[test]
fn what_a_stranger_names_cannot_command_a_terminal() {
    let rows = "<row><c t=\"str\"><v>a</v></c></row><row><c><f>&#x9b;31m\u{202e}x</f></c></row>";
    let (_, summary) = Parts::default().and_sheet("name=\"S&#27;]0;x\"", rows).read(Options::default());
    let cell = &summary.lost_cells[0];
    assert_eq!(cell.place, "S\u{FFFD}]0;x!A2");
    assert!(cell.why.contains("`=\u{FFFD}31m\u{FFFD}x`"), "{}", cell.why);
}
