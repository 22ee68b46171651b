//! JSONL to a workbook and back gives the same JSON.

use std::fmt::Write;

use fastrand::Rng;
use record_converter::Options;
use serde_json::Value;

use crate::{back, workbook};

/// The records come back as they were: same values, same types; keys in the order of the columns.
fn check(lines: &[&str]) {
    let (folder, summary) = workbook(lines, Options::default());
    assert_eq!((summary.records_read, summary.missing, summary.cells_cut), (lines.len() as u64, 0, 0));
    let found = back(&folder);
    assert_eq!(found.len(), lines.len());
    for (line, found) in lines.iter().zip(&found) {
        let expected: Value = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(found).unwrap(), expected, "\n{line}\n{found}");
    }
}

/// Where all keys are in order and the JSON is compact, even the text is the same.
fn check_text(lines: &[&str]) {
    let (folder, _) = workbook(lines, Options::default());
    assert_eq!(back(&folder), lines);
}

#[test]
fn every_type_comes_back() {
    check_text(&[
        r#"{"text":"x","number":1,"float":1.5,"truth":true,"nothing":null,"list":["a","b"],"object":{"k":[1,{}]}}"#,
        r#"{"text":"","number":-3,"float":2.0,"truth":false,"list":[],"object":{}}"#,
    ]);
}

#[test]
fn absent_null_and_empty_stay_apart() {
    check_text(&[r#"{"a":null,"b":""}"#, r#"{"b":null}"#, r#"{"a":""}"#, "{}", r#"{"a":"null"}"#, "{}"]);
}

#[test]
fn strings_that_look_like_something_else_stay_strings() {
    check_text(&[
        r#"{"a":"null"}"#,
        r#"{"a":"true"}"#,
        r#"{"a":"FALSE"}"#,
        r#"{"a":"007"}"#,
        r#"{"a":"1e5"}"#,
        r#"{"a":"2024-05-01"}"#,
        r#"{"a":"[]"}"#,
        r#"{"a":"[1, 2]"}"#,
        r#"{"a":"{\"a\":1}"}"#,
        r#"{"a":"\"x\""}"#,
        r#"{"a":"json:"}"#,
        r#"{"a":"json:1"}"#,
        r#"{"a":"json:\"x\""}"#,
        r#"{"a":"json:json:1"}"#,
        r#"{"a":"[link](https://x)"}"#,
        r#"{"a":"'quoted"}"#,
        r##"{"a":"#N/A"}"##,
    ]);
}

#[test]
fn spaces_lines_and_control_characters_stay() {
    check(&[
        r#"{"a":" x "}"#,
        r#"{"a":" "}"#,
        r#"{"a":"\n"}"#,
        r#"{"a":"\t\r\n"}"#,
        r#"{"a":"\r"}"#,
        r#"{"a":"a\r\nb\rc\nd"}"#,
        r#"{"a":"\u0000\u0001\u0008\u000b\u001f\u007f\u0085\u2028"}"#,
        r#"{"a":"\ufffe\uffff"}"#,
        r#"{"a":"_x0041_"}"#,
        r#"{"a":"_x005F_x0041_ _x0041_x0042_"}"#,
        r#"{"a":"_x0041\u0001"}"#,
        "{\"a\":[\"_x0041\u{FFFE}\"],\"b\":\"_x0041\u{FFFF}\"}",
        r#"{"a":"&lt;<b>]]>&amp;"}"#,
        r#"{"a":"é ü 漢字 😀 👨‍👩‍👧 \u202eabc"}"#,
    ]);
}

#[test]
fn numbers_come_back_to_the_last_digit() {
    check_text(&[
        r#"{"a":0,"b":0.5,"c":0.0}"#,
        r#"{"a":9007199254740992,"b":1,"c":1.0}"#,
        r#"{"a":9007199254740993,"b":1.0,"c":1e+30}"#,
        r#"{"a":-9007199254740993,"b":-0,"c":-0.0}"#,
        r#"{"a":18446744073709551615,"b":0.30000000000000004,"c":0.1}"#,
        r#"{"a":123456789012345678901234567890,"b":1e400,"c":1e-400}"#,
        r#"{"b":3.141592653589793238462643383279,"c":1e300}"#,
        r#"{"a":"1","b":"1.0","c":"x"}"#,
    ]);
}

#[test]
fn half_a_surrogate_pair_stays_the_escape_it_was() {
    check_text(&[r#"{"a":"\ud83d"}"#, r#"{"a":["\ud83d"]}"#]);
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let (folder, _) =
        workbook(&[r#"{"a":"https://x.org","b":2,"a":3}"#], Options { links: true, ..Options::default() });
    assert_eq!(back(&folder), [r#"{"a":3,"b":2}"#]);
}

#[test]
fn keys_in_another_order_come_back_in_the_order_of_the_columns() {
    let (folder, _) = workbook(&[r#"{"a":1,"b":2}"#, r#"{"c":3,"b":4,"a":5}"#], Options::default());
    assert_eq!(back(&folder), [r#"{"a":1,"b":2}"#, r#"{"a":5,"b":4,"c":3}"#]);
}

#[test]
fn odd_keys_are_columns_like_others() {
    let long = "k".repeat(1000);
    let record = format!(
        r#"{{"":1,"__proto__":2,"Name":3,"name":4,"NAME":5,"=1+1":6,"null":7,"[1]":8,"json:":9,"json:\"x\"":10,"a\nb":11,"{long}":12," ":13,"_x0041_":14,"\u0001":15,"x":16,"json:\"x":17}}"#
    );
    check_text(&[&record, r#"{"name":4}"#]);
}

#[test]
fn no_records_give_an_empty_workbook() {
    check_text(&[]);
}

#[test]
fn records_without_any_key_are_counted() {
    check_text(&["{}", "{}", "{}"]);
}

#[test]
fn white_space_in_json_goes_and_nothing_else() {
    let (folder, _) =
        workbook(&[r#" { "a" : [ 1.50 , "x  y\" [ " , { "k" : 1, "k" : 2 } ] } "#], Options::default());
    assert_eq!(back(&folder), [r#"{"a":[1.50,"x  y\" [ ",{"k":1,"k":2}]}"#]);
}

#[test]
fn anything_comes_back() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let lines: Vec<_> = (0..rng.usize(1..40)).map(|_| record(&mut rng)).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        check(&lines);
    }
}

fn record(rng: &mut Rng) -> String {
    const KEYS: [&str; 8] = ["id", "ID", "", "null", "=x", "json:", "[", "😀"];
    let mut keys = KEYS.to_vec();
    rng.shuffle(&mut keys);
    keys.truncate(rng.usize(0..=KEYS.len()));
    let members: Vec<_> = keys.iter().map(|key| format!("{}:{}", Value::from(*key), value(rng, 0))).collect();
    format!("{{{}}}", members.join(","))
}

fn value(rng: &mut Rng, depth: u8) -> String {
    match rng.u8(0..if depth > 2 { 7 } else { 9 }) {
        0 => "null".into(),
        1 => rng.bool().to_string(),
        2 => rng.i64(..).to_string(),
        3 => rng.i32(-100..100).to_string(),
        4 => Value::from(f64::from_bits(rng.u64(..))).to_string(),
        5 => format!("{}.0", rng.i16(..)),
        6 => Value::from(text(rng)).to_string(),
        7 => format!("[{}]", (0..rng.u8(0..4)).map(|_| value(rng, depth + 1)).collect::<Vec<_>>().join(", ")),
        _ => format!("{{\"k\": {}}}", value(rng, depth + 1)),
    }
}

fn text(rng: &mut Rng) -> String {
    const PIECES: [&str; 26] = [
        "null", "json:", "\"", "[", "]", "{", "}", "_x", "_x0041", "_x000D_", "_", "\u{1}", "\r", "\n", "\t",
        " ", "=", "'", "1", "true", "😀", "é", "&amp;", "<", "\u{FFFE}", "a",
    ];
    let mut text = String::new();
    for _ in 0..rng.u8(0..6) {
        let _ = write!(text, "{}", PIECES[rng.usize(..PIECES.len())]);
    }
    text
}
