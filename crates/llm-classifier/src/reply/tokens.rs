//! What an endpoint counts: tokens under the names that servers give them, and nothing that is no count.

use serde_json::Value;

use super::Reply;

/// Adds what a body, or an event of a stream, counts. Later events hold the whole count, so the largest one stands.
pub(super) fn add(reply: &mut Reply, body: &Value) {
    let usages = [body.get("usage"), body.get("x_groq").and_then(|groq| groq.get("usage")), Some(body)];
    let wrapped = ["data", "result", "response", "body"].iter().find_map(|name| body.get(name)?.get("usage"));
    let first = body.get(0).and_then(|first| first.get("usage"));
    let usages = usages.into_iter().chain([wrapped, first]).flatten();
    for usage in usages.filter(|usage| usage.is_object()) {
        add_usage(reply, usage);
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
    let sent = of(&["prompt_tokens", "input_tokens", "prompt_eval_count", "promptTokens"]);
    let received = of(&["completion_tokens", "output_tokens", "eval_count", "completionTokens"]);
    let details = ["completion_tokens_details", "output_tokens_details"];
    let thoughts = inside(&details, "reasoning_tokens").or_else(|| of(&["reasoning_tokens"])).unwrap_or(0);
    let total = of(&["total_tokens", "totalTokens"]);
    // Some count thoughts beside the answer, and only their sum tells; whoever counts them within has as many or more.
    let received = match (received, sent, total) {
        (Some(received), Some(sent), Some(total)) => {
            Some(received.max(total.saturating_sub(sent)).max(thoughts))
        }
        (Some(received), ..) if thoughts > received => Some(received.saturating_add(thoughts)),
        (None, Some(sent), Some(total)) => total.checked_sub(sent),
        (received, ..) => received,
    };
    let sent = sent.or_else(|| total?.checked_sub(received?));
    let cached = inside(&["prompt_tokens_details", "input_tokens_details"], "cached_tokens")
        .or_else(|| of(&["prompt_cache_hit_tokens"]));
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
