//! The same as the pages, as JSON.

use crawl_core::{Error, Kind, Result};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::answer::{Answer, Ask};
use super::{authors, catalogue, compare as comparison, family, hits, histogram, memory, model as record, state as states};
use crate::query::MOST_HITS;
use crate::shown::Shown;

/// What was found, as `record-search query --json` has it, and the address of the next hits.
pub(super) fn search(ask: &Ask) -> Result<Answer> {
    let query = ask.asked.query(&ask.index)?;
    let found = ask.index.search(&query)?;
    let until = query.offset + found.hits.len();
    let more = !found.hits.is_empty() && (until as u64) < found.total && until + query.limit <= MOST_HITS;
    let mut json = value(&found)?;
    let page = ask.asked.page()? + 1;
    json["next"] = json!(more.then(|| ask.asked.with("page", Some(&page.to_string())).url("/api/search")));
    Ok(Answer::Json(json))
}

/// A record with its memory and its variants.
pub(super) fn model(ask: &Ask) -> Result<Answer> {
    let shown = record::named(ask)?;
    let (variants, total) = family::variants(ask, &shown)?;
    let mut json = one(&shown)?;
    json["variants"] = json!(variants.iter().map(|variant| hits::key(&variant.shown)).collect::<Vec<_>>());
    json["variants_total"] = json!(total);
    Ok(Answer::Json(json))
}

fn one(shown: &Shown) -> Result<Json> {
    let mut json = value(shown)?;
    json["key"] = json!(hits::key(shown));
    json["memory"] = json!(memory::CONTEXTS.map(|context| family::need(shown, context)));
    Ok(json)
}

pub(super) fn compare(ask: &Ask) -> Result<Answer> {
    let shown = comparison::named(ask)?;
    Ok(Answer::Json(json!({ "models": shown.iter().map(one).collect::<Result<Vec<_>>>()? })))
}

pub(super) fn catalogue(ask: &Ask) -> Result<Answer> {
    let new = catalogue::new(ask)?;
    let new = new.map(|new| json!({ "since": super::show::moment(new.since), "what": new.what, "count": new.found.total }));
    Ok(Answer::Json(json!({
        "documents": ask.index.documents(), "columns": value(&histogram::all(&ask.index)?)?, "new": new,
    })))
}

pub(super) fn authors(ask: &Ask) -> Result<Answer> {
    Ok(Answer::Json(json!({ "authors": value(&authors::top(ask)?)? })))
}

pub(super) fn state(ask: &Ask) -> Result<Answer> {
    value(&states::state(ask)?).map(Answer::Json)
}

fn value(of: &impl Serialize) -> Result<Json> {
    serde_json::to_value(of)
        .map_err(|cause| Error::new(Kind::Storage, "the answer cannot be written as JSON").because(cause))
}
