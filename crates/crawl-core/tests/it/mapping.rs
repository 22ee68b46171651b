//! Maps over inputs: pages and rows, parts, shares and what gathers them, rounds of asking again.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crawl_core::{
    Context, Error, Input, Kind, Map, Mapped, Missing, Next, Over, Pump, Record, Result, Round, Row,
    Settings, Share, SourceId, Stop, Store, Stored, Timestamp, gather, pump,
};

use crate::tables::{Table, differing};

/// Keeps rows, drops every fifth, and cannot have every seventh until `well`.
#[derive(Debug, Default)]
struct Sieve {
    well: AtomicBool,
}

impl Map for Sieve {
    fn settings(&self) -> Settings {
        Settings::default().with("sieve", 1)
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("id")?.str().map(|id| id.into_owned())
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let map = |row: Record| {
            let number: u64 = row.raw().get("n").and_then(|n| n.u64()).unwrap();
            Mapped::from(match number {
                _ if number.is_multiple_of(7) && !self.well.load(Ordering::SeqCst) => {
                    Row::Missing(Missing::because(None, &Error::new(Kind::Gone, "not there"), at))
                }
                _ if number.is_multiple_of(5) => Row::Dropped("a fifth".into()),
                _ => Row::Kept(row),
            })
        };
        Ok(rows.into_iter().map(map).collect())
    }
}

/// A stored listing of pages with so many rows each.
async fn listing(root: &Path, name: &str, pages: &[u64], first: u64) -> SourceId {
    let mut number = first;
    let source = Table { id: SourceId::new(name).unwrap(), ..Table::listing(pages.len() as u64) };
    let rows = pages.iter().map(|rows| {
        let row = |_| {
            number += 1;
            Record::parse(format!("{{\"id\":\"r{number}\",\"n\":{number}}}")).unwrap()
        };
        (0..*rows).map(row).collect()
    });
    let source = crate::tables::Given { table: source, rows: rows.collect() };
    pump(&source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    source.table.id
}

async fn run(source: &Over<Sieve>, root: &Path) -> crawl_core::Checkpoint {
    pump(source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await.unwrap()
}

fn ids(stored: &Stored) -> Vec<String> {
    let pages = 1..=stored.checkpoint().pages;
    let records = pages.flat_map(|page| stored.records(page).unwrap());
    records.map(|record| record.raw().get("id").unwrap().str().unwrap().into_owned()).collect()
}

#[tokio::test]
async fn pages_of_so_many_rows_span_pages_and_parts_of_the_input() {
    let root = tempfile::tempdir().unwrap();
    listing(root.path(), "hf/models/part-01", &[3, 0, 4], 0).await;
    listing(root.path(), "hf/models/part-02", &[5, 1], 7).await;
    let input = Input::open(root.path(), &SourceId::new("hf/models").unwrap()).unwrap();
    assert_eq!((input.pages(), input.records()), (5, 13));
    let mut all = None;
    for rows in [1, 2, 5, 13, 100] {
        let out = tempfile::tempdir().unwrap();
        let over = Over::new(input.clone(), Sieve::default()).unwrap().rows_a_page(NonZeroU64::new(rows));
        let end = run(&over, out.path()).await;
        assert_eq!((end.pages, end.totals.listed), (13_u64.div_ceil(rows), 13));
        assert_eq!((end.totals.records, end.totals.missing, end.totals.dropped["a fifth"]), (10, 1, 2));
        let kept = ids(&Stored::open(out.path(), &SourceId::new("hf/models").unwrap()).unwrap());
        assert_eq!(*all.get_or_insert(kept.clone()), kept);
    }
}

#[tokio::test]
async fn shares_that_are_gathered_give_what_one_machine_gives() {
    let root = tempfile::tempdir().unwrap();
    let id = listing(root.path(), "hf/models", &[3, 2, 4, 0, 5, 1, 2], 0).await;
    let over = || Over::new(Input::open(root.path(), &id).unwrap(), Sieve::default()).unwrap();
    let whole = tempfile::tempdir().unwrap();
    run(&over(), whole.path()).await;
    // Nine shares: two of them are empty.
    for shares in [1, 3, 9] {
        let out = tempfile::tempdir().unwrap();
        for index in (0..shares).rev() {
            let share = over().share(Some(Share::new(index, shares).unwrap())).unwrap();
            run(&share, out.path()).await;
            let [so_far] = &gather(out.path()).await.unwrap()[..] else { panic!("one mapping") };
            assert_eq!(so_far.open, (0..index).collect::<Vec<_>>());
            // Of nine, share 0 is empty: the whole is there without it.
            assert_eq!(so_far.ended, index == 0 || (shares, index) == (9, 1));
        }
        assert_eq!(gather(out.path()).await.unwrap()[0].pages, 7, "running it again changes nothing");
        assert_eq!(Stored::sources(out.path()).unwrap(), std::slice::from_ref(&id), "shares are no inputs");
        let (one, joined) =
            (Stored::open(whole.path(), &id).unwrap(), Stored::open(out.path(), &id).unwrap());
        assert_eq!(one.checkpoint().totals, joined.checkpoint().totals);
        assert_eq!(one.checkpoint().settings, joined.checkpoint().settings);
        let (one, joined) = (whole.path().join("hf/models"), out.path().join("hf/models"));
        let differ = differing(&one, &joined);
        // The manifest tells when a page was fetched, and the checkpoint how long the manifest is.
        assert!(
            differ.iter().all(|name| ["manifest.jsonl", "checkpoint.json"].contains(&name.as_str())),
            "{differ:?}"
        );
        assert!(Stored::open(out.path(), &id).unwrap().verify().unwrap() == crawl_core::Verified::default());
    }
}

#[tokio::test]
async fn shares_that_do_not_belong_together_or_are_damaged_are_not_gathered() {
    let root = tempfile::tempdir().unwrap();
    let id = listing(root.path(), "hf/models", &[3, 2, 4], 0).await;
    let over = || Over::new(Input::open(root.path(), &id).unwrap(), Sieve::default()).unwrap();
    let out = tempfile::tempdir().unwrap();
    for index in 0..2 {
        run(&over().share(Some(Share::new(index, 2).unwrap())).unwrap(), out.path()).await;
    }
    let page = out.path().join("hf/models.share-0000-of-0002/page_00001.jsonl");
    let text = std::fs::read(&page).unwrap();
    std::fs::write(&page, [&text[..], b" "].concat()).unwrap();
    assert_eq!(gather(out.path()).await.unwrap_err().kind(), Kind::Storage);
    std::fs::write(&page, text).unwrap();
    assert!(gather(out.path()).await.unwrap()[0].ended);
    run(&over().share(Some(Share::new(0, 3).unwrap())).unwrap(), out.path()).await;
    let error = gather(out.path()).await.unwrap_err();
    assert!(error.to_string().contains("shares of 2 and of 3"), "{error}");
}

#[tokio::test]
async fn what_is_missing_is_asked_for_again_in_a_round_that_readers_read_behind_the_listing() {
    let root = tempfile::tempdir().unwrap();
    let id = listing(root.path(), "hf/models", &[10, 10], 0).await;
    let input = || Input::open(root.path(), &id).unwrap();
    let out = tempfile::tempdir().unwrap();
    run(&Over::new(input(), Sieve::default()).unwrap(), out.path()).await;
    let Next::Again(round) = Round::next(out.path(), &id).unwrap() else { panic!("two are missing") };
    assert_eq!((round.id().as_str(), round.wanted()), ("hf/models-retry-1", 2));
    let Next::Again(same) = Round::next(out.path(), &id).unwrap() else { panic!("two are missing") };
    let others = Over::new(input(), Sieve::default()).unwrap().rows_a_page(NonZeroU64::new(3));
    let error = others.again(same).unwrap_err();
    assert_eq!(error.kind(), Kind::Config, "with other pages nobody would find what is missing");
    let well = Sieve { well: true.into() };
    let end = run(&Over::new(input(), well).unwrap().again(round).unwrap(), out.path()).await;
    assert_eq!((end.totals.listed, end.totals.records), (2, 2));
    assert!(matches!(Round::next(out.path(), &id).unwrap(), Next::Nothing));
    let read = Input::open(out.path(), &id).unwrap();
    assert_eq!((read.pages(), read.records(), read.missing()), (4, 16, 0));
    let again: Vec<_> = (1..=4).flat_map(|page| read.page(page).unwrap()).collect();
    assert_eq!(again.len(), 16);
    let share = Share::new(0, 2).unwrap().name(&id);
    assert_eq!(Round::next(out.path(), &share).unwrap_err().kind(), Kind::Config);
}

#[tokio::test]
async fn a_listing_that_grows_is_refused_by_a_map_that_wants_it_whole() {
    let root = tempfile::tempdir().unwrap();
    let table = Table::listing(6);
    pump(&table, &Store::new(root.path()), Pump::default().pages(2), &Stop::new(), |_| {}).await.unwrap();
    let input = Input::open(root.path(), &table.id).unwrap();
    assert!(!input.ended());
    assert_eq!(Over::new(input, Sieve::default()).unwrap_err().kind(), Kind::Config);
}

#[tokio::test]
async fn a_downloaded_checkpoint_makes_no_listing() {
    let root = tempfile::tempdir().unwrap();
    let id = listing(root.path(), "hf/models", &[1], 0).await;
    let inside = root.path().join("hf/models/inner");
    let files = root.path().join("dataset/somebody_something");
    for folder in [&inside, &files] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("checkpoint.json"), "{}").unwrap();
    }
    std::fs::write(root.path().join("dataset/.files"), "").unwrap();
    assert_eq!(Stored::sources(root.path()).unwrap(), [id]);
}
