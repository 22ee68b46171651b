//! What is too much is refused in words, and the server goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use record_search::{Embedded, Embedder, Index, Writer};

use super::serve;
use crate::{DIMENSION, Hashed, ask, documents, hashed, index};

#[test]
fn a_query_of_a_megabyte_and_a_million_facets_are_refused_in_words() {
    let (folder, _index) = index(&documents(5, 200));
    let server = serve(folder.path(), hashed(), None);
    let long = |length: usize| format!("/api/search?q={}", "a".repeat(length));
    for (path, statuses, word) in [
        (long(1 << 20), &[414, 431][..], ""),
        ("/api/search?".to_owned() + &"facet=license&".repeat(1_000_000), &[414, 431], ""),
        (long(20_000), &[414], "longer than"),
        (long(5_000), &[400], "5000 bytes"),
        ("/api/search?".to_owned() + &"facet=license&".repeat(500), &[400], "more than 200 parameters"),
        ("/api/search?page=100000".into(), &[400], "`page`"),
        ("/api/search?limit=5000".into(), &[400], "`limit`"),
        ("/api/search?page=10000&limit=100".into(), &[400], "10000"),
        ("/api/search?facet=none".into(), &[400], "no column"),
        ("/api/search?licence=mit".into(), &[400], "the columns are"),
        ("/api/search?sort=license".into(), &[400], "is a facet"),
        ("/api/search?by=magic".into(), &[400], "both, words or meaning"),
        ("/api/search?fold=yes".into(), &[400], "`fold`"),
        ("/api/search?at=many&fits=24GiB".into(), &[400], "`at`"),
        ("/api/search?q=%22open".into(), &[400], "not closed"),
        ("/api/search?like=nobody/nothing".into(), &[404], "search for its name"),
        ("/compare?key=a".into(), &[400], "2 to 5"),
        ("/model".into(), &[400], "no record is named"),
        ("/model?key=nobody".into(), &[404], "no document"),
        ("/nothing".into(), &[404], "no such page"),
        ("/authors?order=x".into(), &[400], "`order`"),
        ("/catalogue?since=soon".into(), &[400], "`since`"),
    ] {
        let began = Instant::now();
        let got = server.get(&path);
        let shown: String = path.chars().take(60).collect();
        assert!(statuses.contains(&got.status), "{shown}: {} {}", got.status, got.body);
        assert!(got.body.replace("&quot;", "\"").contains(word), "{shown}: {}", got.body);
        assert!(began.elapsed() < Duration::from_secs(20), "{shown} took {:?}", began.elapsed());
    }
    assert_eq!(server.get("/api/search?q=llama").status, 200);
}

#[test]
fn a_facet_with_many_texts_is_shown_in_part() {
    let mut documents = documents(6, 3_000);
    for (at, document) in documents.iter_mut().enumerate() {
        let text = record_search::Cell::texts([format!("text {at}")]);
        document.columns.insert("license".into(), (record_search::Kind::Facet, text));
    }
    let (folder, _index) = index(&documents);
    let server = serve(folder.path(), None, None);
    assert!(server.get("/").body.len() < 100_000);
    assert!(server.get("/catalogue").body.len() < 100_000);
    assert_eq!(
        server.get("/api/search?facet=license").json()["facets"][0]["texts"].as_array().unwrap().len(),
        10
    );
}

#[test]
fn a_newer_commit_is_shown_by_itself() {
    let all = documents(7, 40);
    let (folder, _index) = index(&all[..20]);
    let server = serve(folder.path(), hashed(), None);
    assert_eq!(server.get("/api/search").json()["total"], 20);
    let mut writer = Writer::open(folder.path(), hashed()).unwrap();
    for document in &all[20..] {
        writer.put(document.clone()).unwrap();
    }
    writer.commit().unwrap();
    writer.close().unwrap();
    let began = Instant::now();
    while server.get("/api/search").json()["total"] != 40 {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(100));
    }
    let index = Index::open(folder.path(), hashed()).unwrap();
    assert_eq!(index.search(&ask("")).unwrap().total, 40);
}

/// An embedder that takes its time, and counts how often it is asked.
#[derive(Default)]
struct Watched {
    takes: Duration,
    asked: AtomicUsize,
}

impl Embedder for Watched {
    fn name(&self) -> String {
        "hashed".into()
    }
    fn digest(&self) -> String {
        "seed 7".into()
    }
    fn dimension(&self) -> usize {
        DIMENSION
    }
    fn embed(&self, texts: &[&str]) -> record_search::Result<Vec<Embedded>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.takes);
        Hashed { seed: 7 }.embed(texts)
    }
}

#[test]
fn too_many_at_once_are_told_to_come_again() {
    let (folder, _index) = index(&documents(8, 20));
    let slow = Watched { takes: Duration::from_millis(1_500), ..Watched::default() };
    let server = serve(folder.path(), Some(Arc::new(slow)), None);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |_| scope.spawn(|| server.get("/api/search?q=llama"));
        let threads: Vec<_> = (0..330).map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let refused: Vec<_> = answers.iter().filter(|got| got.status == 503).collect();
    for got in &answers {
        assert!(matches!(got.status, 200 | 503), "{got:?}");
    }
    assert!(refused.len() >= 50 && answers.len() - refused.len() >= 2, "{} of 330 refused", refused.len());
    assert!(refused.iter().all(|got| got.header("retry-after").is_some() && got.body.contains("ask again")));
    // Pages that ask no embedder are answered as soon as there is a turn.
    assert_eq!(server.get("/api/search").status, 200);
}

#[test]
fn slow_senders_hold_up_nobody() {
    use std::io::Write;
    let (folder, _index) = index(&documents(9, 20));
    let server = serve(folder.path(), None, None);
    let slow: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(server.addr).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    assert_eq!(server.get("/").status, 200);
    assert!(began.elapsed() < Duration::from_secs(10));
    drop(slow);
}

#[test]
fn a_page_makes_the_vector_of_its_query_once() {
    let (folder, _index) = index(&documents(10, 60));
    let embedder = Arc::new(Watched::default());
    let server = serve(folder.path(), Some(embedder.clone()), None);
    let got = server.get("/?q=llama&license=mit&source=ones");
    assert_eq!((got.status, embedder.asked.load(Ordering::SeqCst)), (200, 1));
}
