//! Batches: questions handed in as a file and answered later at a lower price (OpenAI Batch), kept in the same cache.
//!
//! Every step is noted in a file beside the cache before the next one, so a restart goes on with the batches that are
//! out. Results are tied to their questions by `custom_id`, which is the key of the cache, in whatever order they come.

mod desk;
mod note;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crawl_core::{Error, Kind, Record, Result};

use crate::endpoint::{Cost, Endpoint, Look};
use crate::row::id_of;
use crate::rules::{self, Ruled};
use crate::{Classifier, Verdict};
use desk::Desk;
use note::{Note, Stage};

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
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { requests: 50_000, bytes: 48 << 20, every: Duration::from_secs(30), passes: 3 }
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
    },
}

/// A question that goes into a batch.
struct Line {
    key: String,
    record: String,
    round: u8,
    text: Vec<u8>,
    at_most: u64,
}

/// Has every record answered in batches, the second rounds of invalid answers too. After it the cache holds what came
/// back; what failed at the provider is not in it, and a usual run asks for it at the usual price.
///
/// # Errors
/// [`Kind::Config`] if the classifier asks no endpoint, or those of the endpoint and the disk.
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
    let folder = endpoint.cache.path().with_extension("batches");
    let desk = Desk::new(&endpoint.http, &look.chat)?;
    for note in Note::open_ones(&folder)? {
        tell(Told::GoesOn(note.batch.clone().unwrap_or_else(|| note.name.clone())));
        finish(endpoint, look, &desk, note, bounds, &mut tell).await?;
    }
    // A question that failed is handed in again, but not for ever.
    for _ in 0..bounds.passes.max(1) {
        if !pass(classifier, &desk, &folder, records()?, bounds, &mut tell).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Hands in what the cache does not have yet; tells whether there was anything.
async fn pass<I>(
    classifier: &Classifier,
    desk: &Desk<'_>,
    folder: &Path,
    records: I,
    bounds: Bounds,
    tell: &mut impl FnMut(Told),
) -> Result<bool>
where
    I: Iterator<Item = Result<Record>>,
{
    let Some((endpoint, look)) = classifier.endpoint() else { return Ok(false) };
    let (mut lines, mut bytes, mut any) = (Vec::new(), 0, false);
    let mut asked = HashSet::new();
    let mut budget = endpoint.usage.ledger.left()?;
    for record in records {
        let Some(line) = wanted(classifier, endpoint, look, &record?)? else { continue };
        if !asked.insert(line.key.clone()) {
            continue;
        }
        if let Some(left) = &mut budget {
            // What fits is handed in; the usual run then stops at the budget with what to do.
            let Some(rest) = left.checked_sub(line.at_most) else { break };
            *left = rest;
        }
        if lines.len() >= bounds.requests || bytes + line.text.len() > bounds.bytes {
            let note = Note::write(folder, &std::mem::take(&mut lines))?;
            finish(endpoint, look, desk, note, bounds, tell).await?;
            bytes = 0;
        }
        bytes += line.text.len();
        lines.push(line);
        any = true;
    }
    if !lines.is_empty() {
        let note = Note::write(folder, &lines)?;
        finish(endpoint, look, desk, note, bounds, tell).await?;
    }
    Ok(any)
}

/// The question about a record that the cache does not answer yet.
fn wanted(
    classifier: &Classifier,
    endpoint: &Endpoint,
    look: &Look,
    record: &Record,
) -> Result<Option<Line>> {
    let raw = record.raw();
    let Some(id) = raw.members().and_then(|_| id_of(raw, classifier.id_field())) else { return Ok(None) };
    if classifier.engines() != "openai" && matches!(rules::judge(classifier.task(), raw, &id), Ruled::Sure(_))
    {
        return Ok(None);
    }
    let mut question = look.question(record, &id);
    let mut round = 1;
    if let Some(kept) = endpoint.cache.get(question.key)? {
        let Verdict::Invalid(wrong) = look.answers.judge(&kept.reply, &id) else { return Ok(None) };
        let Some(again) = look.again(&question, &kept.reply, &wrong, &id) else { return Ok(None) };
        question = again;
        round = 2;
        if endpoint.cache.get(question.key)?.is_some() {
            return Ok(None);
        }
    }
    let at_most = endpoint.at_most(look, &question.body)?;
    let key = question.key.hex();
    let mut text =
        format!(r#"{{"custom_id":"{key}","method":"POST","url":"/v1/chat/completions","body":"#).into_bytes();
    text.extend_from_slice(&question.body);
    text.extend_from_slice(b"}\n");
    Ok(Some(Line { key, record: id, round, text, at_most }))
}

/// Brings one batch from wherever it stands to its end.
async fn finish(
    endpoint: &Endpoint,
    look: &Look,
    desk: &Desk<'_>,
    mut note: Note,
    bounds: Bounds,
    tell: &mut impl FnMut(Told),
) -> Result<()> {
    if note.stage == Stage::Ready {
        note.file = Some(desk.upload(note.input()?).await?);
        note.moves_to(Stage::Uploaded)?;
    }
    if note.stage == Stage::Uploaded {
        let file = note.file.clone().unwrap_or_default();
        // A crash may have come between handing in and noting it.
        let batch = match desk.handed_in(&file).await? {
            Some(batch) => batch,
            None => desk.hand_in(&file).await?,
        };
        tell(Told::HandedIn { batch: batch.clone(), requests: note.requests });
        note.batch = Some(batch);
        note.moves_to(Stage::Out)?;
    }
    let batch = note.batch.clone().unwrap_or_default();
    let output = desk.wait(&batch, bounds.every).await?;
    let kept = keep(endpoint, look, desk, &note, output.as_deref()).await?;
    endpoint.cache.sync()?;
    note.ended()?;
    tell(Told::Back { batch, answers: kept, failed: note.requests.saturating_sub(kept) });
    Ok(())
}

/// Keeps the results of a batch; those that the cache has already are passed over.
async fn keep(
    endpoint: &Endpoint,
    look: &Look,
    desk: &Desk<'_>,
    note: &Note,
    output: Option<&str>,
) -> Result<u64> {
    let Some(output) = output else { return Ok(0) };
    let asked = note.records()?;
    let price = endpoint.price.as_ref().map(crate::Price::in_batch);
    let mut kept = 0;
    desk.results(output, |key, reply| {
        let Some((question, record, round)) = asked.get(key) else { return Ok(()) };
        kept += 1;
        if endpoint.cache.get(question.key)?.is_some() {
            return Ok(());
        }
        let known = price.as_ref().and_then(|price| price.of_reply(&reply));
        // The question is not here any more, and batches have no try that nobody answers: its share is not known.
        let presumed = price.as_ref().filter(|_| known.is_none()).map(|_| 0);
        endpoint.usage.ledger.pay(known, presumed.unwrap_or(0))?;
        let cost = Cost { known, presumed };
        let line = endpoint.line(look, question, reply, record, *round, Instant::now(), cost);
        endpoint.keep(question.key, &line)
    })
    .await?;
    Ok(kept)
}

/// The folder of the notes of a cache.
pub fn notes_of(cache: &Path) -> PathBuf {
    crate::cache::file_of(cache).with_extension("batches")
}
