//! What an endpoint counts: tokens under the names that servers give them, and nothing that is no count.

use serde_json::Value;

use super::Reply;
use super::envelope::WRAPPERS;

/// Adds what a body, or an event of a stream, counts. Later events hold the whole count, so the largest one stands.
pub(super) fn add(reply: &mut Reply, body: &Value) {
    let wrapped = WRAPPERS.iter().chain(&["message", "x_groq"]).find_map(|name| body.get(name)?.get("usage"));
    let of_choice = body.get("choices").and_then(|choices| choices.get(0)?.get("usage"));
    let first = body.get(0).and_then(|first| first.get("usage"));
    let usages = [body.get("usage"), body.get("usageMetadata"), wrapped, of_choice, first];
    for usage in usages.into_iter().flatten().map(|usage| usage.get(0).unwrap_or(usage)) {
        add_usage(reply, usage.get("tokens").unwrap_or(usage));
        add_dollars(reply, usage);
    }
    add_usage(reply, body);
}

/// Some tell dollars, which may be more than the tokens cost: they ask for a fee, or have other prices by now.
fn add_dollars(reply: &mut Reply, usage: &Value) {
    let Some(cost) = usage.get("cost") else { return };
    let told = cost.get("total_cost").unwrap_or(cost);
    let dollars = told.as_f64().or_else(|| told.as_str()?.trim().parse().ok());
    let dollars = dollars.filter(|dollars| dollars.is_finite() && *dollars > 0.0);
    if reply.told_usd < dollars {
        reply.told_usd = dollars;
    }
}

/// Words are made of tokens: a count of none beside them is no count, as servers give it that count nothing.
pub(super) fn doubt_nothing(reply: &mut Reply) {
    if reply.has_words() {
        reply.prompt_tokens = reply.prompt_tokens.filter(|count| *count > 0);
        reply.completion_tokens = reply.completion_tokens.filter(|count| *count > 0);
    }
}

fn add_usage(reply: &mut Reply, usage: &Value) {
    let of = |names: &[&str]| names.iter().find_map(|name| count(usage.get(name)?));
    let inside =
        |names: &[&str], name: &str| names.iter().find_map(|outer| count(usage.get(outer)?.get(name)?));
    let sent = of(&[
        "prompt_tokens",
        "input_tokens",
        "prompt_eval_count",
        "promptTokens",
        "inputTokens",
        "promptTokenCount",
    ]);
    let received = of(&[
        "completion_tokens",
        "output_tokens",
        "eval_count",
        "completionTokens",
        "outputTokens",
        "candidatesTokenCount",
    ]);
    let details = ["completion_tokens_details", "output_tokens_details"];
    let thoughts = inside(&details, "reasoning_tokens");
    let thoughts = thoughts.or_else(|| of(&["reasoning_tokens", "thoughtsTokenCount"])).unwrap_or(0);
    let total = of(&["total_tokens", "totalTokens", "totalTokenCount"]);
    // More thoughts than tokens received stand beside them. Else only the sum tells, and whoever counts them within has as
    // many or more.
    let received =
        received.map(|count| if thoughts > count { count.saturating_add(thoughts) } else { count });
    let received = match (received, sent, total) {
        (Some(received), Some(sent), Some(total)) => Some(received.max(total.saturating_sub(sent))),
        (None, Some(sent), Some(total)) => total.checked_sub(sent),
        (received, ..) => received,
    };
    let sent = sent.or_else(|| total?.checked_sub(received?));
    let cached = inside(&["prompt_tokens_details", "input_tokens_details"], "cached_tokens")
        .or_else(|| of(&["prompt_cache_hit_tokens"]));
    // Anthropic counts beside the others what it reads from its cache and writes there; and more than all is beside all.
    let beside = of(&["cache_read_input_tokens"])
        .unwrap_or(0)
        .saturating_add(of(&["cache_creation_input_tokens"]).unwrap_or(0));
    let within = usage.get("prompt_tokens").is_some();
    let sent = sent.map(|sent| match beside.max(cached.unwrap_or(0)) {
        more if more > sent => sent.saturating_add(more),
        _ if !within => sent.saturating_add(beside),
        _ => sent,
    });
    reply.prompt_tokens = reply.prompt_tokens.max(sent);
    reply.completion_tokens = reply.completion_tokens.max(received);
    reply.cached_tokens = reply.cached_tokens.max(cached.unwrap_or(0));
    reply.reasoning_tokens = reply.reasoning_tokens.max(thoughts);
}

/// A count: a whole number, also where it is written as a fraction or a text. Less than nothing is no count.
fn count(value: &Value) -> Option<u64> {
    const MOST: f64 = 1e15;
    let float =
        |number: f64| (number.is_finite() && (0.0..MOST).contains(&number)).then(|| number.ceil() as u64);
    match value {
        Value::Number(number) => {
            number.as_u64().filter(|count| *count < MOST as u64).or_else(|| float(number.as_f64()?))
        }
        Value::String(text) => text.trim().parse().ok().and_then(float),
        _ => None,
    }
}
