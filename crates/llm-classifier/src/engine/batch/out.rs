//! Batches that are out: each is brought on one step at a time, so that none waits for another.

use std::time::Instant;

use crawl_core::{Error, Kind, Result};

use super::desk::{Came, Desk, HandedIn, Standing, limit_of};
use super::note::{Note, Stage};
use super::reasons::Reasons;
use super::{Bounds, Told};
use crate::ask::endpoint::{Endpoint, Look};
use crate::money::{Cost, nano};
use crate::reply::Reply;

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
    /// Since when the queue is full and no batch has moved.
    pub(super) queued: Option<Instant>,
}

/// What has come back of a batch.
#[derive(Default)]
struct Back {
    answers: u64,
    /// What each request cost, and the most that was set aside for it.
    costs: Vec<(Cost, u64)>,
    /// What was paid for answers that an earlier run has kept already.
    before: u64,
    reasons: Reasons,
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
                    HandedIn::As(batch) => batch,
                    HandedIn::QueueFull(said) => return self.queued(note, &said),
                },
            };
            self.queued = None;
            (self.tell)(Told::HandedIn { batch: batch.clone(), requests: note.requests });
            note.batch = Some(batch);
            note.moves_to(Stage::Out)?;
        }
        let batch = note.batch.clone().unwrap_or_default();
        match self.desk.look(&batch).await? {
            Standing::Out => Ok(Step::Out),
            Standing::QueueFull(said) => {
                // A file belongs to one batch: it is uploaded anew.
                (note.file, note.batch) = (None, None);
                note.moves_to(Stage::Ready)?;
                self.queued(note, &said)
            }
            Standing::Refused(why) => {
                self.forget(note)?;
                (self.tell)(Told::Refused { batch: batch.clone(), why: why.clone() });
                self.refused = Some(
                    Error::new(Kind::Config, "the endpoint does not take the batch")
                        .at(batch)
                        .advise("read above what it says, correct it and run again; what the others answered is in the cache")
                        .because(why),
                );
                Ok(Step::Ended)
            }
            Standing::Back { files } => {
                let mut back = Back::default();
                for file in &files {
                    self.keep(note, file, &mut back).await?;
                }
                self.endpoint.cache.sync()?;
                self.ended(note, &back)?;
                let answers = back.answers;
                if answers > 0 {
                    self.refused = None;
                }
                let (failed, why) = (note.requests.saturating_sub(answers), back.reasons.sorted());
                (self.tell)(Told::Back { batch, answers, failed, why });
                Ok(Step::Ended)
            }
        }
    }

    /// Nothing more comes of a batch. The note goes first: what is booked twice after a crash is not spent, but what is given
    /// back twice would be.
    fn ended(&mut self, note: &Note, back: &Back) -> Result<()> {
        self.queued = None;
        note.ended()?;
        let ledger = &self.endpoint.usage.ledger;
        ledger.is_back(note.at_most, note.booking.as_ref(), &back.costs, back.before);
        Ok(())
    }

    /// A batch that was not taken, or not handed in: nothing was spent.
    pub(super) fn forget(&mut self, note: &Note) -> Result<()> {
        self.ended(note, &Back::default())
    }

    /// The queue has no room. It is waited for as long as others may be in it, and not at all if it can never hold the batch.
    fn queued(&mut self, note: &mut Note, said: &str) -> Result<Step> {
        if let Some(limit) = limit_of(said)
            && let Some(fit) = note.fitting(limit, self.look.chat.model())?
        {
            // Its questions go into smaller ones.
            self.forget(note)?;
            let what = format!("the provider's queue holds {limit} tokens, and a batch has more");
            let smaller = match fit {
                0 => "leave --batch away".to_owned(),
                fit => format!("hand in smaller batches with --batch-requests {fit}, or leave --batch away"),
            };
            return Err(Error::new(Kind::Limited, what).at(note.name.clone()).advise(smaller));
        }
        if !note.told_queued {
            (self.tell)(Told::Queued(note.name.clone()));
            note.told_queued = true;
        }
        let since = *self.queued.get_or_insert_with(Instant::now);
        if since.elapsed() > self.bounds.queue_patience {
            let what = "the provider's queue has had no room for longer than a batch takes";
            return Err(Error::new(Kind::Limited, what)
                .at(note.name.clone())
                .advise("see at the provider what is in it; hand in smaller batches with --batch-requests, or leave --batch away")
                .because(crawl_core::visible(said).into_owned()));
        }
        Ok(Step::Queued)
    }

    /// Keeps the results of a file; those that the cache has already are passed over.
    async fn keep(&self, note: &Note, file: &str, back: &mut Back) -> Result<()> {
        let (endpoint, look) = (self.endpoint, self.look);
        let asked = note.records()?;
        let price = endpoint.price.as_ref().map(crate::money::Price::in_batch);
        self.desk
            .results(file, |key, came| {
                let Some((question, record, round, at_most)) = asked.get(key) else { return Ok(()) };
                let (reply, cost) = match came {
                    Came::Answer(reply) => {
                        let cost = price.as_ref().map(|price| Cost::of(&reply, price, *at_most));
                        (reply, cost.unwrap_or_default())
                    }
                    Came::Failure(error, within, line) => {
                        // How long the question was is not noted: all that was set aside for it is the most.
                        let cost =
                            |price| Cost::of_failure(&error, within.as_ref(), price, usize::MAX, *at_most);
                        let cost = price.as_ref().map(cost).unwrap_or_default();
                        let Some(refused) = Reply::filtered(&error, within) else {
                            back.reasons.add(&line);
                            back.costs.push((cost, *at_most));
                            return Ok(());
                        };
                        (refused, cost)
                    }
                };
                back.answers += 1;
                if let Some(kept) = endpoint.cache.get(question.key)? {
                    let cost = kept.cost_usd.or(kept.presumed_usd).filter(|_| note.is_older_than(&kept));
                    back.before += nano(cost.unwrap_or(0.0));
                    return Ok(());
                }
                back.costs.push((cost, *at_most));
                let line = endpoint.line(look, question, reply, record, *round, Instant::now(), cost);
                endpoint.keep(question.key, &line)?;
                endpoint.usage.batched();
                Ok(())
            })
            .await
    }
}
