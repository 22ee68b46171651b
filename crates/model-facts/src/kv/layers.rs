//! Which layers keep all tokens, which have a window, and which keep none.

use crawl_core::json::Raw;

use super::PERHAPS_STATES;
use crate::config::{Config, positive};

/// What a layer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// All tokens.
    All,
    /// The last tokens.
    Window,
    /// Nothing that grows.
    None,
}

/// Types of the transformers library whose window holds for all layers if nothing else is told.
const ALL_WINDOWED: [&str; 5] = ["mistral", "mixtral", "phi3", "phimoe", "starcoder2"];

/// Types whose n-th layer sees all while the others have a window, if the configuration does not tell. That is how their
/// classes are written.
const PATTERNS: [(&str, u64); 5] =
    [("gemma2", 2), ("gemma3_text", 6), ("gemma3", 6), ("cohere2", 4), ("gemma3n_text", 5)];

/// The layers that have a cache of their own, in order.
pub(super) fn layers(text: &Config<'_>, kind: &str, count: u64) -> Option<Vec<Layer>> {
    let mut layers = all(text, kind, count)?;
    if text.has("num_kv_shared_layers") {
        // The last ones use what others keep.
        let shared = text.get("num_kv_shared_layers")?.u64()?;
        layers.truncate(usize::try_from(count.checked_sub(shared)?).ok()?);
    }
    Some(layers)
}

/// The window, in tokens.
pub(super) fn window(text: &Config<'_>) -> Option<u64> {
    text.number(&["sliding_window", "attention_chunk_size", "window_size"])
}

fn all(text: &Config<'_>, kind: &str, count: u64) -> Option<Vec<Layer>> {
    let length = usize::try_from(count).ok()?;
    for name in ["layer_types", "layers_block_type"] {
        if let Some(list) = text.get(name) {
            let layers: Option<Vec<Layer>> = list.elements()?.take(length + 1).map(of_name).collect();
            return layers.filter(|layers| layers.len() == length);
        }
    }
    let each = |sees_all: &dyn Fn(u64) -> bool, other: Layer| {
        (0..count).map(|index| if sees_all(index) { Layer::All } else { other }).collect::<Vec<_>>()
    };
    // Nemotron-H: a letter a layer, `*` for attention.
    if let Some(pattern) = text.text("hybrid_override_pattern") {
        let pattern = pattern.as_bytes();
        return (pattern.len() == length)
            .then(|| each(&|index| pattern[index as usize] == b'*', Layer::None));
    }
    // Lfm2 and Bamba: the places of those that see all.
    for name in ["full_attn_idxs", "attn_layer_indices"] {
        if let Some(list) = text.get(name) {
            let places: Option<Vec<u64>> = list.elements()?.take(length + 1).map(Raw::u64).collect();
            let places = places.filter(|places| places.iter().all(|place| *place < count))?;
            return Some(each(&|index| places.contains(&index), Layer::None));
        }
    }
    // Jamba.
    if let Some(period) = text.number(&["attn_layer_period"]) {
        let offset = text.get("attn_layer_offset")?.u64()?;
        return Some(each(&|index| index % period == offset, Layer::None));
    }
    // Qwen3-Next.
    if let Some(interval) = text.number(&["full_attention_interval"]) {
        return Some(each(&|index| (index + 1) % interval == 0, Layer::None));
    }
    let states = [
        "mamba_d_state",
        "ssm_state_size",
        "ssm_cfg",
        "linear_attn_config",
        "attn_type_list",
        "block_types",
        "lru_width",
    ];
    if states.iter().any(|name| text.has(name)) || PERHAPS_STATES.iter().any(|part| kind.contains(part)) {
        return None;
    }
    let known = PATTERNS.iter().find(|(name, _)| *name == kind).map(|(_, pattern)| *pattern);
    if !text.has("sliding_window") || text.get("use_sliding_window").and_then(Raw::bool) == Some(false) {
        // Its class has a window, which is not told.
        if known.is_some() {
            return None;
        }
        // Llama 4 tells its chunks by `no_rope_layers`: 1 for a layer in chunks.
        if text.has("attention_chunk_size") {
            let list = text.get("no_rope_layers")?.elements()?.take(length + 1);
            let layers: Vec<Layer> =
                list.map(|raw| if positive(raw).is_some() { Layer::Window } else { Layer::All }).collect();
            return (layers.len() == length).then_some(layers);
        }
        return Some(each(&|_| true, Layer::All));
    }
    if text.is("use_sliding_window") {
        // Qwen2: the first ones see all.
        let first = text.get("max_window_layers")?.u64()?;
        return Some(each(&|index| index < first, Layer::Window));
    }
    let pattern =
        ["sliding_window_pattern", "_sliding_window_pattern"].into_iter().find(|name| text.has(name));
    let pattern = match pattern {
        Some(name) => Some(text.number(&[name])?),
        None => known,
    };
    if let Some(pattern) = pattern {
        return Some(each(&|index| (index + 1) % pattern == 0, Layer::Window));
    }
    ALL_WINDOWED.contains(&kind).then(|| each(&|_| false, Layer::Window))
}

fn of_name(raw: Raw<'_>) -> Option<Layer> {
    Some(match raw.str()?.as_ref() {
        "full_attention" | "attention" | "global_attention" | "global" | "hybrid" => Layer::All,
        "sliding_attention" | "chunked_attention" | "local_attention" | "sliding_window_attention" => {
            Layer::Window
        }
        "linear_attention" | "mamba" | "mamba2" | "conv" | "recurrent" | "mlp" | "moe" => Layer::None,
        _ => return None,
    })
}
