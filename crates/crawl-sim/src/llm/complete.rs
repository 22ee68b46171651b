//! Builds one chat completion, whole or as a stream of events.

use bytes::Bytes;
use serde_json::{Value, json};

use super::obey::Obeys;
use super::prompt::Prompt;
use super::rule::Told;
use super::{obey, point, rule, tokens};
use crate::fault::Fault;
use crate::http::answer::{Answer, Body};

/// Seconds since 1970 that every answer says it was made at: answers do not depend on the clock.
const CREATED: u64 = 1_795_305_600;
/// Bytes of content in one event of a stream.
const EVENT: usize = 24;

struct Completion {
    id: String,
    model: String,
    /// `None` if the model refuses.
    content: Option<String>,
    finish: &'static str,
    prompt_tokens: usize,
    tokenizes: bool,
}

/// How the double answers and counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether it obeys orders inside records, and what it understands of them.
    pub(super) obeys: Option<Obeys>,
    /// Whether it counts tokens as OpenAI's models do, not by bytes.
    pub(super) tokenizes: bool,
}

pub(super) fn answer(
    prompt: &Prompt,
    record_id: Option<&str>,
    number: u64,
    fault: Option<&Fault>,
    manner: Manner,
) -> Answer {
    completion(prompt, record_id, number, fault, manner).map_or_else(
        |completion| completion.stream(prompt.wants_usage()),
        |completion| Answer::json(completion.whole().to_string()),
    )
}

/// As a value, for batches.
pub(super) fn body(
    prompt: &Prompt,
    record_id: Option<&str>,
    number: u64,
    fault: Option<&Fault>,
    manner: Manner,
) -> Value {
    match completion(prompt, record_id, number, fault, manner) {
        Ok(completion) | Err(completion) => completion.whole(),
    }
}

/// `Err` if it is to be streamed.
fn completion(
    prompt: &Prompt,
    record_id: Option<&str>,
    number: u64,
    fault: Option<&Fault>,
    manner: Manner,
) -> Result<Completion, Completion> {
    let mut completion = Completion {
        id: format!("chatcmpl-{number:08}"),
        model: prompt.model.clone(),
        content: Some(content(prompt, record_id, fault, manner.obeys)),
        finish: "stop",
        prompt_tokens: if manner.tokenizes {
            tokens::of_prompt(prompt)
        } else {
            prompt.prompt_bytes().div_ceil(4)
        },
        tokenizes: manner.tokenizes,
    };
    match fault {
        Some(Fault::Refusal) => completion.content = None,
        Some(Fault::Length) => completion.cut(completion.content.as_ref().map_or(0, String::len) / 2),
        _ => {
            if let Some(most) = prompt.max_tokens {
                completion.cut(most.saturating_mul(4));
            }
        }
    }
    if prompt.stream { Err(completion) } else { Ok(completion) }
}

fn content(prompt: &Prompt, record_id: Option<&str>, fault: Option<&Fault>, obeys: Option<Obeys>) -> String {
    let id = record_id.unwrap_or("unknown");
    if matches!(fault, Some(Fault::InvalidJson)) {
        return "Sure! I would say it is about several things, {\"labels\": [".into();
    }
    let Some(schema) = prompt.schema() else {
        return json!({ "id": id, "text": "I was not told which shape to answer in." }).to_string();
    };
    let orders = obeys.and_then(|how| obey::orders(&prompt.record()?, how));
    let told = Told { check: prompt.check_word(), list: point::List::read(&prompt.told()), orders };
    let answer = || rule::answer_to(&schema, id, &told);
    match fault {
        Some(Fault::Fenced) => format!("```json\n{}\n```", answer()),
        Some(Fault::WrongId) => rule::answer_with_id(&schema, id, &format!("{id}-other")).to_string(),
        Some(Fault::WrongLabel) => rule::answer_with_label(&schema, id, "no-such-label").to_string(),
        _ => answer().to_string(),
    }
}

impl Completion {
    /// Keeps at most so many bytes, and says so.
    fn cut(&mut self, bytes: usize) {
        if let Some(content) = &mut self.content
            && content.len() > bytes
        {
            content.truncate(content.floor_char_boundary(bytes));
            self.finish = "length";
        }
    }

    fn usage(&self) -> Value {
        let count =
            |content: &String| if self.tokenizes { tokens::of(content) } else { content.len().div_ceil(4) };
        let completion_tokens = self.content.as_ref().map_or(8, count);
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": self.prompt_tokens + completion_tokens,
        })
    }

    fn refusal(&self) -> Option<&'static str> {
        self.content.is_none().then_some("I'm sorry, I can't help with that.")
    }

    fn whole(&self) -> Value {
        let message = json!({ "role": "assistant", "content": self.content, "refusal": self.refusal() });
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": self.finish }],
            "usage": self.usage(),
        })
    }

    fn stream(&self, with_usage: bool) -> Answer {
        let mut events = vec![self.event(&json!({ "role": "assistant", "content": "" }), None)];
        if let Some(refusal) = self.refusal() {
            events.push(self.event(&json!({ "refusal": refusal }), None));
        }
        let mut rest = self.content.as_deref().unwrap_or("");
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(EVENT));
            events.push(self.event(&json!({ "content": piece }), None));
            rest = after;
        }
        events.push(self.event(&json!({}), Some(self.finish)));
        if with_usage {
            let mut usage = self.chunk(&json!([]));
            usage["usage"] = self.usage();
            events.push(line(&usage.to_string()));
        }
        events.push(line("[DONE]"));
        Answer { body: Body::Parts(events), ..Answer::new(200, "text/event-stream; charset=utf-8", "") }
    }

    fn event(&self, delta: &Value, finish: Option<&str>) -> Bytes {
        line(&self.chunk(&json!([{ "index": 0, "delta": delta, "finish_reason": finish }])).to_string())
    }

    fn chunk(&self, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "choices": choices,
        })
    }
}

fn line(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}
