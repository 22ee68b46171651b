//! Memory that a model needs, by quantisation and context. All of it is worked out, and says so.

use maud::{Markup, html};
use model_facts::hardware::CACHE_BITS;
use model_facts::{Fit, Footprint, Need, fits};

use super::answer::Ask;
use super::family::Variant;
use super::show;
use crate::document::{Kind, Value};
use crate::filter;
use crate::shown::Shown;

/// Contexts that are told, in tokens.
pub(super) const CONTEXTS: [u64; 4] = [2_048, 8_192, 32_768, 131_072];
/// Bits a parameter, for sizes that are guessed from the number of parameters alone.
const GUESSED: [u64; 3] = [16, 8, 4];
/// What the numbers are made of.
pub(super) const FORMULA: &str = "derived: weights + cache of one sequence at 16 bits + 0.5 GB for the program that runs \
                                  it; up to 20 % of the weights more where that program is unkind";

/// A number of a record; `None` where it is unknown.
pub(super) fn number(shown: &Shown, column: &str) -> Option<f64> {
    match &shown.columns.get(column)?.value {
        Value::Number(number) => Some(*number),
        Value::Texts(_) => None,
    }
}

/// What memory depends on.
pub(super) fn footprint(shown: &Shown) -> Footprint {
    let whole = |column| number(shown, column).filter(|number| *number >= 0.0).map(|number| number as u64);
    Footprint {
        weight_bytes: whole("weight_bytes"),
        kv_bytes_per_token: whole("kv_bytes_per_token"),
        kv_window_bytes_per_token: whole("kv_window_bytes_per_token"),
        kv_window: whole("kv_window"),
    }
}

/// `8k`.
pub(super) fn tokens(context: u64) -> String {
    match context {
        _ if context.is_multiple_of(1_024) && context > 0 => format!("{}k", context / 1_024),
        _ => show::grouped(context),
    }
}

struct Row {
    name: String,
    /// Where the bytes of the weights are from.
    basis: String,
    guessed: bool,
    footprint: Footprint,
}

/// A table: a row a quantisation, a column a context. `None` where nothing is known.
pub(super) fn table(ask: &Ask, shown: &Shown, variants: &[Variant]) -> Option<Markup> {
    let own = footprint(shown);
    let mut rows = Vec::new();
    if own.weight_bytes.is_some() {
        let name = match shown.columns.get("quantisation").or_else(|| shown.columns.get("dtype")) {
            Some(cell) => format!("as it is: {}", show::cell("dtype", Kind::Facet, cell, 1)),
            None => "as it is".to_owned(),
        };
        rows.push(Row { name, basis: "its files".into(), guessed: false, footprint: own });
    }
    for variant in variants.iter().filter(|variant| variant.shown.id != shown.id) {
        let of = footprint(&variant.shown);
        if of.weight_bytes.is_some() {
            // A quantised model has the cache of what it was made of.
            let footprint = if of.kv_bytes_per_token.is_some() {
                of
            } else {
                Footprint { weight_bytes: of.weight_bytes, ..own }
            };
            let basis = show::beginning(&variant.shown.id, 80);
            rows.push(Row { name: variant.quantisation.clone(), basis, guessed: false, footprint });
        }
    }
    if let Some(params) = number(shown, "params").filter(|params| *params >= 1.0 && *params < 1e15) {
        for bits in GUESSED {
            let weight_bytes = Some((params * bits as f64 / 8.0) as u64);
            rows.push(Row {
                name: format!("{bits} bits a parameter"),
                basis: format!("an estimate: parameters × {bits} / 8"),
                guessed: true,
                footprint: Footprint { weight_bytes, ..own },
            });
        }
    }
    if rows.is_empty() {
        return None;
    }
    let most = number(shown, "context");
    let memory = ask.asked.one("fits").and_then(|device| usable(ask, device));
    Some(html! {
        div.wide tabindex="0" role="region" aria-label="Memory by quantisation and context" {
            table.memory {
                caption { "Likely memory, with the least and the most in brackets. " span.note { (FORMULA) "." } }
                thead {
                    tr {
                        th scope="col" { "Quantisation" }
                        th scope="col" { "Weights" }
                        @for context in CONTEXTS {
                            th scope="col" {
                                (tokens(context)) " tokens"
                                @if most.is_some_and(|most| (context as f64) > most) { br; span.note { "beyond its context" } }
                            }
                        }
                    }
                }
                tbody {
                    @for row in &rows {
                        tr.guess[row.guessed] {
                            th scope="row" { (row.name) br; span.note { (row.basis) } }
                            td.number { (row.footprint.weight_bytes.map_or("unknown".into(), |own| show::bytes(own as f64))) }
                            @for context in CONTEXTS {
                                (cell(row.footprint.memory(context, CACHE_BITS), memory))
                            }
                        }
                    }
                }
            }
        }
    })
}

fn cell(need: Need, memory: Option<u64>) -> Markup {
    let told = |bytes: Option<u64>| bytes.map(|bytes| show::bytes(bytes as f64));
    let verdict = memory.and_then(|memory| match fits(need, memory) {
        Fit::Yes => Some(("yes", "fits")),
        Fit::Tight => Some(("tight", "may just fit")),
        Fit::No => Some(("no", "too large")),
        Fit::Unknown => None,
    });
    html! {
        td.number {
            @match (told(need.likely), told(need.low), told(need.high)) {
                (Some(likely), Some(low), Some(high)) => { (likely) br; span.note { "(" (low) " – " (high) ")" } }
                (_, Some(low), _) => { span.unknown { "unknown" } br; span.note { "at least " (low) } }
                _ => { span.unknown { "unknown" } }
            }
            @if let Some((class, word)) = verdict { br; span class={ "fit " (class) } { (word) } }
        }
    }
}

/// Bytes of a device, or as written.
pub(super) fn usable(ask: &Ask, device: &str) -> Option<u64> {
    let known = ask.index.devices().named(device).map(|device| device.usable_bytes);
    known.or_else(|| {
        filter::number(device).filter(|bytes| *bytes >= 1.0 && *bytes < 1e18).map(|bytes| bytes as u64)
    })
}
