//! A short report of what changed, for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::diff::{Change, Counts, KINDS};

/// So many of each kind are named.
const NAMED: usize = 20;
/// A name or a value is cut at so many characters.
const LONGEST: usize = 80;

/// Gathers the first changes of each kind, and writes them as Markdown.
#[derive(Debug, Default)]
pub struct Report {
    named: BTreeMap<&'static str, Vec<String>>,
}

impl Report {
    /// Takes the next change.
    pub fn add(&mut self, change: &Change) {
        for kind in &change.kind {
            let named = self.named.entry(kind).or_default();
            if named.len() < NAMED {
                named.push(line(kind, change));
            }
        }
    }

    /// The report. Names come from outside: they are escaped, so that they are shown and do nothing.
    pub fn markdown(&self, counts: &Counts) -> String {
        let mut text = String::from("# What changed\n\n| | rows |\n|---|---|\n");
        let count = |kind: &str| counts.kinds.get(kind).copied().unwrap_or_default();
        for kind in KINDS {
            let _ = writeln!(text, "| {} | {} |", title(kind), count(kind));
        }
        let _ = writeln!(text, "| as before, counters aside | {} |", counts.same);
        if counts.unseen > 0 {
            let _ = writeln!(
                text,
                "| only in the first, and no whole pass says that they are gone | {} |",
                counts.unseen
            );
        }
        for kind in KINDS {
            let Some(named) = self.named.get(kind) else { continue };
            let _ = write!(text, "\n## {}\n\n", title(kind));
            named.iter().for_each(|line| text.push_str(line));
            let more = count(kind).saturating_sub(named.len() as u64);
            if more > 0 {
                let _ = writeln!(text, "\nand {more} more");
            }
        }
        text
    }
}

fn title(kind: &str) -> &str {
    match kind {
        "licence" => "licence changed",
        "gated" => "gated changed",
        "counters" => "counters moved",
        other => other,
    }
}

fn line(kind: &str, change: &Change) -> String {
    let name = shown(change.id.as_deref().or(change.object_id.as_deref()).unwrap_or_default());
    let value = |of: &BTreeMap<String, Box<serde_json::value::RawValue>>, field: &str| {
        of.get(field).map_or("nothing".to_owned(), |value| shown(value.get()))
    };
    let field = |field: &str| format!(": {} → {}", value(&change.from, field), value(&change.to, field));
    let more = match kind {
        "renamed" => field("id"),
        "licence" => field("license"),
        "gated" => field("gated"),
        "changed" => format!(": {}", shown(&change.fields.join(", "))),
        _ => String::new(),
    };
    format!("- {name}{more}\n")
}

/// A text from outside, on one line, with nothing in it that Markdown reads.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    for letter in crawl_core::visible(&cut).chars() {
        if letter.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(if letter.is_whitespace() { ' ' } else { letter });
    }
    out
}
