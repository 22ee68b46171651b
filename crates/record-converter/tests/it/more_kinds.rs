//! Kinds of output beside tables and workbooks: compressed lines, XML, partitions, listings, and what is selected.

use std::fs;

use crawl_core::{Kind, SourceId, Stored};
use record_converter::{Options, Summary};
use tempfile::TempDir;

use crate::{names, run};

fn folder(lines: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn convert(folder: &TempDir, input: &str, output: &str) -> Summary {
    run(folder, input, output, Options::default()).unwrap()
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn what_is_called_gz_or_zst_is_compressed_and_comes_back() {
    let lines: Vec<_> = (0..5000).map(|number| format!("{{\"a\":{number},\"b\":\"same\"}}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let folder = folder(&lines);
    for (name, magic) in
        [("x.jsonl.gz", &[0x1F, 0x8B][..]), ("x.jsonl.zst", &[0x28, 0xB5]), ("x.csv.gz", &[0x1F, 0x8B])]
    {
        let summary = convert(&folder, "in.jsonl", name);
        let packed = fs::read(folder.path().join(name)).unwrap();
        assert!(packed.starts_with(magic) && packed.len() as u64 == summary.bytes, "{name}");
        assert!(packed.len() < 40_000, "{name}: {}", packed.len());
        convert(&folder, name, &format!("{name}.back.jsonl"));
        assert_eq!(text(&folder, &format!("{name}.back.jsonl")), text(&folder, "in.jsonl") + "\n", "{name}");
    }
}

#[test]
fn xml_holds_every_value_and_nothing_hostile_leaves_its_place() {
    let folder = folder(&[
        r#"{"id":"a<b>&\"'\r\n\tç","n":1.50,"t":true,"z":null,"l":[1,"x",[]],"o":{"k":{}},"<evil a=\"1\">":"]]>"}"#,
        r#"{"ctl":"a\u0000b","\u0001":"\ud800","e":""}"#,
    ]);
    convert(&folder, "in.jsonl", "out.xml");
    let expected = [
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "<records>",
        concat!(
            r#"<record><field name="id" type="string">a&lt;b&gt;&amp;&quot;'&#13;&#10;&#9;ç</field>"#,
            r#"<field name="n" type="number">1.50</field><field name="t" type="boolean">true</field>"#,
            r#"<field name="z" type="null"/><field name="l" type="list"><item type="number">1</item>"#,
            r#"<item type="string">x</item><item type="list"></item></field>"#,
            r#"<field name="o" type="object"><field name="k" type="object"></field></field>"#,
            r#"<field name="&lt;evil a=&quot;1&quot;&gt;" type="string">]]&gt;</field></record>"#,
        ),
        concat!(
            r#"<record><field name="ctl" type="string" json="true">&quot;a\u0000b&quot;</field>"#,
            r#"<field json-name="&quot;\u0001&quot;" type="string" json="true">&quot;\ud800&quot;</field>"#,
            r#"<field name="e" type="string"></field></record>"#,
        ),
        "</records>",
        "",
    ];
    assert_eq!(text(&folder, "out.xml"), expected.join("\n"));
}

#[test]
fn a_value_that_is_nested_very_deep_becomes_json_text_in_xml() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(120), "]".repeat(120));
    let folder = folder(&[&deep]);
    convert(&folder, "in.jsonl", "out.xml");
    let xml = text(&folder, "out.xml");
    assert!(
        xml.contains(r#"<item type="list" json="true">[[[["#) && xml.matches("<item").count() == 64,
        "{xml}"
    );
}

#[test]
fn only_what_is_asked_for_is_written_and_the_rest_is_counted() {
    let folder = folder(&[r#"{"a":1}"#, r#"{"a":2}"#, "bad", r#"{"a":3,"b":"x"}"#]);
    convert(&folder, "in.jsonl", "in.parquet");
    for (input, output) in [
        ("in.jsonl", "a.jsonl"),
        ("in.jsonl", "a.csv"),
        ("in.jsonl", "a.xlsx"),
        ("in.parquet", "b.jsonl"),
        ("in.parquet", "b.xlsx"),
        ("in.parquet", "b.avro"),
    ] {
        let options = Options { selection: Some("a >= 2 and b is null".into()), ..Options::default() };
        let summary = run(&folder, input, output, options).unwrap();
        let counts = (summary.records_read, summary.left_out, summary.records_written);
        assert_eq!(counts, (3, 2, 1), "{input} {output}");
        run(&folder, output, "back.jsonl", Options { force: true, ..Options::default() }).unwrap();
        assert_eq!(text(&folder, "back.jsonl"), "{\"a\":2}\n", "{input} {output}");
    }
    let options = Options { selection: Some("a >".into()), ..Options::default() };
    assert_eq!(run(&folder, "in.jsonl", "x.jsonl", options).unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_member_that_a_rule_names_and_no_record_has_is_told() {
    let folder = folder(&[r#"{"likes":1,"card":{"a":1},"n":null}"#, r#"{"likes":2}"#]);
    convert(&folder, "in.jsonl", "in.parquet");
    let rule = "lik > 0 or (n is null and card.license = 'x') or card.a = 1 or likes > 5 or lik < 0";
    for (input, output, sort_by) in [
        ("in.jsonl", "a.jsonl", None),
        ("in.jsonl", "a.parquet", None),
        ("in.jsonl", "b.parquet", Some("likes")),
        ("in.parquet", "b.jsonl", None),
        ("in.parquet", "b.csv", None),
    ] {
        let sort_by = sort_by.map(str::to_owned);
        let options = Options { selection: Some(rule.into()), sort_by, ..Options::default() };
        let summary = run(&folder, input, output, options).unwrap();
        assert_eq!(summary.unknown, ["lik", "card.license"], "{input} {output}");
        assert_eq!(summary.records_written, 1);
    }
}

fn partitioned(folder: &TempDir, by: &str) -> crawl_core::Result<Summary> {
    run(folder, "in.jsonl", "out", Options { partition_by: Some(by.into()), ..Options::default() })
}

#[test]
fn a_folder_of_partitions_has_every_record_once_and_no_value_leads_out_of_it() {
    let values = ["\"en\"", "null", "\"../../up\"", "\"/etc/x\"", "\"en\"", "1", "\"a b\""];
    let lines: Vec<_> =
        values.iter().enumerate().map(|(n, value)| format!("{{\"n\":{n},\"lang\":{value}}}")).collect();
    let mut lines: Vec<_> = lines.iter().map(String::as_str).collect();
    lines.push("{\"n\":7}");
    let folder = folder(&lines);
    let summary = partitioned(&folder, "lang").unwrap();
    assert_eq!((summary.records_written, summary.columns), (8, 1));
    assert_eq!(names(folder.path()), ["in.jsonl", "out"]);
    let expected = [
        ("lang=%2Fetc%2Fx", vec![3]),
        ("lang=..%2F..%2Fup", vec![2]),
        ("lang=1", vec![5]),
        ("lang=__HIVE_DEFAULT_PARTITION__", vec![1, 7]),
        ("lang=a b", vec![6]),
        ("lang=en", vec![0, 4]),
    ];
    assert_eq!(names(&folder.path().join("out")), expected.clone().map(|(name, _)| name));
    for (name, rows) in expected {
        let file = format!("out/{name}/part-00000.parquet");
        run(&folder, &file, "back.jsonl", Options { force: true, ..Options::default() }).unwrap();
        let back = text(&folder, "back.jsonl");
        let wanted: Vec<_> = rows.iter().map(|row| lines[*row]).collect();
        assert_eq!(back.lines().collect::<Vec<_>>(), wanted, "{name}");
    }
    assert_eq!(partitioned(&folder, "lang").unwrap_err().kind(), Kind::Config);
}

#[test]
fn values_that_one_folder_does_not_tell_apart_are_named_where_no_record_has_them() {
    let folder = folder(&[
        r#"{"a":1,"n":1}"#,
        r#"{"a":"1","n":2}"#,
        r#"{"a":null,"n":3}"#,
        r#"{"n":4}"#,
        r#"{"a":"","n":5}"#,
        r#"{"a":"x","n":6}"#,
    ]);
    for (output, raw, lost) in [("whole", true, 0), ("bare", false, 2)] {
        let options = Options { partition_by: Some("a".into()), raw, ..Options::default() };
        let summary = run(&folder, "in.jsonl", output, options).unwrap();
        assert_eq!((summary.records_written, summary.cells_lost), (6, lost), "{output}");
    }
}

#[test]
fn more_partitions_than_files_may_be_open_are_all_whole() {
    let lines: Vec<_> = (0..2000).map(|n| format!("{{\"p\":{},\"n\":{n}}}", n % 200)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let folder = folder(&lines);
    partitioned(&folder, "p").unwrap();
    assert_eq!(names(&folder.path().join("out")).len(), 200);
    run(&folder, "out/p=199/part-00000.parquet", "back.jsonl", Options::default()).unwrap();
    let expected: Vec<_> = (0..10).map(|n| lines[n * 200 + 199]).collect();
    assert_eq!(text(&folder, "back.jsonl").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_cannot_divide_a_folder_is_an_error_and_leaves_nothing() {
    let folder = folder(&[r#"{"a":[1],"long":"x"}"#]);
    for by in ["a", "none"] {
        assert_eq!(partitioned(&folder, by).unwrap_err().kind(), Kind::Config, "{by}");
        assert_eq!(names(folder.path()), ["in.jsonl"]);
    }
}

#[test]
fn records_become_the_pages_of_a_listing_once_and_the_same_again_changes_nothing() {
    let lines: Vec<_> = (0..2500).map(|number| format!("{{\"id\":\"a/{number}\"}}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let folder = folder(&lines);
    let options = Options { listing: Some("hf/datasets".into()), ..Options::default() };
    for _ in 0..2 {
        run(&folder, "in.jsonl", "root", options.clone()).unwrap();
        let stored =
            Stored::open(&folder.path().join("root"), &SourceId::new("hf/datasets").unwrap()).unwrap();
        assert!(stored.checkpoint().ended());
        assert_eq!((stored.checkpoint().pages, stored.checkpoint().totals.records), (3, 2500));
    }
    convert(&folder, "root", "back.jsonl");
    assert_eq!(text(&folder, "back.jsonl"), text(&folder, "in.jsonl") + "\n");
    fs::write(folder.path().join("in.jsonl"), "{}").unwrap();
    let error = run(&folder, "in.jsonl", "root", options).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("made of something else"), "{error}");
}

#[test]
fn a_table_that_replaces_its_input_is_made_from_what_was_there() {
    use sha2::Digest;
    let folder = folder(&[r#"{"a":1}"#, r#"{"a":2}"#]);
    convert(&folder, "in.jsonl", "a.csv");
    let before = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(text(&folder, "a.csv")));
    let options =
        Options { croissant: true, selection: Some("a = 1".into()), force: true, ..Options::default() };
    run(&folder, "a.csv", "a.csv", options).unwrap();
    let card: serde_json::Value = serde_json::from_str(&text(&folder, "croissant.json")).unwrap();
    assert_eq!(card["prov:wasDerivedFrom"][0]["@id"], format!("urn:sha256:{before}"));
    assert!(text(&folder, "README.md").contains(&before));
}

#[test]
fn records_are_sorted_where_that_is_asked_for_and_parquet_says_so() {
    use parquet::file::reader::FileReader;
    let folder = folder(&[r#"{"id":"b"}"#, "bad", r#"{"id":"c"}"#, r#"{"x":1}"#, r#"{"id":"a"}"#]);
    convert(&folder, "in.jsonl", "in.avro");
    for (input, output) in [
        ("in.jsonl", "a.jsonl"),
        ("in.jsonl", "a.parquet"),
        ("in.avro", "b.jsonl"),
        ("in.avro", "b.parquet"),
        ("in.avro", "b.xlsx"),
    ] {
        let options = Options {
            sort_by: Some("id".into()),
            selection: Some("id is null or id != \"b\"".into()),
            ..Options::default()
        };
        let summary = run(&folder, input, output, options).unwrap();
        let counts = (summary.records_read, summary.left_out, summary.records_written, summary.missing);
        assert_eq!(counts, (4, 1, 3, u64::from(input == "in.jsonl")), "{input} {output}");
        run(&folder, output, "back.jsonl", Options { force: true, ..Options::default() }).unwrap();
        assert_eq!(
            text(&folder, "back.jsonl"),
            "{\"x\":1}\n{\"id\":\"a\"}\n{\"id\":\"c\"}\n",
            "{input} {output}"
        );
    }
    let file = fs::File::open(folder.path().join("a.parquet")).unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
    assert_eq!(reader.metadata().row_group(0).sorting_columns().unwrap()[0].column_idx, 1);
    for (output, by) in [("-", "id"), ("x.jsonl", "none")] {
        let options = Options { sort_by: Some(by.into()), ..Options::default() };
        let output = folder.path().join(output);
        let output = if output.ends_with("-") { std::path::Path::new("-") } else { &output };
        let request = record_converter::Request::new(&folder.path().join("in.jsonl"), output, options);
        let done = request.and_then(|request| {
            record_converter::convert(&request, &mut std::io::empty(), &mut std::io::sink())
        });
        assert_eq!(done.unwrap_err().kind(), Kind::Config);
    }
}

#[test]
fn no_records_become_an_empty_output_of_every_kind() {
    let plain = Options::default;
    let columns = || Options { columns: vec!["a".into(), "b".into()], ..plain() };
    let report = || Options { report: true, ..plain() };
    let kinds = [
        ("a.jsonl", plain()),
        ("a.jsonl.zst", plain()),
        ("a.csv", plain()),
        ("b.csv", columns()),
        ("a.xlsx", plain()),
        ("a.parquet", plain()),
        ("b.parquet", columns()),
        ("c.parquet", Options { raw: false, ..plain() }),
        ("d.parquet", Options { sort_by: Some("x".into()), ..plain() }),
        ("a.avro", plain()),
        ("b.avro", columns()),
        ("c.avro", Options { raw: false, ..plain() }),
        ("root", Options { listing: Some("hf/datasets".into()), ..plain() }),
    ];
    let others = [
        ("parts", Options { partition_by: Some("a".into()), ..plain() }),
        ("a.xml", plain()),
        ("r.xlsx", report()),
        ("l.xlsx", Options { by_label: true, ..report() }),
    ];
    // Nothing at all, and nothing that is wanted.
    for lines in [&[][..], &[r#"{"x":1}"#]] {
        let folder = folder(lines);
        for (output, options) in kinds.iter().chain(&others) {
            let options = Options { selection: Some("x = 2".into()), ..options.clone() };
            let summary = run(&folder, "in.jsonl", output, options);
            let summary = summary.unwrap_or_else(|error| panic!("{output}: {error}"));
            assert_eq!((summary.records_written, summary.left_out), (0, lines.len() as u64), "{output}");
        }
        for (input, _) in &kinds {
            let summary = run(&folder, input, "back.jsonl", Options { force: true, ..plain() });
            let summary = summary.unwrap_or_else(|error| panic!("{input}: {error}"));
            assert!(summary.is_whole() && text(&folder, "back.jsonl").is_empty(), "{input}");
        }
        assert_eq!(text(&folder, "b.csv"), "\"a\",\"b\"\n");
        assert_eq!(names(&folder.path().join("parts")), Vec::<String>::new());
    }
}
