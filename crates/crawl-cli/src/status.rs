//! `status ROOT`: how far the listings under a root have come.

use std::path::Path;

use anyhow::Result;
use crawl_core::{Stored, Timestamp};
use serde::Serialize;

use crate::note::Note;
use crate::progress::{adds_up, duration};
use crate::{Outcome, counted, grouped, size};

/// Over how many of the last pages the rate is taken.
const RATE_PAGES: usize = 50;

#[derive(Serialize)]
struct Status {
    source: String,
    pages: u64,
    listed: u64,
    kept: u64,
    dropped: crawl_core::Tally,
    missing: u64,
    bytes: u64,
    files: u64,
    file_bytes: u64,
    ended: bool,
    running: bool,
    /// Records a second over the last pages; `None` where there are too few.
    per_second: Option<f64>,
    /// Seconds left, an estimate from the rate; `None` where the end is not known.
    seconds_left: Option<f64>,
    last_error: Option<String>,
    /// Pages whose file differs from the manifest; only with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<Vec<u64>>,
    /// Pages whose file is not here; only with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<Vec<u64>>,
}

pub(crate) fn show(root: &Path, json: bool, verify: bool) -> Result<Outcome> {
    let sources = Stored::everything(root)?;
    if sources.is_empty() {
        let none = crawl_core::Error::new(crawl_core::Kind::Config, "no listing was begun here")
            .at(root.display().to_string())
            .advise("name the --root of a crawl");
        return Err(none.into());
    }
    let mut all = Vec::new();
    for id in &sources {
        let stored = Stored::open(root, id)?;
        let status = status(&stored, verify)?;
        if !json {
            crate::print(format!("{id}: {}", adds_up(stored.checkpoint())));
            print(&status);
        }
        all.push(status);
    }
    if json {
        crate::print(serde_json::to_string(&all)?);
    }
    let damaged = all.iter().flat_map(|status| &status.damaged).any(|pages| !pages.is_empty());
    let absent = all.iter().flat_map(|status| &status.absent).any(|pages| !pages.is_empty());
    if absent && !damaged {
        let what = "committed pages are not here, so they were not compared";
        return Err(crawl_core::Error::new(crawl_core::Kind::Gone, what)
            .at(root.display().to_string())
            .advise(
                "if --upload moved them, `s3-uploader verify ROOT/s3-receipts.jsonl` audits those that this machine sent; \
                 else restore them from a copy",
            )
            .into());
    }
    if damaged {
        let what = "committed pages differ from what was written";
        return Err(crawl_core::Error::new(crawl_core::Kind::Storage, what)
            .at(root.display().to_string())
            .advise("restore these pages from a copy, or crawl into a new root")
            .into());
    }
    Ok(Outcome::Done)
}

fn status(stored: &Stored, verify: bool) -> Result<Status> {
    let note = Note::of(stored);
    let checkpoint = stored.checkpoint();
    let totals = checkpoint.totals.clone();
    let per_second = rate(stored)?;
    let left =
        note.expects.and_then(|expects| expects.checked_sub(totals.listed)).filter(|_| !checkpoint.ended());
    let seconds_left = left.zip(per_second.filter(|rate| *rate > 0.0)).map(|(left, rate)| left as f64 / rate);
    let verified = verify.then(|| stored.verify()).transpose()?;
    Ok(Status {
        source: stored.id().to_string(),
        pages: checkpoint.pages,
        listed: totals.listed,
        kept: totals.records,
        dropped: totals.dropped,
        missing: totals.missing,
        bytes: totals.bytes,
        files: totals.files,
        file_bytes: totals.file_bytes,
        ended: checkpoint.ended(),
        running: stored.is_being_written(),
        per_second,
        seconds_left,
        last_error: note.last_error,
        damaged: verified.as_ref().map(|verified| verified.differ.clone()),
        absent: verified.map(|verified| verified.absent),
    })
}

fn rate(stored: &Stored) -> Result<Option<f64>> {
    let pages = stored.manifest()?;
    let last = &pages[pages.len().saturating_sub(RATE_PAGES)..];
    let [first, .., end] = last else { return Ok(None) };
    let seconds = Timestamp::as_millisecond(end.fetched_at).saturating_sub(first.fetched_at.as_millisecond())
        as f64
        / 1e3;
    let records: u64 = last.iter().skip(1).map(crawl_core::Manifest::listed).sum();
    Ok((seconds > 0.0).then(|| records as f64 / seconds))
}

fn print(status: &Status) {
    let state = match (status.ended, status.running) {
        (true, _) => "ended",
        (false, true) => "running",
        (false, false) => "not running; run its command again to go on",
    };
    let rate = status.per_second.map_or("unknown".to_owned(), |rate| format!("{rate:.1} records a second"));
    crate::print(format!("  {}, {}, {rate}; {state}", counted(status.pages, "page"), size(status.bytes)));
    if status.files > 0 {
        crate::print(format!("  {}, {}", counted(status.files, "file"), size(status.file_bytes)));
    }
    if let Some(seconds) = status.seconds_left {
        crate::print(format!("  about {} left at this rate", duration(seconds)));
    }
    for (reason, count) in &status.dropped {
        crate::print(format!("  dropped {:>12}  {reason}", grouped(*count)));
    }
    if let Some(error) = &status.last_error {
        crate::print(format!("  last error: {error}"));
    }
    for (what, pages) in [("damaged pages", &status.damaged), ("pages that are not here", &status.absent)] {
        let Some(pages) = pages else { continue };
        let text = if pages.is_empty() { "none".into() } else { ranges(pages) };
        crate::print(format!("  {what}: {text}"));
    }
}

/// Ascending numbers as `1-3, 7`.
fn ranges(numbers: &[u64]) -> String {
    let runs = numbers.chunk_by(|before, after| before + 1 == *after);
    let text = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        one => one.iter().map(u64::to_string).collect(),
    });
    text.collect::<Vec<_>>().join(", ")
}
