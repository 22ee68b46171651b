//! What must be read for each token, at the least: from it an upper bound of speed follows.

use crate::config::Config;

/// The least bytes of weights that one token needs: all that it uses, without the table of the vocabulary, of which only
/// a row is looked up. Where that table is used a second time at the end (tied), this is less than what is read, so the
/// bound that follows is higher, and still a bound.
///
/// weight_bytes × active_parameters / parameters − `vocab_size` × `hidden_size` × 2 bytes (4 of F32). None of models that
/// also see or hear, for parts of them are not read for a token, and of mixtures whose share is not known.
pub(crate) fn least(
    config: &Config<'_>,
    weight_bytes: u64,
    parameters: Option<u64>,
    active: Option<u64>,
    dtype: Option<&str>,
) -> Option<u64> {
    const EXPERTS: [&str; 5] = [
        "num_experts_per_tok",
        "num_local_experts",
        "num_experts",
        "n_routed_experts",
        "moe_intermediate_size",
    ];
    const OTHERS: [&str; 6] = [
        "text_config",
        "vision_config",
        "audio_config",
        "llm_config",
        "language_config",
        "num_nextn_predict_layers",
    ];
    let class = config.architecture()?;
    if !(class.ends_with("ForCausalLM") || class.ends_with("LMHeadModel"))
        || OTHERS.iter().any(|name| config.has(name))
    {
        return None;
    }
    let used = match (active, parameters) {
        (Some(active), Some(all)) if all > 0 => {
            u64::try_from(u128::from(weight_bytes) * u128::from(active) / u128::from(all)).ok()?
        }
        _ if EXPERTS.iter().any(|name| config.has(name)) => return None,
        _ => weight_bytes,
    };
    let table = config.number(&["vocab_size"])?.checked_mul(config.number(&["hidden_size", "n_embd"])?)?;
    let bytes = table.checked_mul(if dtype == Some("F32") { 4 } else { 2 })?;
    used.checked_sub(bytes).filter(|least| *least > 0)
}
