//! Tokens: how long a text is to a model.

use tiktoken_rs::CoreBPE;

/// The tokens of a text.
pub(crate) fn tokens_of(text: &str, model: &str) -> u64 {
    tokenizer(model).encode_ordinary(text).len() as u64
}

/// The tokenizer of a model; for one that is not OpenAI's it is an estimate.
pub(crate) fn tokenizer(model: &str) -> &'static CoreBPE {
    let old = model == "gpt-4" || model.starts_with("gpt-4-") || model.starts_with("gpt-3.5");
    if old { tiktoken_rs::cl100k_base_singleton() } else { tiktoken_rs::o200k_base_singleton() }
}
