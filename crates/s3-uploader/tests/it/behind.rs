//! Pages move to the bucket behind a running crawl.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crawl_core::{
    Checkpoint, Cursor, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Store, Stored, pump,
};
use s3_uploader::{Behind, Names};

use crate::desk::{Desk, plan, tree};

/// A listing whose page *n* names one file, `files/n.bin`, which fetching the page brings along.
struct Numbers {
    id: SourceId,
    pages: u64,
    root: PathBuf,
    asked: AtomicU64,
}

impl Numbers {
    fn new(pages: u64, root: &Path) -> Self {
        let (id, asked) = (SourceId::new("test/numbers").unwrap(), AtomicU64::new(0));
        Numbers { id, pages, root: root.to_owned(), asked }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Source for Numbers {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default().with("of", "numbers")
    }

    fn after(&self, _: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor) -> Result<Option<Page>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let number: u64 = if at.is_start() { 1 } else { at.as_str().parse().unwrap() };
        let files = self.root.join("test/numbers/files");
        std::fs::create_dir_all(&files).unwrap();
        std::fs::write(files.join(format!("{number}.bin")), vec![number as u8; 50_000]).unwrap();
        let records = vec![Record::parse(format!("{{\"number\":{number}}}")).unwrap()];
        let next = (number < self.pages).then(|| Cursor::new((number + 1).to_string()));
        let mut page = Page::new(records, next);
        page.fetched_at = "2026-11-23T10:00:00Z".parse().unwrap();
        Ok(Some(page))
    }
}

fn names() -> Names {
    Arc::new(|stored, number| Ok(vec![stored.folder().join(format!("files/{number}.bin"))]))
}

/// A crawl of so many pages with the uploader behind it.
async fn crawl(desk: &Desk, source: &Numbers, pages: Option<u64>, budget: Option<u64>) -> Result<Checkpoint> {
    let behind = Behind::new(Store::new(&source.root), desk.job(plan("crawl/", true)), names(), budget);
    let pumped = async {
        let options = Pump { pages, ..Pump::default() };
        let result = pump(source, &behind, options, std::future::pending(), |_| {}).await;
        behind.end();
        result
    };
    let (pumped, moved) = tokio::join!(pumped, behind.run(source.id()));
    let checkpoint = pumped?;
    assert_eq!(moved?, checkpoint.pages);
    assert_eq!(behind.waiting(), 0);
    Ok(checkpoint)
}

fn check_bucket(desk: &Desk, pages: u64) {
    let stored =
        Stored::open(&desk.dir.path().join("s3/bucket/crawl"), &SourceId::new("test/numbers").unwrap());
    let stored = stored.unwrap();
    assert_eq!(stored.checkpoint().pages, pages);
    assert!(stored.verify().unwrap().is_empty());
    for number in 1..=pages {
        let file = std::fs::read(stored.folder().join(format!("files/{number}.bin"))).unwrap();
        assert_eq!(file, vec![number as u8; 50_000]);
    }
}

#[tokio::test]
async fn pages_and_their_files_are_in_the_bucket_and_a_rerun_fetches_nothing() {
    let desk = Desk::new();
    let root = desk.dir.path().join("root");
    let source = Numbers::new(6, &root);
    crawl(&desk, &source, None, Some(60_000)).await.unwrap();
    check_bucket(&desk, 6);
    let left: Vec<String> = tree(&root).into_keys().collect();
    assert_eq!(left, ["test/numbers/checkpoint.json", "test/numbers/manifest.jsonl"]);
    crawl(&desk, &source, None, None).await.unwrap();
    assert_eq!(source.asked(), 6);
}

#[tokio::test]
async fn the_bucket_catches_up_with_pages_that_were_committed_before() {
    let desk = Desk::new();
    let root = desk.dir.path().join("root");
    let source = Numbers::new(5, &root);
    let store = Store::new(&root);
    let options = Pump { pages: Some(3), ..Pump::default() };
    pump(&source, &store, options, std::future::pending(), |_| {}).await.unwrap();
    crawl(&desk, &source, None, Some(1)).await.unwrap();
    check_bucket(&desk, 5);
    assert_eq!(source.asked(), 5);
}

#[tokio::test]
async fn a_new_machine_goes_on_from_the_bucket() {
    let desk = Desk::new();
    let first = Numbers::new(5, &desk.dir.path().join("one"));
    crawl(&desk, &first, Some(2), None).await.unwrap();
    let second = Numbers::new(5, &desk.dir.path().join("two"));
    crawl(&desk, &second, None, None).await.unwrap();
    assert_eq!(second.asked(), 3);
    check_bucket(&desk, 5);
}

#[tokio::test]
async fn another_crawl_under_the_same_prefix_is_refused() {
    let desk = Desk::new();
    crawl(&desk, &Numbers::new(2, &desk.dir.path().join("one")), None, None).await.unwrap();
    let other = Numbers::new(9, &desk.dir.path().join("two"));
    let options = Pump { pages: Some(1), ..Pump::default() };
    pump(&other, &Store::new(&other.root), options, std::future::pending(), |_| {}).await.unwrap();
    // Its first page leads elsewhere only in name: the manifest tells the difference.
    let path = other.root.join("test/numbers/manifest.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("10:00:00", "11:00:00");
    std::fs::write(&path, text).unwrap();
    let error = crawl(&desk, &other, None, None).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config, "{error}");
}
