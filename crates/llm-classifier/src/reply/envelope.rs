//! Where in a body the answer stands: chat completions, their streams, and the forms of other servers.

use serde_json::Value;

use super::extract;

/// Why an answer ended that the server or its model could not finish.
const FAILED: [&str; 9] = [
    "error",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "failed",
    "network_error",
    "model_error",
    "insufficient_system_resource",
];

/// Whether an answer that ended so is none: it is to be asked for again.
pub(super) fn is_failure(finish_reason: &str) -> bool {
    FAILED.iter().any(|word| finish_reason.eq_ignore_ascii_case(word))
}

/// What a body says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) finish_reason: Option<String>,
    /// Whether there was a choice or a message at all.
    found: bool,
}

impl Said {
    /// Whether it has no words of the model.
    pub(super) fn is_blank_but_for_errors(&self) -> bool {
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        // A part of an answer that ended in an error is no answer either.
        let failed = self.finish_reason.as_deref().is_some_and(is_failure);
        self.refusal.is_none() && ((blank(&self.content) && blank(&self.reasoning)) || failed)
    }

    /// Whether no answer was found, not even an empty one.
    pub(super) fn is_nothing(&self) -> bool {
        !self.found && self.content.is_none() && self.refusal.is_none() && self.reasoning.is_none()
    }
}

/// What the values of a body say: one value, or the events of a stream in their order.
pub(super) fn said(values: &[Value]) -> Said {
    if let [one] = values {
        return of_one(one);
    }
    values.iter().map(of_one).reduce(joined).unwrap_or_default()
}

fn joined(before: Said, event: Said) -> Said {
    // Some send a whole body twice.
    let whole = before.finish_reason.is_some() && event.content.is_some();
    if whole && before.content.as_deref().is_some_and(|text| extract::object(text).is_ok()) {
        return before;
    }
    let join = |one: Option<String>, other: Option<String>| match (one, other) {
        (Some(one), Some(other)) => Some(one + &other),
        (one, other) => one.or(other),
    };
    Said {
        content: join(before.content, event.content),
        reasoning: join(before.reasoning, event.reasoning),
        refusal: join(before.refusal, event.refusal),
        finish_reason: event.finish_reason.or(before.finish_reason),
        found: before.found || event.found,
    }
}

/// Some proxies put the body into another: no deeper than this.
const WRAPPED: usize = 3;

fn of_one(value: &Value) -> Said {
    within(value, WRAPPED)
}

fn within(value: &Value, steps: usize) -> Said {
    let said = of_body(value);
    if !said.is_nothing() || steps == 0 {
        return said;
    }
    let inner = match value {
        Value::Array(values) => values.first(),
        value => WRAPPERS.iter().find_map(|name| value.get(name)),
    };
    match inner {
        Some(inner @ (Value::Object(_) | Value::Array(_))) => within(inner, steps - 1),
        // A body that is a text inside another.
        Some(Value::String(text)) => {
            serde_json::from_str(text).map(|inner| within(&inner, steps - 1)).unwrap_or_default()
        }
        _ => Said::default(),
    }
}

/// What a proxy calls the body that it passes on.
pub(super) const WRAPPERS: [&str; 6] = ["data", "result", "response", "body", "completion", "output"];
const CHOICES: [&str; 3] = ["choices", "candidates", "results"];
const FINISH: [&str; 5] = ["finish_reason", "stop_reason", "done_reason", "finishReason", "stopReason"];
const TEXT: [&str; 7] = ["output_text", "content", "output", "response", "generated_text", "text", "result"];
const THOUGHTS: [&str; 7] = [
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_details",
    "thinking_blocks",
    "thoughts",
    "thought",
];

fn of_body(value: &Value) -> Said {
    match CHOICES.iter().find_map(|name| value.get(name).filter(|choices| !choices.is_null())) {
        Some(Value::Array(choices)) => {
            let choices: Vec<Said> = choices.iter().filter_map(of_element).collect();
            // The first choice is the answer; another one only where the first is empty.
            let full = choices.iter().find(|said| !said.is_blank_but_for_errors());
            return full.or(choices.first()).cloned().unwrap_or_default();
        }
        Some(choice @ Value::Object(_)) => return of_choice(choice),
        _ => {}
    }
    if ["message", "delta"].iter().any(|name| value.get(name).is_some_and(Value::is_object)) {
        return of_choice(value);
    }
    // Other forms of a whole body: Anthropic's and OpenAI's newer one, and those of simple servers.
    let known = || CHOICES.iter().chain(&TEXT).chain(&WRAPPERS).chain(&["message"]);
    let wraps = |inner: &Value| known().any(|name| inner.get(name).is_some_and(|inner| !inner.is_null()));
    let content = TEXT.iter().find_map(|name| {
        text_of(value.get(name).filter(|inner| !(WRAPPERS.contains(name) && wraps(inner)))?)
    });
    let finish_reason = FINISH.iter().find_map(|name| word(value.get(name)?));
    Said { found: content.is_some(), content, finish_reason, ..Said::default() }
}

fn of_element(choice: &Value) -> Option<Said> {
    match choice {
        Value::Object(_) => Some(of_choice(choice)),
        Value::String(text) => Some(Said { content: Some(text.clone()), found: true, ..Said::default() }),
        _ => None,
    }
}

fn of_choice(choice: &Value) -> Said {
    let message = ["message", "delta"]
        .iter()
        .find_map(|name| choice.get(name).filter(|value| value.is_object()))
        .or_else(|| choice.get("messages")?.as_array()?.last().filter(|value| value.is_object()));
    let message = message.unwrap_or(choice);
    let full = |text: &String| !text.trim().is_empty();
    let texts = || {
        let within = ["content", "text"].iter().filter_map(|name| message.get(name));
        let beside = ["text", "message", "content"].iter().filter_map(|name| choice.get(name));
        within.chain(beside.filter(|beside| beside.is_string())).filter_map(text_of)
    };
    let content = texts().find(full).or_else(|| called(message)).or_else(|| {
        // Asked for by nobody, but an answer all the same.
        message.get("parsed").filter(|parsed| parsed.is_object()).map(Value::to_string)
    });
    let refusal = message.get("refusal").and_then(text_of);
    let refusal = refusal.or_else(|| refused(message.get("content").filter(|_| content.is_none())?));
    Said {
        content: content.or_else(|| texts().next()),
        reasoning: THOUGHTS.iter().find_map(|name| thoughts_of(message.get(name)?)),
        refusal: refusal.filter(full),
        finish_reason: FINISH.iter().find_map(|name| {
            let told = |place: &Value| word(place.get(name)?);
            told(choice).or_else(|| told(message))
        }),
        found: true,
    }
}

/// The refusal among the parts of a content.
fn refused(content: &Value) -> Option<String> {
    content.as_array()?.iter().find_map(|part| part.get("refusal")?.as_str().map(str::to_owned))
}

/// Thoughts: as a text, or as a list of parts of whatever type.
fn thoughts_of(value: &Value) -> Option<String> {
    let Value::Array(parts) = value else { return text_of(value) };
    let names = ["text", "thinking", "summary", "content"];
    let one = |part: &Value| names.iter().find_map(|name| part.get(name)?.as_str().map(str::to_owned));
    let texts: Vec<String> = parts.iter().filter_map(one).collect();
    (!texts.is_empty()).then(|| texts.concat())
}

/// The arguments of the one function that the model calls instead of answering.
fn called(message: &Value) -> Option<String> {
    let call = match message.get("tool_calls").and_then(Value::as_array).map(Vec::as_slice) {
        Some([call]) => call.get("function").unwrap_or(call),
        Some([_, ..]) => return None,
        _ => message.get("function_call")?,
    };
    match call.get("arguments")? {
        Value::String(text) => Some(text.clone()),
        arguments @ Value::Object(_) => Some(arguments.to_string()),
        _ => None,
    }
}

/// A text: as such, as a list of parts, or as an object. Thoughts among the parts are left out.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(part).collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        Value::Object(members) if members.is_empty() => None,
        Value::Object(members) => match members.get("text").or_else(|| members.get("value")) {
            Some(Value::String(text)) => Some(text.clone()),
            _ if members.contains_key("type") || members.contains_key("parts") => part(value),
            // The answer itself, not spelled as a text.
            _ => Some(value.to_string()),
        },
        _ => None,
    }
}

fn part(part: &Value) -> Option<String> {
    if let Value::String(text) = part {
        return Some(text.clone());
    }
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
    if !matches!(kind, "text" | "output_text" | "message" | "json" | "output_json" | "tool_use") {
        return None;
    }
    let names = ["text", "content", "parts", "json", "value", "input"];
    let inner = names.iter().find_map(|name| part.get(name))?;
    match inner {
        Value::String(text) => Some(text.clone()),
        // Parts of a part: one more step, and no deeper.
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| {
                part.get("type").is_none_or(|kind| kind.as_str().is_some_and(|kind| kind.ends_with("text")))
            });
            let texts: Vec<&str> =
                texts.filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str())).collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        Value::Object(members) => match members.get("value").and_then(Value::as_str) {
            Some(text) => Some(text.to_owned()),
            None => Some(inner.to_string()),
        },
        _ => None,
    }
}

/// Why an answer ended, in one word.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) if !word.is_empty() => Some(word.clone()),
        Value::Object(members) => members.get("type")?.as_str().map(str::to_owned),
        _ => None,
    }
}
