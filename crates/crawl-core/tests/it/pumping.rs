//! The loop: order, fetch ahead, stop, settings, cursors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crawl_core::{Cursor, Kind, Page, Pump, Result, Settings, Sink, Source, SourceId, Store, Stored, pump};

use crate::tables::{Table, differing};

fn never() -> impl Future<Output = ()> + Send {
    std::future::pending()
}

#[tokio::test]
async fn pages_of_a_mapping_land_in_order_however_they_answer() {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let slow = Table { slow: Duration::from_millis(60), ..Table::mapping(9) };
    pump(&slow, &Store::new(many.path()), Pump { in_flight: 5, pages: None }, never(), |_| {}).await.unwrap();
    pump(&Table::mapping(9), &Store::new(one.path()), Pump { in_flight: 1, pages: None }, never(), |_| {})
        .await
        .unwrap();
    assert_eq!(differing(one.path(), many.path()), [""; 0]);
    assert!(slow.asked().values().all(|count| *count == 1));
}

#[tokio::test]
async fn the_numbers_add_up_and_an_empty_page_is_not_the_end() {
    let root = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let end = pump(&Table::listing(6), &Store::new(root.path()), Pump::default(), never(), |committed| {
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
    let stop = tokio::time::sleep(Duration::from_millis(400));
    let first = pump(&table, &store, Pump::default(), stop, |_| {}).await.unwrap();
    assert!(!first.ended());
    assert!((1..=2).contains(&first.pages), "{}", first.pages);
    assert_eq!(table.asked().values().sum::<u64>(), first.pages, "what was begun was committed");
    let last = pump(&table, &store, Pump::default(), never(), |_| {}).await.unwrap();
    assert!(last.ended());
    assert!(table.asked().values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_limit_of_pages_is_counted_from_the_beginning() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let table = Table::listing(6);
    let two = Pump { pages: Some(2), ..Pump::default() };
    assert_eq!(pump(&table, &store, two, never(), |_| {}).await.unwrap().pages, 2);
    assert_eq!(pump(&table, &store, two, never(), |_| {}).await.unwrap().pages, 2);
    assert_eq!(table.asked().len(), 2);
}

#[tokio::test]
async fn other_settings_are_refused_and_named() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    pump(&Table::listing(2), &store, Pump::default(), never(), |_| {}).await.unwrap();
    let other =
        Table { settings: Settings::default().with("pages", 2).with("sort", "likes"), ..Table::listing(2) };
    let error = pump(&other, &store, Pump::default(), never(), |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("sort: was not set, is now `likes`"), "{error}");
}

#[tokio::test]
async fn settings_may_change_as_long_as_no_page_is_there() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let none = Pump { pages: Some(0), ..Pump::default() };
    pump(&Table::listing(2), &store, none, never(), |_| {}).await.unwrap();
    let other = Table { settings: Settings::default().with("sort", "likes"), ..Table::listing(2) };
    assert!(pump(&other, &store, Pump::default(), never(), |_| {}).await.unwrap().ended());
}

#[tokio::test]
async fn an_ended_listing_is_not_asked_again() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    pump(&Table::listing(2), &store, Pump::default(), never(), |_| {}).await.unwrap();
    let again = Table::listing(2);
    pump(&again, &store, Pump::default(), never(), |_| {}).await.unwrap();
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

    async fn page(&self, _at: &Cursor) -> Result<Option<Page>> {
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
            pump(&circle, &Store::new(root.path()), Pump::default(), never(), |_| {}).await.unwrap_err();
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
        async move { pump(&Table::listing(2), &store, Pump::default(), never(), |_| {}).await }
    });
    task.await.unwrap().unwrap();
    assert_eq!(
        store.checkpoint(&id).await.unwrap().pages,
        Stored::open(root.path(), &id).unwrap().checkpoint().pages
    );
}
