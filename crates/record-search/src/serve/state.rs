//! How far the crawls have come, and what the index is.

use std::path::{Path, PathBuf};

use crawl_core::{Error, Result, Stored, Timestamp};
use maud::html;
use serde::Serialize;
use serde_json::Value as Json;

use super::answer::{Answer, Ask};
use super::shared::told;
use super::{layout, show};
use crate::stats::Stats;

/// So many listings are told.
const MOST: usize = 200;

/// A listing under a root.
#[derive(Debug, Serialize)]
pub(super) struct Crawl {
    #[serde(skip)]
    pub(super) root: PathBuf,
    /// The last part of the root: the rest is nothing to those who ask.
    pub(super) name: String,
    pub(super) source: String,
    pub(super) pages: u64,
    pub(super) kept: u64,
    pub(super) missing: u64,
    pub(super) bytes: u64,
    pub(super) ended: bool,
    pub(super) running: bool,
    /// When its first and its last page were fetched.
    pub(super) began: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) last_error: Option<String>,
}

/// What could not be read.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) name: String,
    pub(super) why: String,
}

impl Unread {
    fn of(name: String, error: &Error) -> Self {
        tracing::warn!(%error, "the state of a crawl could not be read");
        Unread { name, why: told(error) }
    }
}

/// The listings under the roots.
pub(super) fn crawls(roots: &[PathBuf]) -> Vec<Crawl> {
    read(roots).0
}

fn read(roots: &[PathBuf]) -> (Vec<Crawl>, Vec<Unread>) {
    let (mut crawls, mut unread) = (Vec::new(), Vec::new());
    for root in roots {
        let sources = match Stored::everything(root) {
            Ok(sources) => sources,
            Err(error) => {
                unread.push(Unread::of(name(root), &error));
                continue;
            }
        };
        for id in sources.iter().take(MOST.saturating_sub(crawls.len())) {
            match Stored::open(root, id).and_then(|stored| of(root, &stored)) {
                Ok(crawl) => crawls.push(crawl),
                Err(error) => unread.push(Unread::of(format!("{} {id}", name(root)), &error)),
            }
        }
    }
    (crawls, unread)
}

fn name(root: &Path) -> String {
    root.file_name().map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn of(root: &Path, stored: &Stored) -> Result<Crawl> {
    let checkpoint = stored.checkpoint();
    let (first, last) = stored.ends()?.unzip();
    let note: Option<Json> = stored.note().and_then(|note| serde_json::from_str(&note).ok());
    let last_error = note.and_then(|note| Some(note.get("last_error")?.as_str()?.to_owned()));
    let last_error = last_error.map(|error| error.replace(&*root.to_string_lossy(), &name(root)));
    Ok(Crawl {
        root: root.to_owned(),
        name: name(root),
        source: stored.id().to_string(),
        pages: checkpoint.pages,
        kept: checkpoint.totals.records,
        missing: checkpoint.totals.missing,
        bytes: checkpoint.totals.bytes,
        ended: checkpoint.ended(),
        running: stored.is_being_written(),
        began: first.map(|page| page.fetched_at),
        last: last.map(|page| page.fetched_at),
        last_error,
    })
}

/// All of it, for programs and for the page.
#[derive(Serialize)]
pub(super) struct State {
    pub(super) index: Stats,
    pub(super) opened_at: Timestamp,
    /// Why a newer commit could not be opened.
    pub(super) failed: Option<String>,
    pub(super) crawls: Vec<Crawl>,
    pub(super) unread: Vec<Unread>,
}

pub(super) fn state(ask: &Ask) -> Result<State> {
    let held = ask.shared.held();
    let (crawls, unread) = read(&ask.shared.roots);
    Ok(State { index: ask.index.stats()?, opened_at: held.opened_at, failed: held.failed, crawls, unread })
}

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let state = state(ask)?;
    let index = &state.index;
    let time = |time: Option<Timestamp>| {
        time.map_or("unknown".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
    };
    let content = html! {
        main #main.narrow {
            h1 { "State" }
            section {
                h2 { "Index" }
                @if let Some(failed) = &state.failed { p.error role="alert" { "A newer commit could not be opened: " (show::text(failed)) } }
                dl.steps {
                    div { dt { "Records" } dd { (show::grouped(index.documents)) } }
                    @for (source, count) in &index.sources { div { dt { "of " bdi { (show::beginning(source, 60)) } } dd { (show::grouped(*count)) } } }
                    div { dt { "Size on the disk" } dd { (show::bytes(index.bytes as f64)) } }
                    div { dt { "Opened" } dd { (time(Some(state.opened_at))) " UTC" } }
                    div { dt { "Places of records that went" } dd { (show::grouped(index.dead)) } }
                    div { dt { "Values cut, as too long" } dd { (show::grouped(index.cut)) } }
                    @match &index.model {
                        Some(model) => { div { dt { "Vectors" } dd { (show::grouped(index.vectors)) ", " (model.dimension) " numbers each, by " (show::text(&model.name)) } } }
                        None => { div { dt { "Vectors" } dd { "none: words alone" } } }
                    }
                }
            }
            section {
                h2 { "Crawls" }
                @if ask.shared.roots.is_empty() { p { "No root of a crawl was named. Start with " code { "--root DIR" } " to see how far crawls have come." } }
                @for unread in &state.unread { p.error role="alert" { bdi { (show::beginning(&unread.name, 80)) } ": " (show::beginning(&unread.why, 300)) } }
                @if !state.crawls.is_empty() {
                    div.wide tabindex="0" role="region" aria-label="Crawls" {
                        table {
                            thead { tr {
                                th scope="col" { "Listing" } th scope="col" { "State" } th.number scope="col" { "Records" }
                                th.number scope="col" { "Missing" } th.number scope="col" { "Size" } th scope="col" { "First page" } th scope="col" { "Last page" }
                            } }
                            tbody { @for crawl in &state.crawls { tr {
                                th scope="row" { bdi { (show::beginning(&crawl.name, 60)) } " " span.note { (show::beginning(&crawl.source, 60)) } }
                                td {
                                    @match (crawl.ended, crawl.running) { (true, _) => { "ended" } (_, true) => { "running" } _ => { "not running" } }
                                    @if let Some(error) = &crawl.last_error { br; span.note { (show::beginning(error, 200)) } }
                                }
                                td.number { (show::grouped(crawl.kept)) }
                                td.number { (show::grouped(crawl.missing)) }
                                td.number { (show::bytes(crawl.bytes as f64)) }
                                td { (time(crawl.began)) }
                                td { (time(crawl.last)) }
                            } } }
                        }
                    }
                }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "State – record-search", "/state", &content)))
}
