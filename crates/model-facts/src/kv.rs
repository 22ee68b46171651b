//! What a model keeps of each token that it has seen: the cache of keys and values.
//!
//! | layers | bytes a token and layer, at 16 bits | until |
//! |---|---|---|
//! | all heads, grouped heads | 2 bytes × KV heads × (width of keys + width of values) | the context |
//! | latent (MLA) | 2 bytes × (`kv_lora_rank` + `qk_rope_head_dim` + `index_head_dim`, where there is one) | the context |
//! | with a sliding window, or in chunks | as the first two | the window |
//! | with a state (Mamba, linear attention, convolution) | none | – |
//!
//! Which layers are which is read from the configuration; where it does not tell, the cache is unknown. States of a
//! fixed size are not counted: they are some MB.

use crawl_core::json::Raw;

use crate::config::Config;

mod header;
mod layers;

pub(crate) use header::of_gguf;
use layers::{Layer, layers};

/// The cache of one sequence, at 16 bits an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kv {
    /// Bytes a token of the layers that keep all tokens.
    pub bytes_per_token: u64,
    /// Bytes a token of the layers that keep the last [`Kv::window`] tokens alone.
    pub window_bytes_per_token: u64,
    /// The window, in tokens; none if no layer has one.
    pub window: Option<u64>,
    /// What this was read from.
    pub basis: &'static str,
}

/// More layers than any model has.
const MOST_LAYERS: u64 = 10_000;

/// Ends of the names of classes that write nothing, so keep nothing.
const SILENT: [&str; 9] = [
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForImageClassification",
    "ForObjectDetection",
    "ForAudioClassification",
    "ForCTC",
];

/// Types that have a state in all layers.
const STATES: [&str; 6] = ["mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv5", "xlstm"];

/// Parts of names of types that have a state in some layers or in all, and do not tell in which.
const PERHAPS_STATES: [&str; 8] =
    ["mamba", "rwkv", "retnet", "hgrn", "delta_net", "deltanet", "linear_attn", "recurrent"];

/// Heads of types whose class takes this width where none is told, whatever the width of the model.
const HEAD_OF_CLASS: [(&str, u64); 4] =
    [("gemma", 256), ("gemma2", 256), ("gemma3_text", 256), ("gemma3n_text", 256)];

/// Types that have as many KV heads as heads where none are told. What is nested in a configuration leaves out what is as
/// its class has it, which is another number of most types.
const ALL_HEADS: [&str; 2] = ["llama", "phi3"];

/// The cache as the configuration tells.
pub(crate) fn of_config(config: &Config<'_>) -> Option<Kv> {
    let none = |basis| Kv { bytes_per_token: 0, window_bytes_per_token: 0, window: None, basis };
    let class = config.architecture()?;
    if SILENT.iter().any(|end| class.ends_with(end)) {
        return Some(none("architecture: it keeps no cache"));
    }
    let writes = ["ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "CausalLM", "ForImageTextToText"];
    if !writes.iter().any(|end| class.ends_with(end)) || config.is("is_encoder_decoder") {
        return None;
    }
    let text = config.of_text();
    let kind = text.text("model_type").or_else(|| config.text("model_type"))?;
    if STATES.contains(&kind.as_ref()) {
        return Some(none("model_type: it keeps a state and no cache"));
    }
    let count = text.number(&["num_hidden_layers", "n_layer", "n_layers", "num_layers"])?;
    if count > MOST_LAYERS {
        return None;
    }
    let nested = !std::ptr::eq(text, config);
    if nested
        && !["num_key_value_heads", "kv_lora_rank"].iter().any(|name| text.has(name))
        && !ALL_HEADS.contains(&kind.as_ref())
    {
        return None;
    }
    let layers = layers(text, &kind, count)?;
    let (all, windowed, basis) = widths(text, &kind)?;
    let window = if layers.contains(&Layer::Window) { Some(layers::window(text)?) } else { None };
    let bytes = |which: Layer, width: u64| {
        let count = layers.iter().filter(|layer| **layer == which).count() as u64;
        count.checked_mul(width)?.checked_mul(2)
    };
    Some(Kv {
        bytes_per_token: bytes(Layer::All, all)?,
        window_bytes_per_token: bytes(Layer::Window, windowed)?,
        window,
        basis,
    })
}

/// Elements a token of a layer that keeps all, and of one with a window.
fn widths(text: &Config<'_>, kind: &str) -> Option<(u64, u64, &'static str)> {
    // Layers whose keys and values are made in ways that are not known here.
    let strange = ["compress_ratios", "block_configs", "swa_num_key_value_heads", "swa_head_dim"];
    if strange.iter().any(|name| text.has(name)) {
        return None;
    }
    if text.has("kv_lora_rank") {
        let latent = text.number(&["kv_lora_rank"])?.checked_add(text.number(&["qk_rope_head_dim"])?)?;
        let index = if text.has("index_head_dim") { text.number(&["index_head_dim"])? } else { 0 };
        let width = latent.checked_add(index)?;
        return Some((width, width, "config.json: kv_lora_rank + qk_rope_head_dim"));
    }
    // Latent attention whose rank is not told.
    if ["qk_rope_head_dim", "qk_nope_head_dim", "q_lora_rank"].iter().any(|name| text.has(name)) {
        return None;
    }
    let heads = text.number(&["num_attention_heads", "n_head", "n_heads", "num_heads"]);
    let kv_heads = kv_heads(text, heads)?;
    let of_class = HEAD_OF_CLASS.iter().find(|(name, _)| *name == kind).map(|(_, head)| *head);
    let head = match (["head_dim", "kv_channels"].into_iter().find(|name| text.has(name)), of_class) {
        (Some(name), _) => text.number(&[name])?,
        (None, Some(head)) => head,
        (None, None) => {
            let (width, heads) = (text.number(&["hidden_size", "n_embd", "d_model"])?, heads?);
            (width % heads == 0).then(|| width / heads)?
        }
    };
    let values = if text.has("v_head_dim") { text.number(&["v_head_dim"])? } else { head };
    let windowed = kv_heads.checked_mul(head.checked_add(values)?)?;
    // Gemma 4 has other heads in the layers that see all.
    let all = match text.number(&["global_head_dim"]) {
        Some(head) => {
            let heads = text.number(&["num_global_key_value_heads"]).unwrap_or(kv_heads);
            heads.checked_mul(head)?.checked_mul(2)?
        }
        None => windowed,
    };
    Some((all, windowed, "config.json: layers × KV heads × head width"))
}

fn kv_heads(text: &Config<'_>, heads: Option<u64>) -> Option<u64> {
    if text.has("num_key_value_heads") {
        return text.number(&["num_key_value_heads"]);
    }
    if text.is("multi_query_attention") {
        return text.number(&["multi_query_group_num"]);
    }
    // Falcon: the newer form names its heads, the older has one for all.
    if text.is("new_decoder_architecture") {
        return text.number(&["num_kv_heads", "n_head_kv"]);
    }
    if text.is("multi_query") {
        return Some(1);
    }
    if text
        .get("attn_config")
        .and_then(|own| own.get("kv_n_heads"))
        .is_some_and(|raw: Raw<'_>| !raw.is_null())
    {
        return None;
    }
    heads
}
