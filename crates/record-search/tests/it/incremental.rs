//! An index is brought up to date: what is new comes in, what changed is replaced, what went goes.

use crawl_core::{Kind as Why, Stop};
use record_search::{Changes, Index, Inputs, Mapping, Put, Query, Writer};

use crate::{Hashed, ask, documents, hashed, ids};

fn line(id: usize, downloads: u32) -> String {
    format!(r#"{{"id":"o/m{id}","downloads":{downloads},"pipeline_tag":"text-generation"}}"#)
}

fn read(folder: &std::path::Path, lines: &[String], complete: bool) -> Changes {
    let path = folder.join("rows.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let inputs = Inputs {
        paths: vec![path],
        mappings: vec![Mapping::named("hf-models").unwrap()],
        listing: None,
        complete,
        limit: None,
        commit_rows: 7,
    };
    let mut writer = Writer::open(&folder.join("index"), hashed()).unwrap();
    inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
    let changes = writer.changes();
    writer.close().unwrap();
    changes
}

#[test]
fn what_is_as_it_was_is_left_alone_and_what_changed_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..40).map(|id| line(id, 5)).collect();
    assert_eq!(read(folder.path(), &lines, false), Changes { added: 40, ..Changes::default() });
    assert_eq!(read(folder.path(), &lines, false), Changes { unchanged: 40, ..Changes::default() });
    let mut lines: Vec<String> = (0..45).map(|id| line(id, if id < 3 { 6 } else { 5 })).collect();
    // A row that comes twice, and then once more as it was at first.
    lines.extend([line(44, 9), line(44, 5)]);
    let changes = read(folder.path(), &lines, false);
    assert_eq!(changes, Changes { added: 5, updated: 5, unchanged: 37, removed: 0 });
    let index = Index::open(&folder.path().join("index"), hashed()).unwrap();
    assert_eq!(index.documents(), 45);
    let six = Query { filters: vec!["downloads:6".into()], limit: 50, ..Query::default() };
    let mut found = ids(&index, &six);
    found.sort();
    assert_eq!(found, ["o/m0", "o/m1", "o/m2"]);
    assert_eq!(index.search(&Query { limit: 90, ..ask("") }).unwrap().total, 45, "no document twice");
}

#[test]
fn what_is_not_in_a_complete_input_goes_and_what_another_source_has_stays() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..30).map(|id| line(id, 5)).collect();
    read(folder.path(), &lines, false);
    let mut writer = Writer::open(&folder.path().join("index"), hashed()).unwrap();
    writer.put(documents(1, 1).remove(0)).unwrap();
    writer.commit().unwrap();
    drop(writer);
    assert_eq!(read(folder.path(), &lines[..20], false).removed, 0, "it need not be all there is");
    let changes = read(folder.path(), &lines[..20], true);
    assert_eq!(changes, Changes { unchanged: 20, removed: 10, ..Changes::default() });
    let index = Index::open(&folder.path().join("index"), hashed()).unwrap();
    assert_eq!(index.documents(), 21);
    assert_eq!(index.get("o/m25").unwrap_err().kind(), Why::Gone);
}

#[test]
fn with_many_dead_places_the_vectors_are_written_anew_and_open_readers_do_not_mind() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = documents(2, 100);
    let mut writer = Writer::open(folder.path(), hashed()).unwrap();
    all.iter().for_each(|document| assert_eq!(writer.put(document.clone()).unwrap(), Put::Added));
    assert!(!writer.compact().unwrap(), "nothing is dead");
    let before = Index::open(folder.path(), hashed()).unwrap();
    for document in &mut all[..50] {
        document.card = "another text".into();
        assert_eq!(writer.put(document.clone()).unwrap(), Put::Updated);
    }
    assert!(writer.compact().unwrap());
    let stats = Index::open(folder.path(), hashed()).unwrap().stats().unwrap();
    assert_eq!((stats.documents, stats.dead, stats.vectors), (100, 0, 100));
    // Goes on behind it, and finds what it found.
    all[0].card = "a third".into();
    writer.put(all[0].clone()).unwrap();
    writer.commit().unwrap();
    let after = Index::open(folder.path(), hashed()).unwrap();
    let query =
        Query { mode: record_search::Mode::Meaning, limit: 100, explain: true, ..ask("llama german") };
    let cosines = |index: &Index| {
        let hits = index.search(&query).unwrap().hits;
        let mut cosines: Vec<_> = hits
            .into_iter()
            .map(|hit| (hit.shown.id, hit.explain.unwrap().cosine.unwrap().to_bits()))
            .collect();
        cosines.sort();
        cosines
    };
    assert_eq!(cosines(&before), cosines(&after), "each document has the vector that it had");
    assert_eq!(after.stats().unwrap().dead, 1);
}

#[test]
fn one_writer_an_index_and_one_embedder() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), hashed()).unwrap();
    let error = Writer::open(folder.path(), hashed()).err().unwrap();
    assert!(error.kind() == Why::Config && error.to_string().contains("another writer"), "{error}");
    drop(writer);
    let other: std::sync::Arc<dyn record_search::Embedder> = std::sync::Arc::new(Hashed { seed: 8 });
    for error in [
        Writer::open(folder.path(), Some(other.clone())).err().unwrap(),
        Writer::open(folder.path(), None).err().unwrap(),
        Index::open(folder.path(), Some(other)).err().unwrap(),
    ] {
        assert!(
            error.kind() == Why::Config && error.to_string().contains("was built with `hashed`"),
            "{error}"
        );
    }
    assert_eq!(Index::open(folder.path(), None).unwrap().documents(), 0, "by words anybody may read it");
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(Index::open(nothing.path(), None).err().unwrap().kind(), Why::Config);
}

#[test]
fn a_column_holds_one_kind_of_thing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path(), hashed()).unwrap();
    let mut documents = documents(4, 2);
    let column = |kind| (kind, record_search::Cell::number(1.0));
    documents[0].columns.insert("size".into(), column(record_search::Kind::Number));
    documents[1].columns.insert("size".into(), column(record_search::Kind::Time));
    writer.put(documents.remove(0)).unwrap();
    let error = writer.put(documents.remove(0)).unwrap_err();
    assert!(error.to_string().contains("`size` is a number in this index, and now a time"), "{error}");
}

/// An embedder that answers only when it is told to.
struct Away(std::sync::atomic::AtomicBool);

impl record_search::Embedder for Away {
    fn name(&self) -> String {
        "away".into()
    }
    fn digest(&self) -> String {
        "away".into()
    }
    fn dimension(&self) -> usize {
        crate::DIMENSION
    }
    fn embed(&self, texts: &[&str]) -> record_search::Result<Vec<record_search::Embedded>> {
        match self.0.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(crawl_core::Error::new(Why::Transient, "the service is away")),
            false => Hashed { seed: 7 }.embed(texts),
        }
    }
}

#[test]
fn an_embedder_that_is_away_for_a_while_costs_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let embedder = std::sync::Arc::new(Away(true.into()));
    let mut writer = Writer::open(folder.path(), Some(embedder.clone())).unwrap();
    // As many as are embedded at once, so that the last one is put while it is away.
    let all = documents(6, 256);
    let (last, first) = all.split_last().unwrap();
    first.iter().for_each(|document| assert_eq!(writer.put(document.clone()).unwrap(), Put::Added));
    assert_eq!(writer.put(last.clone()).unwrap_err().kind(), Why::Transient);
    assert_eq!(writer.commit().unwrap_err().kind(), Why::Transient);
    embedder.0.store(false, std::sync::atomic::Ordering::SeqCst);
    writer.commit().unwrap();
    assert_eq!(writer.changes(), Changes { added: 256, ..Changes::default() });
    writer.close().unwrap();
    let stats = Index::open(folder.path(), None).unwrap().stats().unwrap();
    assert_eq!((stats.documents, stats.vectors), (256, 256));
}

#[test]
fn of_the_folder_of_an_index_only_what_an_index_made_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    Writer::open(folder.path(), hashed()).unwrap().close().unwrap();
    let put = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    };
    // What a compaction left, and what is somebody else's.
    put("vectors-0002/rows.bin");
    put("vectors-0003/rows.bin");
    let others = [
        "vectors-0003/notes.txt",
        "vectors-old/rows.bin",
        "vectors-2/rows.bin",
        "vectors-00002/rows.bin",
        "vectors-0002-copy/rows.bin",
    ];
    others.iter().for_each(|name| put(name));
    put("vectors-0004");
    Writer::open(folder.path(), hashed()).unwrap().close().unwrap();
    assert!(!folder.path().join("vectors-0002").exists(), "what a compaction left goes");
    for name in others.into_iter().chain(["vectors-0001/rows.bin", "vectors-0004"]) {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}
