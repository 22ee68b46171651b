//! Log-probabilities: how likely the model found the tokens that decide, where the endpoint tells it.

use crawl_core::json::Raw;
use serde_json::Value;

use crate::reply::thoughts::Spoken;
use crate::reply::{Reply, extract};

/// The tokens of an answer, in order: the bytes of each, and the logarithm of its probability.
pub(crate) type Tokens = Vec<(u32, f64)>;

/// The tokens that a body, or an event of a stream, tells of.
pub(crate) fn read(body: &Value) -> Tokens {
    let told = body.pointer("/choices/0/logprobs");
    let Some(told) = told else { return Tokens::new() };
    let all: Option<Tokens> = match (told.get("content"), told.get("tokens"), told.get("token_logprobs")) {
        (Some(Value::Array(tokens)), ..) => tokens.iter().map(token).collect(),
        // The older form.
        (_, Some(Value::Array(texts)), Some(Value::Array(logs))) if texts.len() == logs.len() => {
            let one = |(text, log): (&Value, &Value)| Some((length(text.as_str()?.len())?, logarithm(log)?));
            texts.iter().zip(logs).map(one).collect()
        }
        _ => None,
    };
    all.unwrap_or_default()
}

fn token(token: &Value) -> Option<(u32, f64)> {
    // A token may be a part of a character: then only its bytes tell how long it is.
    let bytes = token.get("bytes").and_then(Value::as_array).map(Vec::len);
    let bytes = bytes.or_else(|| token.get("token")?.as_str().map(str::len))?;
    Some((length(bytes)?, logarithm(token.get("logprob")?)?))
}

fn length(bytes: usize) -> Option<u32> {
    u32::try_from(bytes).ok()
}

/// Six digits are kept.
fn logarithm(value: &Value) -> Option<f64> {
    let log = value.as_f64().filter(|log| *log <= 1e-6 && log.is_finite())?;
    Some((log.min(0.0) * 1e6).round() / 1e6)
}

/// The probability of the text of the member that decides, after all before it; `None` if the tokens are not known, or are
/// not those of the answer.
pub(crate) fn probability(reply: &Reply, decides: &str) -> Option<f64> {
    let content = reply.content.as_deref()?;
    if reply.tokens.iter().map(|token| token.0 as usize).sum::<usize>() != content.len() {
        return None;
    }
    let object = extract::only(Spoken::of(reply).text)?;
    let value = Raw::parse(object.as_bytes()).ok()?.get(decides)?;
    let begins = (value.text().as_ptr() as usize).checked_sub(content.as_ptr() as usize)?;
    let ends = begins + value.text().len();
    if ends > content.len() {
        return None;
    }
    let (mut at, mut sum) = (0, 0.0);
    for (length, log) in &reply.tokens {
        let next = at + *length as usize;
        if next > begins && at < ends {
            sum += log;
        }
        at = next;
    }
    Some((sum.exp() * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(content: &str, tokens: &[(&str, f64)]) -> Reply {
        let tokens: Vec<_> =
            tokens.iter().map(|(text, log)| json!({"token": text, "logprob": log})).collect();
        let body = json!({"choices": [{"logprobs": {"content": tokens}}]});
        Reply { content: Some(content.into()), tokens: read(&body), ..Reply::default() }
    }

    #[test]
    fn the_probability_is_that_of_the_tokens_that_decide_and_of_no_others() {
        let tokens = [
            ("{\"id\": \"a\", \"reasoning\": \"lab", -3.0),
            ("els\", \"labels\":", -0.5),
            (" [\"", -0.1),
            ("Science", -0.2),
            ("\"]", -0.3),
            (", \"check\": \"x\"}", -2.0),
        ];
        let content: String = tokens.iter().map(|token| token.0).collect();
        let found = probability(&reply(&content, &tokens), "labels").unwrap();
        assert!((found - (-0.6f64).exp()).abs() < 1e-6, "{found}");
        let thought = format!("<think>so</think>{content}");
        let all: Vec<_> = [("<think>so</think>", -1.0)].into_iter().chain(tokens).collect();
        assert_eq!(probability(&reply(&thought, &all), "labels"), Some(found));
    }

    #[test]
    fn tokens_that_are_not_those_of_the_answer_tell_nothing() {
        let tokens = [("{\"labels\": [\"A\"]", -0.1), ("}", 0.0)];
        assert!(probability(&reply("{\"labels\": [\"A\"]}", &tokens), "labels").is_some());
        assert_eq!(probability(&reply("{\"labels\": [\"A\"]} ", &tokens), "labels"), None);
        assert_eq!(probability(&reply("{\"labels\": [\"A\"]}", &tokens), "related"), None);
        assert_eq!(probability(&reply("{\"labels\": [\"A\"]}", &[]), "labels"), None);
    }

    #[test]
    fn other_forms_are_read_and_what_is_no_logarithm_is_not() {
        let of = |told: Value| read(&json!({"choices": [{"logprobs": told}]}));
        assert_eq!(of(json!({"tokens": ["ab", "c"], "token_logprobs": [-0.5, 0.0]})), [(2, -0.5), (1, 0.0)]);
        assert_eq!(
            of(json!({"content": [{"token": "\u{fffd}", "bytes": [195], "logprob": -1}]})),
            [(1, -1.0)]
        );
        for odd in [
            json!(null),
            json!({}),
            json!({"content": null}),
            json!({"content": [{"token": "a", "logprob": 3}]}),
        ] {
            assert_eq!(of(odd.clone()), [], "{odd}");
        }
    }
}
