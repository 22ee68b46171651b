//! What is too large, too much or nonsense is bounded and told.

use crawl_core::{Kind as Why, Stop};
use record_search::{Cell, Index, Inputs, Kind, MOST_VALUES, Mapping, Query, Writer};

use crate::{ask, documents, hashed, index};

#[test]
fn a_query_of_a_megabyte_or_of_a_thousand_words_is_refused_with_advice() {
    let (_folder, index) = index(&documents(1, 20));
    for text in [
        "a".repeat(1 << 20),
        "word ".repeat(800),
        "\"".into(),
        "\"open".into(),
        "license:".into(),
        "downloads:many".into(),
        "created:yesterday".into(),
        "nothing:here".into(),
        "name:".into(),
        "fits:GPU".into(),
    ] {
        let error = index.search(&ask(&text)).unwrap_err();
        assert_eq!(error.kind(), Why::Config);
        assert!(!error.advice().is_empty() && error.to_string().len() < 400, "{error}");
    }
    // Odd, and no error.
    for text in [
        "",
        " ",
        "-",
        "*",
        "--- !!",
        "a*",
        "-a",
        "(((",
        "[a TO b]",
        "a^4 OR /x/",
        "\u{0}\u{202e}",
        "中",
        "é*",
        "\"\"",
    ] {
        index.search(&ask(text)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}

#[test]
fn paging_and_facets_are_bounded() {
    let (_folder, index) = index(&documents(1, 20));
    let far = Query { offset: usize::MAX, ..ask("") };
    let many = Query { limit: 1_000_000, ..ask("") };
    let facets = Query { facets: vec!["license".into(); 1_000_000], ..ask("") };
    let texts = Query { facets: vec!["license".into()], facet_texts: 1_000_000, ..ask("") };
    let numbers = Query { facets: vec!["downloads".into()], ..ask("") };
    for query in [far, many, facets, texts, numbers] {
        assert_eq!(index.search(&query).unwrap_err().kind(), Why::Config);
    }
}

#[test]
fn a_million_values_of_a_facet_are_cut_and_a_million_different_ones_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path(), None).unwrap();
    let mut document = documents(1, 1).remove(0);
    let many = (0..1_000_000).map(|number| format!("v{number}"));
    document.columns.insert("many".into(), (Kind::Facet, Cell::texts(many)));
    document.card = "x ".repeat(1 << 20);
    document.name = "n".repeat(1 << 20);
    writer.put(document).unwrap();
    for (number, mut document) in documents(2, 200).into_iter().enumerate() {
        let some = (0..500).map(|at| format!("w{}", number * 500 + at));
        document.columns.insert("many".into(), (Kind::Facet, Cell::texts(some)));
        writer.put(document).unwrap();
    }
    writer.commit().unwrap();
    let index = Index::open(folder.path(), None).unwrap();
    let stats = index.stats().unwrap();
    assert_eq!(stats.cut, 1_000_000 - MOST_VALUES as u64 + 2, "what was cut is counted");
    assert_eq!(stats.columns["many"].texts, Some(MOST_VALUES as u64 + 100_000));
    let found = index.search(&Query { facets: vec!["many".into()], ..ask("") }).unwrap();
    assert_eq!(found.facets[0].texts.len(), 10);
}

#[test]
fn rows_that_are_no_records_are_missing_with_their_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let deep = format!("{{\"id\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(10_000));
    let card = format!("{{\"id\":\"good/one\",\"card\":\"{}\"}}", "x ".repeat(100_000));
    let rows =
        [card.as_str(), "", "{bad", "{\"no\":\"id\"}", "[]", "null", &deep, &long, "{\"id\":\"good/two\"}"];
    std::fs::write(&path, [rows.join("\n").as_bytes(), b"\n{\"id\":\"\xff\"}\n"].concat()).unwrap();
    let mappings = vec![Mapping::named("hf-models").unwrap()];
    let inputs =
        Inputs { paths: vec![path], mappings, listing: None, complete: false, limit: None, commit_rows: 100 };
    let mut writer = Writer::open(&folder.path().join("index"), hashed()).unwrap();
    let progress = inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
    assert_eq!((progress.rows, progress.missing, writer.documents()), (9, 7, 2));
    let rows: Vec<u64> = progress.bad.iter().map(|bad| bad.row).collect();
    assert_eq!(rows, [3, 4, 5, 6, 7, 8, 10]);
    assert_eq!(
        Index::open(&folder.path().join("index"), None).unwrap().stats().unwrap().cut,
        1,
        "what is cut is told"
    );
    assert!(progress.bad.iter().all(|bad| !bad.why.is_empty() && bad.why.len() < 300));
}

#[test]
fn a_damaged_index_is_an_error_and_no_panic() {
    let (folder, _) = index(&documents(1, 50));
    let path = folder.path().join("vectors-0001/rows.bin");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
    assert_eq!(Index::open(folder.path(), None).err().unwrap().kind(), Why::Storage);
    assert_eq!(Writer::open(folder.path(), hashed()).err().unwrap().kind(), Why::Storage);
    std::fs::write(&path, vec![7; bytes.len()]).unwrap();
    assert_eq!(Index::open(folder.path(), None).err().unwrap().kind(), Why::Storage);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Index::open(folder.path(), None).unwrap().documents(), 50);
    let meta = folder.path().join("text/meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, text.replace("\\\"version\\\":1", "\\\"version\\\":9")).unwrap();
    assert_eq!(Index::open(folder.path(), None).err().unwrap().kind(), Why::Config);
    std::fs::write(&meta, "{").unwrap();
    assert!(Index::open(folder.path(), None).is_err());
}
