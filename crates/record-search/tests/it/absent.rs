//! What is asked for and stands nowhere in the index is told: nothing found is no silence.

use record_search::{Cell, Document, Kind, Query};

use crate::ask;

fn with(licences: &[&str]) -> (tempfile::TempDir, record_search::Index) {
    let documents: Vec<Document> = licences
        .iter()
        .enumerate()
        .map(|(number, licence)| {
            let id = format!("own/model-{number}");
            let mut document = Document { source: "s".into(), name: id.clone(), id, ..Document::default() };
            document.columns.insert("license".into(), (Kind::Facet, Cell::texts([*licence])));
            document.columns.insert("downloads".into(), (Kind::Number, Cell::number(number as f64)));
            document
        })
        .collect();
    crate::index(&documents)
}

#[test]
fn a_text_that_no_document_has_is_told_with_what_is_near() {
    let (_folder, index) = with(&["MIT", "mit", "apache-2.0", "gpl-3.0", "openrail"]);
    let notes = |text: &str| index.search(&ask(text)).unwrap().explain.notes;
    assert_eq!(notes("license:mti"), ["no document has `mti` as its license; near: mit"]);
    assert_eq!(notes("license:apache"), ["no document has `apache` as its license; near: apache-2.0"]);
    assert_eq!(notes("license:qqqqqqqq"), ["no document has `qqqqqqqq` as its license"]);
    assert_eq!(notes("license:xyz*"), ["no document has `xyz*` as its license"]);
    // Also where others of the texts are there, and where it could only leave something out.
    assert_eq!(notes("license:mit,gpl-3"), ["no document has `gpl-3` as its license; near: gpl-3.0"]);
    assert_eq!(notes("-license:mti"), ["no document has `mti` as its license; near: mit"]);
    let filters = vec!["license:mti".to_owned()];
    assert_eq!(index.search(&Query { filters, ..ask("") }).unwrap().explain.notes.len(), 1);
    // Nothing of this where there is nothing to tell.
    for text in ["license:mit", "license:Apache*", "license:?", "license:*", "downloads:>100", "model", ""] {
        assert_eq!(notes(text), [""; 0], "{text}");
    }
}

#[test]
fn a_range_of_texts_and_one_that_ends_before_it_begins_are_errors() {
    let (_folder, index) = with(&["mit", "<8k", "a..b"]);
    for text in ["license:>3", "license:<=2024-01-01", "license:1..5", "-license:>=1B"] {
        let error = index.search(&ask(text)).unwrap_err();
        assert!(error.to_string().contains("`license` has texts, and takes no range"), "{text}: {error}");
        assert!(error.advice().contains("downloads"), "{text}: {}", error.advice());
    }
    // A text may look so, where there is one.
    assert_eq!(index.search(&ask("license:<8k")).unwrap().total, 1);
    assert_eq!(index.search(&ask("license:a..b")).unwrap().total, 1);
    for text in ["downloads:8..1", "downloads:2B..1M"] {
        let error = index.search(&ask(text)).unwrap_err();
        assert!(error.to_string().contains("ends before it begins"), "{text}: {error}");
    }
    assert_eq!(index.search(&ask("downloads:1..1")).unwrap().total, 1);
}

#[test]
fn many_absent_texts_are_named_in_few_words() {
    let many: Vec<String> = (0..200).map(|number| format!("lizenz-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (_folder, index) = with(&many);
    let asked: Vec<String> = (0..300).map(|number| format!("nix{number}")).collect();
    let notes = index.search(&ask(&format!("license:{}", asked.join(",")))).unwrap().explain.notes;
    assert_eq!(notes, ["no document has `nix0`, `nix1`, `nix2` or 297 more as its license"]);
    let long = "l".repeat(3_000);
    let notes = index.search(&ask(&format!("license:{long}"))).unwrap().explain.notes;
    assert!(notes.len() == 1 && notes[0].len() < 400, "{notes:?}");
}

#[test]
fn a_column_that_is_not_there_is_told_with_what_is_near_and_capitals_name_one_too() {
    let (_folder, index) = with(&["mit", "apache-2.0"]);
    for query in [ask("licence:mit"), Query { facets: vec!["licence".into()], ..ask("") }] {
        let error = index.search(&query).unwrap_err();
        assert!(error.to_string().contains("no column `licence`; near: license"), "{error}");
    }
    let error = index.search(&Query { facets: vec!["downloads".into()], ..ask("") }).unwrap_err();
    assert!(error.advice().contains("license"), "{}", error.advice());
    assert_eq!(index.search(&ask("License:mit")).unwrap().total, 1);
    assert_eq!(index.search(&ask("NAME:model")).unwrap().total, 2);
    assert_eq!(index.search(&ask("Re: model")).unwrap().total, 2, "words, not a column");
}
