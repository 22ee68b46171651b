//! Hits, explanations and statistics for people.

use std::fmt::Write;
use std::path::Path;

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, grouped, print, size};
use crawl_core::{Timestamp, visible};
use record_search::{Cell, Explain, Hit, HitExplain, Hits, Index, Kind, Shown, Tier, Value};

/// What is told of a hit beside its name, in this order, where it is known.
const TOLD: &[&str] = &[
    "task",
    "library",
    "architecture",
    "params",
    "license",
    "language",
    "context",
    "downloads",
    "likes",
    "updated",
];

/// `1 row`, `2 rows`.
pub(super) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Hits as a table of two lines each.
pub(super) fn hits(found: &Hits, offset: usize) -> String {
    let mut out = String::new();
    for (at, hit) in found.hits.iter().enumerate() {
        one(&mut out, offset + at + 1, hit);
    }
    // Writing to a String cannot fail.
    let _ = match found.hits.len() {
        0 if found.total == 0 => writeln!(out, "nothing found"),
        0 => writeln!(out, "{} found, none behind number {offset}", grouped(found.total)),
        shown => writeln!(out, "{}-{} of {} found", offset + 1, offset + shown, grouped(found.total)),
    };
    for facet in &found.facets {
        let texts: Vec<String> = facet
            .texts
            .iter()
            .map(|(text, count)| format!("{} {}", visible(text), grouped(*count)))
            .collect();
        let _ = writeln!(out, "{}: {}", facet.column, texts.join(", "));
    }
    for note in &found.explain.notes {
        let _ = writeln!(out, "{}", visible(note));
    }
    considered(&mut out, &found.explain, found.hits.iter().any(|hit| hit.explain.is_some()));
    out.truncate(out.trim_end().len());
    out
}

fn one(out: &mut String, number: usize, hit: &Hit) {
    let Shown { source, id, name, .. } = &hit.shown;
    let title = if id.ends_with(name.as_str()) {
        visible(id).into_owned()
    } else {
        format!("{}  ({})", visible(name), visible(id))
    };
    let _ = writeln!(out, "{number:>3}  {title}  [{}]", visible(source));
    let told: Vec<String> =
        TOLD.iter().filter_map(|column| value(column, hit.shown.columns.get(*column)?)).collect();
    let _ = writeln!(out, "     {}", told.join(" · "));
    if let Some(variants) = hit.variants.filter(|variants| *variants > 0) {
        let _ = writeln!(out, "     and {} of it", counted(variants, "variant"));
    }
    if let Some(explain) = &hit.explain {
        why(out, hit, explain);
    }
}

fn value(column: &str, cell: &Cell) -> Option<String> {
    let about = if cell.derived { "~" } else { "" };
    let text = match (&cell.value, column) {
        (Value::Texts(texts), _) => {
            let shown: Vec<_> = texts.iter().take(3).map(|text| visible(text).into_owned()).collect();
            let more = if texts.len() > 3 { format!(" +{}", texts.len() - 3) } else { String::new() };
            format!("{}{more}", shown.join(", "))
        }
        (Value::Number(seconds), "updated" | "created") => day(*seconds)?,
        (Value::Number(number), _) => format!("{} {column}", short(*number)),
    };
    Some(format!("{about}{text}"))
}

fn day(seconds: f64) -> Option<String> {
    let time = Timestamp::from_second(seconds as i64).ok()?;
    Some(time.to_string().chars().take(10).collect())
}

fn short(number: f64) -> String {
    match number.abs() {
        1e12.. => format!("{:.1}T", number / 1e12),
        1e9.. => format!("{:.1}B", number / 1e9),
        1e6.. => format!("{:.1}M", number / 1e6),
        1e4.. => format!("{:.1}k", number / 1e3),
        _ => format!("{number}"),
    }
}

fn why(out: &mut String, hit: &Hit, explain: &HitExplain) {
    let tier = match explain.tier {
        Tier::Id => "its id is the query",
        Tier::Name => "its name is the query",
        Tier::InName => "all words are in its name",
        Tier::Ranks => "by ranks",
        Tier::Sorted => "in the order of the column",
    };
    let addends: Vec<String> = explain
        .addends
        .iter()
        .map(|addend| format!("{} {:.6}", visible(&addend.what), addend.value))
        .collect();
    let _ = writeln!(
        out,
        "     why: {tier}; score {:.6} = {}",
        hit.score,
        if addends.is_empty() { "0".into() } else { addends.join(" + ") }
    );
    let rank = |rank: Option<usize>| rank.map_or("none".to_owned(), |rank| rank.to_string());
    let cosine = explain.cosine.map_or("absent".to_owned(), |cosine| format!("{cosine:.4}"));
    let _ = writeln!(
        out,
        "     rank by words {}, by meaning {} (cosine {cosine})",
        rank(explain.rank_by_words),
        rank(explain.rank_by_meaning)
    );
    let bm25: Vec<String> = explain
        .bm25
        .iter()
        .map(|part| format!("{}:{} {:.3}", part.field, visible(&part.word), part.value))
        .collect();
    if !bm25.is_empty() {
        let _ = writeln!(out, "     BM25: {}", bm25.join(" + "));
    }
    let values: Vec<String> =
        explain.values.iter().map(|(name, standing)| format!("{name} {standing:?}").to_lowercase()).collect();
    let _ = writeln!(out, "     values: {}", values.join(", "));
}

/// What was considered and left out: where it was asked for, and where it is not what one would think.
fn considered(out: &mut String, explain: &Explain, all: bool) {
    if !all && explain.filters.iter().all(|filter| filter.unknown == 0) && explain.as_asked() {
        return;
    }
    let _ = writeln!(
        out,
        "{} considered, {} passed the filters",
        grouped(explain.considered),
        grouped(explain.passed)
    );
    for filter in &explain.filters {
        let _ = writeln!(
            out,
            "  {}: left out {}, and {} of which it is unknown",
            visible(&filter.filter),
            grouped(filter.excluded),
            grouped(filter.unknown)
        );
    }
    if explain.restricted > 0 {
        let _ = writeln!(out, "  phrases and minus words left out {}", grouped(explain.restricted));
    }
    if let Some(words) = explain.words_matched {
        let _ = writeln!(out, "  words found in {}", grouped(words));
    }
    if !explain.meaning.is_empty() {
        let known = explain
            .words_known
            .map_or(String::new(), |(known, words)| format!(" ({known} of {words} words known)"));
        let _ = writeln!(out, "  meaning {}{known}", explain.meaning);
    }
    for begin in &explain.cut_beginnings {
        let _ = writeln!(out, "  {}* stands for more words than are looked at", visible(begin));
    }
}

/// What an index holds.
pub(super) fn stats(folder: &Path, json: bool) -> Result<Outcome> {
    let stats = Index::open(folder, None)?.stats()?;
    if json {
        print(serde_json::to_string(&stats)?);
        return Ok(Outcome::Done);
    }
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}, {}, {}",
        counted(stats.documents, "document"),
        size(stats.bytes),
        counted(stats.dead, "dead place")
    );
    for (source, count) in &stats.sources {
        let _ = writeln!(out, "  {:>12}  {}", grouped(*count), visible(source));
    }
    let _ = match &stats.model {
        Some(model) => writeln!(
            out,
            "vectors: {} of {} numbers ({}, {})",
            grouped(stats.vectors),
            model.dimension,
            visible(&model.name),
            visible(&model.digest)
        ),
        None => writeln!(out, "no vectors"),
    };
    if stats.cut > 0 {
        let _ = writeln!(out, "{} values were longer than an index takes, and were cut", grouped(stats.cut));
    }
    let _ = writeln!(out, "columns: known of how many, and how many different texts");
    for (name, column) in &stats.columns {
        let kind = match column.kind {
            Kind::Facet => "facet",
            Kind::Number => "number",
            Kind::Time => "time",
        };
        let texts = column.texts.map_or(String::new(), |texts| format!("  {}", grouped(texts)));
        let _ = writeln!(out, "  {name:<16} {kind:<7} {:>12}{texts}", grouped(column.known));
    }
    out.truncate(out.trim_end().len());
    print(out);
    Ok(Outcome::Done)
}
