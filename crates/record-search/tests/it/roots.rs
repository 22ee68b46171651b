//! Roots of crawls are indexed, and crawls go straight into an index.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crawl_core::{
    Context, Cursor, Error, Kind as Why, Page, Pump, Record, Settings, Source, SourceId, Stop, Store, pump,
};
use record_search::{Index, IndexSink, Inputs, Mapping, Progress, Query, Writer};

use crate::hashed;

/// Pages of ten models, up to `until`; breaks at page `breaks`.
pub(crate) struct Models {
    id: SourceId,
    until: u64,
    breaks: u64,
    /// Of models behind the first twenty.
    likes: u64,
    asked: AtomicU64,
}

impl Models {
    pub(crate) fn new(until: u64, breaks: u64) -> Self {
        Models { id: SourceId::new("hf/models").unwrap(), until, breaks, likes: 0, asked: AtomicU64::new(0) }
    }
}

impl Source for Models {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default().with("what", "models")
    }

    fn after(&self, _: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _: &Context) -> crawl_core::Result<Option<Page>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let number: u64 = if at.is_start() { 0 } else { at.as_str().parse().unwrap() };
        if number == self.breaks {
            return Err(Error::new(Why::Transient, "the service is away"));
        }
        let likes = if number < 2 { 0 } else { self.likes };
        let record = |at: u64| {
            Record::parse(format!(r#"{{"id":"o/m{at}","downloads":{at},"likes":{likes}}}"#)).unwrap()
        };
        let records = (number * 10..number * 10 + 10).map(record).collect();
        let next = (number + 1 < self.until).then(|| Cursor::new((number + 1).to_string()));
        Ok(Some(Page::new(records, next)))
    }
}

fn read(root: &Path, index: &Path) -> (Progress, u64) {
    let mappings = Mapping::shipped().unwrap();
    let paths = vec![root.to_owned()];
    let inputs = Inputs { paths, mappings, listing: None, complete: false, limit: None, commit_rows: 25 };
    let mut writer = Writer::open(index, hashed()).unwrap();
    let progress = inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
    (progress, writer.documents())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_root_that_grows_only_what_is_new_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (root, index) = (folder.path().join("root"), folder.path().join("index"));
    let stop = Stop::new();
    pump(&Models::new(8, 5), &Store::new(&root), Pump::default(), &stop, |_| {}).await.unwrap_err();
    let (progress, documents) = read(&root, &index);
    assert_eq!((progress.rows, progress.skipped, documents), (50, 0, 50));
    let (progress, _) = read(&root, &index);
    assert_eq!((progress.rows, progress.skipped), (0, 5));
    pump(&Models::new(8, 99), &Store::new(&root), Pump::default(), &stop, |_| {}).await.unwrap();
    let (progress, documents) = read(&root, &index);
    assert_eq!((progress.rows, progress.skipped, documents), (30, 5, 80));
    // Another crawl of the same listing, whose first pages are the very same.
    let other = folder.path().join("other");
    pump(&Models { likes: 3, ..Models::new(8, 99) }, &Store::new(&other), Pump::default(), &stop, |_| {})
        .await
        .unwrap();
    let (progress, documents) = read(&other, &index);
    assert_eq!((progress.rows, progress.skipped, documents), (80, 0, 80));
    let liked = Query { filters: vec!["likes:3".into()], ..Query::default() };
    assert_eq!(Index::open(&index, hashed()).unwrap().search(&liked).unwrap().total, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_goes_straight_into_an_index_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let sink = || {
        let writer = Writer::open(&folder.path().join("index"), hashed()).unwrap();
        IndexSink::new(writer, Mapping::named("hf-models").unwrap(), folder.path().join("files"))
    };
    let error = pump(&Models::new(6, 4), &sink(), Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Why::Transient);
    let open = || Index::open(&folder.path().join("index"), hashed()).unwrap();
    assert_eq!(open().documents(), 40, "the pages before it are committed");
    let source = Models::new(6, 99);
    let end = pump(&source, &sink(), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    assert_eq!(source.asked.load(Ordering::SeqCst), 2, "only what was not there is asked for");
    assert!(end.ended() && (end.pages, end.totals.listed, end.totals.records) == (6, 60, 60));
    let found = open().search(&Query { limit: 100, ..Query::default() }).unwrap();
    assert_eq!((found.total, found.hits[0].shown.id.as_str()), (60, "o/m59"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_for_gone_before_all_was_crawled_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let (root, index) = (folder.path().join("root"), folder.path().join("index"));
    let stop = Stop::new();
    pump(&Models::new(8, 99), &Store::new(&root), Pump::default(), &stop, |_| {}).await.unwrap();
    read(&root, &index);
    let lines = |ids: std::ops::Range<u64>| -> String {
        ids.map(|id| format!("{{\"id\":\"o/m{id}\",\"downloads\":{id},\"likes\":0}}\n")).collect()
    };
    let rows = folder.path().join("rows.jsonl");
    let complete = |paths: &[&Path], limit| {
        let paths = paths.iter().map(|path| path.to_path_buf()).collect();
        let mappings = vec![Mapping::named("hf-models").unwrap()];
        let inputs = Inputs { paths, mappings, listing: None, complete: true, limit, commit_rows: 25 };
        let mut writer = Writer::open(&index, hashed()).unwrap();
        let progress = inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
        (progress.kept, writer.documents())
    };
    let kept = |found: &(Option<String>, u64), why: &str| {
        assert_eq!(found.1, 80, "{found:?}");
        assert!(found.0.as_ref().is_some_and(|kept| kept.contains(why)), "{found:?}");
    };
    // A crawl that is not at its end yet.
    let part = folder.path().join("part");
    pump(&Models::new(8, 5), &Store::new(&part), Pump::default(), &stop, |_| {}).await.unwrap_err();
    kept(&complete(&[&part], None), "hf/models");
    // A listing beside it that nothing reads.
    let more = folder.path().join("more");
    pump(&Models::new(5, 99), &Store::new(&more), Pump::default(), &stop, |_| {}).await.unwrap();
    let other = Models { id: SourceId::new("hf/spaces").unwrap(), ..Models::new(1, 99) };
    pump(&other, &Store::new(&more), Pump::default(), &stop, |_| {}).await.unwrap();
    kept(&complete(&[&more], None), "hf/spaces");
    // A row that is no record, and a limit.
    std::fs::write(&rows, format!("{}{{bad\n", lines(0..50))).unwrap();
    kept(&complete(&[&rows], None), "1 row");
    std::fs::write(&rows, lines(0..50)).unwrap();
    kept(&complete(&[&rows], Some(50)), "50");
    // All of it.
    assert_eq!(complete(&[&rows], None), (None, 50));
}
