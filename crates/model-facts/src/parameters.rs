//! How many parameters a model has, and what that was read from. A number that others contradict is unknown.

use std::collections::{BTreeMap, HashMap};

use crawl_core::record::{Field, HfModel};

use crate::config::Config;
use crate::files::{Variant, shard};
use crate::quantised::Quantisation;
use crate::{gguf, safetensors};

/// What a number of parameters was read from, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The headers of all files of the variant.
    Header,
    /// The sum of the Hub's `safetensors.parameters`, packed types counted as what they hold.
    DtypeSum,
    /// A total that the Hub tells without its parts (`gguf.total`, `safetensors.total`).
    Declared,
}

impl Basis {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Basis::Header => "header",
            Basis::DtypeSum => "dtype_sum",
            Basis::Declared => "declared",
        }
    }
}

/// How far bytes and a number of parameters may be apart before one of them must be wrong: headers are small.
const APART: f64 = 0.03;

/// What is known about the weights of safetensors.
pub(crate) struct Known<'a, 'b> {
    pub(crate) model: &'b HfModel<'a>,
    pub(crate) headers: &'b [(String, safetensors::Header)],
    pub(crate) gguf_headers: &'b [(String, gguf::Header)],
    pub(crate) quantisation: Option<&'b Quantisation>,
    pub(crate) safetensors: Option<&'b Variant>,
    pub(crate) gguf: Option<&'b Variant>,
}

impl Known<'_, '_> {
    /// The parameters, and their basis.
    pub(crate) fn parameters(&self) -> Option<(u64, Basis)> {
        let basis = |basis| move |count| (count, basis);
        self.of_headers()
            .map(basis(Basis::Header))
            .or_else(|| self.of_types().map(basis(Basis::DtypeSum)))
            .or_else(|| self.of_gguf_headers().map(basis(Basis::Header)))
            .or_else(|| self.declared().map(basis(Basis::Declared)))
    }

    fn of_headers(&self) -> Option<u64> {
        let own = whole(self.headers, self.safetensors)?;
        let bits = self.quantisation.and_then(|own| own.bits);
        own.into_iter().try_fold(0u64, |sum, header| {
            let plain = sum_of(&header.parameters)?;
            let packed = header.packed.iter().try_fold(0u64, |sum, (kind, count)| {
                let bits = bits.or(header.packed_bits).filter(|bits| *bits > 0)?;
                sum.checked_add(unpacked(*count, bits_of(kind)?, bits)?)
            })?;
            sum.checked_add(plain)?.checked_add(packed)
        })
    }

    fn of_gguf_headers(&self) -> Option<u64> {
        whole(self.gguf_headers, self.gguf)?
            .into_iter()
            .try_fold(0u64, |sum, header| sum.checked_add(header.parameters))
            .filter(|count| *count > 0)
    }

    /// The sum over the Hub's types. It lists containers of packed weights either as they lie or as what they hold, and
    /// does not say which: only the bytes of the files do.
    fn of_types(&self) -> Option<u64> {
        let counts = types(self.model)?;
        let bytes = self.safetensors.and_then(|variant| variant.bytes);
        let (mut plain, mut stored, mut packed) = (0u64, 0u64, Vec::new());
        for (kind, count) in &counts {
            let bits = bits_of(kind)?;
            match kind.as_str() {
                "I32" | "U32" | "U8" => packed.push((*count, bits)),
                "I64" | "U64" | "I16" | "U16" | "BOOL" => {}
                _ => plain = plain.checked_add(*count)?,
            }
            stored = stored.checked_add(count.checked_mul(bits)?)?;
        }
        let containers = packed.iter().try_fold(0u64, |sum, (count, _)| sum.checked_add(*count))?;
        // Counters and positions: some thousands, whatever the model.
        if containers <= plain / 1000 {
            return Some(plain).filter(|_| bytes.is_none_or(|bytes| near(stored / 8, bytes)));
        }
        let (own, bytes) = (self.quantisation?, bytes?);
        let bits = own.bits?;
        if near(stored / 8, bytes) {
            return packed.iter().try_fold(plain, |sum, &(count, container)| {
                let (held, scales) = held(own, count, container, bits)?;
                sum.checked_add(held)?.checked_sub(scales)
            });
        }
        // As what they hold. Scales of GPTQ and AWQ are then left out; of MXFP4 each scale is counted as one more.
        let (weights, aids) = match (own.method.as_str(), own.group) {
            ("mxfp4", _) => (containers.checked_sub(containers / 33)?, (containers / 33).checked_mul(8)?),
            ("gptq" | "awq", Some(group)) => (containers, (containers / group).checked_mul(16 + bits)?),
            _ => (containers, 0),
        };
        let lies =
            packed.iter().try_fold(0u64, |sum, &(count, bits)| sum.checked_add(count.checked_mul(bits)?))?;
        let held = weights.checked_mul(bits)?.checked_add(aids)?;
        let as_held = stored.checked_sub(lies)?.checked_add(held)?;
        near(as_held / 8, bytes).then(|| plain.checked_add(weights))?
    }

    fn declared(&self) -> Option<u64> {
        let model = self.model;
        let possible = |variant: Option<&Variant>| {
            let bytes = variant.and_then(|variant| variant.bytes);
            // Between one and 34 bits a parameter: no more is known of it.
            move |count: &u64| {
                let bits = bytes.map(|bytes| bytes as f64 * 8.0 / *count as f64);
                *count > 0 && bits.is_none_or(|bits| (1.0..=34.0).contains(&bits))
            }
        };
        let safetensors = || {
            let own = model.safetensors.get()?;
            // Beside its parts a total tells nothing new, and what the parts do not bear out is not known.
            let alone = !matches!(own.parameters, Field::Is(_));
            own.total.get().copied().filter(|_| alone && self.quantisation.is_none())
        };
        let gguf = || model.gguf.get()?.total.get().copied().filter(possible(self.gguf));
        safetensors().filter(possible(self.safetensors)).or_else(gguf)
    }
}

/// The parameters that one packed type holds, and how many scales among the plain ones belong to them.
///
/// GPTQ and AWQ: of W weights in groups of g, W·bits/32 containers hold the weights, W/g·bits/32 their zero points, and
/// there are W/g scales. bitsandbytes: W/2 bytes of weights and, for each 64, one of their scales. MXFP4: W/2 bytes and,
/// for each 32, a scale.
fn held(own: &Quantisation, count: u64, container: u64, bits: u64) -> Option<(u64, u64)> {
    let held = unpacked(count, container, bits)?;
    Some(match (own.method.as_str(), own.group) {
        ("gptq" | "awq", Some(group)) => {
            let weights = u128::from(held) * u128::from(group) / (u128::from(group) + 1);
            let weights = u64::try_from(weights).ok()?;
            (weights, weights / group)
        }
        ("mlx", Some(group)) => (held, held.checked_mul(2)? / group),
        ("compressed-tensors", Some(group)) => (held, held / group),
        ("bitsandbytes", _) if bits == 4 => (u64::try_from(u128::from(held) * 32 / 33).ok()?, 0),
        ("mxfp4", _) => (u64::try_from(u128::from(held) * 16 / 17).ok()?, 0),
        _ => (held, 0),
    })
}

/// The Hub's types and counts, if each of them is a number.
pub(crate) fn types(model: &HfModel<'_>) -> Option<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for (kind, count) in model.safetensors.get()?.by_type() {
        counts.insert(kind.into_owned(), *count.get()?);
    }
    Some(counts).filter(|counts| !counts.is_empty())
}

/// The bytes that the Hub's types take, which is how they lie in the files.
pub(crate) fn bits_of(kind: &str) -> Option<u64> {
    match kind {
        "F4" | "FP4" => Some(4),
        _ if kind.starts_with("F6_") => Some(6),
        _ if kind.starts_with("F8_") => Some(8),
        "BOOL" | "U8" | "I8" => Some(8),
        "F16" | "BF16" | "I16" | "U16" => Some(16),
        "F32" | "I32" | "U32" => Some(32),
        "F64" | "I64" | "U64" => Some(64),
        _ => None,
    }
}

fn unpacked(count: u64, container: u64, bits: u64) -> Option<u64> {
    u64::try_from((u128::from(count) * u128::from(container)).checked_div(u128::from(bits))?).ok()
}

fn near(one: u64, other: u64) -> bool {
    (one as f64 - other as f64).abs() <= APART * other as f64
}

fn sum_of(counts: &BTreeMap<String, u64>) -> Option<u64> {
    counts.values().try_fold(0u64, |sum, count| sum.checked_add(*count))
}

/// The headers of all files of a variant; where no files are known, of all shards that the names tell of.
pub(crate) fn whole<'h, T>(headers: &'h [(String, T)], variant: Option<&Variant>) -> Option<Vec<&'h T>> {
    if headers.is_empty() {
        return None;
    }
    if let Some(variant) = variant.filter(|variant| !variant.paths.is_empty()) {
        let by_path: HashMap<&String, &T> = headers.iter().map(|(path, header)| (path, header)).collect();
        return variant.paths.iter().map(|path| by_path.get(path).copied()).collect();
    }
    let stem = |path: &str| path.rsplit_once('.').map_or(path.to_owned(), |(stem, _)| stem.to_owned());
    let (base, shards) = {
        let stem = stem(&headers[0].0);
        let (base, shards) = shard(&stem);
        (base.to_owned(), shards.unwrap_or(1))
    };
    let same = headers.iter().all(|(path, _)| shard(&stem(path)).0 == base);
    (same && shards == headers.len() as u64).then(|| headers.iter().map(|(_, header)| header).collect())
}

/// Types whose experts all have three matrices of the same size, in all layers but the first ones.
const MIXTURES: [&str; 5] = ["mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "deepseek_v2"];

/// The parameters that one token uses: all, without the experts that it does not choose.
///
/// total − layers with experts × (experts − chosen) × 3 × `hidden_size` × width of an expert. None where layers that only
/// guess ahead (MTP) are among the weights.
pub(crate) fn active(config: &Config<'_>, total: u64) -> Option<u64> {
    let text = config.of_text();
    let kind = text.text("model_type")?;
    let experts = ["num_local_experts", "num_experts", "n_routed_experts"];
    if !MIXTURES.contains(&kind.as_ref()) || text.number(&["num_nextn_predict_layers"]).is_some() {
        return None;
    }
    // Layers that have experts by turns are not counted here.
    let every = ["decoder_sparse_step", "moe_layer_freq"];
    if every.iter().any(|name| text.has(name) && text.number(&[name]) != Some(1)) {
        return None;
    }
    if text
        .get("mlp_only_layers")
        .is_some_and(|list| list.elements().is_none_or(|mut list| list.next().is_some()))
    {
        return None;
    }
    let (experts, chosen) = (text.number(&experts)?, text.number(&["num_experts_per_tok"])?);
    let dense =
        if text.has("first_k_dense_replace") { text.get("first_k_dense_replace")?.u64()? } else { 0 };
    let layers = text.number(&["num_hidden_layers"])?.checked_sub(dense)?;
    let width = text.number(&["moe_intermediate_size"]).or_else(|| text.number(&["intermediate_size"]))?;
    let expert = text.number(&["hidden_size"])?.checked_mul(width)?.checked_mul(3)?;
    let idle = experts.checked_sub(chosen)?.checked_mul(expert)?.checked_mul(layers)?;
    total.checked_sub(idle).filter(|active| *active > 0)
}
