//! Counts tokens as OpenAI's newer models do.

use std::sync::OnceLock;

use tiktoken_rs::CoreBPE;

use super::prompt::Prompt;

/// The tokens of a prompt: those of its messages, and what frames them.
pub(super) fn of_prompt(prompt: &Prompt) -> usize {
    prompt.texts().map(|text| of(&text) + 4).sum::<usize>() + 3
}

/// The tokens of a text.
pub(super) fn of(text: &str) -> usize {
    static BPE: OnceLock<Option<CoreBPE>> = OnceLock::new();
    let bpe = BPE.get_or_init(|| tiktoken_rs::o200k_base().ok());
    bpe.as_ref().map_or(text.len().div_ceil(4), |bpe| bpe.encode_ordinary(text).len())
}
