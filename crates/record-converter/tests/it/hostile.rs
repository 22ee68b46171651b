//! Files that are no workbooks, and workbooks made to do harm.

use std::fs;
use std::time::{Duration, Instant};

use crawl_core::Kind;
use record_converter::Options;

use crate::parts::{Parts, zip};
use crate::run;

/// The error for a file of these bytes that is called a workbook.
fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.xlsx"), bytes).unwrap();
    let error = run(&folder, "in.xlsx", "out.jsonl", Options::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(!folder.path().join("out.jsonl").exists());
    format!("{error}; {}", error.advice())
}

fn package(names: &[&str]) -> Vec<u8> {
    zip(&names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect::<Vec<_>>())
}

#[test]
fn what_is_no_workbook_is_called_what_it_is() {
    let office = |name: &str| {
        let mut bytes = vec![0; 2 << 20];
        bytes[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // Across the border of two reads.
        let at = (1 << 20) - 9;
        bytes[at..at + name.len()].copy_from_slice(&name);
        bytes
    };
    let kinds: [(Vec<u8>, &str); 14] = [
        (office("EncryptedPackage"), "password"),
        (office("Workbook"), "(.xls)"),
        (package(&["xl/workbook.bin", "_rels/.rels"]), "(.xlsb)"),
        (package(&["mimetype", "content.xml"]), "(.ods)"),
        (package(&["word/document.xml"]), "Word"),
        (package(&["ppt/presentation.xml"]), "PowerPoint"),
        (package(&["Index/Document.iwa"]), "Numbers"),
        (package(&["readme.txt"]), "no Excel workbook"),
        (b"\x1f\x8b\x08".to_vec(), "compressed"),
        (b"%PDF-1.7".to_vec(), "PDF"),
        (b"\xef\xbb\xbf <html><table>".to_vec(), "web page"),
        (b"{\"a\":1}\n".to_vec(), ".jsonl"),
        (b"a,b\n1,2\n".to_vec(), "no Excel workbook"),
        (Vec::new(), "empty"),
    ];
    for (bytes, word) in kinds {
        let said = refused(&bytes);
        assert!(said.contains(word), "{word}: {said}");
    }
    let folder = Parts::sheet("").save();
    let whole = fs::read(folder.path().join("in.xlsx")).unwrap();
    assert!(refused(&whole[..whole.len() - 30]).contains("cut short"));
}

#[test]
fn a_sheet_that_ends_too_early_is_damaged_and_leaves_nothing() {
    for sheet in [
        "<worksheet><sheetData><row><c><v>1",
        "<worksheet><sheetData><row>",
        "<worksheet><sheetData><row></worksheet>",
    ] {
        let (lines, error) =
            Parts::sheet("").and("xl/worksheets/sheet1.xml", sheet).try_read(Options::default());
        assert_eq!(error.unwrap_err().kind(), Kind::Shape);
        assert!(lines.is_empty());
    }
}

/// Refused soon, for this reason.
fn bomb(parts: Parts, why: &str) {
    let began = Instant::now();
    let error = parts.try_read(Options::default()).1.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(120));
    assert_eq!(error.kind(), Kind::Shape);
    assert!(format!("{error:?}").contains(why), "{error:?}");
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let many = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let sheet = |inner: String| {
        Parts::sheet("").and("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{inner}"))
    };
    let piece = "larger than 64 MiB";
    bomb(sheet(format!("<row><c t=\"str\"><v>{}", many("x", 65 << 20))), piece);
    bomb(sheet(format!("<row><c t=\"{}", many("x", 65 << 20))), piece);
    bomb(sheet(format!("<!--{}", many("x", 65 << 20))), piece);
    bomb(sheet(many("<a>", 1 << 20)), "nested deeper");
    let run = format!("<r><t>{}</t></r>", many("x", 1 << 20));
    bomb(sheet(format!("<row><c t=\"inlineStr\"><is>{}", run.repeat(66))), "longer than 64 MiB");
    // Few bytes that mean many: one text, again and again.
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(300);
    let strings = format!("<si><t>{}</t></si>", many("x", 1 << 20));
    bomb(Parts::sheet(&format!("<row>{cells}</row>")).and_strings(&strings), "larger than 256 MiB");
    let sheets = many("<sheet name=\"x\"/>", 1 << 20);
    bomb(Parts::sheet("").and("xl/workbook.xml", format!("<workbook>{sheets}</workbook>")), "sheets");
    let relations = many("<Relationship/>", 2 << 20);
    bomb(Parts::sheet("").and("_rels/.rels", format!("<Relationships>{relations}")), "relations");
    let styles = format!("<!--{}-->", many("x", 1 << 20)).repeat(65);
    bomb(Parts::sheet("").and("xl/styles.xml", format!("<styleSheet><cellXfs>{styles}")), piece);
}

#[test]
fn millions_of_lost_cells_are_counted_in_little_memory() {
    let lost = "<c r=\"ZZZZ1\"><v>1</v></c>".repeat(200_000);
    let (lines, summary) = Parts::sheet(&format!("<row r=\"1\">{lost}</row>")).read(Options::default());
    assert!(lines.is_empty());
    assert_eq!((summary.cells_lost, summary.lost_cells.len()), (200_000, 100));
}

#[test]
fn anything_in_a_sheet_is_read_or_refused() {
    const PIECES: [&str; 34] = [
        "<row>",
        "</row>",
        "<row r=\"2\">",
        "<row r=\"99999999999999999999\">",
        "<c>",
        "</c>",
        "<c r=\"A1\"/>",
        "<v>",
        "</v>",
        "<c t=\"s\"><v>1</v></c>",
        "<c t=\"str\">",
        "<c t=\"inlineStr\">",
        "<is>",
        "</is>",
        "<t>",
        "</t>",
        "<f>",
        "</f>",
        "<c s=\"1\"><v>1e9</v></c>",
        "<c s=\"2\"><v>-0.5</v></c>",
        "<c r=\"ZZZZZZZ999999999999999\"><v>1</v></c>",
        "<c r=\"\">",
        "&#0;",
        "&x;",
        "&",
        "<![CDATA[",
        "]]>",
        "_x0041_",
        "_xD83D_",
        "é",
        "1",
        "9999999999",
        "</sheetData>",
        "<!-- -->",
    ];
    let mut read = 0;
    for seed in 0..1500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut rows: String = (0..rng.usize(1..12)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
        if rng.bool() {
            rows = format!("<row><c t=\"str\"><v>a</v></c></row><row><c s=\"1\"><v>1</v></c>{rows}</row>");
        }
        let parts =
            Parts::sheet(&rows).and_formats(&["yyyy-mm-dd hh:mm", "[h]:mm"]).and_strings("<si><t>x</t></si>");
        let (lines, summary) = parts.try_read(Options::default());
        match summary {
            Ok(_) => read += 1,
            Err(error) => assert_eq!(error.kind(), Kind::Shape, "{rows}"),
        }
        assert!(
            lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
            "{lines:?}"
        );
    }
    assert!(read > 100, "{read}");
}
