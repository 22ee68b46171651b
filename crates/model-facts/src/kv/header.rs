//! The cache as a GGUF header tells, and as llama.cpp lays it out.

use super::{Kv, MOST_LAYERS};
use crate::gguf::{Facts, Numbers};

/// Architectures whose n-th block sees all while the others have a window.
const PATTERNS: [(&str, u64); 4] = [("gemma2", 2), ("gemma3", 6), ("gpt-oss", 2), ("cohere2", 4)];

/// Architectures of which llama.cpp keeps all tokens, whatever window the file names.
const KEPT_WHOLE: [&str; 6] = ["llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "phi3"];

/// The cache of the model in a GGUF file.
pub(crate) fn of_gguf(facts: &Facts) -> Option<Kv> {
    let blocks = facts.block_count.filter(|blocks| *blocks <= MOST_LAYERS)?;
    let architecture = facts.architecture.as_deref()?;
    let basis = "GGUF header: blocks × KV heads × (key width + value width)";
    if let Some(rank) = facts.kv_lora_rank {
        let width = rank.checked_add(facts.rope_dimension_count?)?;
        let bytes_per_token = blocks.checked_mul(width)?.checked_mul(2)?;
        let basis = "GGUF header: kv_lora_rank + rope.dimension_count";
        return Some(Kv { bytes_per_token, window_bytes_per_token: 0, window: None, basis });
    }
    let heads = match (&facts.head_count_kv, &facts.head_count) {
        (Some(heads), _) | (None, Some(heads)) => heads,
        _ => return None,
    };
    if facts.ssm_state_size.is_some() && matches!(heads, Numbers::One(_)) {
        return None;
    }
    let width = || match (facts.embedding_length, &facts.head_count) {
        (Some(width), Some(Numbers::One(heads))) if *heads > 0 && width % heads == 0 => Some(width / heads),
        _ => None,
    };
    let key = facts.key_length.or_else(width)?;
    let value = facts.value_length.or_else(width)?;
    let one = key.checked_add(value)?.checked_mul(2)?;
    let window = facts.sliding_window.filter(|window| *window > 0 && !KEPT_WHOLE.contains(&architecture));
    let (mut all, mut windowed) = (0u64, 0u64);
    for block in 0..blocks {
        let bytes = of_block(heads, block)?.checked_mul(one)?;
        let sum = if window.is_some() && has_window(facts, architecture, block)? {
            &mut windowed
        } else {
            &mut all
        };
        *sum = sum.checked_add(bytes)?;
    }
    Some(Kv { bytes_per_token: all, window_bytes_per_token: windowed, window, basis })
}

fn has_window(facts: &Facts, architecture: &str, block: u64) -> Option<bool> {
    let sees_all = |pattern: u64| (block + 1).checked_rem(pattern).map(|rest| rest == 0);
    match &facts.sliding_window_pattern {
        Some(Numbers::One(pattern)) => Some(!sees_all(*pattern)?),
        Some(Numbers::Each(_)) => Some(of_block(facts.sliding_window_pattern.as_ref()?, block)? > 0),
        None => Some(!sees_all(PATTERNS.iter().find(|(name, _)| *name == architecture)?.1)?),
    }
}

fn of_block(numbers: &Numbers, block: u64) -> Option<u64> {
    match numbers {
        Numbers::One(number) => Some(*number),
        Numbers::Each(list) => list.get(usize::try_from(block).ok()?).copied(),
    }
}
