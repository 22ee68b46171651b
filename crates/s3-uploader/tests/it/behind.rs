//! Pages move to the bucket behind a running crawl.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crawl_core::{
    Checkpoint, Context, Cursor, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store,
    Stored, Verified, pump,
};
use s3_uploader::{Behind, Bucket, Job, Limits, Moved};

use crate::desk::{Desk, bucket_at, limits, login, plan, tree};
use crate::liar::{Liar, Lie};

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

    fn without_files(self) -> Self {
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

#[tokio::test]
async fn pages_and_their_files_are_in_the_bucket_and_a_rerun_fetches_nothing() {
    let desk = Desk::new();
    let root = desk.dir.path().join("root");
    let source = Numbers::new(6, &root);
    crawl(&desk, &source, None, Some(60_000)).await.unwrap();
    check_bucket(&desk, 6);
    assert_eq!(left(&root), ["test/numbers/checkpoint.json", "test/numbers/manifest.jsonl"]);
    crawl(&desk, &source, None, None).await.unwrap();
    assert_eq!(source.asked(), 6);
}

#[tokio::test]
async fn the_bucket_catches_up_with_pages_that_were_committed_before() {
    let desk = Desk::new();
    let root = desk.dir.path().join("root");
    let source = Numbers::new(5, &root);
    source.crawl_alone(3).await;
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
async fn a_file_that_many_pages_name_is_moved_once() {
    let desk = Desk::new();
    let mut source = Numbers::new(9, &desk.dir.path().join("root"));
    let all = |_| (1..=9).map(|number| (format!("files/{number}.bin"), vec![number as u8; 50_000])).collect();
    source.files = Box::new(all);
    source.crawl_alone(4).await;
    // Some pages name files that are here, others come meanwhile.
    let behind = behind(&desk, &source, None);
    let (_, moved) = crawl_with(&behind, &source, None).await.unwrap();
    assert_eq!(moved.pages, 9);
    check_pages(&desk, 9);
    let receipts = s3_uploader::receipt::read(&desk.receipts()).unwrap();
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    for receipt in &receipts {
        *sent.entry(&receipt.key).or_default() += 1;
    }
    let files = sent.iter().filter(|(key, _)| key.ends_with(".bin"));
    assert_eq!(files.clone().count(), 9);
    drop(behind);
    let listing = ["test/numbers/checkpoint.json", "test/numbers/manifest.jsonl"];
    assert_eq!(left(&source.root), listing);
}

#[tokio::test]
async fn a_stop_leaves_pages_here_and_the_next_run_moves_them() {
    let desk = Desk::new();
    let source = Numbers::new(12, &desk.dir.path().join("root"));
    source.crawl_alone(12).await;
    let behind = behind(&desk, &source, None);
    behind.stop();
    let moved = behind.run(source.id()).await.unwrap();
    assert!(moved.pages < 12, "{moved:?}");
    check_bucket(&desk, moved.pages);
    drop(behind);
    crawl(&desk, &source, None, None).await.unwrap();
    check_bucket(&desk, 12);
    assert_eq!(source.asked(), 12);
}

#[tokio::test]
async fn another_writer_under_the_prefix_is_noticed_before_more_is_sent() {
    let desk = Desk::new();
    let mut source = Numbers::new(9, &desk.dir.path().join("root"));
    crawl(&desk, &source, Some(2), None).await.unwrap();
    let claim = desk.dir.path().join("s3/bucket/crawl/test/numbers/writer");
    // With so small a budget page 5 is only asked for when page 3 is in the bucket.
    source.meanwhile = Box::new(move |number| {
        if number == 5 {
            std::fs::write(&claim, "somebody else").unwrap();
        }
    });
    let error = crawl(&desk, &source, None, Some(1)).await.unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    let kept = Stored::open(&source.root, source.id()).unwrap();
    assert!(kept.checkpoint().pages < 9, "the crawl stops too");
    let stored = desk.stored();
    for number in 1..=kept.checkpoint().pages {
        let here = kept.page_paths(number).iter().any(|path| path.is_file());
        let there = stored.contains_key(&format!("crawl/test/numbers/page_{number:05}.jsonl"));
        assert!(here || there, "page {number} is nowhere");
    }
}

#[tokio::test]
async fn a_damaged_page_is_kept_and_not_sent() {
    let desk = Desk::new();
    let source = Numbers::new(3, &desk.dir.path().join("root"));
    source.crawl_alone(3).await;
    let page = source.root.join("test/numbers/page_00001.jsonl");
    std::fs::write(&page, "{\"number\":9}\n").unwrap();
    let error = crawl(&desk, &source, None, None).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.place()),
        (Kind::Storage, page.display().to_string().as_str()),
        "{error}"
    );
    assert!(page.is_file());
    assert!(!desk.stored().contains_key("crawl/test/numbers/page_00001.jsonl"));
    assert!(!desk.stored().contains_key("crawl/test/numbers/checkpoint.json"), "no page is told of");
}

#[tokio::test]
async fn pages_that_went_before_a_crash_are_known_by_their_receipts() {
    let desk = Desk::new();
    let source = Numbers::new(4, &desk.dir.path().join("root"));
    crawl(&desk, &source, None, None).await.unwrap();
    // As if the process had died before the bucket's checkpoint was written.
    let folder = desk.dir.path().join("s3/bucket/crawl/test/numbers");
    for name in ["checkpoint.json", "manifest.jsonl"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let behind = behind(&desk, &source, Some(1));
    let (_, moved) = crawl_with(&behind, &source, None).await.unwrap();
    assert_eq!((moved.pages, moved.files), (4, 0));
    drop(behind);
    check_bucket(&desk, 4);
    // Without receipts nobody knows where they went.
    for name in ["checkpoint.json", "manifest.jsonl"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    std::fs::remove_file(desk.receipts()).unwrap();
    let error = crawl(&desk, &source, None, None).await.unwrap_err();
    assert!(error.to_string().contains("neither here nor in the receipts"), "{error}");
}

#[tokio::test]
async fn the_bucket_s_manifest_is_not_written_anew_for_each_page() {
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let source = Numbers::new(200, &dir.path().join("root")).without_files();
    source.crawl_alone(200).await;
    let job =
        Job::new(bucket_at(&liar.url()), plan("crawl/", true), &dir.path().join("receipts.jsonl")).unwrap();
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), None);
    let (_, moved) = crawl_with(&behind, &source, None).await.unwrap();
    assert_eq!(moved.pages, 200);
    let manifests = liar.count("put to crawl/test/numbers/manifest.jsonl");
    assert!((1..=12).contains(&manifests), "{manifests} manifests were written for 200 small pages");
}

#[tokio::test]
async fn no_more_pages_wait_than_the_disk_budget_allows_when_the_bucket_is_slow() {
    let desk = Desk::new();
    let mut source = Numbers::new(30, &desk.dir.path().join("root")).without_files();
    source.padding = 50_000;
    let slow = Limits { bandwidth: Some(1_000_000), ..limits() };
    let bucket = Bucket::new(&s3_uploader::Account::at(&desk.url, login()), "bucket", slow).unwrap();
    let job = Job::new(bucket, plan("crawl/", true), &desk.receipts()).unwrap();
    let budget = 200_000;
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), Some(budget));
    let most = AtomicU64::new(0);
    let pumped = async {
        let stop = Stop::new();
        let result = pump(&source, &behind, Pump::default(), &stop, |_| {
            most.fetch_max(behind.waiting().1, Ordering::SeqCst);
        });
        let result = result.await;
        behind.end();
        result
    };
    let (pumped, moved) = tokio::join!(pumped, behind.run(source.id()));
    pumped.unwrap();
    assert_eq!(moved.unwrap().pages, 30);
    check_pages(&desk, 30);
    // A page is held back once the budget is passed, so it is passed by one page at most.
    let most = most.into_inner();
    assert!(most > budget / 2 && most <= budget + 51_000, "{most} bytes waited");
}

#[tokio::test]
async fn another_crawl_under_the_same_prefix_is_refused_and_nothing_is_changed() {
    // It has fewer pages than the bucket, or more.
    for pages in [1, 9] {
        refuse_another(pages).await;
    }
}

async fn refuse_another(pages: u64) {
    let desk = Desk::new();
    crawl(&desk, &Numbers::new(2, &desk.dir.path().join("one")), None, None).await.unwrap();
    let other = Numbers::new(9, &desk.dir.path().join("two"));
    other.crawl_alone(pages).await;
    // As long a line, but another story.
    let path = other.root.join("test/numbers/manifest.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("10:00:00", "11:00:00");
    std::fs::write(&path, text).unwrap();
    let (root, bucket) = (tree(&other.root), desk.stored());
    for _ in 0..5 {
        let error = crawl(&desk, &other, None, None).await.unwrap_err();
        assert!(error.kind() == Kind::Config && error.to_string().contains("another crawl"), "{error}");
        assert!(tree(&other.root) == root && desk.stored() == bucket, "something was changed");
    }
}

#[tokio::test]
async fn a_prefix_with_other_settings_leaves_a_new_root_as_it_is() {
    let desk = Desk::new();
    crawl(&desk, &Numbers::new(2, &desk.dir.path().join("one")), None, None).await.unwrap();
    let other = Numbers::new(9, &desk.dir.path().join("two"));
    let settings = Settings::default().with("of", "letters");
    let store = Store::new(&other.root);
    let behind = Behind::new(store, desk.job(plan("crawl/", true)), settings, None);
    let error = crawl_with(&behind, &other, None).await.unwrap_err();
    assert!(error.kind() == Kind::Config && error.to_string().contains("letters"), "{error}");
    assert!(!other.root.join("test/numbers/checkpoint.json").exists(), "nothing was taken over");
}

#[tokio::test]
async fn pages_that_went_and_are_not_in_the_bucket_any_more_are_not_told_of() {
    let desk = Desk::new();
    let source = Numbers::new(3, &desk.dir.path().join("root"));
    crawl(&desk, &source, None, None).await.unwrap();
    let bucket = desk.dir.path().join("s3/bucket");
    std::fs::remove_dir_all(bucket.join("crawl")).unwrap();
    let error = crawl(&desk, &source, None, None).await.unwrap_err();
    assert!(error.to_string().contains("not in the bucket any more"), "{error}");
    assert!(!desk.stored().contains_key("crawl/test/numbers/checkpoint.json"));
}

#[tokio::test]
async fn a_takeover_puts_aside_what_a_dead_machine_did_not_tell_of() {
    let desk = Desk::new();
    let first = Numbers::new(5, &desk.dir.path().join("one"));
    crawl(&desk, &first, Some(2), None).await.unwrap();
    let folder = desk.dir.path().join("s3/bucket/crawl/test/numbers");
    for name in ["page_00003.jsonl.gz", "page_00003.missing.jsonl"] {
        std::fs::write(folder.join(name), "of the dead machine").unwrap();
    }
    std::fs::remove_file(desk.receipts()).unwrap();
    let second = Numbers::new(5, &desk.dir.path().join("two"));
    // Written there and never committed.
    let stale = second.root.join("test/numbers/page_00001.jsonl.zst");
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    std::fs::write(&stale, "stale").unwrap();
    crawl(&desk, &second, None, None).await.unwrap();
    check_bucket(&desk, 5);
    assert!(!stale.exists());
    let (aside, pages): (Vec<_>, Vec<_>) = desk
        .stored()
        .into_keys()
        .filter(|key| key.contains("page_"))
        .partition(|key| key.contains("/aside-"));
    assert_eq!((aside.len(), pages.len()), (2, 10), "{aside:?} {pages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_crawls_that_begin_together_at_most_one_goes_on_and_nothing_is_lost() {
    for round in 0..4 {
        let desk = Desk::new();
        let crawls = ["one", "second"].map(|name| {
            let source = Numbers::new(40, &desk.dir.path().join(name));
            let receipts = desk.dir.path().join(format!("{name}.jsonl"));
            let job = Job::new(desk.bucket(), plan("crawl/", true), &receipts).unwrap();
            let behind = Behind::new(Store::new(&source.root), job, source.settings(), Some(1));
            (source, behind)
        });
        let [(one, first), (two, second)] = &crawls;
        if round % 2 == 0 {
            one.crawl_alone(9).await;
            two.crawl_alone(9).await;
        } else {
            // Or both go on from a bucket that tells of something.
            let begun = Numbers::new(40, &desk.dir.path().join("begun"));
            crawl(&desk, &begun, Some(2), None).await.unwrap();
        }
        let (first, second) = tokio::join!(crawl_with(first, one, None), crawl_with(second, two, None));
        assert!(first.is_err() || second.is_err(), "both went on");
        let bucket = desk.stored();
        for (source, _) in &crawls {
            // One may have stopped before its first page.
            let Ok(stored) = Stored::open(&source.root, source.id()) else { continue };
            for line in stored.manifest().unwrap() {
                let here = stored.page_paths(line.number).iter().any(|path| path.is_file());
                // What the other one put aside is there too.
                let name = format!("/page_{:05}.jsonl", line.number);
                let mut pages = bucket.iter().filter(|(key, _)| key.ends_with(&name));
                let there = pages.any(|(_, bytes)| bytes.len() as u64 == line.bytes);
                assert!(here || there, "page {} of {} is nowhere", line.number, source.root.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_bucket_is_sat_out_while_the_crawl_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let objects = dir.path().join("s3");
    std::fs::create_dir_all(objects.join("bucket")).unwrap();
    let server = crawl_sim::S3::start(&objects, 0).unwrap();
    let url = server.url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let mut source = Numbers::new(12, &dir.path().join("root")).without_files();
    let server = std::sync::Mutex::new(Some(server));
    source.meanwhile = Box::new(move |number| match number {
        4 => drop(server.lock().unwrap().take()),
        10 => *server.lock().unwrap() = Some(crawl_sim::S3::start(&objects, port).unwrap()),
        _ => std::thread::sleep(std::time::Duration::from_millis(50)),
    });
    let job = Job::new(bucket_at(&url), plan("crawl/", true), &dir.path().join("receipts.jsonl")).unwrap();
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), None);
    let (_, moved) = crawl_with(&behind, &source, None).await.unwrap();
    assert_eq!((moved.pages, left(&source.root).len()), (12, 2));
}
