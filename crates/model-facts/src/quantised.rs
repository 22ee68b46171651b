//! Whether and how weights are quantised: from the configuration, else from tags and the name.

use crawl_core::json::Raw;

use crate::config::{Config, positive};

/// A quantisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantisation {
    /// Such as `gptq`, `awq`, `bitsandbytes`, `compressed-tensors`, `fp8`, `mxfp4`, `mlx`, `gguf`.
    pub method: String,
    /// Bits of one weight, where it is told.
    pub bits: Option<u64>,
    /// Weights that share one scale, where it is told.
    pub group: Option<u64>,
    /// `config`, `files` or `name`: what this was read from.
    pub basis: &'static str,
}

pub(crate) fn of(
    config: &Config<'_>,
    only_gguf: bool,
    names: impl Iterator<Item = impl AsRef<str>>,
) -> Option<Quantisation> {
    of_config(config)
        .or_else(|| {
            let gguf = Quantisation { method: "gguf".into(), bits: None, group: None, basis: "files" };
            only_gguf.then_some(gguf)
        })
        .or_else(|| of_names(names))
}

fn of_config(config: &Config<'_>) -> Option<Quantisation> {
    // Some models that also see have it within the part that writes.
    let own = ["quantization_config", "compression_config"];
    let place = own.iter().find_map(|name| config.get(name).or_else(|| config.of_text().get(name)));
    let Some(own) = place.filter(|raw| raw.members().is_some()) else {
        let own = config.get("quantization")?;
        let bits = positive(own.get("bits")?)?;
        let group = own.get("group_size").and_then(positive);
        return Some(Quantisation { method: "mlx".into(), bits: Some(bits), group, basis: "config" });
    };
    let yes = |name| own.get(name).and_then(Raw::bool) == Some(true);
    let text = |name| own.get(name).and_then(Raw::str).filter(|text| !text.is_empty() && text.len() <= 60);
    let method = match text("quant_method") {
        Some(method) => method.to_ascii_lowercase(),
        None if yes("load_in_4bit") || yes("load_in_8bit") => "bitsandbytes".into(),
        None => return None,
    };
    let told = ["bits", "w_bit", "nbits"].iter().find_map(|name| positive(own.get(name)?));
    let bits = told.or_else(|| match method.as_str() {
        _ if yes("load_in_4bit") || yes("_load_in_4bit") => Some(4),
        _ if yes("load_in_8bit") || yes("_load_in_8bit") => Some(8),
        "compressed-tensors" => {
            let mut groups = own.get("config_groups")?.members()?;
            positive(groups.next()?.1.get("weights")?.get("num_bits")?)
        }
        "fp8" | "fbgemm_fp8" => Some(8),
        "mxfp4" => Some(4),
        _ => None,
    });
    let bits = bits.filter(|bits| *bits <= 16);
    let group = ["group_size", "q_group_size"].iter().find_map(|name| positive(own.get(name)?));
    Some(Quantisation { method, bits, group, basis: "config" })
}

/// Words of names and tags, the method, and the bits if the word tells them.
const WORDS: [(&str, &str, Option<u64>); 9] = [
    ("gptq", "gptq", None),
    ("awq", "awq", None),
    ("bnb", "bitsandbytes", None),
    ("bitsandbytes", "bitsandbytes", None),
    ("exl2", "exl2", None),
    ("exl3", "exl3", None),
    ("fp8", "fp8", Some(8)),
    ("mxfp4", "mxfp4", Some(4)),
    ("nvfp4", "nvfp4", Some(4)),
];

fn of_names(names: impl Iterator<Item = impl AsRef<str>>) -> Option<Quantisation> {
    let (mut method, mut bits) = (None, None);
    for name in names {
        let name = name.as_ref().to_ascii_lowercase();
        // Not what another model is called, or where this one can be run.
        if name.contains(':') {
            continue;
        }
        for word in name.split(['-', '_', '/', '.', ' ']) {
            if let Some((_, known, told)) = WORDS.iter().find(|(known, _, _)| *known == word) {
                method = method.or(Some(*known));
                bits = bits.or(*told);
            }
            bits = bits.or(match word {
                "int4" | "4bit" | "w4a16" => Some(4),
                "int8" | "8bit" | "w8a8" | "w8a16" => Some(8),
                _ => None,
            });
        }
        bits = bits.or(match name.as_str() {
            "4-bit" => Some(4),
            "8-bit" => Some(8),
            _ => None,
        });
    }
    Some(Quantisation { method: method?.into(), bits, group: None, basis: "name" })
}
