//! Batches: questions handed in as a file and answered later at a lower price (OpenAI Batch), kept in the same cache.
//!
//! Every step is noted in a file beside the cache before the next one, so a restart goes on with the batches that are
//! out. Results are tied to their questions by `custom_id`, which is the key of the cache, in whatever order they come.

mod desk;
mod note;
mod out;
mod reasons;

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use crawl_core::{Error, Kind, Record, Result};

use crate::ask::endpoint::{Endpoint, Look};
use crate::cache::{Cache, Key};
use crate::engine::Classifier;
use crate::engine::classifier::Settled;
use crate::money::Price;
use crate::money::ledger::Aside;
use crate::task::{Verdict, id_of};
use desk::Desk;
use note::{Note, Stage};
use out::Out;

/// What a batch may hold, and how often it is asked after.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests of one batch; OpenAI takes 50,000.
    pub requests: usize,
    /// Bytes of one file; OpenAI takes 200 MB.
    pub bytes: usize,
    /// The time between two looks at a batch.
    pub every: Duration,
    /// How often what failed is handed in again.
    pub passes: u32,
    /// How many batches are out at a time. Where the provider's queue holds fewer, the others wait.
    pub at_once: usize,
    /// So long a full queue is waited for while no batch moves; one takes a day at most.
    pub queue_patience: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            requests: 50_000,
            bytes: 48 << 20,
            every: Duration::from_secs(30),
            passes: 3,
            at_once: 50,
            queue_patience: Duration::from_secs(25 * 3600),
        }
    }
}

/// What there is to tell while batches are out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A batch was handed in.
    HandedIn {
        /// Its id at the provider.
        batch: String,
        /// Its requests.
        requests: u64,
    },
    /// A batch of an earlier run goes on.
    GoesOn(String),
    /// A batch has come back.
    Back {
        /// Its id at the provider.
        batch: String,
        /// Answers that were kept.
        answers: u64,
        /// Requests that failed.
        failed: u64,
        /// Why, as far as it is told: the most frequent reason first.
        why: Vec<Reason>,
    },
    /// The endpoint did not take a batch; its questions are handed in again.
    Refused {
        /// Its id at the provider.
        batch: String,
        /// What the endpoint says.
        why: String,
    },
    /// The provider's queue is full; the batch waits here.
    Queued(String),
}

/// Why requests of a batch failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code, the type or the status of the error.
    pub name: String,
    /// How many requests.
    pub requests: u64,
    /// What is said of the first of them.
    pub said: String,
}

/// A question that goes into a batch.
struct Line {
    key: Key,
    record: String,
    round: u8,
    text: Vec<u8>,
    at_most: u64,
}

/// Has every record answered in batches, the second rounds of invalid answers too, several batches side by side. After it
/// the cache holds what came back; what failed at the provider is not in it, and a usual run asks for it at the usual price.
///
/// # Errors
/// [`Kind::Config`] if the classifier asks no endpoint, or those of the endpoint and the disk. A batch that the endpoint does
/// not take is an error too, once the others have come back.
pub async fn run<I>(
    classifier: &Classifier,
    records: impl Fn() -> Result<I>,
    bounds: Bounds,
    mut tell: impl FnMut(Told),
) -> Result<()>
where
    I: Iterator<Item = Result<Record>>,
{
    let Some((endpoint, look)) = classifier.endpoint() else {
        return Err(Error::new(Kind::Config, "the engine `rules` needs no batches"));
    };
    let folder = endpoint.cache.beside("batches");
    let _alone = alone(&endpoint.cache.beside("batches.lock"))?;
    let desk = Desk::new(&endpoint.http, &look.chat)?;
    let mut out = Out {
        endpoint,
        look,
        desk: &desk,
        bounds,
        notes: Vec::new(),
        tell: &mut tell,
        refused: None,
        queued: None,
    };
    for mut note in Note::open_ones(&folder)? {
        let booking = endpoint.usage.ledger.take_up(note.at_most, note.booking.as_ref())?;
        note.is_booked(booking)?;
        // Nothing of it was sent, and others may have asked its questions since: they are looked at anew.
        if note.stage == Stage::Ready {
            out.forget(&note)?;
            continue;
        }
        (out.tell)(Told::GoesOn(note.batch.clone().unwrap_or_else(|| note.name.clone())));
        out.notes.push(note);
    }
    out.back(0).await?;
    // A question that failed is handed in again, but not for ever.
    for _ in 0..bounds.passes.max(1) {
        if !pass(classifier, &mut out, &folder, records()?).await? {
            break;
        }
    }
    out.refused.map_or(Ok(()), Err)
}

/// How many batches of a cache have not come back, and how many questions are in them: those are not asked directly.
///
/// # Errors
/// [`Kind::Storage`] if a note cannot be read.
pub fn out(cache: &Cache) -> Result<(usize, u64)> {
    let notes = Note::open_ones(&cache.beside("batches"))?;
    Ok((notes.len(), notes.iter().map(|note| note.requests).sum()))
}

/// Hands in what the cache does not have yet, and waits for all of it; tells whether there was anything.
async fn pass<I>(classifier: &Classifier, out: &mut Out<'_>, folder: &Path, records: I) -> Result<bool>
where
    I: Iterator<Item = Result<Record>>,
{
    let (endpoint, look, bounds) = (out.endpoint, out.look, out.bounds);
    let price = endpoint.price.as_ref().map(Price::in_batch);
    let ledger = &endpoint.usage.ledger;
    let (mut lines, mut bytes, mut any) = (Vec::new(), 0, false);
    let mut asked = HashSet::new();
    let mut aside = ledger.aside();
    for record in records {
        let Some(mut line) = wanted(classifier, endpoint, look, &record?, price.as_ref())? else { continue };
        if !asked.insert(line.key) {
            continue;
        }
        let full = lines.len() >= bounds.requests || bytes + line.text.len() > bounds.bytes;
        if full && !lines.is_empty() {
            hand_in(out, folder, std::mem::take(&mut lines), &mut aside).await?;
            bytes = 0;
        }
        // What fits is handed in; the usual run then stops at the budget with what to do.
        let Some(at_most) = aside.add(line.at_most)? else { break };
        line.at_most = at_most;
        bytes += line.text.len();
        lines.push(line);
        any = true;
    }
    hand_in(out, folder, lines, &mut aside).await?;
    out.back(0).await?;
    Ok(any)
}

/// Hands in what no other process asks or has been answered meanwhile. The note is what keeps others from asking, so it is
/// looked for them once that is written; what they have is left to them, and to the usual run.
async fn hand_in(
    out: &mut Out<'_>,
    folder: &Path,
    mut lines: Vec<Line>,
    aside: &mut Aside<'_>,
) -> Result<()> {
    let (cache, ledger) = (&out.endpoint.cache, &out.endpoint.usage.ledger);
    while !lines.is_empty() {
        let note = Note::write(folder, &lines, ledger.booking())?;
        aside.keep();
        let taken = cache.taken(lines.iter().map(|line| line.key))?;
        if taken.is_empty() {
            return out.put(note).await;
        }
        out.forget(&note)?;
        let mut free = Vec::new();
        for line in lines.into_iter().filter(|line| !taken.contains(&line.key)) {
            let Some(at_most) = aside.add(line.at_most)? else { break };
            free.push(Line { at_most, ..line });
        }
        lines = free;
    }
    Ok(())
}

/// The question about a record that the cache does not answer yet.
fn wanted(
    classifier: &Classifier,
    endpoint: &Endpoint,
    look: &Look,
    record: &Record,
    price: Option<&Price>,
) -> Result<Option<Line>> {
    let raw = record.raw();
    let Some(id) = raw.members().and_then(|_| id_of(raw, classifier.id_field())) else { return Ok(None) };
    if matches!(classifier.locally(raw, &id), Settled::Answered(..)) {
        return Ok(None);
    }
    let mut question = look.question(&endpoint.cache, record, &id)?;
    let mut round = 1;
    if let Some(kept) = endpoint.cache.get(question.key)? {
        let Verdict::Invalid(wrong) = look.answers.judge(&kept.reply, &question.about) else {
            return Ok(None);
        };
        let Some(again) = look.again(&question, &kept.reply, &wrong) else { return Ok(None) };
        question = again;
        round = 2;
        if endpoint.cache.get(question.key)?.is_some() {
            return Ok(None);
        }
    }
    let at_most = endpoint.at_most(look, &question.body, price)?;
    let key = question.key;
    let mut text =
        format!(r#"{{"custom_id":"{}","method":"POST","url":"/v1/chat/completions","body":"#, key.hex())
            .into_bytes();
    text.extend_from_slice(&question.body);
    text.extend_from_slice(b"}\n");
    Ok(Some(Line { key, record: id, round, text, at_most }))
}

/// The right to hand in batches of a cache: two processes would bring on each other's.
fn alone(path: &Path) -> Result<File> {
    let failed = |cause| Error::io("cannot lock the batches of the response cache", path, cause);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(Kind::Config, "another process hands in batches of this response cache")
                .at(path.display().to_string())
                .advise("wait until it ends, or leave --batch away: what is in no batch is asked directly"))
        }
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}
