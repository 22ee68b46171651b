//! Where in a body the answer stands: chat completions, their streams, and the forms of other servers.

use serde_json::Value;

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
        let failed = self.finish_reason.as_deref() == Some("error");
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
    let mut value = value;
    for _ in 0..WRAPPED {
        let said = of_body(value);
        if !said.is_nothing() {
            return said;
        }
        let inner = match value {
            Value::Array(values) => values.first(),
            value => {
                ["data", "result", "response", "body", "completion"].iter().find_map(|name| value.get(name))
            }
        };
        match inner {
            Some(inner @ (Value::Object(_) | Value::Array(_))) => value = inner,
            _ => break,
        }
    }
    Said::default()
}

fn of_body(value: &Value) -> Said {
    match value.get("choices") {
        Some(Value::Array(choices)) => {
            let choices: Vec<Said> =
                choices.iter().filter(|choice| choice.is_object()).map(of_choice).collect();
            // The first choice is the answer; another one only where the first is empty.
            let full = choices.iter().find(|said| !said.is_blank_but_for_errors());
            return full.or(choices.first()).cloned().unwrap_or_default();
        }
        Some(choice @ Value::Object(_)) => return of_choice(choice),
        _ => {}
    }
    if value.get("message").is_some_and(Value::is_object) {
        return of_choice(value);
    }
    // Other forms of a whole body: Anthropic's and OpenAI's newer one, and those of simple servers.
    let text = ["output_text", "content", "output", "response", "generated_text", "text"];
    let content = text.iter().find_map(|name| text_of(value.get(name)?));
    let finish_reason =
        ["finish_reason", "stop_reason", "done_reason"].iter().find_map(|name| word(value.get(name)?));
    Said { found: content.is_some(), content, finish_reason, ..Said::default() }
}

fn of_choice(choice: &Value) -> Said {
    let message =
        ["message", "delta"].iter().find_map(|name| choice.get(name).filter(|value| value.is_object()));
    let message = message.unwrap_or(choice);
    let member = |names: &[&str]| names.iter().find_map(|name| text_of(message.get(name)?));
    let full = |text: &String| !text.trim().is_empty();
    let content = member(&["content", "text"]).filter(full).or_else(|| called(message)).or_else(|| {
        // Asked for by nobody, but an answer all the same.
        message.get("parsed").filter(|parsed| parsed.is_object()).map(Value::to_string)
    });
    Said {
        content: content.or_else(|| member(&["content", "text"])),
        reasoning: member(&["reasoning_content", "reasoning", "thinking"]),
        refusal: member(&["refusal"]).filter(full),
        finish_reason: ["finish_reason", "stop_reason", "done_reason"]
            .iter()
            .find_map(|name| word(choice.get(name)?)),
        found: true,
    }
}

/// The arguments of the one function that the model calls instead of answering.
fn called(message: &Value) -> Option<String> {
    let call = match message.get("tool_calls").and_then(Value::as_array).map(Vec::as_slice) {
        Some([call]) => call.get("function")?,
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
    if !matches!(kind, "text" | "output_text" | "message" | "json" | "output_json") {
        return None;
    }
    let inner = ["text", "content", "parts", "json", "value"].iter().find_map(|name| part.get(name))?;
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
