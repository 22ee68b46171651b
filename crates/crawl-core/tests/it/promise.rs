//! The promise: a crash anywhere costs at most one page of work and leaves no trace.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crawl_core::{
    Checkpoint, Disk, Fate, Files, Mark, Page, Pump, Result, Sink, SourceId, Stop, Store, Stored, pump,
};

use crate::tables::{Table, differing};

const PAGES: u64 = 6;

/// A disk on which the process dies at step `at`; counts the steps.
pub(crate) fn dying(at: usize, fate: Fate) -> (Disk, Arc<AtomicUsize>) {
    let steps = Arc::new(AtomicUsize::new(0));
    let count = steps.clone();
    let probe = move |_: &'static str| {
        // Once dead, always dead: nothing is written behind the crash.
        match count.fetch_add(1, Ordering::SeqCst) {
            step if step < at => Fate::Live,
            step if step == at => fate,
            _ => Fate::Die,
        }
    };
    (Disk::with_probe(Arc::new(probe)), steps)
}

async fn run(table: &Table, sink: &impl Sink) -> Result<Checkpoint> {
    pump(table, sink, Pump::default().in_flight(3), &Stop::new(), |_| {}).await
}

/// As [`run`]; gives how many pages were told to be committed.
async fn run_and_count(table: &Table, sink: &impl Sink) -> u64 {
    let mut committed = 0;
    let count = |page: crawl_core::Committed<'_>| committed = page.checkpoint.pages;
    pump(table, sink, Pump::default().in_flight(3), &Stop::new(), count).await.unwrap_err();
    committed
}

/// What readers see is a beginning of what an undisturbed run gives.
fn check_readers(root: &Path, whole: &Path, id: &SourceId) {
    let Ok(stored) = Stored::open(root, id) else { return };
    let whole = Stored::open(whole, id).unwrap();
    for page in 1..=stored.checkpoint().pages {
        assert_eq!(stored.lines(page).unwrap(), whole.lines(page).unwrap());
        assert_eq!(
            serde_json::to_string(&stored.missing(page).unwrap()).unwrap(),
            serde_json::to_string(&whole.missing(page).unwrap()).unwrap()
        );
    }
    assert_eq!(stored.verify().unwrap(), crawl_core::Verified::default());
}

/// Dies at every step of a run, in each way; restarts; compares.
async fn check(make: fn(u64) -> Table) {
    let whole = tempfile::tempdir().unwrap();
    let (disk, steps) = dying(usize::MAX, Fate::Live);
    run(&make(PAGES), &Store::new(whole.path()).with_disk(disk)).await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    assert!(steps > 100, "only {steps} steps: are all writes asked for?");
    for at in 0..steps {
        for fate in [Fate::Die, Fate::Tear, Fate::Lose] {
            let root = tempfile::tempdir().unwrap();
            let table = make(PAGES);
            let (disk, _) = dying(at, fate);
            let told = run_and_count(&table, &Store::new(root.path()).with_disk(disk)).await;
            let kept = Stored::open(root.path(), &table.id).map_or(0, |stored| stored.checkpoint().pages);
            assert!(kept >= told, "{told} pages were told to be committed, {kept} are: step {at} ({fate:?})");
            check_readers(root.path(), whole.path(), &table.id);
            run(&table, &Store::new(root.path())).await.unwrap();
            assert_eq!(differing(root.path(), whole.path()), [""; 0], "died at step {at} ({fate:?})");
            if !table.mapping {
                let twice: u64 = table.asked().values().map(|count| count - 1).sum();
                assert!(twice <= 1, "died at step {at} ({fate:?}): {:?}", table.asked());
            }
        }
    }
}

#[tokio::test]
async fn a_listing_that_dies_at_any_write_goes_on_as_if_nothing_had_happened() {
    check(Table::listing).await;
}

#[tokio::test]
async fn a_mapping_that_dies_at_any_write_goes_on_as_if_nothing_had_happened() {
    check(Table::mapping).await;
}

/// Breaks the rule on purpose: the checkpoint goes before the page.
struct CheckpointFirst(Store);

impl Sink for CheckpointFirst {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        self.0.checkpoint(id).await
    }

    async fn marks(&self, id: &SourceId, at: &Checkpoint) -> Result<Vec<Mark>> {
        self.0.marks(id, at).await
    }

    fn files(&self) -> Files {
        self.0.files()
    }

    async fn write(&self, id: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        let mut ahead = Checkpoint { pages: at.pages + 1, next: page.next.clone(), ..at.clone() };
        ahead.totals.records += page.records.len() as u64;
        self.0.commit(id, &ahead).await?;
        self.0.write(id, at, page).await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        self.0.commit(id, to).await
    }
}

#[tokio::test]
async fn a_sink_that_moves_the_checkpoint_first_is_caught_by_this_test() {
    let whole = tempfile::tempdir().unwrap();
    run(&Table::listing(PAGES), &Store::new(whole.path())).await.unwrap();
    let mut caught = 0;
    for at in 0..60 {
        let root = tempfile::tempdir().unwrap();
        let (disk, _) = dying(at, Fate::Die);
        let table = Table::listing(PAGES);
        run(&table, &CheckpointFirst(Store::new(root.path()).with_disk(disk))).await.unwrap_err();
        let resumed = run(&table, &Store::new(root.path())).await;
        let same = resumed.is_ok() && differing(root.path(), whole.path()).is_empty();
        caught += usize::from(!same);
    }
    assert!(caught > 5, "only {caught} of 60 deaths were noticed");
}
