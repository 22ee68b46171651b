//! `record-search index`.

use std::path::PathBuf;
use std::time::Instant;

use super::show::counted;
use super::vectors::VectorFlags;
use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session, duration, grouped, say, size};
use crawl_core::Stop;
use record_search::{BadRow, Changes, Inputs, Mapping, Progress, Writer};
use tokio::runtime::Handle;

pub(super) const EXAMPLES: &str = "Examples:
  record-search index data/models --index data/index             a root of hf-crawler; again after each crawl
  record-search index data/models data/forums --index data/index
  record-search index rows.jsonl --mapping my-rows.toml --index data/index
  record-search index all.jsonl --mapping hf-models --complete --index data/index    what is not there goes";

/// So many bad rows are shown; the summary counts all.
const SHOWN: usize = 20;

#[derive(Args, Debug)]
pub(super) struct IndexFlags {
    /// Roots of crawls, and files of records: .jsonl, compressed (.gz, .zst) or not, and .parquet
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The folder of the index; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    index: PathBuf,
    /// Which fields are what: a shipped mapping by name, or a file of your own; may be given several times. Without it: those that fit the listings of the roots
    #[arg(long, value_name = "NAME|FILE")]
    mapping: Vec<String>,
    /// Only this listing of the roots
    #[arg(long, value_name = "LISTING")]
    source: Option<String>,
    /// The inputs hold all that their sources have: what is indexed and is not there goes, if the crawls ended and every row was read
    #[arg(long)]
    complete: bool,
    #[command(flatten)]
    vectors: VectorFlags,
    /// Commit after so many rows
    #[arg(long, value_name = "ROWS", default_value_t = Inputs::COMMIT_ROWS, value_parser = clap::value_parser!(u64).range(1..))]
    commit_rows: u64,
    /// No more rows than these
    #[arg(long, value_name = "ROWS")]
    limit: Option<u64>,
}

pub(super) async fn run(flags: IndexFlags, stop: Stop, session: &Session) -> Result<Outcome> {
    let began = Instant::now();
    let runtime = Handle::current();
    let (index, quiet) = (flags.index.clone(), session.flags().quiet);
    let work = tokio::task::spawn_blocking(move || work(flags, &stop, quiet, &runtime));
    let (progress, changes, documents) = work.await??;
    for BadRow { place, row, why } in progress.bad.iter().take(SHOWN) {
        say(format!("missing: {place} row {row}: {why}"));
    }
    if progress.missing > SHOWN as u64 {
        say(format!("missing: ... and {} more", grouped(progress.missing - SHOWN as u64)));
    }
    for listing in &progress.unread {
        say(format!("not read: {listing}: no mapping fits; name one with --source and --mapping"));
    }
    let kept = progress.kept.as_ref().filter(|_| !progress.stopped);
    if let Some(why) = kept {
        say(format!("nothing was taken for gone, for not all is known that there is: {why}"));
    }
    let seconds = began.elapsed().as_secs_f64();
    if session.flags().log == crawl_cli::LogForm::Json {
        say(serde_json::json!({
            "message": "summary", "index": index, "rows": progress.rows, "added": changes.added,
            "updated": changes.updated, "unchanged": changes.unchanged, "removed": changes.removed,
            "gone": progress.gone, "missing": progress.missing, "kept": kept, "documents": documents,
            "stopped": progress.stopped, "seconds": (seconds * 1000.0).round() / 1000.0,
        }));
    } else {
        say(format!(
            "{}: {} read: {} added, {} updated, {} unchanged, {} gone, {} missing",
            index.display(),
            counted(progress.rows, "row"),
            grouped(changes.added),
            grouped(changes.updated),
            grouped(changes.unchanged),
            grouped(progress.gone),
            grouped(progress.missing),
        ));
        if progress.skipped > 0 {
            say(format!(
                "  {} that an earlier run had read: not read again",
                counted(progress.skipped, "page")
            ));
        }
        let bytes = record_search::Index::open(&index, None)?.bytes();
        say(format!(
            "  {} removed; {} in the index, {}, in {}{}",
            counted(changes.removed, "document"),
            grouped(documents),
            size(bytes),
            duration(seconds),
            if progress.stopped { "; stopped: run the same command to go on" } else { "" },
        ));
    }
    let undone = progress.missing + u64::from(kept.is_some());
    Ok(if progress.stopped { Outcome::Stopped } else { Outcome::missing(undone) })
}

fn work(flags: IndexFlags, stop: &Stop, quiet: bool, runtime: &Handle) -> Result<(Progress, Changes, u64)> {
    let mappings = match flags.mapping.is_empty() {
        true => Mapping::shipped()?,
        false => flags.mapping.iter().map(|name| mapping(name)).collect::<Result<_>>()?,
    };
    let inputs = Inputs {
        paths: flags.inputs,
        mappings,
        listing: flags.source,
        complete: flags.complete,
        limit: flags.limit,
        commit_rows: flags.commit_rows,
    };
    let embedder = flags.vectors.embedder(&flags.index, runtime)?;
    let mut writer = Writer::open(&flags.index, embedder)?;
    let mut told = Instant::now();
    let progress = inputs.read(&mut writer, stop, &mut |progress, writer| {
        if !quiet && told.elapsed().as_secs() >= 5 {
            told = Instant::now();
            let (rows, documents) = (counted(progress.rows, "row"), counted(writer.documents(), "document"));
            say(format!("{rows} read, {documents}"));
        }
    })?;
    let (changes, documents) = (writer.changes(), writer.documents());
    writer.close()?;
    Ok((progress, changes, documents))
}

/// A shipped mapping, or one in a file.
fn mapping(name: &str) -> Result<Mapping> {
    if !name.ends_with(".toml") {
        return Ok(Mapping::named(name)?);
    }
    let failed = |cause: std::io::Error| {
        let gone = cause.kind() == std::io::ErrorKind::NotFound;
        let error = crawl_core::Error::io("cannot read the mapping", name.as_ref(), cause);
        if gone {
            error.advise("name a mapping file that is there, or a shipped one such as hf-models")
        } else {
            error
        }
    };
    Ok(Mapping::parse(name, &std::fs::read_to_string(name).map_err(failed)?)?)
}
