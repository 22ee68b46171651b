//! A crawl with the uploader behind it: a listing of numbers, how it is crawled, and what must be there then.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crawl_core::{
    Checkpoint, Context, Cursor, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store,
    Stored, Verified, pump,
};
use s3_uploader::{Behind, Moved};

use crate::desk::{Desk, plan, tree};

/// Names of files and their bytes.
pub(crate) type Named = Vec<(String, Vec<u8>)>;

/// A listing whose page *n* names one file, `files/n.bin`, or others, which fetching the page brings along.
pub(crate) struct Numbers {
    id: SourceId,
    pages: u64,
    pub(crate) root: PathBuf,
    asked: AtomicU64,
    /// Called before a page is given.
    pub(crate) meanwhile: Box<dyn Fn(u64) + Send + Sync>,
    /// The files of a page.
    pub(crate) files: Box<dyn Fn(u64) -> Named + Send + Sync>,
    /// Bytes that make a record larger.
    padding: usize,
    /// Whether its order moves: each page then lists the number of the page before once more.
    pub(crate) moves: bool,
    /// The page that fails once its files are there.
    pub(crate) fails_at: Option<u64>,
}

impl Numbers {
    pub(crate) fn new(pages: u64, root: &Path) -> Self {
        let (id, asked) = (SourceId::new("test/numbers").unwrap(), AtomicU64::new(0));
        let file = |number| vec![(format!("files/{number}.bin"), vec![number as u8; 50_000])];
        Numbers {
            id,
            pages,
            root: root.to_owned(),
            asked,
            meanwhile: Box::new(|_| {}),
            files: Box::new(file),
            padding: 0,
            moves: false,
            fails_at: None,
        }
    }

    pub(crate) fn padded(self, padding: usize) -> Self {
        Numbers { padding, ..self }
    }

    pub(crate) fn without_files(self) -> Self {
        Numbers { files: Box::new(|_| Vec::new()), ..self }
    }

    /// Crawls so many pages with no bucket behind.
    pub(crate) async fn crawl_alone(&self, pages: u64) {
        let options = Pump::default().pages(pages);
        pump(self, &Store::new(&self.root), options, &Stop::new(), |_| {}).await.unwrap();
    }

    pub(crate) fn asked(&self) -> u64 {
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

    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        self.moves.then(|| String::from_utf8_lossy(record.bytes()))
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let number: u64 = if at.is_start() { 1 } else { at.as_str().parse().unwrap() };
        (self.meanwhile)(number);
        let puts = (self.files)(number).into_iter().map(|(name, bytes)| async move {
            let version = None;
            context.files.put(&name, version, bytes.into()).await
        });
        let files = futures::future::try_join_all(puts).await?;
        if self.fails_at == Some(number) {
            return Err(crawl_core::Error::new(Kind::Transient, "the service broke off"));
        }
        let of = self.root.file_name().unwrap().to_str().unwrap();
        let of = if self.moves { "any" } else { of };
        let padding = "x".repeat(self.padding);
        let record = |number| {
            let text = format!("{{\"number\":{number},\"of\":\"{of}\",\"padding\":\"{padding}\"}}");
            Record::parse(text).unwrap()
        };
        let mut records = vec![record(number)];
        if self.moves {
            records.push(record(number - 1));
        }
        let next = (number < self.pages).then(|| Cursor::new((number + 1).to_string()));
        let mut page = Page::new(records, next);
        page.files = files;
        page.fetched_at = "2026-11-23T10:00:00Z".parse().unwrap();
        Ok(Some(page))
    }
}

/// An uploader of what the source's root holds.
pub(crate) fn behind(desk: &Desk, source: &Numbers, budget: Option<u64>) -> Behind {
    let job = desk.job(plan("crawl/", true));
    Behind::new(Store::new(&source.root), job, source.settings(), budget)
}

/// A crawl of so many pages with the uploader behind it.
pub(crate) async fn crawl(
    desk: &Desk,
    source: &Numbers,
    pages: Option<u64>,
    budget: Option<u64>,
) -> Result<Checkpoint> {
    let behind = behind(desk, source, budget);
    let (checkpoint, moved) = crawl_with(&behind, source, pages).await?;
    assert_eq!(moved.pages, checkpoint.pages);
    Ok(checkpoint)
}

pub(crate) async fn crawl_with(
    behind: &Behind,
    source: &Numbers,
    pages: Option<u64>,
) -> Result<(Checkpoint, Moved)> {
    let pumped = async {
        let result = pump(source, behind, Pump::default().pages(pages), &Stop::new(), |_| {}).await;
        behind.end();
        result
    };
    let (pumped, moved) = tokio::join!(pumped, behind.run(source.id()));
    let moved = moved?;
    let checkpoint = pumped?;
    assert_eq!(behind.waiting(), (0, 0));
    Ok((checkpoint, moved))
}

/// What is left below a root, but for locks and the marks of folders of files.
pub(crate) fn left(root: &Path) -> Vec<String> {
    let marks = [".lock", ".files"];
    tree(root).into_keys().filter(|name| !marks.iter().any(|mark| name.ends_with(mark))).collect()
}

/// A listing's pages in the bucket, verified.
pub(crate) fn check_pages(desk: &Desk, pages: u64) -> Stored {
    let root = desk.dir.path().join("s3/bucket/crawl");
    let stored = Stored::open(&root, &SourceId::new("test/numbers").unwrap()).unwrap();
    assert_eq!(stored.checkpoint().pages, pages);
    assert_eq!(stored.verify().unwrap(), Verified::default());
    stored
}

pub(crate) fn check_bucket(desk: &Desk, pages: u64) {
    let stored = check_pages(desk, pages);
    for number in 1..=pages {
        let names = stored.files(number).unwrap();
        assert_eq!(names.len(), 1);
        let file = std::fs::read(stored.root().join(&names[0].path)).unwrap();
        assert_eq!(file, vec![number as u8; 50_000]);
    }
}
