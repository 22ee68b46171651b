//! The same as the pages, as JSON.

use crawl_core::{Error, Kind, Result};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::answer::{Answer, Ask};
use super::{
    authors, catalogue, compare as comparison, family, histogram, hits, memory, model as record,
    state as states,
};
use crate::search::Hits;
use crate::shown::Shown;

#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    found: &'a Hits,
    next: Option<String>,
}

/// What was found, as `record-search query --json` has it, and the address of the next hits.
pub(super) fn search(ask: &Ask) -> Result<Answer> {
    let query = ask.asked.query(&ask.index)?;
    let found = ask.index.search(&query)?;
    text(&Found { found: &found, next: ask.asked.next("/api/search", found.total)? })
}

/// A record with its memory and its variants.
pub(super) fn model(ask: &Ask) -> Result<Answer> {
    let shown = record::named(ask)?;
    let (variants, total) = family::variants(ask, &shown)?;
    let mut json = one(&shown)?;
    json["variants"] = json!(variants.iter().map(|variant| hits::key(&variant.shown)).collect::<Vec<_>>());
    json["variants_total"] = json!(total);
    text(&json)
}

fn one(shown: &Shown) -> Result<Json> {
    let mut json = value(shown)?;
    json["key"] = json!(hits::key(shown));
    json["memory"] = json!(memory::CONTEXTS.map(|context| family::need(shown, context)));
    Ok(json)
}

pub(super) fn compare(ask: &Ask) -> Result<Answer> {
    let shown = comparison::named(ask)?;
    text(&json!({ "models": shown.iter().map(one).collect::<Result<Vec<_>>>()? }))
}

pub(super) fn catalogue(ask: &Ask) -> Result<Answer> {
    let new = catalogue::new(ask)?;
    let new = new.map(
        |new| json!({ "since": super::show::moment(new.since), "what": new.what, "count": new.found.total }),
    );
    text(&json!({
        "documents": ask.index.documents(), "columns": value(&histogram::all(&ask.index)?)?, "new": new,
    }))
}

pub(super) fn authors(ask: &Ask) -> Result<Answer> {
    text(&json!({ "authors": value(&authors::top(ask)?)? }))
}

pub(super) fn state(ask: &Ask) -> Result<Answer> {
    text(&states::state(ask)?)
}

/// Numbers as the program prints them: by way of a [`Json`] short ones would become long.
fn text(of: &impl Serialize) -> Result<Answer> {
    serde_json::to_string(of).map(Answer::Json).map_err(unwritten)
}

fn value(of: &impl Serialize) -> Result<Json> {
    serde_json::to_value(of).map_err(unwritten)
}

fn unwritten(cause: serde_json::Error) -> Error {
    Error::new(Kind::Storage, "the answer cannot be written as JSON").because(cause)
}
