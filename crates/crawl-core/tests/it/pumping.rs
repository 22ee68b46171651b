//! The loop: order, fetch ahead, stop, settings, cursors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crawl_core::{
    Context, Cursor, Kind, Page, Pump, Record, Result, Settings, Sink, Source, SourceId, Stop, Store, Stored,
    pump,
};

use crate::tables::{Table, differing};

#[tokio::test]
async fn pages_of_a_mapping_land_in_order_however_they_answer() {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let slow = Table { slow: Duration::from_millis(60), ..Table::mapping(9) };
    pump(&slow, &Store::new(many.path()), Pump::default().in_flight(5), &Stop::new(), |_| {}).await.unwrap();
    pump(&Table::mapping(9), &Store::new(one.path()), Pump::default().in_flight(1), &Stop::new(), |_| {})
        .await
        .unwrap();
    assert_eq!(differing(one.path(), many.path()), [""; 0]);
    assert!(slow.asked().values().all(|count| *count == 1));
}

#[tokio::test]
async fn the_numbers_add_up_and_an_empty_page_is_not_the_end() {
    let root = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let end =
        pump(&Table::listing(6), &Store::new(root.path()), Pump::default(), &Stop::new(), |committed| {
            seen.push((committed.checkpoint.pages, committed.before.listed));
        })
        .await
        .unwrap();
    assert!(end.ended());
    let totals = &end.totals;
    assert_eq!((totals.records, totals.missing, totals.dropped["too small"]), (15, 3, 12));
    assert_eq!(totals.listed, 30);
    assert_eq!(seen.len(), 6);
}

#[tokio::test]
async fn stop_finishes_the_page_in_flight_and_a_second_run_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let table = Table { slow: Duration::from_millis(1000), ..Table::listing(6) };
    let stop = Stop::new();
    let (later, wish) = (Duration::from_millis(400), stop.clone());
    tokio::spawn(async move {
        tokio::time::sleep(later).await;
        wish.cancel();
    });
    let first = pump(&table, &store, Pump::default(), &stop, |_| {}).await.unwrap();
    assert!(!first.ended());
    assert!((1..=2).contains(&first.pages), "{}", first.pages);
    assert_eq!(table.asked().values().sum::<u64>(), first.pages, "what was begun was committed");
    let last = pump(&table, &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    assert!(last.ended());
    assert!(table.asked().values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_limit_of_pages_is_counted_from_the_beginning() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let table = Table::listing(6);
    let two = Pump::default().pages(2);
    assert_eq!(pump(&table, &store, two, &Stop::new(), |_| {}).await.unwrap().pages, 2);
    assert_eq!(pump(&table, &store, two, &Stop::new(), |_| {}).await.unwrap().pages, 2);
    assert_eq!(table.asked().len(), 2);
}

#[tokio::test]
async fn other_settings_are_refused_and_named() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    pump(&Table::listing(2), &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    let other =
        Table { settings: Settings::default().with("pages", 2).with("sort", "likes"), ..Table::listing(2) };
    let error = pump(&other, &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("sort: was not set, is now `likes`"), "{error}");
}

#[tokio::test]
async fn settings_may_change_as_long_as_no_page_is_there() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let none = Pump::default().pages(0);
    pump(&Table::listing(2), &store, none, &Stop::new(), |_| {}).await.unwrap();
    let other = Table { settings: Settings::default().with("sort", "likes"), ..Table::listing(2) };
    assert!(pump(&other, &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap().ended());
}

#[tokio::test]
async fn an_ended_listing_is_not_asked_again() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    pump(&Table::listing(2), &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    let again = Table::listing(2);
    pump(&again, &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    assert!(again.asked().is_empty());
}

/// A listing whose pages lead in a circle of `around`.
struct Circle {
    id: SourceId,
    around: u64,
    asked: AtomicU64,
}

impl Source for Circle {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, _at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let next = self.asked.fetch_add(1, Ordering::SeqCst) % self.around;
        Ok(Some(Page::new(Vec::new(), Some(Cursor::new(format!("c{next}"))))))
    }
}

#[tokio::test]
async fn cursors_that_stand_still_or_go_in_circles_are_errors() {
    for around in [1, 2, 5] {
        let root = tempfile::tempdir().unwrap();
        let circle = Circle { id: SourceId::new("test/circle").unwrap(), around, asked: AtomicU64::new(0) };
        let error =
            pump(&circle, &Store::new(root.path()), Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape);
        assert_eq!(circle.asked.load(Ordering::SeqCst), around + 1);
    }
}

#[tokio::test]
async fn a_pump_can_be_spawned() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let id = SourceId::new("test/table").unwrap();
    let task = tokio::spawn({
        let store = store.clone();
        async move { pump(&Table::listing(2), &store, Pump::default(), &Stop::new(), |_| {}).await }
    });
    task.await.unwrap().unwrap();
    assert_eq!(
        store.checkpoint(&id).await.unwrap().pages,
        Stored::open(root.path(), &id).unwrap().checkpoint().pages
    );
}

#[tokio::test]
async fn a_limit_of_rows_cuts_the_page_in_which_it_is_reached_and_ends_the_listing() {
    let whole = tempfile::tempdir().unwrap();
    pump(&Table::listing(6), &Store::new(whole.path()), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    let whole = Stored::open(whole.path(), &SourceId::new("test/table").unwrap()).unwrap();
    for (mapping, rows) in (1..12).flat_map(|rows| [(false, rows), (true, rows)]) {
        let root = tempfile::tempdir().unwrap();
        let table = if mapping { Table::mapping(6) } else { Table::listing(6) };
        let some = Pump::default().rows(rows);
        let end = pump(&table, &Store::new(root.path()), some, &Stop::new(), |_| {}).await.unwrap();
        assert!(end.ended());
        assert_eq!(end.totals.listed, rows, "mapping {mapping}");
        let settings = end.settings.as_ref().unwrap();
        assert_eq!(settings.get("limit"), Some(rows.to_string().as_str()));
        let cut = Stored::open(root.path(), &table.id).unwrap();
        for page in 1..=end.pages {
            assert!(whole.lines(page).unwrap().starts_with(&cut.lines(page).unwrap()));
        }
        let more = Pump::default().rows(rows + 1);
        let again = pump(&table, &Store::new(root.path()), more, &Stop::new(), |_| {}).await;
        assert!(again.unwrap_err().to_string().contains("limit"));
    }
}

/// Five pages whose rows come again on later pages, as those of an order that moves.
struct Moving(SourceId);

impl Source for Moving {
    fn id(&self) -> &SourceId {
        &self.0
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let number: u64 = if at.is_start() { 0 } else { at.as_str().parse().unwrap() };
        let row = |row: u64| Record::parse(format!("{{\"id\":\"r{row}\"}}")).unwrap();
        // Each page has a row of the one before, and its first row twice.
        let rows = (number * 3..number * 3 + 4).chain([number * 3]).map(row).collect();
        Ok(Some(Page::new(rows, (number < 4).then(|| Cursor::new((number + 1).to_string())))))
    }

    fn key<'a>(&self, record: &'a Record) -> Option<std::borrow::Cow<'a, str>> {
        record.raw().get("id")?.str()
    }
}

#[tokio::test]
async fn rows_that_come_again_on_later_pages_are_dropped_and_counted_also_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let source = Moving(SourceId::new("test/moving").unwrap());
    for pages in [2, 3, 5] {
        let some = Pump::default().pages(pages);
        pump(&source, &Store::new(root.path()), some, &Stop::new(), |_| {}).await.unwrap();
    }
    let stored = Stored::open(root.path(), &source.0).unwrap();
    let totals = &stored.checkpoint().totals;
    assert_eq!((totals.listed, totals.records, totals.dropped["seen before"]), (25, 16, 9));
    let ids = (1..=5).flat_map(|page| stored.records(page).unwrap());
    let ids: Vec<_> = ids.map(|record| record.raw().get("id").unwrap().str().unwrap().into_owned()).collect();
    assert_eq!(ids, (0..16).map(|row| format!("r{row}")).collect::<Vec<_>>());
    assert_eq!(std::fs::metadata(stored.folder().join("seen.bin")).unwrap().len(), 16 * 16);
}

#[tokio::test]
async fn a_listing_has_one_writer_and_another_one_is_told_who() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    pump(&Table::listing(6), &store, Pump::default().pages(1), &Stop::new(), |_| {}).await.unwrap();
    store.note(&Table::listing(6).id, "somebody").await;
    let other = Store::new(root.path());
    let error = pump(&Table::listing(6), &other, Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("another writer has this listing (somebody)"), "{error}");
    // Another listing under the same root is free.
    let beside = Table { id: SourceId::new("test/beside").unwrap(), ..Table::listing(2) };
    pump(&beside, &other, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    assert!(Stored::root_is_being_written(root.path()));
    drop(store);
    pump(&Table::listing(6), &other, Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    drop(other);
    assert!(!Stored::root_is_being_written(root.path()));
}

#[tokio::test]
async fn a_root_that_an_older_program_has_locked_whole_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(root.path().join(".lock")).unwrap();
    lock.lock().unwrap();
    let store = Store::new(root.path());
    let error = pump(&Table::listing(6), &store, Pump::default(), &Stop::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config, "{error}");
}

#[tokio::test]
async fn a_wish_to_stop_while_a_page_only_waits_ends_the_pump_with_what_is_committed() {
    let root = tempfile::tempdir().unwrap();
    let stop = Stop::new();
    let id = SourceId::new("test/waiting").unwrap();
    let waiting = Waiting { id, committed: tokio::sync::Notify::new(), wish: stop.clone() };
    let committed = |_: crawl_core::Committed<'_>| waiting.committed.notify_one();
    let end = pump(&waiting, &Store::new(root.path()), Pump::default(), &stop, committed).await.unwrap();
    assert_eq!((end.pages, end.ended()), (1, false));
}

/// Gives a page at once; behind it, once that page is committed, it wishes to stop and waits.
struct Waiting {
    id: SourceId,
    committed: tokio::sync::Notify,
    wish: Stop,
}

impl Source for Waiting {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        if at.is_start() {
            return Ok(Some(Page::new(Vec::new(), Some(Cursor::new("2")))));
        }
        self.committed.notified().await;
        self.wish.cancel();
        context.stop.cancelled().await;
        Err(crawl_core::Error::new(Kind::Stopped, "stopped while waiting"))
    }
}
