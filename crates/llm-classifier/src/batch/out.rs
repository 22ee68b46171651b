//! Batches that are out: each is brought on one step at a time, so that none waits for another.

use std::time::Instant;

use crawl_core::{Error, Kind, Result};

use super::desk::{Desk, Seen};
use super::note::{Note, Stage};
use super::{Bounds, Told};
use crate::endpoint::{Cost, Endpoint, Look};

/// The batches that have not come back.
pub(super) struct Out<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) look: &'a Look,
    pub(super) desk: &'a Desk<'a>,
    pub(super) bounds: Bounds,
    pub(super) notes: Vec<Note>,
    pub(super) tell: &'a mut dyn FnMut(Told),
    /// What the endpoint said of the last batch that it did not take.
    pub(super) refused: Option<Error>,
}

/// What a step came to.
enum Step {
    /// It is not back.
    Out,
    /// The queue is full.
    Queued,
    /// It is back, or will never be.
    Ended,
}

impl Out<'_> {
    /// The most that what is out can cost.
    pub(super) fn at_most(&self) -> u64 {
        self.notes.iter().map(|note| note.at_most).sum()
    }

    /// Hands a batch in, after others have come back if too many are out.
    pub(super) async fn put(&mut self, note: Note) -> Result<()> {
        self.back(self.bounds.at_once.saturating_sub(1)).await?;
        self.notes.push(note);
        self.look().await
    }

    /// Waits until no more than so many are out.
    pub(super) async fn back(&mut self, most: usize) -> Result<()> {
        loop {
            self.look().await?;
            if self.notes.len() <= most {
                return Ok(());
            }
            let stop = self.endpoint.http.stop();
            tokio::select! {
                () = stop.cancelled() => {
                    let names: Vec<_> = self.notes.iter().filter_map(|note| note.batch.clone()).collect();
                    let what = "stopped while waiting for the batches";
                    return Err(Error::new(Kind::Stopped, what).at(names.join(", ")));
                }
                () = tokio::time::sleep(self.bounds.every) => {}
            }
        }
    }

    /// Brings each batch on. Once the queue is full, the younger ones are not tried.
    async fn look(&mut self) -> Result<()> {
        let mut still = Vec::new();
        let mut full = false;
        let mut notes = std::mem::take(&mut self.notes).into_iter();
        while let Some(mut note) = notes.next() {
            if full && note.stage != Stage::Out {
                still.push(note);
                continue;
            }
            match self.step(&mut note).await {
                Ok(Step::Out) => still.push(note),
                Ok(Step::Queued) => {
                    full = true;
                    still.push(note);
                }
                Ok(Step::Ended) => {}
                Err(error) => {
                    still.push(note);
                    still.extend(notes);
                    self.notes = still;
                    return Err(error);
                }
            }
        }
        self.notes = still;
        Ok(())
    }

    async fn step(&mut self, note: &mut Note) -> Result<Step> {
        if note.stage == Stage::Ready {
            note.file = Some(self.desk.upload(note.input()?).await?);
            note.moves_to(Stage::Uploaded)?;
        }
        if note.stage == Stage::Uploaded {
            let file = note.file.clone().unwrap_or_default();
            // A crash may have come between handing in and noting it.
            let batch = match self.desk.handed_in(&file).await? {
                Some(batch) => batch,
                None => match self.desk.hand_in(&file).await? {
                    Some(batch) => batch,
                    None => return Ok(self.queued(note)),
                },
            };
            (self.tell)(Told::HandedIn { batch: batch.clone(), requests: note.requests });
            note.batch = Some(batch);
            note.moves_to(Stage::Out)?;
        }
        let batch = note.batch.clone().unwrap_or_default();
        match self.desk.look(&batch).await? {
            Seen::Out => Ok(Step::Out),
            Seen::QueueFull => {
                // A file belongs to one batch: it is uploaded anew.
                (note.file, note.batch) = (None, None);
                note.moves_to(Stage::Ready)?;
                Ok(self.queued(note))
            }
            Seen::Refused(why) => {
                note.ended()?;
                (self.tell)(Told::Refused { batch: batch.clone(), why: why.clone() });
                self.refused = Some(
                    Error::new(Kind::Config, "the endpoint does not take the batch")
                        .at(batch)
                        .advise("read above what it says, correct it and run again; what the others answered is in the cache")
                        .because(why),
                );
                Ok(Step::Ended)
            }
            Seen::Back { output, errors } => {
                let kept = match &output {
                    Some(output) => self.keep(note, output).await?,
                    None => 0,
                };
                let why = match &errors {
                    Some(errors) => self.desk.first_error(errors).await?,
                    None => None,
                };
                self.endpoint.cache.sync()?;
                note.ended()?;
                if kept > 0 {
                    self.refused = None;
                }
                let failed = note.requests.saturating_sub(kept);
                (self.tell)(Told::Back { batch, answers: kept, failed, why });
                Ok(Step::Ended)
            }
        }
    }

    fn queued(&mut self, note: &mut Note) -> Step {
        if !note.told_queued {
            (self.tell)(Told::Queued(note.name.clone()));
            note.told_queued = true;
        }
        Step::Queued
    }

    /// Keeps the results of a batch; those that the cache has already are passed over.
    async fn keep(&self, note: &Note, output: &str) -> Result<u64> {
        let (endpoint, look) = (self.endpoint, self.look);
        let asked = note.records()?;
        let price = endpoint.price.as_ref().map(crate::Price::in_batch);
        let mut kept = 0;
        self.desk
            .results(output, |key, reply| {
                let Some((question, record, round, at_most)) = asked.get(key) else { return Ok(()) };
                kept += 1;
                if endpoint.cache.get(question.key)?.is_some() {
                    return Ok(());
                }
                let cost = price.as_ref().map_or(Cost::default(), |price| Cost::of(&reply, price, *at_most));
                endpoint.usage.ledger.pay(cost)?;
                let line = endpoint.line(look, question, reply, record, *round, Instant::now(), cost);
                endpoint.keep(question.key, &line)
            })
            .await?;
        Ok(kept)
    }
}
