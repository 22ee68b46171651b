//! The one loop: pages from a source to a sink until the listing ends.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{Either, Fuse, select};
use futures::stream::{FuturesOrdered, StreamExt};

use crate::{Checkpoint, Cursor, Error, Kind, Page, Result, Sink, Source, Totals};

/// How the loop runs.
#[derive(Clone, Copy, Debug)]
pub struct Pump {
    /// How many pages of a mapping may be in flight. A listing has one: its next cursor is in the page before.
    pub in_flight: usize,
    /// Stop after so many committed pages of this listing, counted from its beginning.
    pub pages: Option<u64>,
}

impl Default for Pump {
    fn default() -> Self {
        Pump { in_flight: 4, pages: None }
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

/// Moves pages from `source` to `sink` until the listing ends, `options.pages` are committed or `stop` is ready.
///
/// Fetches ahead while it commits: the next page of a listing is asked for as soon as the one before is durable,
/// so that a crash costs at most one fetch. Commits in order. Hears `stop` between pages and finishes what is in
/// flight. Reports each commit to `watch`.
///
/// # Errors
/// Those of the source and the sink; [`Kind::Config`] if the listing was begun under other settings;
/// [`Kind::Shape`] if a cursor comes a second time. The pages before the error are committed.
pub async fn pump<S: Source, K: Sink>(
    source: &S,
    sink: &K,
    options: Pump,
    stop: impl Future<Output = ()> + Send,
    mut watch: impl FnMut(Committed<'_>) + Send,
) -> Result<Checkpoint> {
    let id = source.id();
    let mut at = begin(source, sink).await?;
    let mut stop = pin!(stop.fuse());
    let mut flight = Flight::new(source, options, &at);
    let mut seen = HashSet::new();
    flight.fill(&mut stop);
    while let Some((cursor, page)) = flight.land(&mut stop).await? {
        check_next(&cursor, &page, &mut seen)?;
        let written = flight.alongside(sink.write(id, &at, page)).await?;
        if source.after(&cursor).is_none() {
            flight.upcoming = written.next.clone();
        }
        flight.fill(&mut stop);
        flight.alongside(sink.commit(id, &written)).await?;
        watch(Committed { checkpoint: &written, before: &at.totals });
        at = written;
    }
    Ok(at)
}

/// The checkpoint to go on from: checked against the settings, and on disk before the first fetch.
async fn begin<S: Source, K: Sink>(source: &S, sink: &K) -> Result<Checkpoint> {
    let id = source.id();
    let mut at = sink.checkpoint(id).await?;
    let settings = source.settings();
    match &at.settings {
        // Before the first page nothing depends on the settings yet.
        Some(before) if *before != settings && at.pages > 0 => {
            let what = format!(
                "this listing was begun under other settings: {}",
                before.changes(&settings).join("; ")
            );
            Err(Error::new(Kind::Config, what)
                .at(id.as_str())
                .advise("use the old settings to go on, or start a new root for the new ones"))
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

type Landing<'a> = Pin<Box<dyn Future<Output = (Cursor, Result<Option<Page>>)> + Send + 'a>>;

/// The pages that are being fetched, in order.
struct Flight<'a, S> {
    source: &'a S,
    queue: FuturesOrdered<Landing<'a>>,
    landed: VecDeque<(Cursor, Result<Option<Page>>)>,
    upcoming: Option<Cursor>,
    room: usize,
    left: u64,
    stopped: bool,
}

impl<'a, S: Source> Flight<'a, S> {
    fn new(source: &'a S, options: Pump, at: &Checkpoint) -> Self {
        Flight {
            source,
            queue: FuturesOrdered::new(),
            landed: VecDeque::new(),
            upcoming: at.next.clone(),
            room: options.in_flight.max(1),
            left: options.pages.map_or(u64::MAX, |pages| pages.saturating_sub(at.pages)),
            stopped: false,
        }
    }

    /// Starts as many fetches as there are known cursors and room.
    fn fill(&mut self, stop: &mut Pin<&mut Fuse<impl Future<Output = ()>>>) {
        if !self.stopped && poll_once(stop.as_mut()) {
            self.stopped = true;
        }
        while !self.stopped && self.left > 0 && self.queue.len() + self.landed.len() < self.room {
            let Some(cursor) = self.upcoming.take() else { break };
            self.upcoming = self.source.after(&cursor);
            self.left -= 1;
            let source = self.source;
            self.queue.push_back(Box::pin(async move {
                let page = source.page(&cursor).await;
                (cursor, page)
            }));
        }
    }

    /// Waits for the next page in order. Hears `stop`, after which no fetch begins but those in flight land.
    async fn land(
        &mut self,
        stop: &mut Pin<&mut Fuse<impl Future<Output = ()>>>,
    ) -> Result<Option<(Cursor, Page)>> {
        let landed = match self.landed.pop_front() {
            Some(landed) => Some(landed),
            None if self.stopped => self.queue.next().await,
            None => match select(self.queue.next(), stop.as_mut()).await {
                Either::Left((landed, _)) => landed,
                Either::Right(((), waiting)) => {
                    self.stopped = true;
                    waiting.await
                }
            },
        };
        match landed {
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

fn poll_once(mut future: Pin<&mut impl Future<Output = ()>>) -> bool {
    matches!(future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())), Poll::Ready(()))
}
