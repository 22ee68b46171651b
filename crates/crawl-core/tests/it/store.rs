//! What a store leaves on disk, and what readers see of it.

use crawl_core::json::Raw;
use crawl_core::{Compression, Kind, Pump, Record, Since, SourceId, Stop, Store, Stored, pump};

use crate::tables::{Table, picture};

async fn filled(compression: Compression) -> (tempfile::TempDir, SourceId) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path()).with_compression(compression);
    let table = Table::listing(4);
    pump(&table, &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    (root, table.id)
}

#[tokio::test]
async fn a_person_finds_pages_manifest_and_checkpoint() {
    let (root, _) = filled(Compression::None).await;
    let names: Vec<String> = picture(root.path()).into_keys().collect();
    assert_eq!(names[0], ".lock");
    let expected = [
        ".lock",
        "checkpoint.json",
        "manifest.jsonl",
        "page_00001.jsonl",
        "page_00002.jsonl",
        "page_00002.missing.jsonl",
        "page_00003.jsonl",
        "page_00004.jsonl",
        "page_00004.missing.jsonl",
    ];
    assert_eq!(names[1..], expected.map(|name| format!("test/table/{name}")));
    let first = std::fs::read_to_string(root.path().join("test/table/page_00001.jsonl")).unwrap();
    assert_eq!(first.lines().next().unwrap(), "{\"id\":\"1/0\",\"text\":\"é \\n 0\"}");
}

#[tokio::test]
async fn a_root_that_is_a_file_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    for root in [file.clone(), file.join("below")] {
        let crawled =
            pump(&Table::listing(1), &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await;
        let error = crawled.unwrap_err();
        assert_eq!((error.kind(), error.place()), (Kind::Config, file.to_str().unwrap()), "{error:?}");
        assert!(error.advice().contains("--root"), "{error:?}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}

#[tokio::test]
async fn a_row_within_an_object_becomes_a_record_word_for_word_on_one_line() {
    let body = b"{\"rows\": [{\"id\":\n 7, \"text\":\"\\u00e9\"}, null]}";
    let rows = Raw::parse(body).unwrap().get("rows").and_then(Raw::elements).unwrap();
    let records: Vec<Record> = rows.map(Record::from).collect();
    assert_eq!(records[0].bytes(), b"{\"id\":  7, \"text\":\"\\u00e9\"}");
    assert_eq!((records.len(), records[1].bytes()), (2, &b"null"[..]));
}

#[tokio::test]
async fn compressed_pages_read_back_the_same() {
    let (plain, id) = filled(Compression::None).await;
    for compression in [Compression::Gzip, Compression::Zstd] {
        let (packed, _) = filled(compression).await;
        let (plain, packed) =
            (Stored::open(plain.path(), &id).unwrap(), Stored::open(packed.path(), &id).unwrap());
        for page in 1..=4 {
            assert_eq!(plain.records(page).unwrap(), packed.records(page).unwrap());
        }
        assert_eq!(packed.verify().unwrap(), crawl_core::Verified::default());
    }
}

#[tokio::test]
async fn pages_beyond_the_checkpoint_are_not_seen() {
    let (root, id) = filled(Compression::None).await;
    std::fs::copy(
        root.path().join("test/table/page_00001.jsonl"),
        root.path().join("test/table/page_00005.jsonl"),
    )
    .unwrap();
    let stored = Stored::open(root.path(), &id).unwrap();
    assert_eq!(stored.checkpoint().pages, 4);
    assert_eq!(stored.records(5).unwrap_err().kind(), Kind::Storage);
    assert_eq!(stored.records(0).unwrap_err().kind(), Kind::Storage);
}

#[tokio::test]
async fn damage_is_found() {
    let (root, id) = filled(Compression::None).await;
    let path = root.path().join("test/table/page_00002.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let stored = Stored::open(root.path(), &id).unwrap();
    assert_eq!(stored.verify().unwrap().differ, [2]);
    // A reader is not given other bytes than were written, although there are as many records.
    assert_eq!(stored.records(2).unwrap_err().kind(), Kind::Storage);
    assert!(stored.records(1).is_ok());
    // Who compares with it is told the same as who reads it.
    let told = |error: crawl_core::Error| error.advice().to_owned();
    let compared = Since::read(root.path(), id.as_str(), |_| None).map(|_| ());
    assert_eq!(compared.map_err(told), Err(told(stored.records(2).unwrap_err())));
}

#[tokio::test]
async fn a_checkpoint_of_another_version_or_form_is_refused() {
    let (root, id) = filled(Compression::None).await;
    let path = root.path().join("test/table/checkpoint.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"version\":1", "\"version\":9")).unwrap();
    let error = Stored::open(root.path(), &id).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
    std::fs::write(&path, "{").unwrap();
    assert_eq!(Stored::open(root.path(), &id).unwrap_err().kind(), Kind::Storage);
}

#[tokio::test]
async fn a_root_without_that_listing_says_which_it_has() {
    let (root, _) = filled(Compression::None).await;
    let error = Stored::open(root.path(), &SourceId::new("hf/models").unwrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("test/table"));
}

#[test]
fn names_of_sources_cannot_leave_the_root() {
    for name in ["", "..", "a/../b", "/a", "a//b", "a/", ".hidden", "A", "a b", "a\\b"] {
        assert!(SourceId::new(name).is_err(), "{name}");
    }
    assert!(SourceId::new("hf/datasets").is_ok());
}

#[tokio::test]
async fn the_ends_of_a_manifest_are_its_first_and_its_last_line_however_long_they_are() {
    for (pages, padding) in [(1, 0), (2, 0), (4, 0), (1, 100_000), (4, 100_000)] {
        let root = tempfile::tempdir().unwrap();
        let table = Table::listing(pages);
        pump(&table, &Store::new(root.path()), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
        let folder = root.path().join("test/table");
        let [manifest, checkpoint] = ["manifest.jsonl", "checkpoint.json"].map(|name| folder.join(name));
        let longer = |line: &str| format!("{{{}{}\n", " ".repeat(padding), &line[1..]);
        let lines: String = std::fs::read_to_string(&manifest).unwrap().lines().map(longer).collect();
        std::fs::write(&manifest, &lines).unwrap();
        let text = std::fs::read_to_string(&checkpoint).unwrap();
        let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
        changed["manifest_bytes"] = lines.len().into();
        std::fs::write(&checkpoint, changed.to_string()).unwrap();
        let stored = Stored::open(root.path(), &table.id).unwrap();
        let (first, last) = stored.ends().unwrap().unwrap();
        assert_eq!((first.number, last.number), (1, stored.checkpoint().pages), "{pages} {padding}");
    }
}
