//! The one loop: pages from a source to a sink until the listing ends.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::{Pin, pin};

use futures::future::{Either, select};
use futures::stream::{FuturesOrdered, StreamExt};
use sha2::{Digest, Sha256};

use crate::{
    Checkpoint, Context, Cursor, Error, Kind, Mark, Page, Result, Settings, Sink, Source, Stop, Totals,
};

/// How the loop runs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pump {
    /// How many pages of a mapping may be in flight. A listing has one: its next cursor is in the page before.
    pub in_flight: usize,
    /// Stop after so many committed pages of this listing, counted from its beginning.
    pub pages: Option<u64>,
    /// End the listing after so many listed rows: the page in which they are reached is cut, and is the last one.
    pub rows: Option<u64>,
}

impl Default for Pump {
    fn default() -> Self {
        Pump { in_flight: 4, pages: None, rows: None }
    }
}

impl Pump {
    /// With so many pages of a mapping in flight.
    pub fn in_flight(self, in_flight: usize) -> Self {
        Pump { in_flight, ..self }
    }

    /// With so many pages at most.
    pub fn pages(self, pages: impl Into<Option<u64>>) -> Self {
        Pump { pages: pages.into(), ..self }
    }

    /// With so many rows at most.
    pub fn rows(self, rows: impl Into<Option<u64>>) -> Self {
        Pump { rows: rows.into(), ..self }
    }
}

/// A page that was just committed.
#[derive(Clone, Copy, Debug)]
pub struct Committed<'a> {
    /// The checkpoint with this page.
    pub checkpoint: &'a Checkpoint,
    /// The totals before this page.
    pub before: &'a Totals,
}

/// Moves pages from `source` to `sink` until the listing ends, what `options` allow is done, or `stop` is cancelled.
///
/// Fetches ahead while it commits: the next page of a listing is asked for as soon as the one before is durable,
/// so that a crash costs at most one fetch. Commits in order. When `stop` is cancelled no page is begun, what is in
/// flight is finished, and what only waits ends: the pages up to there are committed. Reports each commit to `watch`.
///
/// # Errors
/// Those of the source and the sink; [`Kind::Config`] if the listing was begun under other settings or has another
/// writer; [`Kind::Shape`] if a cursor comes a second time. The pages before the error are committed.
pub async fn pump<S: Source, K: Sink>(
    source: &S,
    sink: &K,
    options: Pump,
    stop: &Stop,
    mut watch: impl FnMut(Committed<'_>) + Send,
) -> Result<Checkpoint> {
    let id = source.id();
    let mut at = begin(source, sink, options).await?;
    let mut seen: HashSet<Mark> = sink.marks(id, &at).await?.into_iter().collect();
    let context = Context { stop: stop.clone(), files: sink.files(), rows_left: None };
    let mut flight = Flight::new(source, options, &at, context);
    let mut cursors = HashSet::new();
    flight.fill(rows_left(options, &at));
    while let Some((cursor, mut page)) = flight.land().await? {
        check_next(&cursor, &page, &mut cursors)?;
        drop_seen(source, &mut page, &mut seen);
        if let Some(left) = rows_left(options, &at)
            && page.listed() >= left
        {
            page.cut(left);
            page.next = None;
        }
        let ends = page.next.is_none();
        let written = flight.alongside(sink.write(id, &at, page)).await?;
        if source.after(&cursor).is_none() {
            flight.upcoming = written.next.clone();
        }
        if !ends {
            flight.fill(rows_left(options, &written));
        }
        flight.alongside(sink.commit(id, &written)).await?;
        watch(Committed { checkpoint: &written, before: &at.totals });
        at = written;
        if ends {
            break;
        }
    }
    Ok(at)
}

/// What a resume must agree with, the pump's own part included.
pub fn settings_of(source: &impl Source, options: Pump) -> Settings {
    source.settings().with_some("limit", options.rows)
}

fn rows_left(options: Pump, at: &Checkpoint) -> Option<u64> {
    options.rows.map(|rows| rows.saturating_sub(at.totals.listed))
}

/// The checkpoint to go on from: checked against the settings, and on disk before the first fetch.
async fn begin<S: Source, K: Sink>(source: &S, sink: &K, options: Pump) -> Result<Checkpoint> {
    let id = source.id();
    let mut at = sink.checkpoint(id).await?;
    let settings = settings_of(source, options);
    match &at.settings {
        // Before the first page nothing depends on the settings yet.
        Some(before) if *before != settings && at.pages > 0 => {
            let what = format!(
                "this listing was begun under other settings: {}",
                before.changes(&settings).join("; ")
            );
            Err(Error::new(Kind::Config, what).at(id.as_str()).advise(
                "use the old settings to go on, or finish it with the version of the program that began it; or start a \
                 new root for the new ones (answers that are in a cache cost nothing again)",
            ))
        }
        Some(before) if *before == settings => Ok(at),
        _ => {
            at.settings = Some(settings);
            sink.commit(id, &at).await?;
            Ok(at)
        }
    }
}

/// Remembers cursors as hashes: a crawl may have many, and they may be long.
fn check_next(cursor: &Cursor, page: &Page, seen: &mut HashSet<u64>) -> Result<()> {
    let hash = |cursor: &Cursor| {
        let mut hasher = DefaultHasher::new();
        cursor.place().hash(&mut hasher);
        hasher.finish()
    };
    seen.insert(hash(cursor));
    match &page.next {
        Some(next) if seen.contains(&hash(next)) => {
            Err(Error::new(Kind::Shape, "the service gave the same cursor twice")
                .at(page.url.as_ref().map_or_else(|| next.as_str().to_owned(), crate::shown))
                .advise("run again later; if it stays, start a new root with another sort order"))
        }
        _ => Ok(()),
    }
}

/// Where the order moves, a row that was on an earlier page comes again on a later one: it is dropped and counted.
fn drop_seen<S: Source>(source: &S, page: &mut Page, seen: &mut HashSet<Mark>) {
    let records = std::mem::take(&mut page.records);
    page.records.reserve(records.len());
    for record in records {
        let Some(key) = source.key(&record) else {
            page.records.push(record);
            continue;
        };
        let hash = Sha256::digest(key.as_bytes());
        let mark: Mark = std::array::from_fn(|place| hash[place]);
        if seen.insert(mark) {
            page.marks.push(mark);
            page.records.push(record);
        } else {
            page.drop_row("seen before");
        }
    }
}

type Landing<'a> = Pin<Box<dyn Future<Output = (Cursor, Result<Option<Page>>)> + Send + 'a>>;

/// The pages that are being fetched, in order.
struct Flight<'a, S> {
    source: &'a S,
    context: Context,
    queue: FuturesOrdered<Landing<'a>>,
    landed: VecDeque<(Cursor, Result<Option<Page>>)>,
    upcoming: Option<Cursor>,
    room: usize,
    left: u64,
}

impl<'a, S: Source> Flight<'a, S> {
    fn new(source: &'a S, options: Pump, at: &Checkpoint, context: Context) -> Self {
        Flight {
            source,
            context,
            queue: FuturesOrdered::new(),
            landed: VecDeque::new(),
            upcoming: at.next.clone(),
            room: options.in_flight.max(1),
            left: options.pages.map_or(u64::MAX, |pages| pages.saturating_sub(at.pages)),
        }
    }

    /// Starts as many fetches as there are known cursors and room.
    fn fill(&mut self, rows_left: Option<u64>) {
        while !self.context.stop.is_cancelled()
            && self.left > 0
            && rows_left != Some(0)
            && self.queue.len() + self.landed.len() < self.room
        {
            let Some(cursor) = self.upcoming.take() else { break };
            self.upcoming = self.source.after(&cursor);
            self.left -= 1;
            let (source, context) = (self.source, Context { rows_left, ..self.context.clone() });
            self.queue.push_back(Box::pin(async move {
                let page = source.page(&cursor, &context).await;
                (cursor, page)
            }));
        }
    }

    /// Waits for the next page in order. What only waited when the stop came has not been fetched: nothing lands.
    async fn land(&mut self) -> Result<Option<(Cursor, Page)>> {
        let landed = match self.landed.pop_front() {
            Some(landed) => Some(landed),
            None => self.queue.next().await,
        };
        match landed {
            Some((_, Err(error))) if error.kind() == Kind::Stopped && self.context.stop.is_cancelled() => {
                Ok(None)
            }
            Some((cursor, page)) => Ok(page?.map(|page| (cursor, page))),
            None => Ok(None),
        }
    }

    /// Runs a step of the sink while the fetches go on.
    async fn alongside<T>(&mut self, step: impl Future<Output = Result<T>>) -> Result<T> {
        let mut step = pin!(step);
        loop {
            if self.queue.is_empty() {
                return step.await;
            }
            match select(step.as_mut(), self.queue.next()).await {
                Either::Left((done, _)) => return done,
                Either::Right((landed, _)) => self.landed.extend(landed),
            }
        }
    }
}
