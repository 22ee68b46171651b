//! Lines: records from a pipe or a file, classified in order, with bounded memory.

use std::sync::Arc;

use crawl_core::{Error, Kind, Missing, Record, Result, Tally};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::Classifier;
use crate::engine::row::Side;
use crawl_core::Row;

/// So many records may be settled and wait for an older one.
const AHEAD: usize = 1024;

/// What came of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Lines that were records.
    pub listed: u64,
    /// Records with an answer.
    pub kept: u64,
    /// Records without.
    pub missing: u64,
    /// Records left out on purpose, by reason.
    pub dropped: Tally,
}

/// Classifies records in their order: `hear` gets each row as soon as it and all before it are there.
///
/// # Errors
/// Those of the records and of `hear`, and the reason why the classifier must stop; what was settled before is heard.
pub async fn classify<I>(
    classifier: Arc<Classifier>,
    records: I,
    mut hear: impl FnMut(Row, bool) -> Result<()>,
) -> Result<Counted>
where
    I: Iterator<Item = Result<Record>> + Send + 'static,
{
    let (sender, mut under_way) = mpsc::channel::<Result<JoinHandle<Option<Row>>>>(AHEAD);
    let handing = tokio::spawn(hand_out(classifier.clone(), records, sender));
    let mut counted = Counted::default();
    let mut ended = Ok(());
    while let Some(next) = under_way.recv().await {
        let row = match next {
            Ok(row) => {
                row.await.map_err(|cause| Error::new(Kind::Shape, "a task broke off").because(cause))?
            }
            Err(error) => {
                ended = Err(error);
                break;
            }
        };
        let Some(row) = row else { break };
        counted.add(&row);
        hear(row, under_way.is_empty())?;
    }
    drop(under_way);
    handing.abort();
    match classifier.end() {
        Some(error) => Err(error),
        None => ended.map(|()| counted),
    }
}

/// Reads where it holds up nobody, and begins with a record when a place is free.
async fn hand_out<I>(
    classifier: Arc<Classifier>,
    records: I,
    sender: mpsc::Sender<Result<JoinHandle<Option<Row>>>>,
) where
    I: Iterator<Item = Result<Record>> + Send + 'static,
{
    let (read, mut lines) = mpsc::channel(256);
    let reading = tokio::task::spawn_blocking(move || {
        for record in records {
            if read.blocking_send(record).is_err() {
                return;
            }
        }
    });
    while let Some(record) = lines.recv().await {
        let next = match record {
            Err(error) => Err(error),
            Ok(record) => match classifier.begin(record, Side::LetThrough).await {
                Some(row) => Ok(row),
                None => break,
            },
        };
        if sender.send(next).await.is_err() {
            break;
        }
    }
    drop(lines);
    reading.abort();
}

impl Counted {
    fn add(&mut self, row: &Row) {
        self.listed += 1;
        match row {
            Row::Kept(_) => self.kept += 1,
            Row::Missing(Missing { .. }) => self.missing += 1,
            Row::Dropped(why) => *self.dropped.entry(why.clone()).or_default() += 1,
        }
    }
}
