//! What is on the disk, whatever happens.

use std::fs;
use std::io::{self, Read};

use crawl_core::Kind;
use record_converter::{Options, Request, convert};

use crate::{names, run, workbook};

#[test]
fn an_output_that_exists_is_refused_unless_forced() {
    let (folder, _) = workbook(&[r#"{"a":1}"#], Options::default());
    for name in ["out.xlsx", "in.jsonl"] {
        let before = fs::read(folder.path().join(name)).unwrap();
        let error = run(&folder, "in.jsonl", name, Options::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.advice().contains("--force"));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), before);
    }
    run(&folder, "in.jsonl", "out.xlsx", Options { force: true, ..Options::default() }).unwrap();
    assert_eq!(names(folder.path()), ["in.jsonl", "out.xlsx"]);
}

#[test]
fn a_folder_is_never_replaced() {
    let (folder, _) = workbook(&[r#"{"a":1}"#], Options::default());
    fs::create_dir(folder.path().join("x.xlsx")).unwrap();
    let error =
        run(&folder, "in.jsonl", "x.xlsx", Options { force: true, ..Options::default() }).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
}

#[test]
fn an_input_that_breaks_leaves_no_output_and_no_part_file() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable was pulled"))
        }
    }
    for output in ["out.xlsx", "out.jsonl"] {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::new("-".as_ref(), &folder.path().join(output), Options::default()).unwrap();
        let mut stdin = (&b"{\"a\":1}\n"[..]).chain(Breaks);
        let error = convert(&request, &mut stdin, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), Kind::Storage);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn a_damaged_workbook_is_an_error_and_leaves_the_old_output() {
    let (folder, _) = workbook(&[r#"{"a":1}"#], Options::default());
    let whole = fs::read(folder.path().join("out.xlsx")).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"PK\x03\x04", b"", b"{\"a\":1}\n"] {
        fs::write(folder.path().join("bad.xlsx"), damaged).unwrap();
        let error =
            run(&folder, "bad.xlsx", "in.jsonl", Options { force: true, ..Options::default() }).unwrap_err();
        assert_eq!(error.kind(), Kind::Shape);
        assert_eq!(fs::read_to_string(folder.path().join("in.jsonl")).unwrap(), r#"{"a":1}"#);
    }
    assert_eq!(names(folder.path()), ["bad.xlsx", "in.jsonl", "out.xlsx"]);
}

#[test]
fn equal_records_give_equal_sheets() {
    let lines = [r#"{"a":1,"b":"x"}"#, r#"{"b":null}"#];
    let sheet =
        || crate::part(&crate::out(&workbook(&lines, Options::default()).0), "xl/worksheets/sheet1.xml");
    assert_eq!(sheet(), sheet());
}
