//! Which models of a catalogue fit so much memory.

use std::borrow::Cow;

use crawl_core::Result;
use model_facts::{Facts, Fit, Footprint, fits, tokens_per_second_bound};
use serde::Serialize;

use super::file::Catalogue;
use super::gone::Passes;

/// A model, and the memory that it needs. What is not known is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitting {
    /// `owner/name`, or a bare `name`.
    pub id: String,
    /// `yes` at the high estimate too, `tight` at the low one only.
    pub fit: &'static str,
    /// Downloads of the last 30 days.
    pub downloads: Option<u64>,
    /// Parameters, and what they were counted from.
    pub parameters: Option<u64>,
    /// What they were counted from.
    pub parameters_basis: Option<&'static str>,
    /// Which files stand for the model.
    pub weight_variant: Option<&'static str>,
    /// Bytes of those files.
    pub weight_bytes: Option<u64>,
    /// Bytes of the cache a token, at 16 bits.
    pub kv_bytes_per_token: Option<u64>,
    /// Bytes; it does not run with less.
    pub memory_low: Option<u64>,
    /// Bytes, with what a runtime takes.
    pub memory_likely: Option<u64>,
    /// Bytes, with activations of an unkind runtime.
    pub memory_high: Option<u64>,
    /// An upper bound, where the device's bandwidth is known; nothing that was measured.
    pub tokens_per_second_bound: Option<f64>,
    /// `yes`, `no`, `conditions` or `unknown`.
    pub license_commercial: &'static str,
    /// Whether a double made it up.
    pub synthetic: Option<bool>,
}

/// How many models there are of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sorts {
    /// Those that fit at the high estimate too.
    pub yes: u64,
    /// Those that fit at the low estimate only.
    pub tight: u64,
    /// Those that do not fit.
    pub no: u64,
    /// Those of which too little is known: they never count as fitting.
    pub unknown: u64,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Bytes.
    pub memory: u64,
    /// Bytes a second, where it is known.
    pub bandwidth: Option<u64>,
    /// Tokens.
    pub context: u64,
    /// Bits of a number in the cache.
    pub cache_bits: u64,
}

/// Gives each model that fits and is not gone to `take`, in the order of the catalogue.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if it is a catalogue of datasets; those of reading it, and those of `take`.
pub fn fitting(
    catalogue: &Catalogue,
    machine: Machine,
    mut take: impl FnMut(Fitting) -> Result<()>,
) -> Result<Sorts> {
    catalogue.of_models()?;
    let passes = Passes::of(catalogue.runs());
    let mut sorts = Sorts::default();
    for row in catalogue.rows()? {
        let row = row?;
        if passes.gone_at(row.last).is_some() {
            continue;
        }
        let facts = Facts::of(&row.record);
        let footprint: Footprint = facts.footprint();
        let need = footprint.memory(machine.context, machine.cache_bits);
        let fit = match fits(need, machine.memory) {
            Fit::Yes => "yes",
            Fit::Tight => "tight",
            Fit::No => {
                sorts.no += 1;
                continue;
            }
            Fit::Unknown => {
                sorts.unknown += 1;
                continue;
            }
        };
        *(if fit == "yes" { &mut sorts.yes } else { &mut sorts.tight }) += 1;
        let bound = facts.bytes_read_per_token.zip(machine.bandwidth);
        take(Fitting {
            id: facts.model.id.get().cloned().map(Cow::into_owned).unwrap_or_default(),
            fit,
            downloads: facts.model.downloads.get().copied(),
            parameters: facts.parameters.map(|(count, _)| count),
            parameters_basis: facts.parameters.map(|(_, basis)| basis.word()),
            weight_variant: facts.variant,
            weight_bytes: facts.weight_bytes,
            kv_bytes_per_token: footprint.kv_bytes_per_token,
            memory_low: need.low,
            memory_likely: need.likely,
            memory_high: need.high,
            tokens_per_second_bound: bound.and_then(|(bytes, rate)| tokens_per_second_bound(bytes, rate)),
            license_commercial: facts.licence.as_ref().map_or("unknown", |own| own.commercial.word()),
            synthetic: facts.synthetic,
        })?;
    }
    Ok(sorts)
}
