//! The binary: exit codes, summary, what a killed process leaves.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::names;
use crate::parts::Parts;

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_record-converter"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

fn check(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = program(folder, arguments).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    (String::from_utf8(stdout).unwrap(), stderr)
}

#[test]
fn the_summary_adds_up_and_missing_records_are_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"a\":1}\noops\n{\"a\":2}\n").unwrap();
    let (stdout, stderr) = check(folder.path(), &["in.jsonl", "out.xlsx"], 3);
    assert_eq!(stdout, "");
    assert!(stderr.contains("missing: in.jsonl line 2: not JSON"), "{stderr}");
    assert!(stderr.contains("in.jsonl -> out.xlsx: 2 records read, 2 written, 1 missing"), "{stderr}");
    let (stdout, stderr) = check(folder.path(), &["out.xlsx", "-", "--log", "json"], 0);
    assert_eq!(stdout, "{\"a\":1}\n{\"a\":2}\n");
    let summary: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!((summary["read"].as_u64(), summary["written"].as_u64()), (Some(2), Some(2)));
}

#[test]
fn what_is_not_supported_is_said_with_what_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{}\n").unwrap();
    let (_, stderr) = check(folder.path(), &["in.jsonl", "out.hdf5"], 78);
    assert!(stderr.contains(".xlsx") && stderr.contains(".csv"), "{stderr}");
    check(folder.path(), &["in.jsonl", "out.xlsx"], 0);
    let (_, stderr) = check(folder.path(), &["in.jsonl", "out.xlsx"], 78);
    assert!(stderr.contains("--force"), "{stderr}");
    check(folder.path(), &["in.jsonl", "out.xlsx", "--force"], 0);
    check(folder.path(), &["no.jsonl", "new.xlsx"], 78);
    let (_, stderr) = check(folder.path(), &["no/folder", "new.xlsx"], 78);
    assert!(stderr.contains("cannot open the input: `no/folder`"), "{stderr}");
    for output in [&["none/new.csv"][..], &["none/new.xlsx"], &["none/new", "--partition-by", "a"]] {
        let (_, stderr) = check(folder.path(), &[&["in.jsonl"], output].concat(), 78);
        assert!(stderr.contains("the folder of the output is not there"), "{stderr}");
    }
    fs::write(folder.path().join("bad.xlsx"), "no").unwrap();
    check(folder.path(), &["bad.xlsx", "-"], 65);
}

#[test]
fn the_help_has_examples_and_one_sheet_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (help, _) = check(folder.path(), &["--help"], 0);
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    fs::write(folder.path().join("in.jsonl"), "{\"a\":1}\n").unwrap();
    let (_, stderr) = check(folder.path(), &["in.jsonl", "out.xlsx"], 0);
    assert!(stderr.contains("1 column in 1 sheet\n"), "{stderr}");
}

#[test]
fn partitions_below_too_many_folders_are_refused_with_how_many_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let deep: std::path::PathBuf = (0..20).map(|number| format!("a={number}")).collect();
    fs::create_dir_all(folder.path().join("in").join(deep)).unwrap();
    let (_, stderr) = check(folder.path(), &["in", "out.jsonl"], 78);
    assert!(stderr.contains("nested too deep") && stderr.contains("16 folders"), "{stderr}");
}

#[test]
fn a_cell_that_is_cut_or_lost_is_named_and_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(40_000);
    fs::write(folder.path().join("in.jsonl"), format!("{{\"a\":1,\"b\":\"{long}\"}}\n")).unwrap();
    let (_, stderr) = check(folder.path(), &["in.jsonl", "out.xlsx"], 3);
    assert!(stderr.contains("lost: records!B2: the value of `b` is longer than"), "{stderr}");
    let rows = "<row><c t=\"str\"><v>a</v></c></row><row><c><f>1+1</f></c></row>";
    let folder = Parts::sheet(rows).and_sheet("name=\"H\" state=\"hidden\"", rows).save();
    let (stdout, stderr) = check(folder.path(), &["in.xlsx", "-"], 3);
    assert_eq!(stdout, "{\"a\":null}\n");
    assert!(stderr.contains("lost: S!A2:") && stderr.contains("1 cells lost"), "{stderr}");
    assert!(stderr.contains("sheets left out (--sheet reads them): `H`"), "{stderr}");
    let (_, stderr) =
        check(folder.path(), &["in.xlsx", "-", "--sheet", "h", "--header-row", "1", "--log", "json"], 3);
    let summary: serde_json::Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert_eq!((summary["lost"].as_u64(), summary["sheets"].as_u64()), (Some(1), Some(1)));
    check(folder.path(), &["in.xlsx", "-", "--header-row", "0"], 2);
    check(folder.path(), &["in.xlsx", "-", "--sheet", "no"], 78);
}

#[test]
fn a_workbook_with_macros_is_read_like_one_without() {
    let folder = Parts::sheet("<row><c t=\"str\"><v>a</v></c></row><row><c><v>1</v></c></row>").save();
    fs::rename(folder.path().join("in.xlsx"), folder.path().join("in.xlsm")).unwrap();
    assert_eq!(check(folder.path(), &["in.xlsm", "-"], 0).0, "{\"a\":1}\n");
}

#[test]
fn compressed_lines_are_read_and_damaged_ones_are_exit_code_65() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"a\":1}\n".repeat(1000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 0).unwrap();
    for (name, bytes) in [("in.jsonl.gz", gzip.finish().unwrap()), ("in.ndjson.ZST", zstd)] {
        fs::write(folder.path().join(name), &bytes).unwrap();
        check(folder.path(), &[name, "out.xlsx", "--force"], 0);
        assert_eq!(check(folder.path(), &[name, "-"], 0).0, text);
        assert_eq!(check(folder.path(), &["out.xlsx", "-"], 0).0, text);
        fs::write(folder.path().join(name), &bytes[..bytes.len() - 5]).unwrap();
        for output in ["short.xlsx", "short.jsonl"] {
            let (_, stderr) = check(folder.path(), &[name, output], 65);
            assert!(stderr.contains("damaged or cut short"), "{stderr}");
            assert!(!folder.path().join(output).exists());
        }
    }
}

#[test]
fn a_killed_process_leaves_no_file_under_the_final_name() {
    for output in ["out.jsonl", "out.xlsx"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(folder.path(), &["-", output])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let rows = "{\"a\":\"some text\"}\n".repeat(200_000);
        stdin.write_all(rows.as_bytes()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!folder.path().join(output).exists());
        // The next run is not in the way of what is left.
        drop(stdin);
        fs::write(folder.path().join("in.jsonl"), "{\"a\":1}\n").unwrap();
        check(folder.path(), &["in.jsonl", output], 0);
        assert_eq!(names(folder.path()), ["in.jsonl", output]);
    }
}

#[test]
fn a_process_killed_while_it_writes_the_workbook_leaves_only_the_part_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"a\":\"some text\",\"b\":1}\n".repeat(100_000)).unwrap();
    let mut child = program(folder.path(), &["in.jsonl", "out.xlsx"]).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !folder.path().join("out.xlsx.part").exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(folder.path()), ["in.jsonl", "out.xlsx.part"]);
}

#[test]
fn tables_have_their_exit_codes_and_damaged_ones_no_noise() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("in.jsonl"), "{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n").unwrap();
    check(folder.path(), &["in.jsonl", "out.parquet", "--compression", "snappy"], 0);
    check(folder.path(), &["in.jsonl", "out.avro", "--columns", "b,a"], 0);
    let (stdout, _) = check(folder.path(), &["out.avro", "-"], 0);
    assert_eq!(stdout, "{\"b\":\"x\",\"a\":1}\n{\"b\":null,\"a\":2}\n");
    let (stdout, _) = check(folder.path(), &["out.parquet", "-"], 0);
    assert_eq!(stdout, fs::read_to_string(file("in.jsonl")).unwrap());
    let (_, stderr) = check(folder.path(), &["in.jsonl", "new.csv", "--columns", "a,z"], 78);
    assert!(stderr.contains("`z`") && stderr.contains("`a`, `b`"), "{stderr}");
    check(folder.path(), &["in.jsonl", "new.csv", "--delimiter", "tabs"], 2);
    for name in ["out.parquet", "out.avro"] {
        let whole = fs::read(file(name)).unwrap();
        fs::write(file(name), &whole[..whole.len() - 3]).unwrap();
        let (_, stderr) = check(folder.path(), &[name, "back.jsonl"], 65);
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
    fs::write(file("bad.csv"), "a,b\n1\n").unwrap();
    let (_, stderr) = check(folder.path(), &["bad.csv", "-"], 3);
    assert!(stderr.contains("lost: bad.csv line 2: the row has 1 fields"), "{stderr}");
}
